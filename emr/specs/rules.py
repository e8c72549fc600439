"""What fields of a spec must be to one another: what EMR, or a run on it, would stumble over later.

A rule gives the field that it is about and what is wrong. It runs only where the fields that it
reads are right by themselves.
"""

import re
from collections.abc import Iterator, Mapping

from gristmill.emr.partitions import partition_in, partition_of
from gristmill.emr.requests import MANAGED_TAG
from gristmill.emr.specs.cluster import ClusterSpec, Volume, architecture
from gristmill.emr.specs.instance_types import supported
from gristmill.emr.specs.serverless import ServerlessSpec
from gristmill.emr.specs.spark import Problem
from gristmill.emr.specs.spark import problems as spark_problems
from gristmill.errors import UsageError

# GiB of memory that a worker of so many vCPU may have, lowest and highest, and the step between.
_MEMORY = {1: (2, 8, 1), 2: (4, 16, 1), 4: (8, 30, 1), 8: (16, 60, 4), 16: (32, 120, 8)}
# Of each type of volume: the least GiB, the most IOPS a GiB.
_VOLUMES = {"gp3": (1, 500), "io1": (4, 50), "io2": (4, 1000), "st1": (125, 0), "sc1": (125, 0)}
_GP3_IOPS = 3000
_SHARES = ("driver", "executor")


def problems(spec: ClusterSpec | ServerlessSpec) -> list[Problem]:
    """All rules that `spec` breaks."""
    found = [
        *_region(spec),
        *_release(spec.release_label, spec.python),
        *_home(spec.home),
        *spark_problems(spec.spark),
        *_tags(spec.tags),
    ]
    if isinstance(spec, ServerlessSpec):
        return [*found, *_name(spec.name), *_workers(spec)]
    return [
        *found,
        *_architecture(spec),
        *_nodes(spec),
        *_spot(spec),
        *_scaling(spec),
        *_network(spec),
    ]


def _region(spec: ClusterSpec | ServerlessSpec) -> Iterator[Problem]:
    try:
        partition = partition_of(spec.region)
    except UsageError as error:
        yield "region", str(error)
        return
    if spec.runtime_role and partition_in(spec.runtime_role) != partition.name:
        yield (
            "runtime_role",
            f"is of {partition_in(spec.runtime_role)}, and {spec.region} of {partition.name}",
        )


def _release(label: str, python: str) -> Iterator[Problem]:
    number = tuple(map(int, re.findall(r"\d+", label)))
    if number < (8,):
        yield (
            "release_label",
            f"{label} runs Spark 3; Gristmill needs Spark 4.1, as emr-spark-8.1.0 has it",
        )
    elif not label.startswith("emr-spark-"):
        yield "release_label", f"from 8 on labels begin with emr-spark-: emr-spark-{label[4:]}"
    elif number < (8, 1):
        yield (
            "release_label",
            f"{label} runs Spark 4.0; Gristmill needs Spark 4.1, as emr-spark-8.1.0 has it",
        )
    # What 8.1 has; a later release may have more.
    if number[:2] == (8, 1) and python not in {"3.11", "3.13"}:
        yield "python", f"{label} has Python 3.11 and 3.13, not {python}"


def _home(home: str) -> Iterator[Problem]:
    if "/" not in home.removeprefix("s3://"):
        yield "home", f"name a folder in it: {home}/gristmill"


def _name(name: str) -> Iterator[Problem]:
    if len(name) > 54:
        yield (
            "name",
            "at most 54 characters: an application is called gristmill-NAME, of at most 64",
        )


def _tags(tags: Mapping[str, str]) -> Iterator[Problem]:
    for key in tags:
        if key.startswith("gristmill:") or key == MANAGED_TAG:
            yield f"tags.{key}", "Gristmill sets itself"


def _architecture(spec: ClusterSpec) -> Iterator[Problem]:
    kinds = {
        kind: [
            one
            for nodes in spec.roles.values()
            for one in nodes.instance_types
            if architecture(one) == kind
        ]
        for kind in ("arm64", "x86_64")
    }
    if all(kinds.values()):
        yield (
            "primary.instance_types",
            f"{kinds['arm64'][0]} is a Graviton (arm64) and {kinds['x86_64'][0]} is not: "
            "use one architecture, as what is shipped is built for one",
        )


def _nodes(spec: ClusterSpec) -> Iterator[Problem]:
    for role, nodes in spec.roles.items():
        yield from () if spec.any_instance_type else _types(role, nodes.instance_types)
        if spec.nodes == "groups" and len(nodes.instance_types) > 1:
            yield (
                f"{role}.instance_types",
                'an instance group has one type: name one, or set nodes = "fleets"',
            )
        if spec.nodes == "groups" and nodes.weights:
            yield f"{role}.weights", 'only fleets weigh: set nodes = "fleets"'
        if len(set(nodes.instance_types)) < len(nodes.instance_types):
            yield f"{role}.instance_types", "a type is there twice"
        if unknown := sorted(set(nodes.weights) - set(nodes.instance_types)):
            yield f"{role}.weights", f"{', '.join(unknown)} is not among the instance_types"
        yield from _volumes(role, nodes.volumes)
    if any(weight != 1 for weight in spec.primary.weights.values()):
        yield "primary.weights", "there is one primary node, whatever it weighs: leave it out"
    if spec.task and not spec.core:
        yield "core", "EMR has no task nodes without core nodes: add [core]"


