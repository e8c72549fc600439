"""EMR's operations on Spark's web pages. What they show is Spark's, and is not simulated."""

from typing import Any

from simulator.emr import answers
from simulator.emr.state import Account, new_id
from simulator.errors import InvalidRequest

Parameters = dict[str, Any]
Answer = dict[str, Any]

_ASKED_UNTIL_READY = 2


def create_persistent_app_ui(account: Account, asked: Parameters) -> Answer:
    for cluster in account.clusters.values():
        if answers.arn(account.region, cluster) == asked["TargetResourceArn"]:
            made = new_id("p-")
            account.pages[made] = 0
            return {
                "PersistentAppUIId": made,
                "RuntimeRoleEnabledCluster": cluster.has_runtime_roles,
            }
    raise InvalidRequest(f"Cluster '{asked['TargetResourceArn']}' is not valid.")


def describe_persistent_app_ui(account: Account, asked: Parameters) -> Answer:
    made = _known(account, asked)
    ready = account.pages[made] >= _ASKED_UNTIL_READY
    status = "ATTACHED" if ready else "ATTACHING"
    return {"PersistentAppUI": {"PersistentAppUIId": made, "PersistentAppUIStatus": status}}


def get_persistent_app_ui_presigned_url(account: Account, asked: Parameters) -> Answer:
    made = _known(account, asked)
    account.pages[made] += 1
    if account.pages[made] < _ASKED_UNTIL_READY:
        return {"PresignedURLReady": False}
    url = (
        f"https://{made.lower()}.emrappui-prod.{account.region}.amazonaws.com/shs/?token=simulated"
    )
    return {"PresignedURLReady": True, "PresignedURL": url}


def _known(account: Account, asked: Parameters) -> str:
    made = str(asked["PersistentAppUIId"])
    if made not in account.pages:
        raise InvalidRequest(f"Persistent application UI '{made}' is not valid.")
    return made
