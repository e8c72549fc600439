"""Runs as job runs of an EMR Serverless application."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from botocore.exceptions import ClientError

from gristmill.emr.aws import Aws, code, explained
from gristmill.emr.requests.serverless import application_name
from gristmill.emr.runners.steps import Ask, asked
from gristmill.emr.specs import ServerlessSpec
from gristmill.errors import InputError, UsageError
from gristmill.runs import Handle, LogFile, State, Status, Submission

_STATES = {
    "SUBMITTED": State.PENDING,
    "QUEUED": State.PENDING,
    "PENDING": State.PENDING,
    "SCHEDULED": State.PENDING,
    "RUNNING": State.RUNNING,
    # Its processes may still write.
    "CANCELLING": State.RUNNING,
    "SUCCESS": State.SUCCEEDED,
    "FAILED": State.FAILED,
    "CANCELLED": State.CANCELLED,
}
_GRACE_SECONDS = 60
_TAIL = 1 << 20


class ServerlessRunner:
    """Runs in applications. `logs` is the folder in S3 where they put logs.

    Only `submit` needs the rest: what asks for a job run, and of which application.
    """

    name = "serverless"

    def __init__(
        self, aws: Aws, logs: str, request: Ask | None = None, application: str = ""
    ) -> None:
        self._aws = aws
        self._logs = logs
        self._request = request
        self._application = application

    def submit(self, submission: Submission) -> Handle:
        """Start a job run, or give the one that has the same run key. Raises `GristmillError`."""
        request = asked(self._request, submission)
        with explained(f"start a job run in {self._application}"):
            try:
                run = self._aws.serverless.start_job_run(**request)["jobRunId"]
            except ClientError as error:
                # The same key, and since then other code: it is the run that was.
                run = self._named(request["name"]) if code(error) == "ConflictException" else None
                if run is None:
                    raise
        return Handle(self.name, self._application, run)

    def _named(self, name: str) -> str | None:
        pages = self._aws.serverless.get_paginator("list_job_runs")
        for page in pages.paginate(applicationId=self._application):
            for run in page["jobRuns"]:
                if run.get("name") == name:
                    return str(run["id"])
        return None

    def poll(self, handles: Sequence[Handle]) -> Mapping[Handle, Status]:
        """How runs are: of one by itself, of several of an application by its list."""
        applications: dict[str, dict[str, Handle]] = defaultdict(dict)
        for handle in handles:
            applications[handle.target][handle.id] = handle
        found: dict[Handle, Status] = {}
        for application, wanted in applications.items():
            for run in self._runs(application, list(wanted)):
                found[wanted[run["id"]]] = status_of(run)
            if missing := [one for one in wanted.values() if one not in found]:
                raise InputError(f"{application} has no job run {missing[0].id}")
        return found

    def _runs(self, application: str, ids: Sequence[str]) -> list[dict[str, Any]]:
        client = self._aws.serverless
        with explained(f"list the job runs of {application}"):
            if len(ids) == 1:
                run = client.get_job_run(applicationId=application, jobRunId=ids[0])["jobRun"]
                return [{**run, "id": run["jobRunId"]}]
            missing, found = set(ids), []
            for page in client.get_paginator("list_job_runs").paginate(applicationId=application):
                found += [run for run in page["jobRuns"] if run["id"] in missing]
                missing -= {run["id"] for run in found}
                if not missing:
                    break
            return found

    def cancel(self, handle: Handle) -> None:
        """Ask that a job run end, if it has not. Raises `GristmillError`."""
        if self.poll([handle])[handle].state.is_final:
            return
        with explained(f"cancel {handle.id}"):
            self._aws.serverless.cancel_job_run(
                applicationId=handle.target,
                jobRunId=handle.id,
                shutdownGracePeriodInSeconds=_GRACE_SECONDS,
            )

    def logs_at(self, handle: Handle) -> str:
        """The folder for what the driver and the executors print."""
        return f"{self._logs}/applications/{handle.target}/jobs/{handle.id}/"

    def logs(self, handle: Handle) -> Sequence[LogFile]:
        """The logs that are in S3 so far: of the driver and of executors."""
        return [LogFile(*one) for one in self._aws.objects(self.logs_at(handle))]

    def read(self, log: LogFile) -> str:
        """A log's text, unpacked; of a long one its end. Raises `GristmillError`."""
        return self._aws.tail(log.uri, _TAIL).decode(errors="replace")


def find_application(aws: Aws, spec: ServerlessSpec) -> str | None:
    """The id of the application that a spec names, if it is there.

    Raises `UsageError` where several have its name, `GristmillError`.
    """
    found = []
    with explained("list the applications of EMR Serverless"):
        for page in aws.serverless.get_paginator("list_applications").paginate():
            found += [
                str(application["id"])
                for application in page["applications"]
                if application["name"] == application_name(spec)
                and application["state"] != "TERMINATED"
            ]
    if len(found) > 1:
        raise UsageError(
            f"{len(found)} applications are called {application_name(spec)}: {', '.join(found)}: "
            "delete all but one, or give the spec another name"
        )
    return found[0] if found else None


def active_runs(aws: Aws, application: str) -> dict[str, str]:
    """The job runs of an application that have not ended, by id: what each is called."""
    with explained(f"list the job runs of {application}"):
        pages = aws.serverless.get_paginator("list_job_runs").paginate(
            applicationId=application,
            states=[state for state, means in _STATES.items() if not means.is_final],
        )
        return {
            run["id"]: f"{run.get('name') or run['id']} ({run['state'].lower()})"
            for page in pages
            for run in page["jobRuns"]
        }


def status_of(run: dict[str, Any]) -> Status:
    """How a job run is, by what AWS tells of it."""
    # Of one that is new nothing says that it is final.
    state = _STATES.get(run["state"], State.RUNNING)
    started = run.get("startedAt")
    seconds = run.get("totalExecutionDurationSeconds")
    ended = run.get("endedAt") or (run.get("updatedAt") if state.is_final else None)
    if started is None and ended is not None and seconds:
        started = ended - timedelta(seconds=seconds)
    # Only what went wrong is a reason; of what goes well, AWS says that, too.
    reason = run.get("stateDetails", "") if state is State.FAILED else ""
    return Status(state, run["state"], reason, started, ended)