def _types(role: str, instance_types: tuple[str, ...]) -> Iterator[Problem]:
    known = supported()
    for one in instance_types:
        family, _, size = one.partition(".")
        if size in known.families.get(family, ()):
            continue
        sizes = known.families.get(family)
        there = f"of {family} it takes {', '.join(sizes)}" if sizes else f"it takes no {family}"
        yield (
            f"{role}.instance_types",
            f"EMR refuses {one}: {there} (ListSupportedInstanceTypes of {known.release}, "
            f"{known.asof}; any_instance_type = true lets through what is newer)",
        )


def _volumes(role: str, volumes: tuple[Volume, ...]) -> Iterator[Problem]:
    for number, volume in enumerate(volumes):
        yield from _volume(f"{role}.volumes.{number}", volume)
    if sum(volume.per_node for volume in volumes) > 25:
        yield f"{role}.volumes", "at most 25 volumes go to a node"


def _volume(field: str, volume: Volume) -> Iterator[Problem]:
    if volume.iops is not None and volume.type not in {"gp3", "io1", "io2"}:
        yield f"{field}.iops", f"{volume.type} has none to set: only gp3, io1 and io2 have"
    if volume.iops is None and volume.type in {"io1", "io2"}:
        yield f"{field}.iops", f"{volume.type} needs it"
    if volume.throughput is not None and volume.type != "gp3":
        yield f"{field}.throughput", f"{volume.type} has none to set: only gp3 has"
    yield from _size(field, volume)


def _size(field: str, volume: Volume) -> Iterator[Problem]:
    """EBS's own limits (https://docs.aws.amazon.com/ebs/latest/userguide/ebs-volume-types.html)."""
    least, a_gib = _VOLUMES.get(volume.type, (1, 0))
    if volume.size_gib < least:
        yield f"{field}.size_gib", f"{volume.type} has {least} or more, not {volume.size_gib}"
        return
    if volume.iops is not None and a_gib:
        most = max(volume.size_gib * a_gib, _GP3_IOPS if volume.type == "gp3" else 100)
        if volume.type == "gp3" and volume.iops < _GP3_IOPS:
            yield f"{field}.iops", f"gp3 has {_GP3_IOPS:,} or more, not {volume.iops:,}"
        elif volume.iops > most:
            yield f"{field}.iops", f"{volume.size_gib} GiB have at most {most:,}"
    needed = 4 * (volume.throughput or 0)
    if volume.type == "gp3" and needed > max(volume.iops or 0, _GP3_IOPS):
        yield f"{field}.throughput", f"{volume.throughput} MiB/s need {needed:,} iops"


def _spot(spec: ClusterSpec) -> Iterator[Problem]:
    task = spec.task
    if task is None:
        return
    if spec.nodes == "fleets" and task.spot + task.on_demand == 0:
        yield "task", "a fleet starts with one unit at least: set spot or on_demand"
    if spec.nodes == "groups" and task.spot and task.on_demand:
        yield "task", 'a group is Spot or On-Demand: set one to 0, or nodes = "fleets"'


def _scaling(spec: ClusterSpec) -> Iterator[Problem]:
    scaling = spec.scaling
    if scaling is None:
        return
    if spec.core is None:
        yield "core", "managed scaling starts from core nodes: add [core]"
        return
    if scaling.minimum > scaling.maximum:
        yield "scaling.minimum", f"{scaling.minimum} is above maximum, {scaling.maximum}"
    for name, value in (
        ("maximum_core", scaling.maximum_core),
        ("maximum_on_demand", scaling.maximum_on_demand),
    ):
        if value is not None and value > scaling.maximum:
            yield f"scaling.{name}", f"{value} is above maximum, {scaling.maximum}"
        if value is not None and value < spec.core.count:
            yield (
                f"scaling.{name}",
                f"{value} is below core.count, {spec.core.count}: core nodes are On-Demand",
            )
        if value is None and spec.task is not None and spec.task.spot:
            yield (
                f"scaling.{name}",
                "set it: without it, scaling adds core nodes where Spot task nodes were meant",
            )


def _network(spec: ClusterSpec) -> Iterator[Problem]:
    if not spec.subnets:
        yield "subnets", "name one: emr-spark-8 runs in a VPC"
    elif spec.nodes == "groups" and len(spec.subnets) > 1:
        yield "subnets", 'instance groups take one: name one, or set nodes = "fleets"'
    if spec.runtime_role and not spec.security_configuration:
        yield (
            "runtime_role",
            "EMR takes it only with a security_configuration with application-scoped roles",
        )


def _workers(spec: ServerlessSpec) -> Iterator[Problem]:
    for name in _SHARES:
        worker = getattr(spec, name)
        low, high, step = _MEMORY[worker.vcpu]
        if not low <= worker.memory_gib <= high or (worker.memory_gib - low) % step:
            steps = "" if step == 1 else f" in steps of {step}"
            yield (
                f"{name}.memory_gib",
                f"{worker.vcpu} vCPU go with {low} to {high} GiB{steps}, not {worker.memory_gib}",
            )
    drivers, executors = 1, 1
    what = "a driver and one executor do not fit"
    if spec.initial:
        drivers, executors = spec.initial.drivers, spec.initial.executors
        what = f"{drivers} drivers and {executors} executors, as initial has them, do not fit"
    for unit in ("vcpu", "memory_gib"):
        used = drivers * getattr(spec.driver, unit) + executors * getattr(spec.executor, unit)
        if used > getattr(spec.maximum, unit):
            yield f"maximum.{unit}", what
    if spec.image and spec.image.split(".")[3] != spec.region:
        yield "image", f"must be in {spec.region}, as the application is"
