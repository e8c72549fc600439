"""Runs as steps of a cluster that is there."""

import re
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from gristmill.emr.aws import Aws, RefusedError, explained
from gristmill.emr.requests import Request, title
from gristmill.emr.requests.steps import YARN_TAGS, kill_application
from gristmill.emr.runners.once import once
from gristmill.errors import GristmillError, InputError
from gristmill.runs import Handle, LogFile, State, Status, Submission

_STATES = {
    "PENDING": State.PENDING,
    "CANCEL_PENDING": State.RUNNING,
    "RUNNING": State.RUNNING,
    "COMPLETED": State.SUCCEEDED,
    "CANCELLED": State.CANCELLED,
    "FAILED": State.FAILED,
    "INTERRUPTED": State.FAILED,
}
# What EMR calls steps that ran, or waited to, when their cluster ended.
_ENDED_WITH_IT = {"INTERRUPTED", "CANCELLED"}
_WITHIN = timedelta(minutes=2)
_OVER = {"TERMINATED", "TERMINATED_WITH_ERRORS"}
_ENDING = {*_OVER, "TERMINATING"}
_ACTIVE = ["PENDING", "CANCEL_PENDING", "RUNNING"]
# https://docs.aws.amazon.com/emr/latest/ManagementGuide/emr-work-with-steps.html
_MOST = 256
# ListSteps takes no more ids at once.
_IDS = 10
_TAIL = 1 << 20
_APPLICATION = re.compile(r"\bapplication_\d{13}_\d{4,}\b")


Ask = Callable[[Submission], Request]
"""Makes of a submission the request that starts it."""


