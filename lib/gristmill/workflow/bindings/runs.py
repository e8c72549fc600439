"""Runs of the job manager: `gristmill:run`, `batch:submitJob`, steps and jobs of EMR.

Where they run is the place that the project names: this machine, or EMR. A call that is repeated
finds the run that it submitted, by its key.

https://docs.aws.amazon.com/step-functions/latest/dg/connect-batch.html,
https://docs.aws.amazon.com/step-functions/latest/dg/connect-emr.html and
https://docs.aws.amazon.com/step-functions/latest/dg/connect-emr-serverless.html.
"""

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from gristmill.errors import GristmillError
from gristmill.manager.ledger import Ledger, Row
from gristmill.manager.ledger.acting import cancel, find
from gristmill.manager.request import RunRequest
from gristmill.manager.states import RunState
from gristmill.workflow.bindings.calls import Call, Done, Started
from gristmill.workflow.bindings.sdk import need, told
from gristmill.workflow.errors import TASK_FAILED, StatesError
from gristmill.workflow.values import Json, dump, timestamp

_S3 = re.compile(r"s3[an]?://([^/]+)/?(.*)", re.DOTALL)
_WITH_VALUE = {
    *("--deploy-mode", "--name", "--conf", "--py-files", "--class", "--master", "--jars"),
    *("--files", "--archives", "--packages", "--driver-memory", "--executor-memory"),
    *("--num-executors", "--executor-cores", "--driver-cores", "--properties-file", "--queue"),
}


class Runs:
    """Submits runs, and asks how they are. `buckets` are folders that stand for those in flags."""

    is_idempotent = True

    def __init__(
        self, ledger: Ledger, folder: Path, place: str, buckets: Mapping[str, Path]
    ) -> None:
        self._ledger = ledger
        self._folder = folder
        self._place = place
        self._buckets = buckets

    def start(self, call: Call) -> Done | Started:
        """Submit a run, or what stands for a cluster."""
        make: Callable[[Call], RunRequest] | None = {
            "gristmill:run": self._own,
            "batch:submitJob": self._batch,
            "elasticmapreduce:addStep": self._step,
            "emr-serverless:startJobRun": self._serverless,
        }.get(call.resource.call)
        if make is None:
            return self._cluster(call)
        # What looks at a job's flags loads PySpark, which most workflows do without.
        from gristmill.manager.submit import submit_request  # noqa: PLC0415

        try:
            submitted = submit_request(self._ledger, make(call))
        except GristmillError as error:
            raise StatesError(TASK_FAILED, str(error)) from error
        answer = told(call.resource, _answer(call, submitted.run))
        if call.resource.pattern.startswith("sync"):
            return Started(submitted.run, answer)
        return Done(answer)

    def poll(self, call: Call, handle: Json) -> Done | None:
        """Whether it has ended. Raises `StatesError` where it failed."""
        with self._ledger.look() as tx:
            run = find(tx, str(handle))
        state = RunState(run["state"])
        if not state.is_final:
            return None
        answer = _answer(call, run["id"], run)
        if state is RunState.SUCCEEDED:
            return Done(answer)
        raise StatesError(TASK_FAILED, dump(answer))

    def stop(self, call: Call, handle: Json) -> None:  # noqa: ARG002  the protocol's
        """Cancel a run."""
        if handle is not None:
            with self._ledger.begin() as tx:
                cancel(tx, str(handle), "the workflow")

    # What is asked for

    def _request(self, call: Call, job: str, argv: Sequence[str], **more: Any) -> RunRequest:
        key = f"workflow/{hashlib.sha256(call.key.encode()).hexdigest()[:40]}"
        given = {name: value for name, value in more.items() if value is not None}
        given.setdefault("on", None if self._place == "local" else self._place)
        # Elsewhere S3 is S3.
        words = map(self._here, argv) if given["on"] is None else argv
        return RunRequest(job, tuple(words), folder=str(self._folder), key=key, **given)

    def _here(self, word: str) -> str:
        """A flag, with the folder of a bucket that stands here for one in S3."""
        found = _S3.fullmatch(word)
        if found is None or found[1] not in self._buckets:
            return word
        return str(self._buckets[found[1]] / found[2])

    def _own(self, call: Call) -> RunRequest:
        arguments = need(call.resource, call.arguments, "Job")
        unknown = arguments.keys() - _OWN
        if unknown:
            known = ", ".join(sorted(_OWN))
            raise StatesError(TASK_FAILED, f"gristmill:run takes {known}, not {sorted(unknown)}")
        retries = arguments.get("Retries")
        return self._request(
            call,
            str(arguments["Job"]),
            [str(one) for one in arguments.get("Arguments") or ()],
            queue=arguments.get("Queue"),
            share=arguments.get("Share"),
            priority=arguments.get("Priority"),
            on=arguments.get("On"),
            cores=arguments.get("Cores"),
            timeout=arguments.get("TimeoutSeconds"),
            attempts=None if retries is None else int(retries) + 1,
            array=_children(arguments.get("Array")),
        )

    def _batch(self, call: Call) -> RunRequest:
        arguments = need(call.resource, call.arguments, "JobDefinition")
        definition = str(arguments["JobDefinition"])
        if ":job-definition/" in definition:
            definition = definition.partition(":job-definition/")[2].partition(":")[0]
        overrides = arguments.get("ContainerOverrides") or {}
        argv = [str(word) for word in overrides.get("Command") or ()]
        for name, value in (arguments.get("Parameters") or {}).items():
            argv += [f"--{name}", str(value)]
        size = (arguments.get("ArrayProperties") or {}).get("Size")
        queue = arguments.get("JobQueue")
        depends = [one["JobId"] for one in arguments.get("DependsOn") or () if "JobId" in one]
        attempts = (arguments.get("RetryStrategy") or {}).get("Attempts")
        return self._request(
            call,
            definition,
            argv,
            queue=None if queue is None else str(queue).rpartition("/")[2],
            array=_children(size),
            after=tuple(depends),
            share=arguments.get("ShareIdentifier"),
            attempts=attempts,
            timeout=(arguments.get("Timeout") or {}).get("AttemptDurationSeconds"),
        )

    def _step(self, call: Call) -> RunRequest:
        arguments = need(call.resource, call.arguments, "ClusterId", "Step")
        words = [str(one) for one in arguments["Step"]["HadoopJarStep"].get("Args") or ()]
        job, argv = spark_job(words)
        return self._request(call, job, argv)

    def _serverless(self, call: Call) -> RunRequest:
        arguments = need(call.resource, call.arguments, "ApplicationId", "JobDriver")
        driver = arguments["JobDriver"].get("SparkSubmit") or {}
        words = [str(driver.get("EntryPoint", ""))]
        words += [str(one) for one in driver.get("EntryPointArguments") or ()]
        job, argv = spark_job(words)
        return self._request(call, job, argv)

    def _cluster(self, call: Call) -> Done:
        """A cluster is this machine: it is there at once, and stays when it is ended."""
        if call.resource.action == "createCluster":
            name = hashlib.sha256(call.key.encode()).hexdigest()[:13].upper()
            given = (call.arguments or {}).get("Name", "")
            answer: dict[str, Json] = {"ClusterId": f"j-{name}", "ClusterArn": f"local:{name}"}
            if call.resource.pattern:
                answer["Cluster"] = {"Id": f"j-{name}", "Name": given}
            return Done(answer)
        return Done({"ClusterId": (call.arguments or {}).get("ClusterId")})


