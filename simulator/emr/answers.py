"""Clusters and steps in the words of EMR's answers."""

import math
from collections.abc import Iterable
from typing import Any

from simulator.emr.state import Cluster, Collection, Instance, Step, new_id

ACCOUNT = "123456789012"
"""The account that everything belongs to."""

_AS_ASKED = (
    "SecurityConfiguration",
    "AutoScalingRole",
    "ScaleDownBehavior",
    "CustomAmiId",
    "EbsRootVolumeSize",
    "EbsRootVolumeIops",
    "EbsRootVolumeThroughput",
    "OSReleaseLabel",
    "LogEncryptionKmsKeyId",
)


def arn(region: str, cluster: Cluster) -> str:
    """A cluster's ARN."""
    return f"arn:aws:elasticmapreduce:{region}:{ACCOUNT}:cluster/{cluster.id}"


def summary(region: str, cluster: Cluster) -> dict[str, Any]:
    """A cluster in a list of them."""
    return {
        "Id": cluster.id,
        "Name": cluster.request["Name"],
        "Status": _cluster_status(cluster),
        "NormalizedInstanceHours": 0,
        "ClusterArn": arn(region, cluster),
    }


def description(region: str, cluster: Cluster) -> dict[str, Any]:
    """A cluster on its own."""
    request = cluster.request
    wanted = request["Instances"]
    subnets = wanted.get("Ec2SubnetIds") or [wanted.get("Ec2SubnetId", "subnet-default")]
    optional = _given(request, _AS_ASKED)
    if "LogUri" in request:
        # EMR answers with the scheme of Hadoop's second S3 client, whatever it was given.
        optional["LogUri"] = f"s3n://{request['LogUri'].partition('://')[2].rstrip('/')}/"
    return {
        **summary(region, cluster),
        **optional,
        "Ec2InstanceAttributes": {
            "Ec2SubnetId": subnets[0],
            "RequestedEc2SubnetIds": subnets,
            "IamInstanceProfile": request["JobFlowRole"],
        },
        "InstanceCollectionType": "INSTANCE_FLEET" if has_fleets(cluster) else "INSTANCE_GROUP",
        "ReleaseLabel": cluster.release.label,
        "AutoTerminate": not cluster.keeps_alive,
        "TerminationProtected": cluster.is_protected,
        "VisibleToAllUsers": True,
        "Applications": [
            {"Name": one["Name"], "Version": cluster.release.applications.get(one["Name"], "")}
            for one in request.get("Applications", [])
        ],
        "Tags": [{"Key": key, "Value": value} for key, value in cluster.tags.items()],
        "ServiceRole": request["ServiceRole"],
        "MasterPublicDnsName": "ip-10-0-0-1.ec2.internal",
        "Configurations": request.get("Configurations", []),
        "StepConcurrencyLevel": cluster.concurrency,
    }


def step_summary(step: Step) -> dict[str, Any]:
    """A step in a list of them."""
    properties = {one["Key"]: one["Value"] for one in step.config.get("Properties", [])}
    status: dict[str, Any] = {
        "State": step.state,
        "StateChangeReason": {},
        "Timeline": _times(
            CreationDateTime=step.created, StartDateTime=step.started, EndDateTime=step.ended
        ),
    }
    if step.failure:
        status["FailureDetails"] = step.failure
    return {
        "Id": step.id,
        "Name": step.name,
        "Config": {
            "Jar": step.config["Jar"],
            "Properties": properties,
            "MainClass": step.config.get("MainClass", ""),
            "Args": step.config.get("Args", []),
        },
        "ActionOnFailure": step.action,
        "Status": status,
    }


def step_description(step: Step) -> dict[str, Any]:
    """A step on its own."""
    role = {"ExecutionRoleArn": step.role} if step.role else {}
    return step_summary(step) | role


def collections(requests: list[dict[str, Any]], *, fleets: bool) -> list[Collection]:
    """The groups or fleets that a request asks for, with their instances."""
    made = []
    number = 0
    for request in requests:
        role = request["InstanceFleetType" if fleets else "InstanceRole"]
        found = Collection(new_id("if-" if fleets else "ig-"), role, request)
        for market, type_ in _machines(request, fleets=fleets):
            number += 1
            ec2_id = f"i-{new_id('').lower()}"
            found.instances.append(Instance(new_id("ci-"), ec2_id, market, type_, number))
        made.append(found)
    return made


def _machines(request: dict[str, Any], *, fleets: bool) -> list[tuple[str, str]]:
    """The market and the type of each instance; in a fleet, all of its first type."""
    if not fleets:
        market = request.get("Market", "ON_DEMAND")
        return [(market, request["InstanceType"])] * request["InstanceCount"]
    first = request["InstanceTypeConfigs"][0]
    weight = first.get("WeightedCapacity", 1) or 1
    return [
        (market, first["InstanceType"])
        for market, target in (
            ("ON_DEMAND", request.get("TargetOnDemandCapacity", 0)),
            ("SPOT", request.get("TargetSpotCapacity", 0)),
        )
        for _ in range(math.ceil(target / weight))
    ]


def instance(cluster: Cluster, collection: Collection, one: Instance) -> dict[str, Any]:
    """A machine."""
    key = "InstanceFleetId" if has_fleets(cluster) else "InstanceGroupId"
    return {
        "Id": one.id,
        "Ec2InstanceId": one.ec2_id,
        "PrivateDnsName": f"ip-10-0-0-{one.number}.ec2.internal",
        "PrivateIpAddress": f"10.0.0.{one.number}",
        "Status": {
            "State": instance_state(cluster),
            "StateChangeReason": {},
            "Timeline": _timeline(cluster),
        },
        key: collection.id,
        "Market": one.market,
        "InstanceType": one.type,
    }


def instance_state(cluster: Cluster) -> str:
    """The state of a cluster's machines."""
    if cluster.state == "STARTING":
        return "PROVISIONING"
    if cluster.state == "BOOTSTRAPPING":
        return "BOOTSTRAPPING"
    return "TERMINATED" if cluster.ended else "RUNNING"


def has_fleets(cluster: Cluster) -> bool:
    """Whether its machines are in fleets, and not in groups."""
    return "InstanceFleets" in cluster.request["Instances"]


def _is_up(cluster: Cluster) -> bool:
    return instance_state(cluster) == "RUNNING"


def _cluster_status(cluster: Cluster) -> dict[str, Any]:
    code, message = cluster.reason
    status: dict[str, Any] = {
        "State": cluster.state,
        "StateChangeReason": {
            **({"Code": code} if code else {}),
            **({"Message": message} if message else {}),
        },
        "Timeline": _timeline(cluster),
    }
    if cluster.state == "TERMINATED_WITH_ERRORS":
        status["ErrorDetails"] = [{"ErrorCode": code, "ErrorMessage": message}]
    return status


def _timeline(cluster: Cluster) -> dict[str, float]:
    return _times(
        CreationDateTime=cluster.created,
        ReadyDateTime=cluster.ready,
        EndDateTime=cluster.ended,
    )


def _given(request: dict[str, Any], names: Iterable[str]) -> dict[str, Any]:
    return {name: request[name] for name in names if name in request}


def _times(**times: float | None) -> dict[str, float]:
    return {name: time for name, time in times.items() if time is not None}
