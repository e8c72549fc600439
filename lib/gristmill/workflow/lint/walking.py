"""What rules look at: all machines and states of a definition, and where each stands."""

from collections.abc import Iterator

from gristmill.workflow.definition.source import Problem, Source
from gristmill.workflow.definition.states import Choice, Machine, Map, Parallel, State, Working


class Subject:
    """A definition under examination."""

    def __init__(
        self,
        source: Source,
        machine: Machine,
        *,
        is_express: bool = False,
        aws: frozenset[str] = frozenset(),
    ) -> None:
        self.source = source
        self.machine = machine
        self.is_express = is_express
        self.aws = aws

    def problem(self, path: str, text: str, *, is_warning: bool = False) -> Problem:
        """Something wrong at a path."""
        return Problem(path or "/", self.source.line(path), text, is_warning)

    def machines(self) -> Iterator[Machine]:
        """The machine, and all that are in it."""
        yield from machines_of(self.machine)

    def states(self) -> Iterator[State]:
        """All states of all machines."""
        for machine in self.machines():
            yield from machine.states.values()


def machines_of(machine: Machine) -> Iterator[Machine]:
    """A machine, and all that are in it."""
    yield machine
    for state in machine.states.values():
        for inner in inner_machines(state):
            yield from machines_of(inner)


def inner_machines(state: State) -> tuple[Machine, ...]:
    """The machines that a state runs."""
    if isinstance(state, Parallel):
        return state.branches
    if isinstance(state, Map) and state.processor is not None:
        return (state.processor,)
    return ()


def transitions(state: State) -> Iterator[tuple[str, str]]:
    """Where a state may lead: each with the path of the field that says so."""
    if state.next is not None:
        yield f"{state.path}/Next", state.next
    if isinstance(state, Choice):
        for index, rule in enumerate(state.rules):
            yield f"{state.path}/Choices[{index}]/Next", rule.next
        if state.default is not None:
            yield f"{state.path}/Default", state.default
    if isinstance(state, Working):
        for index, catcher in enumerate(state.catch):
            yield f"{state.path}/Catch[{index}]/Next", catcher.next
