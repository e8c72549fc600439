"""Clusters: made, found, ended, and runs as their steps."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from gristmill.emr.aws import Aws, explained, parse_s3_uri
from gristmill.emr.package import Shipped
from gristmill.emr.requests import CLUSTER_TAG, Request
from gristmill.emr.requests.clusters import cluster_name, run_job_flow, run_job_flow_for
from gristmill.emr.requests.steps import add_job_flow_steps
from gristmill.emr.runners.once import once
from gristmill.emr.runners.steps import Ask, StepRunner
from gristmill.emr.runners.transient import TransientRunner, clusters
from gristmill.emr.specs.cluster import ClusterSpec
from gristmill.emr.specs.elsewhere import elsewhere, has_elsewhere, is_short
from gristmill.emr.specs.spark import changed_by_yarn
from gristmill.emr.targets.target import Confirm, NotUpError, Target, Tell
from gristmill.errors import BusyError, GristmillError, UsageError
from gristmill.runs import Runner

LIVE = ["STARTING", "BOOTSTRAPPING", "RUNNING", "WAITING"]
_READY = {"RUNNING", "WAITING"}
_LOOK = 5.0


@dataclass(frozen=True)
class ClusterTarget(Target):
    """A cluster that is there: runs are its steps."""

    spec: ClusterSpec
    operation = "AddJobFlowSteps"
    placeholder = "<cluster>"

    @property
    def notes(self) -> Sequence[str]:
        """What YARN changes of the spec's settings."""
        return changed_by_yarn(self.spec.spark)

    @property
    def has_event_folder(self) -> bool:
        """As the spec says."""
        return self.spec.event_logs

    def find(self, aws: Aws, _tell: Tell, *, with_requirements: bool) -> str:  # noqa: ARG002
        """The id of the cluster. Raises `UsageError` where it is not up."""
        found = find_cluster(aws, self.spec)
        if found is None:
            name = self.spec.name
            raise NotUpError(
                f"{name} is not up: gristmill emr up --cluster {name}, or add --transient"
            )
        return found

    def ask(self, shipped: Shipped, target: str) -> Ask:
        """What makes the request of a run."""
        return partial(add_job_flow_steps, self.spec, target, shipped)

    def runner(self, aws: Aws, ask: Ask, target: str) -> Runner:
        """What looks after runs there."""
        return StepRunner(aws, self.spec.logs, ask, target)

    def logs(self, aws: Aws, target: str) -> str | None:
        """Where the cluster puts logs: not what its spec says by now, but its own."""
        return log_folder(aws, target)

    def plan_up(self) -> Mapping[str, Request]:
        """The request that `up` would make, by its name."""
        return {"RunJobFlow": run_job_flow(self.spec)}

    def up(self, aws: Aws, tell: Tell, *, update: bool) -> str:
        """Make the cluster, if it is not there; gives its id."""
        if update:
            raise UsageError("--update is for applications of EMR Serverless: down, then up")
        return up(aws, self.spec, tell)

    def down(
        self,
        aws: Aws,
        confirm: Confirm,
        _tell: Tell,
        *,
        force: bool,
        delete: bool,
    ) -> str:
        """End the cluster; gives what has been done."""
        if delete:
            raise UsageError("--delete is for applications of EMR Serverless: a cluster just ends")
        found = down(aws, self.spec, confirm, force=force)
        return f"{self.spec.name} is not up" if found is None else f"asked that {found} end"


@dataclass(frozen=True)
class TransientTarget(ClusterTarget):
    """A cluster that is made for one run, and ends with it."""

    operation = "RunJobFlow"

    def find(self, _aws: Aws, _tell: Tell, *, with_requirements: bool) -> str:  # noqa: ARG002
        """Nothing: there is no cluster yet."""
        return ""

    def ask(self, shipped: Shipped, _target: str) -> Ask:
        """What makes the request of a run."""
        return partial(run_job_flow_for, self.spec, shipped)

    def runner(self, aws: Aws, ask: Ask, _target: str) -> Runner:
        """What looks after runs there."""
        return TransientRunner(aws, self.spec.logs, ask)

    def logs(self, _aws: Aws, _target: str) -> str | None:
        """As the spec says."""
        return None


class NotStartedError(GristmillError):
    """A cluster ended before it took runs."""