def _children(array: Json) -> tuple[str, ...] | None:
    """The items of an array; of one that is only counted, its indexes."""
    if array is None or isinstance(array, list):
        return None if array is None else tuple(map(str, array))
    return tuple(map(str, range(int(array))))


_OWN = {
    *("Job", "Arguments", "Queue", "Share", "Priority", "On", "Cores", "TimeoutSeconds"),
    *("Retries", "Array"),
}


def spark_job(words: Sequence[str]) -> tuple[str, list[str]]:
    """The job and its flags, of the arguments of a step: `spark-submit … FILE [JOB] [FLAG …]`.

    Raises `StatesError` where there is none.
    """
    rest = list(words)
    if rest and rest[0].rpartition("/")[2] == "spark-submit":
        rest.pop(0)
        while rest and rest[0].startswith("--"):
            flag = rest.pop(0)
            if flag in _WITH_VALUE and rest:
                rest.pop(0)
    if not rest or not rest[0].endswith(".py"):
        shown = " ".join(words)
        raise StatesError(TASK_FAILED, f"here a step runs a job in Python; this is: {shown}")
    file, *argv = rest
    if file.rpartition("/")[2] == "entry.py":
        if not argv:
            raise StatesError(TASK_FAILED, "entry.py takes the name of a job and its flags")
        return argv[0], argv[1:]
    found = _S3.fullmatch(file)
    return (found[2] if found else file), argv


def _answer(call: Call, run: str, row: Row | None = None) -> dict[str, Json]:
    """What the service tells of a run, in its own words."""
    state = None if row is None else RunState(row["state"])
    reason = "" if row is None else row["reason"]
    if call.resource.service == "batch":
        answer: dict[str, Json] = {"JobId": run, "JobArn": f"local:job/{run}"}
        answer["JobName"] = (call.arguments or {}).get("JobName", "")
        if state is not None and row is not None:
            answer["Status"] = "SUCCEEDED" if state is RunState.SUCCEEDED else "FAILED"
            answer["StatusReason"] = reason
            answer["CreatedAt"] = int(row["created"] * 1000)
            answer["StoppedAt"] = int(row["ended"] * 1000)
        return answer
    if call.resource.service == "elasticmapreduce":
        answer = {"StepId": run}
        if state is not None and row is not None:
            answer["Step"] = {
                "Id": run,
                "Name": (call.arguments or {}).get("Step", {}).get("Name", ""),
                "Status": {"State": _STEP[state], "FailureDetails": {"Reason": reason}},
            }
        return answer
    if call.resource.service == "emr-serverless":
        answer = {"JobRunId": run, "ApplicationId": (call.arguments or {}).get("ApplicationId")}
        if state is not None:
            answer["State"] = "SUCCESS" if state is RunState.SUCCEEDED else "FAILED"
            answer["StateDetails"] = reason
        return answer
    answer = {"RunId": run}
    if state is not None and row is not None:
        answer |= {"State": str(state), "Job": row["job"], "Reason": reason}
        answer |= {"Result": row["result"], "EndedAt": timestamp(row["ended"])}
    return answer


_STEP = {
    RunState.SUCCEEDED: "COMPLETED",
    RunState.FAILED: "FAILED",
    RunState.CANCELLED: "CANCELLED",
    RunState.SKIPPED: "CANCELLED",
}
