"""One recorded case: what it takes is set up, its state machine run, and the outcome compared."""

import functools
import json
import tempfile
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gristmill.manager.ledger import Ledger, open_ledger
from gristmill.workflow.bindings.registry import LocalBindings
from gristmill.workflow.definition.reading import machine as read_machine
from gristmill.workflow.definition.source import of_value
from gristmill.workflow.engine.clocks import JumpingClock
from gristmill.workflow.engine.driver import Driver
from gristmill.workflow.engine.memory import MemoryStore
from gristmill.workflow.interpreter import steps
from gristmill.workflow.interpreter.branch import Event, Execution, Status
from gristmill.workflow.interpreter.run import Limits, Run
from tests.real.asl.comparing import differences
from tests.real.asl.surroundings import ACCOUNT, Actors, SlowFunctions, resources_of

Json = Any
_NO_HISTORY = {"ListExecutions", "DescribeStateMachine"}


@dataclass
class Outcome:
    """How far a case came: 3 whole, 2 events in order, 1 ended alike, 0 not; -1 was not run."""

    id: str
    tier: int
    differences: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Expected:
    """What AWS did: the status and its details; events, where they were recorded."""

    status: str | None = None
    output: Json = None
    has_output: bool = False
    error: Json = None
    cause: Json = None
    events: list[dict[str, Any]] | None = None


def run_case(case: dict[str, Any]) -> Outcome:
    """Run all executions of a case; the worst of them counts."""
    wanted = expected_of(case)
    definitions = _definitions(case)
    if not wanted or not definitions:
        return Outcome(case["id"], -1, ["nothing that an execution did was recorded"])
    worst, found = 3, []
    with tempfile.TemporaryDirectory(prefix="asl") as folder:
        for number, (one, definition) in enumerate(zip(wanted, definitions, strict=False)):
            given = _with_names(case["executions"][number])
            try:
                machine = _with_names(definition)
                tier, texts = _run_one(case, given, machine, one, Path(folder) / str(number))
            except Exception as error:  # a fault of ours is a case that differs
                tier, texts = 0, [f"{type(error).__name__}: {error}"]
            worst = min(worst, tier)
            found += [f"[{number}] {text}" if len(wanted) > 1 else text for text in texts]
    return Outcome(case["id"], worst, found)


def _with_names(value: Json) -> Json:
    """With names for what the recording's own code made."""
    text = json.dumps(value)
    for made, name in _MADE.items():
        text = text.replace(made, name)
    return json.loads(text)


_MADE = {
    "create_activity()[activityArn]": f"arn:aws:states:us-east-1:{ACCOUNT}:activity:activity",
    "sns_create_topic()[TopicArn]": f"arn:aws:sns:us-east-1:{ACCOUNT}:topic",
    "LogType.Tail": "Tail",
}


def _definitions(case: dict[str, Any]) -> list[dict[str, Any]]:
    """The state machine of each execution; one that is named by an ARN is the one before, or the
    one that the recording describes."""
    described = _find(case["expected"], "definition")
    found: list[dict[str, Any]] = []
    for one in case["executions"]:
        given = one["definition"]
        if not isinstance(given, dict):
            given = found[-1] if found else described
        if isinstance(given, dict):
            found.append(given)
    return found


def _find(value: Json, name: str) -> Json:
    if isinstance(value, dict):
        if name in value:
            return value[name]
        return next((got for one in value.values() if (got := _find(one, name)) is not None), None)
    if isinstance(value, list):
        return next((got for one in value if (got := _find(one, name)) is not None), None)
    return None


def expected_of(case: dict[str, Any]) -> list[Expected]:
    """What each execution did, as far as it was recorded."""
    told = case["expected"]
    if "cases" in told:
        return [
            Expected("SUCCEEDED", one["output"], True) if "output" in one else Expected()
            for one in told["cases"]
        ]
    histories = [
        one["events"]
        for one in told.values()
        if isinstance(one, dict) and isinstance(one.get("events"), list)
    ]
    histories = [one for one in histories if one and one[0]["id"] in {1, "1"}]
    if histories:
        return [_of_history(one) for one in histories]
    for one in told.values():
        if isinstance(one, dict) and "status" in one and "executionArn" in one:
            return [
                Expected(
                    one["status"],
                    one.get("output"),
                    "output" in one,
                    one.get("error"),
                    one.get("cause"),
                )
            ]
        if isinstance(one, dict) and one.get("type") in _ENDS:
            return [_ended(one["type"], one["details"], None)]
    return [Expected(one["status"]) for listed in told.values() for one in _listed(listed)]


