"""Tasks that are answered by a file, as Step Functions Local does it.

https://docs.aws.amazon.com/step-functions/latest/dg/sfn-local-mock-cfg-file.html.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gristmill.errors import InputError, UsageError
from gristmill.nearest import nearest
from gristmill.workflow.bindings.calls import Answering, Binding, Call, Done
from gristmill.workflow.definition.resources import Resource
from gristmill.workflow.engine.driver import Bindings
from gristmill.workflow.errors import StatesError
from gristmill.workflow.values import Json


class MockBindings:
    """Answers the states that a test case names; all others are bound as ever."""

    def __init__(self, bindings: Bindings, answers: Mapping[str, Mapping[str, Any]]) -> None:
        self._bindings = bindings
        self._answers = answers

    def of(self, resource: Resource, state: str) -> Binding | None:
        """The mock of a state, or what its resource is bound to."""
        found = self._answers.get(state)
        return self._bindings.of(resource, state) if found is None else Mock(state, found)

    def read_items(self, asked: dict[str, Json], file: Path) -> Json:
        """As ever."""
        return self._bindings.read_items(asked, file)

    def write_results(self, asked: dict[str, Json], results: Path, map_run: str) -> Json:
        """As ever."""
        return self._bindings.write_results(asked, results, map_run)


class Mock(Answering):
    """Answers one state: `{"0": {"Return": …}, "1-2": {"Throw": {"Error": …, "Cause": …}}}`, by
    the number of the try."""

    def __init__(self, state: str, answers: Mapping[str, Any]) -> None:
        self._state = state
        self._answers = answers

    def start(self, call: Call) -> Done:
        """Answer a try."""
        number = int(call.key.rpartition("-")[2])
        for span, answer in self._answers.items():
            first, _, last = span.partition("-")
            if int(first) <= number <= int(last or first):
                if "Throw" in answer:
                    thrown = answer["Throw"]
                    raise StatesError(thrown.get("Error"), thrown.get("Cause"))
                return Done(answer.get("Return"))
        raise StatesError(
            "States.Runtime", f"the mock of {self._state} has no answer for try {number}"
        )


def read_mocks(file: Path, machine: str, case: str) -> Mapping[str, Mapping[str, Any]]:
    """The answers of a test case, by state. Raises `InputError`, `UsageError`."""
    try:
        document = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{file} cannot be read: {error}") from error
    machines = document.get("StateMachines", {})
    if machine not in machines:
        raise UsageError(f"{file} has no state machine {machine!r}: {nearest(machine, machines)}")
    cases = machines[machine].get("TestCases", {})
    if case not in cases:
        raise UsageError(f"{file} has no test case {case!r}: {nearest(case, cases)}")
    responses = document.get("MockedResponses", {})
    found = {}
    for state, name in cases[case].items():
        if name not in responses:
            raise UsageError(f"{file} has no response {name!r}: {nearest(name, responses)}")
        found[state] = responses[name]
    return found