def up(
    aws: Aws,
    spec: ClusterSpec,
    tell: Callable[[str], None],
    pause: Callable[[float], None] = time.sleep,
) -> str:
    """Make the cluster of a spec, if it is not there; gives its id once it takes runs.

    Where AWS has no machines for it, it is tried once more with the next type and in the next
    subnet, if the spec has any. Raises `GristmillError`.
    """
    try:
        return _up(aws, spec, tell, pause)
    except NotStartedError as error:
        if not (is_short(str(error)) and has_elsewhere(spec)):
            raise
        tell(f"{error}\ntrying once more, with the next instance type and in the next subnet")
        return _up(aws, elsewhere(spec, 1), tell, pause)


def _up(
    aws: Aws, spec: ClusterSpec, tell: Callable[[str], None], pause: Callable[[float], None]
) -> str:
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
        if said not in LIVE:
            why = status.get("StateChangeReason", {})
            raise NotStartedError(
                f"cluster {cluster} did not start: {why.get('Code', said)}: "
                f"{why.get('Message', 'no message')}"
            )
        pause(_LOOK)


def find_cluster(aws: Aws, spec: ClusterSpec) -> str | None:
    """The id of the cluster of a spec that is there; None where there is none.

    A name proves nothing: a cluster is the spec's only with its tag, and if its logs go to its
    home. Raises `UsageError` where several are, since any of them may be meant.
    """
    found = [
        str(cluster["Id"])
        for cluster in clusters(aws, ClusterStates=LIVE)
        if cluster["Name"] == cluster_name(spec) and _is_of(spec, _described(aws, cluster["Id"]))
    ]
    if len(found) > 1:
        raise UsageError(
            f"{len(found)} clusters are {cluster_name(spec)!r} of {spec.home}: "
            f"{', '.join(found)}; end all but one of them: aws emr terminate-clusters "
            "--cluster-ids ID"
        )
    return found[0] if found else None


def _described(aws: Aws, cluster: str) -> dict[str, Any]:
    with explained(f"describe {cluster}"):
        described: dict[str, Any] = aws.emr.describe_cluster(ClusterId=cluster)["Cluster"]
    return described


def _is_of(spec: ClusterSpec, described: dict[str, Any]) -> bool:
    tags = {tag["Key"]: tag["Value"] for tag in described.get("Tags", [])}
    return tags.get(CLUSTER_TAG) == spec.name and _logs_of(described) == spec.logs.rstrip("/")


def log_folder(aws: Aws, cluster: str) -> str | None:
    """The folder in S3 where a cluster puts logs: not what its spec says by now, but its own."""
    return _logs_of(_described(aws, cluster))


def _logs_of(described: dict[str, Any]) -> str | None:
    uri = described.get("LogUri")
    # EMR gives it as s3n://, whatever was asked for.
    return f"s3://{'/'.join(parse_s3_uri(uri))}".rstrip("/") if uri else None


def down(
    aws: Aws, spec: ClusterSpec, ask: Callable[[str], bool], *, force: bool = False
) -> str | None:
    """End the cluster of a spec; gives its id, or None where it was not there.

    Where runs go on there it `ask`s whether they may end with it; with `force` it does not ask.
    Raises `BusyError` where they are to go on.
    """
    found = find_cluster(aws, spec)
    if found is None:
        return None
    if runs := _going_on(aws, found):
        what = f"{len(runs)} runs go on" if len(runs) > 1 else "1 run goes on"
        named = ", ".join(runs)
        if not force and not ask(f"{what} on {found}: {named}. End them with it?"):
            raise BusyError(f"{what} on {found}: {named}: wait, or --force ends them with it")
    # As it is by now: it may have been set since, by hand or by another spec.
    is_protected = _described(aws, found).get("TerminationProtected")
    with explained(f"end {found}"):
        if is_protected:
            aws.emr.set_termination_protection(JobFlowIds=[found], TerminationProtected=False)
        aws.emr.terminate_job_flows(JobFlowIds=[found])
    return found


def _going_on(aws: Aws, cluster: str) -> list[str]:
    """The names of the steps of a cluster that have not ended, the oldest first."""
    with explained(f"list the steps of {cluster}"):
        pages = aws.emr.get_paginator("list_steps").paginate(
            ClusterId=cluster, StepStates=["PENDING", "RUNNING", "CANCEL_PENDING"]
        )
        steps = [step for page in pages for step in page["Steps"]]
    return [f"{step['Name']} ({step['Status']['State']})" for step in reversed(steps)]
