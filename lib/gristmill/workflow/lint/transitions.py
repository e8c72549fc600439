"""Rules about where states lead."""

from collections.abc import Iterator

from gristmill.nearest import near
from gristmill.workflow.definition.source import Problem
from gristmill.workflow.definition.states import Choice, Fail, Succeed
from gristmill.workflow.lint.walking import Subject, transitions

_LONGEST_NAME = 80


def the_start_is_there(subject: Subject) -> Iterator[Problem]:
    """StartAt names a state."""
    for machine in subject.machines():
        if machine.start and machine.start not in machine.states:
            text = f"there is no state {machine.start!r}{near(machine.start, machine.states)}"
            yield subject.problem(f"{machine.path}/StartAt", text)


def the_next_is_there(subject: Subject) -> Iterator[Problem]:
    """Next, Default and those of catchers name states of the same machine."""
    for machine in subject.machines():
        for state in machine.states.values():
            for path, name in transitions(state):
                if name and name not in machine.states:
                    text = f"there is no state {name!r} here{near(name, machine.states)}"
                    yield subject.problem(path, text)


def all_is_reached(subject: Subject) -> Iterator[Problem]:
    """Each state can be come to from the start."""
    for machine in subject.machines():
        if machine.start not in machine.states:
            continue
        seen, todo = {machine.start}, [machine.start]
        while todo:
            for _, name in transitions(machine.states[todo.pop()]):
                if name in machine.states and name not in seen:
                    seen.add(name)
                    todo.append(name)
        for name, state in machine.states.items():
            if name not in seen:
                yield subject.problem(state.path, f"nothing leads to the state {name!r}")


def there_is_an_end(subject: Subject) -> Iterator[Problem]:
    """Each machine has a state that ends it."""
    for machine in subject.machines():
        ends = any(
            isinstance(state, Succeed | Fail)
            or (state.next is None and not isinstance(state, Choice))
            for state in machine.states.values()
        )
        if machine.states and not ends:
            yield subject.problem(f"{machine.path}/States", "no state ends it")


def names_are_short_and_unique(subject: Subject) -> Iterator[Problem]:
    """A name has up to 80 characters, and is there once in the whole definition."""
    seen: dict[str, str] = {}
    for state in subject.states():
        if len(state.name) > _LONGEST_NAME:
            text = f"a name has up to {_LONGEST_NAME} characters, not {len(state.name)}"
            yield subject.problem(state.path, text)
        if state.name in seen:
            text = f"the state {state.name!r} is there twice, also at {seen[state.name]}"
            yield subject.problem(state.path, text)
        seen.setdefault(state.name, state.path)