def _listed(value: Json) -> list[dict[str, Any]]:
    return value.get("executions", []) if isinstance(value, dict) else []


_ENDS = {
    "ExecutionSucceeded": "SUCCEEDED",
    "ExecutionFailed": "FAILED",
    "ExecutionAborted": "ABORTED",
    "ExecutionTimedOut": "TIMED_OUT",
}


def _of_history(events: list[dict[str, Any]]) -> Expected:
    last = events[-1]
    if last["type"] not in _ENDS:
        return Expected(events=events)
    name = last["type"][0].lower() + last["type"][1:] + "EventDetails"
    return _ended(last["type"], last.get(name, {}), events)


def _ended(kind: str, details: dict[str, Any], events: list[dict[str, Any]] | None) -> Expected:
    return Expected(
        _ENDS[kind],
        details.get("output"),
        "output" in details,
        details.get("error"),
        details.get("cause"),
        events,
    )


@functools.cache
def _ledger() -> Ledger:
    folder = tempfile.mkdtemp(prefix="asl-ledger")
    return open_ledger(f"sqlite:///{folder}/ledger.db")


def _run_one(
    case: dict[str, Any],
    given: dict[str, Any],
    definition: dict[str, Any],
    wanted: Expected,
    folder: Path,
) -> tuple[int, list[str]]:
    source = of_value(definition)
    machine = read_machine(source)
    if machine is None or source.problems:
        return 0, [f"refused: {one}" for one in source.problems]
    clock = JumpingClock()
    arn = f"arn:aws:states:us-east-1:{ACCOUNT}:execution:{{}}:{{}}"
    names = (f"machine-{abs(hash(case['id']))}", f"execution-{folder.name}-{id(given)}")
    execution = Execution(
        arn.format(*names),
        f"arn:aws:states:us-east-1:{ACCOUNT}:stateMachine:{names[0]}",
        given.get("input"),
        clock.now(),
        f"arn:aws:iam::{ACCOUNT}:role/r",
    )
    run = Run(machine, execution, clock.now, Limits.of_aws())
    store = MemoryStore()
    resources = resources_of(case, given, folder)
    actors = Actors(case, wanted.events or [], store, clock)
    bindings = LocalBindings(
        _ledger(), resources, actors, {"lambda": SlowFunctions(resources.functions, clock)}
    )
    with ThreadPoolExecutor(4) as pool:
        driver = Driver(run, store, bindings, pool, clock, folder, tell=actors.look)
        store.on_answer = driver.woken.set
        if wanted.status == "ABORTED":
            driver.tell = lambda _run: setattr(store, "stop", (None, None))
        steps.start(run)
        driver.drive()
    return _compared(wanted, execution, store.history)


def _compared(
    wanted: Expected, execution: Execution, history: list[Event]
) -> tuple[int, list[str]]:
    found = []
    if wanted.status is not None and wanted.status != execution.status:
        here = f"{execution.status} {execution.error}: {execution.cause}"
        found.append(f"status: {wanted.status}, here {here}")
    if wanted.has_output and execution.status is Status.SUCCEEDED:
        found += differences(wanted.output, execution.output, "output")
    if wanted.status == "FAILED":
        found += differences(wanted.error, execution.error, "error")
        found += differences(wanted.cause, execution.cause, "cause")
    if found:
        return 0, found
    if wanted.events is None:
        return 3, []
    if wanted.status is None:
        history = history[: len(wanted.events)]
    return _histories(wanted.events, history)


def _histories(events: list[dict[str, Any]], history: list[Event]) -> tuple[int, list[str]]:
    ids = [one["id"] for one in events]
    is_sorted = any(not isinstance(one, int) for one in ids)
    here = [one for one in history if one.type != "ParallelStateSucceeded"]
    types, ours = [one["type"] for one in events], [one.type for one in here]
    if is_sorted:
        if Counter(types) != Counter(ours):
            return 1, [f"events: {types}, here {ours}"]
        return 3, []
    if types != ours:
        return 1, [f"events: {types}, here {ours}"]
    found = []
    for one, other in zip(events, here, strict=True):
        details: dict[str, Any] = next(
            (value for name, value in one.items() if name.endswith("EventDetails")), {}
        )
        found += differences(details, other.details, f"#{one['id']} {one['type']}")
        if one["previousEventId"] != other.previous and len(here) == len(history):
            name = f"#{one['id']} {one['type']}"
            found.append(f"{name} follows {one['previousEventId']}, here {other.previous}")
    return (2 if found else 3), found
