"""What EMR refuses beyond what its service model says.

The rules are those of its API reference and its management guide; words in quotes are EMR's own
where they are known.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from moto.utilities.utils import load_resource

from simulator.emr.state import ALIVE, Cluster
from simulator.errors import ValidationError
from simulator.releases import RELEASES

Asked = Mapping[str, Any]

MOST_AT_ONCE = 256
"""The highest StepConcurrencyLevel."""

_MOST_STEPS = 256
_LONGEST_STEP = 10_240
_ROLE = re.compile(r"arn:aws[\w-]*:iam::\d{12}:role/[\w+=,.@/-]+")
_LOG_URI = re.compile(r"s3[an]?://[a-z0-9][a-z0-9.-]{2,62}(/.*)?")
_FORBIDDEN_IN_NAMES = "<>$|`"
_VOLUMES = {"gp2", "gp3", "io1", "io2", "st1", "sc1", "standard"}
# The sizes of a root volume: GiB, operations and MiB a second.
_ROOT_VOLUME = {
    "EbsRootVolumeSize": (15, 100),
    "EbsRootVolumeIops": (3000, 16_000),
    "EbsRootVolumeThroughput": (125, 1000),
}


def _refuse_if(is_wrong: object, message: str) -> None:
    if is_wrong:
        raise ValidationError(message)


def check_cluster(asked: Asked) -> None:
    """Whether RunJobFlow takes these parameters. Raises `ValidationError`."""
    check_name(asked["Name"])
    label = asked.get("ReleaseLabel", "")
    _refuse_if(label not in RELEASES, f"The supplied release label is invalid: {label}.")
    _refuse_if(not asked.get("JobFlowRole"), "InstanceProfile is required for creating cluster.")
    _refuse_if(not asked.get("ServiceRole"), "ServiceRole is required for creating cluster.")
    home = asked.get("LogUri")
    _refuse_if(home and not _LOG_URI.fullmatch(home), f"Invalid log URI: {home}")
    for name, (least, most) in _ROOT_VOLUME.items():
        _check_range(name, asked.get(name), least, most)
    _check_range("StepConcurrencyLevel", asked.get("StepConcurrencyLevel"), 1, MOST_AT_ONCE)
    check_tags(asked.get("Tags", []))
    check_idle_timeout(asked.get("AutoTerminationPolicy"))
    instances = asked["Instances"]
    fleets, groups = instances.get("InstanceFleets"), instances.get("InstanceGroups")
    _refuse_if(
        fleets and groups,
        "Please specify either instance groups or instance fleets, not both.",
    )
    if fleets:
        _refuse_if(
            instances.get("Ec2SubnetId"),
            "Instance fleets take Ec2SubnetIds, not Ec2SubnetId.",
        )
        _check_fleets(fleets)
    else:
        _refuse_if(not groups, "Instance groups or instance fleets are required.")
        _refuse_if(
            instances.get("Ec2SubnetIds"),
            "Instance groups take Ec2SubnetId, not Ec2SubnetIds.",
        )
        _check_groups(groups)
    check_scaling(asked.get("ManagedScalingPolicy"), has_fleets=bool(fleets))


def check_name(name: str) -> None:
    """Whether a cluster or a step may be called so. Raises `ValidationError`."""
    found = sorted(set(name) & set(_FORBIDDEN_IN_NAMES))
    _refuse_if(found, f"Invalid name '{name}': it may not contain {' '.join(found)}")


def check_tags(tags: Sequence[Asked]) -> None:
    """Whether these are tags that AWS takes. Raises `ValidationError`."""
    _refuse_if(len(tags) > 50, "A resource has 50 tags at most.")
    for tag in tags:
        key, value = tag.get("Key", ""), tag.get("Value", "")
        _refuse_if(not 1 <= len(key) <= 128, f"Invalid tag key: '{key}'")
        _refuse_if(key.lower().startswith("aws:"), f"Tag keys may not begin with aws: {key}")
        _refuse_if(len(value) > 256, f"The value of tag '{key}' is too long.")


def check_idle_timeout(policy: Asked | None) -> None:
    """Whether an auto-termination policy is one. Raises `ValidationError`."""
    if policy is not None:
        _refuse_if("IdleTimeout" not in policy, "IdleTimeout is required.")
        _check_range("IdleTimeout", policy["IdleTimeout"], 60, 604_800)


def check_scaling(policy: Asked | None, *, has_fleets: bool) -> None:
    """Whether a managed scaling policy fits a cluster. Raises `ValidationError`."""
    if policy is None:
        return
    _refuse_if("ComputeLimits" not in policy, "ComputeLimits is required.")
    limits = policy["ComputeLimits"]
    is_for_fleets = limits["UnitType"] == "InstanceFleetUnits"
    _refuse_if(
        is_for_fleets != has_fleets,
        f"UnitType {limits['UnitType']} does not go with instance "
        f"{'fleets' if has_fleets else 'groups'}.",
    )
    least, most = limits["MinimumCapacityUnits"], limits["MaximumCapacityUnits"]
    _refuse_if(least < 1, "MinimumCapacityUnits must be 1 at least.")
    _refuse_if(least > most, "MinimumCapacityUnits is greater than MaximumCapacityUnits.")
    for name in ("MaximumOnDemandCapacityUnits", "MaximumCoreCapacityUnits"):
        _check_range(name, limits.get(name), 0, most)
    has_index = "UtilizationPerformanceIndex" in policy
    _refuse_if(
        has_index != (policy.get("ScalingStrategy") == "ADVANCED"),
        "UtilizationPerformanceIndex goes with the ScalingStrategy ADVANCED.",
    )


def check_steps(
    steps: Sequence[Asked], concurrency: int, role: str, *, has_runtime_roles: bool
) -> None:
    """Whether a cluster takes these steps, to be run as `role`. Raises `ValidationError`."""
    _refuse_if(len(steps) > _MOST_STEPS, f"A request has {_MOST_STEPS} steps at most.")
    _refuse_if(role and not _ROLE.fullmatch(role), f"Invalid role ARN: {role}")
    _refuse_if(
        role and not has_runtime_roles,
        "Runtime roles are not enabled for this cluster: its security configuration has no "
        "EnableApplicationScopedIAMRole.",
    )
    _refuse_if(
        steps and has_runtime_roles and not role,
        "Runtime role is required for this cluster. Please specify the role using the "
        "ExecutionRoleArn parameter.",
    )
    for step in steps:
        check_name(step["Name"])
        jar = step["HadoopJarStep"]
        size = len(jar["Jar"]) + len(jar.get("MainClass", "")) + sum(map(len, jar.get("Args", [])))
        for one in jar.get("Properties", []):
            size += len(one.get("Key", "")) + len(one.get("Value", ""))
        _refuse_if(
            size > _LONGEST_STEP,
            f"The strings of step '{step['Name']}' have {size} characters: "
            f"{_LONGEST_STEP} are the most.",
        )
        action = step.get("ActionOnFailure", "CONTINUE")
        _refuse_if(
            concurrency > 1 and action != "CONTINUE",
            f"ActionOnFailure {action} is not supported when StepConcurrencyLevel is greater "
            "than 1.",
        )


def check_takes_steps(cluster: Cluster, count: int) -> None:
    """Whether a cluster takes `count` more steps as it is now. Raises `ValidationError`."""
    _refuse_if(
        cluster.state not in ALIVE,
        "A job flow that is shutting down, terminating, or finished may not be modified.",
    )
    _refuse_if(
        len(cluster.unfinished) + count > _MOST_STEPS,
        "Maximum number of active steps(State = 'Running', 'Pending' or 'Cancel_Pending') for "
        "cluster exceeded.",
    )


def _check_groups(groups: Sequence[Asked]) -> None:
    roles = Counter(group["InstanceRole"] for group in groups)
    _refuse_if(roles["MASTER"] != 1, "There must be exactly one MASTER instance group.")
    _refuse_if(roles["CORE"] > 1, "There may be one CORE instance group at most.")
    _refuse_if(roles["TASK"] > 48, "There may be 48 TASK instance groups at most.")
    _refuse_if(roles["TASK"] and not roles["CORE"], "TASK instance groups need a CORE one.")
    for group in groups:
        role, count = group["InstanceRole"], group["InstanceCount"]
        _refuse_if(role == "MASTER" and count != 1, "The MASTER instance group has one instance.")
        _refuse_if(role == "CORE" and count < 1, "The CORE instance group has one instance.")
        _refuse_if(count < 0, "InstanceCount may not be negative.")
        _refuse_if(
            group.get("BidPrice") and group.get("Market") != "SPOT",
            "BidPrice is for the SPOT market alone.",
        )
        _check_instance(group)


def _check_fleets(fleets: Sequence[Asked]) -> None:
    roles = Counter(fleet["InstanceFleetType"] for fleet in fleets)
    _refuse_if(roles["MASTER"] != 1, "There must be exactly one MASTER instance fleet.")
    for role in ("CORE", "TASK"):
        _refuse_if(roles[role] > 1, f"There may be one {role} instance fleet at most.")
    _refuse_if(roles["TASK"] and not roles["CORE"], "A TASK instance fleet needs a CORE one.")
    for fleet in fleets:
        role = fleet["InstanceFleetType"]
        target = fleet.get("TargetOnDemandCapacity", 0) + fleet.get("TargetSpotCapacity", 0)
        _refuse_if(role == "MASTER" and target != 1, "The target of the MASTER fleet must be 1.")
        _refuse_if(role == "CORE" and target < 1, "The target of the CORE fleet must be 1 or more.")
        types = fleet.get("InstanceTypeConfigs", [])
        _refuse_if(not types, f"The {role} instance fleet has no InstanceTypeConfigs.")
        names = [one["InstanceType"] for one in types]
        _refuse_if(len(set(names)) != len(names), f"The {role} fleet names an instance type twice.")
        for one in types:
            weight = one.get("WeightedCapacity", 1)
            _refuse_if(weight < 1, "WeightedCapacity must be 1 at least.")
            _refuse_if(role == "MASTER" and weight != 1, "WeightedCapacity of MASTER must be 1.")
            _check_instance(one)
        _check_launch(fleet, len(types))


def _check_launch(fleet: Asked, types: int) -> None:
    launch = fleet.get("LaunchSpecifications", {})
    # A longer list is for fleets that say how to choose from it.
    has_strategy = any("AllocationStrategy" in how for how in launch.values())
    most = 30 if has_strategy else 5
    _refuse_if(types > most, f"A fleet has {most} instance types at most.")
    spot = launch.get("SpotSpecification")
    if spot:
        _check_range("TimeoutDurationMinutes", spot["TimeoutDurationMinutes"], 5, 1440)


@cache
def _instance_types() -> frozenset[str]:
    """What ListSupportedInstanceTypes answers, as moto has recorded it of AWS."""
    return frozenset(load_resource("emr/resources/instance-types-emr-spark-8.1.0.json"))


def _check_instance(asked: Asked) -> None:
    name = asked["InstanceType"]
    _refuse_if(name not in _instance_types(), f"Instance type '{name}' is not supported.")
    for device in asked.get("EbsConfiguration", {}).get("EbsBlockDeviceConfigs", []):
        volume = device["VolumeSpecification"]
        kind = volume["VolumeType"]
        _refuse_if(kind not in _VOLUMES, f"Invalid VolumeType: {kind}")
        _check_range("SizeInGB", volume["SizeInGB"], 1, 16_384)
        _refuse_if("Throughput" in volume and kind != "gp3", "Throughput is for gp3 alone.")


def _check_range(name: str, value: int | None, least: int, most: int) -> None:
    if value is not None:
        _refuse_if(
            not least <= value <= most, f"{name} must be from {least} to {most}, and is {value}."
        )
