"""An application of EMR Serverless, and the sizes of the workers that runs get in it."""

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import Field

from gristmill.emr.specs.fields import (
    Group,
    Place,
    RoleArn,
    Span,
    Subnet,
    Table,
    between,
    like,
)


class Worker(Table):
    """A driver or an executor: its processors and memory.

    A worker has 1, 2, 4, 8 or 16 vCPU
    (https://docs.aws.amazon.com/emr/latest/EMR-Serverless-UserGuide/app-behavior.html).
    """

    vcpu: Literal[1, 2, 4, 8, 16] = 4
    memory_gib: Annotated[int, Field(ge=2, le=120)] = 14
    disk_gib: Annotated[int, Field(ge=20, le=200)] = 20


class Maximum(Table):
    """What all workers of an application may have at once."""

    vcpu: Annotated[int, Field(ge=1)]
    memory_gib: Annotated[int, Field(ge=1)]


class Network(Table):
    """Subnets of a VPC for the workers, where a job reaches into it; S3 takes none."""

    subnets: Annotated[tuple[Subnet, ...], Field(min_length=1, max_length=16)]
    security_groups: Annotated[tuple[Group, ...], Field(min_length=1, max_length=5)]


class Initial(Table):
    """Workers that are ready while an application is started, and paid for: how many of each."""

    drivers: Annotated[int, Field(ge=1, le=1000)]
    executors: Annotated[int, Field(ge=1, le=10000)]


# botocore's own pattern, in short: an image in a private repository of ECR, by tag or by digest.
_IMAGE = r"\d{12}\.dkr\.ecr\.[a-z0-9-]+\.[a-z0-9.-]+/[a-z0-9._/-]+(:[\w.-]+|@sha256:[0-9a-f]{64})"
Image = Annotated[str, like(_IMAGE, "an image in ECR: ACCOUNT.dkr.ecr.REGION.…/NAME:TAG")]


class ServerlessSpec(Place):
    """An application. `image` is one of your own, made from AWS's for the release."""

    kind: Literal["serverless"]
    architecture: Literal["arm64", "x86_64"] = "arm64"

    driver: Worker = Worker()
    executor: Worker = Worker()
    maximum_executors: Annotated[int, Field(ge=1, le=1000)] = 10
    initial: Initial | None = None
    maximum: Maximum = Maximum(vcpu=64, memory_gib=256)
    maximum_runs: Annotated[int, Field(ge=1, le=1000)] = 15
    idle_timeout: Annotated[Span, between("1m", "7d")] = timedelta(minutes=15)
    run_timeout: Annotated[Span, between("5m", "690d")] = timedelta(hours=12)

    runtime_role: RoleArn
    network: Network | None = None
    image: Image | None = None
