"""Spark's web pages of a run, as AWS keeps them."""

import time
from collections.abc import Callable
from typing import Any

from gristmill.emr.aws import Aws, explained
from gristmill.emr.runners.serverless import ServerlessRunner
from gristmill.errors import GristmillError
from gristmill.runs import Handle

_LOOK_SECONDS, _PATIENCE_SECONDS = 2.0, 120.0


def spark_ui(aws: Aws, handle: Handle, pause: Callable[[float], None] = time.sleep) -> str:
    """A URL for which no other log-in is needed, and which ends with the hour at the latest.

    Of a run on a cluster it is that of the persistent Spark History Server, which is there for 30
    days after the cluster's end
    (https://docs.aws.amazon.com/emr/latest/ManagementGuide/app-history-spark-UI.html); of one on
    EMR Serverless that of the run's dashboard. Raises `GristmillError`.
    """
    if handle.runner == ServerlessRunner.name:
        with explained(f"open the dashboard of {handle.id}"):
            return str(
                aws.serverless.get_dashboard_for_job_run(
                    applicationId=handle.target, jobRunId=handle.id
                )["url"]
            )
    with explained(f"open the pages of {handle.target}"):
        cluster = aws.emr.describe_cluster(ClusterId=handle.target)["Cluster"]
        made = aws.emr.create_persistent_app_ui(TargetResourceArn=cluster["ClusterArn"])
        asked: dict[str, Any] = {
            "PersistentAppUIId": made["PersistentAppUIId"],
            "PersistentAppUIType": "SHS",
        }
        if made.get("RuntimeRoleEnabledCluster"):
            # Whoever may not act as the role of the step sees nothing of it.
            step = aws.emr.describe_step(ClusterId=handle.target, StepId=handle.id)["Step"]
            asked |= {"ExecutionRoleArn": step["ExecutionRoleArn"]}
        for _ in range(int(_PATIENCE_SECONDS / _LOOK_SECONDS)):
            found = aws.emr.get_persistent_app_ui_presigned_url(**asked)
            if found.get("PresignedURLReady"):
                return str(found["PresignedURL"])
            pause(_LOOK_SECONDS)
        ui = made["PersistentAppUIId"]
        told = aws.emr.describe_persistent_app_ui(PersistentAppUIId=ui)["PersistentAppUI"]
    state = f"{told.get('PersistentAppUIStatus')} {told.get('LastStateChangeReason', '')}".strip()
    raise GristmillError(
        f"AWS takes longer than two minutes to make the pages ({state}): ask again in a moment"
    )
