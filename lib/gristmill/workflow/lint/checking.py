"""A definition is read, and all rules are gone through."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypedDict, Unpack

from gristmill.workflow.definition import reading, source
from gristmill.workflow.definition.source import Problem, Source
from gristmill.workflow.definition.states import Machine
from gristmill.workflow.errors import DefinitionError
from gristmill.workflow.lint import expressions, limits, resources, transitions
from gristmill.workflow.lint.walking import Subject
from gristmill.workflow.values import Json

Rule = Callable[[Subject], Iterator[Problem]]

RULES: Sequence[Rule] = (
    transitions.the_start_is_there,
    transitions.the_next_is_there,
    transitions.all_is_reached,
    transitions.there_is_an_end,
    transitions.names_are_short_and_unique,
    expressions.paths_are_paths,
    expressions.expressions_are_expressions,
    expressions.results_are_as_they_are,
    resources.resources_are_bound,
    resources.maps_read_and_write_what_can_be,
    resources.express_asks_for_no_end,
)
AWS_RULES: Sequence[Rule] = (
    limits.the_definition_is_small_enough,
    limits.what_is_written_down_is_small_enough,
    limits.maps_fit,
    limits.nothing_waits_over_a_year,
    limits.aws_knows_it,
)


@dataclass(frozen=True)
class Checked:
    """A definition that was examined: the machine, None where it cannot be run, and all that is
    wrong, by line."""

    machine: Machine | None
    problems: tuple[Problem, ...]

    @property
    def errors(self) -> tuple[Problem, ...]:
        """What stops it from being run."""
        return tuple(one for one in self.problems if not one.is_warning)

    def sound(self, name: str) -> Machine:
        """The machine. Raises `DefinitionError`, which tells all that is wrong."""
        if self.machine is None or self.errors:
            listed = "\n".join(f"  {one}" for one in self.errors)
            raise DefinitionError(f"{name} is no state machine that can be run:\n{listed}")
        return self.machine


class How(TypedDict, total=False):
    """What a definition is examined for: an express machine; AWS's limits, too; the services that
    are AWS's own."""

    is_express: bool
    for_aws: bool
    aws: frozenset[str]


def check_text(text: str, **how: Unpack[How]) -> Checked:
    """Examine a definition as it is written."""
    return _checked(source.read(text), how)


def check(definition: Json, **how: Unpack[How]) -> Checked:
    """Examine a definition that was read already, whose lines are not known."""
    return _checked(source.of_value(definition), how)


def machine_of(text: str) -> Machine:
    """A definition that was examined before. Raises `DefinitionError` where it is broken."""
    machine = reading.machine(source.read(text))
    if machine is None:
        raise DefinitionError("this is no state machine any more")
    return machine


def _checked(read: Source, how: How) -> Checked:
    machine = reading.machine(read)
    problems = list(read.problems)
    if machine is not None:
        subject = Subject(
            read,
            machine,
            is_express=how.get("is_express", False),
            aws=how.get("aws", frozenset()),
        )
        rules = (*RULES, *(AWS_RULES if how.get("for_aws") else ()))
        if any(not one.is_warning for one in problems):
            # What the shape does not spoil is looked at all the same.
            rules = (transitions.the_start_is_there, transitions.the_next_is_there)
        for rule in rules:
            problems += rule(subject)
    ordered = sorted(dict.fromkeys(problems), key=lambda one: (one.line, one.path))
    broken = machine is None or any(not one.is_warning for one in read.problems)
    return Checked(None if broken else machine, tuple(ordered))
