"""A cluster on EC2: what it is made of, who it may be, when it ends.

The names are EMR's own in snake_case where it has one; limits are those of its API reference
(https://docs.aws.amazon.com/emr/latest/APIReference/API_RunJobFlow.html and what it links to).
"""

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import Field

from gristmill.emr.specs.fields import (
    Group,
    InstanceType,
    Place,
    RoleArn,
    S3File,
    Span,
    Subnet,
    Table,
    between,
    like,
)

Positive = Annotated[int, Field(ge=1)]
Count = Annotated[int, Field(ge=0)]


class Volume(Table):
    """An EBS volume of each node. `iops` and `throughput` (MiB/s) are EBS's own by default."""

    type: Literal["gp3", "gp2", "io1", "io2", "st1", "sc1"] = "gp3"
    size_gib: Annotated[int, Field(ge=1, le=16384)]
    iops: Annotated[int, Field(ge=100, le=256000)] | None = None
    throughput: Annotated[int, Field(ge=125, le=2000)] | None = None
    per_node: Annotated[int, Field(ge=1, le=25)] = 1


class Nodes(Table):
    """Nodes of one role: the first of the `instance_types` that can be had, in a fleet.

    `weights` says how many units a type counts for, 1 where it says nothing.
    """

    instance_types: Annotated[tuple[InstanceType, ...], Field(min_length=1, max_length=30)]
    weights: Annotated[dict[InstanceType, Positive], Field(default_factory=dict)]
    volumes: tuple[Volume, ...] = ()


class Core(Nodes):
    """Nodes that keep HDFS and may run the driver: On-Demand, always. `count` is in units."""

    count: Positive


class Task(Nodes):
    """Nodes that only compute, and may go away: Spot. Counts are in units.

    Where Spot cannot be had within `spot_timeout`, On-Demand takes its place, or the cluster ends;
    instance groups wait for Spot, and run without.
    """

    spot: Count = 0
    on_demand: Count = 0
    spot_timeout: Annotated[Span, between("5m", "24h")] = timedelta(minutes=10)
    spot_fallback: Literal["on_demand", "terminate"] = "on_demand"


class Scaling(Table):
    """Managed scaling, in units: core and task nodes together, of them core, of them On-Demand."""

    minimum: Positive
    maximum: Positive
    maximum_core: Positive | None = None
    maximum_on_demand: Count | None = None


class BootstrapAction(Table):
    """A script that every node runs before Spark starts."""

    name: Annotated[str, like(r"[^<>$|`]{1,256}", "1 to 256 characters without < > $ | `")]
    script: S3File
    args: tuple[str, ...] = ()


class ClusterSpec(Place):
    """A cluster. With `event_logs` runs keep Spark's events in S3, below the home.

    With `any_instance_type`, types that EMR was not known to take are let through, too.
    """

    kind: Literal["cluster"] = "cluster"

    nodes: Literal["fleets", "groups"] = "fleets"
    primary: Nodes
    core: Core | None = None
    task: Task | None = None
    scaling: Scaling | None = None
    any_instance_type: bool = False
    root_volume_gib: Annotated[int, Field(ge=15, le=100)] = 32

    subnets: tuple[Subnet, ...] = ()
    primary_security_groups: tuple[Group, ...] = ()
    core_security_groups: tuple[Group, ...] = ()
    service_role: Annotated[str, Field(min_length=1, max_length=2048)]
    instance_profile: Annotated[str, Field(min_length=1, max_length=2048)]
    runtime_role: RoleArn | None = None
    security_configuration: Annotated[str, Field(min_length=1, max_length=10280)] | None = None

    step_concurrency: Annotated[int, Field(ge=1, le=256)] = 1
    idle_timeout: Annotated[Span, between("60s", "7d")] = timedelta(hours=1)
    termination_protection: bool = False
    event_logs: bool = True
    deploy_mode: Literal["cluster", "client"] = "cluster"
    bootstrap: Annotated[tuple[BootstrapAction, ...], Field(max_length=16)] = ()

    @property
    def roles(self) -> dict[str, Nodes]:
        """The tables of nodes that there are, by their name."""
        found = {"primary": self.primary, "core": self.core, "task": self.task}
        return {name: nodes for name, nodes in found.items() if nodes is not None}

    @property
    def architecture(self) -> Literal["arm64", "x86_64"]:
        """The processors of its nodes."""
        return architecture(self.primary.instance_types[0])


def architecture(instance_type: str) -> Literal["arm64", "x86_64"]:
    """Whether an instance type is a Graviton.

    What follows the generation in the name of a family says so: `m7g`, `c6gn`, `x2gd`, `im4gn`
    (https://docs.aws.amazon.com/ec2/latest/instancetypes/instance-type-names.html). Only `a1`
    does not.
    """
    family = instance_type.partition(".")[0]
    attributes = family.lstrip("abcdefghijklmnopqrstuvwxyz").lstrip("0123456789")
    return "arm64" if "g" in attributes.partition("-")[0] or family == "a1" else "x86_64"