class StepRunner:
    """Runs as steps. `logs` is the folder in S3 where their clusters put logs.

    Only `submit` needs the rest: what asks for a step, and of which cluster.
    """

    name = "step"

    def __init__(
        self,
        aws: Aws,
        logs: str,
        request: Ask | None = None,
        cluster: str = "",
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._aws = aws
        self._logs = logs
        self._request = request
        self._cluster = cluster
        self._pause = pause

    def submit(self, submission: Submission) -> Handle:
        """Add a step, or give the one that has the same run key. Raises `GristmillError`."""
        request = asked(self._request, submission)

        def find() -> Handle | None:
            return self._find(title(submission), self._cluster)

        def send() -> Handle:
            check_room(self._aws, self._cluster)
            return self._send(request)

        return once(f"add a step to {self._cluster}", find, send, self._pause)

    def _send(self, request: Request) -> Handle:
        (step,) = self._aws.emr_once.add_job_flow_steps(**request)["StepIds"]
        return Handle(self.name, request["JobFlowId"], step)

    def _find(self, name: str, cluster: str) -> Handle | None:
        for step in steps(self._aws, cluster):
            if step["Name"] == name:
                return Handle(self.name, cluster, step["Id"])
        return None

    def poll(self, handles: Sequence[Handle]) -> Mapping[Handle, Status]:
        """How runs are: a request for ten steps, and one for their cluster if any goes on."""
        clusters: dict[str, dict[str, Handle]] = defaultdict(dict)
        for handle in handles:
            clusters[handle.target][handle.id] = handle
        found: dict[Handle, Status] = {}
        for cluster, wanted in clusters.items():
            ids = list(wanted)
            for start in range(0, len(ids), _IDS):
                some = ids[start : start + _IDS]
                for step in steps(self._aws, cluster, StepIds=some):
                    found[wanted[step["Id"]]] = status_of(step)
            if missing := [one for one in wanted.values() if one not in found]:
                raise InputError(f"{cluster} has no step {missing[0].id}")
            self._with_cluster(cluster, list(wanted.values()), found)
        return found

    def _with_cluster(
        self, cluster: str, handles: Sequence[Handle], found: dict[Handle, Status]
    ) -> None:
        """Add what their cluster means for steps that go on, or that its own end may have ended."""
        concerned = [
            handle
            for handle in handles
            if not found[handle].state.is_final or found[handle].detail in _ENDED_WITH_IT
        ]
        if not concerned:
            return
        with explained(f"describe {cluster}"):
            told = self._aws.emr.describe_cluster(ClusterId=cluster)["Cluster"]["Status"]
        for handle in concerned:
            found[handle] = _on(cluster, told, found[handle])

    def cancel(self, handle: Handle) -> None:
        """Ask that a step end, and what it runs on YARN; one that has ended stays as it is.

        Raises `GristmillError`.
        """
        client = self._aws.emr
        with explained(f"cancel {handle.id}"):
            step = client.describe_step(ClusterId=handle.target, StepId=handle.id)["Step"]
            (told,) = client.cancel_steps(
                ClusterId=handle.target,
                StepIds=[handle.id],
                StepCancellationOption="SEND_INTERRUPT",
            )["CancelStepsInfoList"]
        if told["Status"] == "FAILED" and not self.poll([handle])[handle].state.is_final:
            raise GristmillError(f"cannot cancel {handle.id}: {told.get('Reason', 'no reason')}")
        tag = _yarn_tag(step["Config"]["Args"])
        if tag and step["Status"]["State"] == "RUNNING":
            request = kill_application(handle.target, tag, step.get("ExecutionRoleArn"))
            (asked_for,) = request["Steps"]

            def find() -> Handle | None:
                return self._find(asked_for["Name"], handle.target)

            what = f"end the Spark application of {handle.id}, which goes on"
            once(what, find, lambda: self._send(request), self._pause)

    def logs_at(self, handle: Handle) -> str:
        """The folder for what the step itself prints; its driver's is beside it."""
        return f"{self._logs}/{handle.target}/steps/{handle.id}/"

    def logs(self, handle: Handle) -> Sequence[LogFile]:
        """The logs that EMR has put into S3 so far: of the step, of its driver and executors.

        Of a step that has none, those of the bootstrap actions of its cluster, which may be why.
        """
        root = f"{self._logs}/{handle.target}"
        found = [LogFile(*one) for one in self._aws.objects(self.logs_at(handle))]
        if not found:
            return bootstrap_logs(self._aws, self._logs, handle)
        applications: set[str] = set()
        for log in found:
            applications |= set(_APPLICATION.findall(self.read(log)))
        for application in sorted(applications):
            inside = self._aws.objects(f"{root}/containers/{application}")
            found += [LogFile(*one) for one in inside]
        return found

    def read(self, log: LogFile) -> str:
        """A log's text, unpacked; of a long one its end. Raises `GristmillError`."""
        return self._aws.tail(log.uri, _TAIL).decode(errors="replace")


def bootstrap_logs(aws: Aws, logs: str, handle: Handle) -> Sequence[LogFile]:
    """The logs of the bootstrap actions of a step's cluster, of all its nodes."""
    of_nodes = [LogFile(*one) for one in aws.objects(f"{logs}/{handle.target}/node/")]
    return [log for log in of_nodes if "/bootstrap-actions/" in log.uri]


def _on(cluster: str, told: dict[str, Any], status: Status) -> Status:
    """The status of a step, given that of its cluster: one that is gone runs nothing."""
    detail = f"{status.detail}, cluster {told['State']}"
    ended = told.get("Timeline", {}).get("EndDateTime")
    if told["State"] not in (_ENDING if status.state.is_final else _OVER):
        return status if status.state.is_final else replace(status, detail=detail)
    before = status.ended and ended and ended - status.ended > _WITHIN
    if status.state is State.CANCELLED and before:
        return status
    why = told.get("StateChangeReason", {})
    return Status(
        State.CANCELLED if why.get("Code") == "USER_REQUEST" else State.FAILED,
        detail,
        f"{cluster} ended: {why.get('Code', '')} {why.get('Message', '')}".strip(),
        status.started,
        status.ended or ended,
    )


def _yarn_tag(arguments: Sequence[str]) -> str | None:
    """The tag of what a step has YARN run: None where its driver ends with it."""
    if "cluster" not in arguments:
        return None
    found = (word.partition("=") for word in arguments)
    return next((value for key, _, value in found if key == YARN_TAGS), None)


def asked(request: Ask | None, submission: Submission) -> Request:
    """The request for a submission."""
    if request is None:
        raise ValueError("this runner was made to look after runs, not to start any")
    return request(submission)


def steps(aws: Aws, cluster: str, **which: Any) -> Iterator[dict[str, Any]]:
    """The steps of a cluster, the newest first. Raises `GristmillError`."""
    with explained(f"list the steps of {cluster}"):
        for page in aws.emr.get_paginator("list_steps").paginate(ClusterId=cluster, **which):
            yield from page["Steps"]


class FullError(RefusedError):
    """A cluster has as many steps as it may: it takes more once some have ended."""


def check_room(aws: Aws, cluster: str) -> None:
    """That a cluster takes one more step. Raises `FullError` where it has as many as it may."""
    active = sum(1 for _ in steps(aws, cluster, StepStates=_ACTIVE))
    if active >= _MOST:
        raise FullError(
            f"{cluster} has {active} steps that wait or run, and takes {_MOST}: submit it again "
            "once some have ended, or add --transient"
        )


def status_of(step: dict[str, Any]) -> Status:
    """How a step is, by what AWS tells of it."""
    told = step["Status"]
    timeline = told.get("Timeline", {})
    failure, change = told.get("FailureDetails", {}), told.get("StateChangeReason", {})
    said = (failure.get("Reason"), failure.get("Message"), change.get("Message"))
    return Status(
        # Of one that is new nothing says that it is final.
        _STATES.get(told["State"], State.RUNNING),
        told["State"],
        " ".join(text for text in said if text),
        timeline.get("StartDateTime"),
        timeline.get("EndDateTime"),
    )
