"""Running a state machine in memory, on a clock that jumps, with what a test gives it."""

import tempfile
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gristmill.workflow.bindings.calls import Answering, Call, Done
from gristmill.workflow.bindings.functions import Functions
from gristmill.workflow.bindings.map_io import MapFiles
from gristmill.workflow.bindings.objects import Folders
from gristmill.workflow.definition.resources import Resource
from gristmill.workflow.engine.clocks import JumpingClock
from gristmill.workflow.engine.driver import Answer, Driver
from gristmill.workflow.engine.memory import MemoryStore
from gristmill.workflow.interpreter import steps
from gristmill.workflow.interpreter.branch import Event, Execution
from gristmill.workflow.interpreter.run import Limits, Run
from gristmill.workflow.lint import check

Json = Any
START = 1_800_000_000.0
ARN = "arn:aws:states:local:000000000000:execution:machine:one"


class Recorded(Answering):
    """Answers each call by a function of the test's, and remembers all."""

    def __init__(self, answer: Callable[[Call], Json]) -> None:
        self.calls: list[Call] = []
        self._answer = answer

    def start(self, call: Call) -> Done:
        self.calls.append(call)
        return Done(self._answer(call))


class Bound(MapFiles):
    """Functions by name, one binding for all services, and folders for buckets."""

    def __init__(
        self,
        functions: Mapping[str, Callable[[Json, Any], Json]],
        services: Recorded,
        buckets: Mapping[str, Path],
    ) -> None:
        super().__init__(Folders(buckets))
        self._functions = Functions(functions)
        self._services = services

    def of(self, resource: Resource, state: str) -> Any:
        is_function = resource.kind == "function" or resource.service == "lambda"
        return self._functions if is_function else self._services


@dataclass
class Ran:
    """How an execution went. `waited` is how long it took, in seconds of its clock."""

    execution: Execution
    history: list[Event]
    calls: list[Call]
    waited: float

    @property
    def types(self) -> list[str]:
        return [event.type for event in self.history]

    @property
    def entered(self) -> list[str]:
        """The names of the states that were come to, in order."""
        return [
            event.details["name"] for event in self.history if event.type.endswith("StateEntered")
        ]


@dataclass
class Bench:
    """What a state machine is run with."""

    functions: Mapping[str, Callable[[Json, Any], Json]] = field(default_factory=dict)
    answer: Callable[[Call], Json] = lambda _call: {}
    buckets: Mapping[str, Path] = field(default_factory=dict)
    limits: Limits = field(default_factory=Limits)
    tokens: Callable[[str], Answer | None] = lambda _token: None

    def run(self, definition: Json, given: Json = None) -> Ran:
        """Run a definition to its end. Raises `DefinitionError` for one that cannot be."""
        machine = check(definition).sound("machine")
        clock = JumpingClock(START)
        execution = Execution(ARN, ARN.replace(":execution:", ":stateMachine:"), given, START)
        run = Run(machine, execution, clock.now, self.limits)
        store, services = MemoryStore(), Recorded(self.answer)
        asked: set[str] = set()

        def answer_tokens(under: Run) -> None:
            for branch in list(under.branches.values()):
                token = str(branch.work.get("token", ""))
                if token and token not in asked and branch.work.get("is_submitted"):
                    asked.add(token)
                    if (told := self.tokens(token)) is not None:
                        store.answer(told)

        bound = Bound(self.functions, services, self.buckets)
        with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(4) as pool:
            driver = Driver(run, store, bound, pool, clock, Path(folder), tell=answer_tokens)
            store.on_answer = driver.woken.set
            steps.start(run)
            driver.drive()
        return Ran(execution, store.history, services.calls, clock.now() - START)


def machine(*states: tuple[str, Json], **more: Json) -> dict[str, Json]:
    """A definition: the first state is the start."""
    return {"StartAt": states[0][0], "States": dict(states), **more}


def task(resource: str = "arn:aws:states:::sqs:sendMessage", **fields: Json) -> dict[str, Json]:
    """A Task that ends, unless it says Next."""
    end = {} if "Next" in fields else {"End": True}
    return {"Type": "Task", "Resource": resource, **fields, **end}
