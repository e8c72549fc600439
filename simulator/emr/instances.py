"""EMR's operations on a cluster's machines."""

from typing import Any

from simulator.emr import answers
from simulator.emr.state import Account, page

Parameters = dict[str, Any]
Answer = dict[str, Any]


def list_instances(account: Account, asked: Parameters) -> Answer:
    cluster = account.cluster(asked["ClusterId"])
    roles = [*asked.get("InstanceGroupTypes", [])]
    roles += [asked["InstanceFleetType"]] if "InstanceFleetType" in asked else []
    ids = {asked[key] for key in ("InstanceGroupId", "InstanceFleetId") if key in asked}
    states = asked.get("InstanceStates")
    found = [
        (collection, instance)
        for collection in cluster.collections
        for instance in collection.instances
        if (not roles or collection.role in roles)
        and (not ids or collection.id in ids)
        and (not states or answers.instance_state(cluster) in states)
    ]
    shown, marker = page(found, asked, lambda pair: pair[1].id)
    return {"Instances": [answers.instance(cluster, *pair) for pair in shown], **marker}
