"""What runs are submitted to: clusters and applications, made, found, listed and ended."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from emr import applications
from emr.aws import Aws, explained
from emr.aws import place as object_of
from emr.requests import Request
from emr.requests.clusters import cluster_name, run_job_flow
from emr.requests.serverless import create_application
from emr.runners.once import once
from emr.runners.transient import clusters
from emr.specs import ClusterSpec, ServerlessSpec, Spec
from gristmill.errors import GristmillError, UsageError

_LIVE = ["STARTING", "BOOTSTRAPPING", "RUNNING", "WAITING"]
_READY = {"RUNNING", "WAITING"}
_LOOK = 5.0


@dataclass(frozen=True)
class Target:
    """A cluster or an application that is there: `since` is when it was made, UTC."""

    name: str
    id: str
    kind: str
    state: str
    since: datetime


def plan_up(spec: Spec) -> dict[str, Request]:
    """The request that `up` would make, by its name."""
    if isinstance(spec, ServerlessSpec):
        return {"CreateApplication": create_application(spec)}
    return {"RunJobFlow": run_job_flow(spec)}


def up(
    aws: Aws,
    spec: Spec,
    tell: Callable[[str], None],
    pause: Callable[[float], None] = time.sleep,
    *,
    update: bool = False,
) -> str:
    """Make what a spec describes, if it is not there; gives its id once it takes runs.

    An application that is not what its spec says is changed with `update`, and refused without.
    Raises `GristmillError`.
    """
    if isinstance(spec, ServerlessSpec):
        return applications.up(aws, spec, tell, pause, update=update)
    if update:
        raise UsageError("--update is for applications of EMR Serverless: down, then up")

    sent = []

    def send() -> str:
        sent.append(spec.name)
        return str(aws.emr_once.run_job_flow(**run_job_flow(spec))["JobFlowId"])

    cluster = once("make a cluster", lambda: find_cluster(aws, spec), send, pause)
    if not sent:
        tell(f"cluster {cluster} was there already: what changed in its spec since is not in it")
    _wait(aws, cluster, tell, pause)
    return cluster


def _wait(
    aws: Aws, cluster: str, tell: Callable[[str], None], pause: Callable[[float], None]
) -> None:
    said = ""
    while True:
        with explained(f"describe {cluster}"):
            status = aws.emr.describe_cluster(ClusterId=cluster)["Cluster"]["Status"]
        if status["State"] != said:
            said = status["State"]
            tell(f"cluster {cluster} {said}")
        if said in _READY:
            return
        if said not in _LIVE:
            why = status.get("StateChangeReason", {})
            raise GristmillError(
                f"cluster {cluster} did not start: {why.get('Code', said)}: "
                f"{why.get('Message', 'no message')}"
            )
        pause(_LOOK)


def find_cluster(aws: Aws, spec: ClusterSpec) -> str | None:
    """The id of the cluster of a spec that is there, the newest; None where there is none."""
    for cluster in clusters(aws, ClusterStates=_LIVE):
        if cluster["Name"] == cluster_name(spec):
            return str(cluster["Id"])
    return None


def log_folder(aws: Aws, cluster: str) -> str | None:
    """The folder in S3 where a cluster puts logs: not what its spec says by now, but its own."""
    with explained(f"describe {cluster}"):
        uri = aws.emr.describe_cluster(ClusterId=cluster)["Cluster"].get("LogUri")
    # EMR gives it as s3n://, whatever was asked for.
    return f"s3://{'/'.join(object_of(uri))}".rstrip("/") if uri else None


def down(aws: Aws, spec: ClusterSpec) -> str | None:
    """End the cluster of a spec; gives its id, or None where it was not there.

    Runs on it end with it.
    """
    found = find_cluster(aws, spec)
    if found:
        with explained(f"end {found}"):
            if spec.termination_protection:
                aws.emr.set_termination_protection(JobFlowIds=[found], TerminationProtected=False)
            aws.emr.terminate_job_flows(JobFlowIds=[found])
    return found


def live(aws: Aws) -> list[Target]:
    """All clusters and applications of ours that are there."""
    found = [
        Target(
            cluster["Name"].removeprefix("gristmill "),
            cluster["Id"],
            "cluster",
            cluster["Status"]["State"],
            cluster["Status"]["Timeline"]["CreationDateTime"].astimezone(UTC),
        )
        for cluster in clusters(aws, ClusterStates=[*_LIVE, "TERMINATING"])
        if cluster["Name"].startswith("gristmill ")
    ]
    with explained("list the applications of EMR Serverless"):
        pages = aws.serverless.get_paginator("list_applications").paginate()
        listed: list[dict[str, Any]] = [
            application for page in pages for application in page["applications"]
        ]
    return found + [
        Target(
            application["name"].removeprefix("gristmill-"),
            application["id"],
            "serverless",
            application["state"],
            application["createdAt"].astimezone(UTC),
        )
        for application in listed
        if application["name"].startswith("gristmill-") and application["state"] != "TERMINATED"
    ]
