"""What stands around a recorded state machine: its functions, queues, tables and buckets, and who
answers tokens or is started by it.

Who answers, and with what, is not in the recordings' set-up: it is played as the recording tells
that it was.
"""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gristmill.workflow.bindings.calls import Call, Done, Started
from gristmill.workflow.bindings.functions import Function, Functions, function_name
from gristmill.workflow.bindings.items import Table
from gristmill.workflow.bindings.queues import Queue
from gristmill.workflow.bindings.registry import LocalResources
from gristmill.workflow.bindings.topics import Topic
from gristmill.workflow.engine.clocks import JumpingClock
from gristmill.workflow.engine.driver import Answer
from gristmill.workflow.engine.memory import MemoryStore
from gristmill.workflow.errors import StatesError
from gristmill.workflow.interpreter.branch import Branch, Execution, Phase, Status
from gristmill.workflow.interpreter.run import Run
from tests.real.asl import functions

ACCOUNT = "111111111111"
_SLOW = "wait_60_seconds"
Json = Any


def resources_of(case: dict[str, Any], given: dict[str, Any], folder: Path) -> LocalResources:
    """What the case needs. What its names say is not there, is not."""
    text = json.dumps([given, case["setup"]])
    names: dict[str, Function] = {
        uid: getattr(functions, file.removesuffix(".py"))
        for uid, file in case["lambdas"].items()
        if file != f"{_SLOW}.py"
    }
    queues = {
        name: Queue(name) for name in re.findall(r"https?://[^/\"]+/\d+/([A-Za-z0-9_.-]+)", text)
    }
    tables = {
        name: Table(name, ("id",))
        for name in re.findall(r"\"TableName\": \"([^\"$]+)\"", text)
        if "no_such" not in name
    }
    is_fifo = "fifo" in case["id"]
    topics = {"topic": Topic("topic.fifo" if is_fifo else "topic")}
    if "delete_topic" in text:
        topics = {}
    buckets = {}
    wanted = set(re.findall(r"\"Bucket\": \"([^\"$]+)\"", text))
    for name in wanted - {one for one in wanted if "onexistent" in one}:
        buckets[name] = folder / "buckets" / name
        buckets[name].mkdir(parents=True, exist_ok=True)
    for service, action, arguments in case["setup"]:
        if (service, action) == ("s3", "put_object"):
            body = str(arguments["Body"])
            body = re.sub(r"^bytearray\(b'(.*)'\)$", r"\1", body)
            file = buckets[arguments["Bucket"]] / arguments["Key"]
            file.write_text(body, encoding="utf-8")
    return LocalResources(names, queues, topics, tables, buckets)


class SlowFunctions(Functions):
    """Functions, of which one takes a minute of the clock that jumps."""

    def __init__(self, names: Mapping[str, Function], clock: JumpingClock) -> None:
        super().__init__(names)
        self._names = names
        self._clock = clock

    def start(self, call: Call) -> Done | Started:  # type: ignore[override]
        name = call.resource.name
        if not name:
            name = function_name(str((call.arguments or {}).get("FunctionName", "")))
        if name in self._names or not name:
            return super().start(call)
        return Started(self._clock.now() + 60, None)

    def poll(self, call: Call, handle: Json) -> Done | None:
        return Done(None) if self._clock.now() >= handle else None


class Actors:
    """Who answers tokens, takes up activities, and is started, as the recording tells."""

    def __init__(
        self,
        case: dict[str, Any],
        events: list[dict[str, Any]],
        store: MemoryStore,
        clock: JumpingClock,
    ) -> None:
        self._case = case
        self._store = store
        self._clock = clock
        self._seen: set[str] = set()
        self._ends = [one for one in events if one["type"] in _ENDS]
        self._worker = next(
            (
                one["activityStartedEventDetails"]["workerName"]
                for one in events
                if one["type"] == "ActivityStarted"
            ),
            "worker",
        )
        self._started: dict[str, Execution] = {}

    def look(self, run: Run) -> None:
        """Answer the tokens that are out."""
        for branch in list(run.branches.values()):
            token = str(branch.work.get("token", ""))
            if branch.phase is not Phase.CALLED or token in self._seen:
                continue
            resource = str(branch.work.get("resource", ""))
            if "activity" in resource:
                self._seen.add(token)
                self._store.answer(Answer(token, "taken", self._worker))
                self._answer(token)
            elif _waits_for_token(branch, resource):
                self._seen.add(token)
                self._answer(token)

    def _answer(self, token: str) -> None:
        for event in self._ends:
            details = next(value for name, value in event.items() if name.endswith("EventDetails"))
            if event["type"].endswith("Succeeded"):
                output = _json(details.get("output"))
                self._store.answer(Answer(token, "success", output))
            elif event["type"].endswith("Failed"):
                self._store.answer(
                    Answer(token, "failure", None, details.get("error"), details.get("cause"))
                )
            return

    def start(self, machine_arn: str, name: str, given: Json) -> Execution:
        """As `startExecution` of a machine of which only the end was recorded."""
        arn = machine_arn.replace(":stateMachine:", ":execution:") + f":{name}"
        one = Execution(arn, machine_arn, given, self._clock.now())
        for event in self._ends:
            details = next(value for key, value in event.items() if key.endswith("EventDetails"))
            told = _json(details.get("output") or details.get("cause"))
            told = told if isinstance(told, dict) else {}
            one.status = Status(told.get("Status", "SUCCEEDED"))
            one.output = _json(told.get("Output"))
            one.error, one.cause = told.get("Error"), told.get("Cause")
            one.ended = self._clock.now()
        self._started[arn] = one
        return one

    def find(self, arn: str) -> Execution:
        return self._started[arn]

    def stop(self, arn: str, error: str | None = None, cause: str | None = None) -> bool:
        return False

    def answer(
        self, token: str, kind: str, *, output: Json = None, error: str | None, cause: str | None
    ) -> None:
        raise StatesError("TaskDoesNotExist", "nothing waits for this token")


def _waits_for_token(branch: Branch, resource: str) -> bool:
    is_told = branch.work.get("token", "-") in json.dumps(branch.work.get("arguments"))
    is_awaited = "waitForTaskToken" in resource or (is_told and ".sync" in resource)
    return is_awaited and bool(branch.work.get("is_submitted"))


def _json(value: Json) -> Json:
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        return value


_ENDS = {
    "TaskSucceeded",
    "TaskFailed",
    "ActivitySucceeded",
    "ActivityFailed",
    "TaskTimedOut",
    "ActivityTimedOut",
}
