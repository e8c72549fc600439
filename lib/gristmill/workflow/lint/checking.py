"""A definition is read, and all rules are gone through."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

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


def check_text(text: str, *, is_express: bool = False, for_aws: bool = False) -> Checked:
    """Examine a definition as it is written."""
    return _checked(source.read(text), is_express=is_express, for_aws=for_aws)


def check(definition: Json, *, is_express: bool = False, for_aws: bool = False) -> Checked:
    """Examine a definition that was read already, whose lines are not known."""
    return _checked(source.of_value(definition), is_express=is_express, for_aws=for_aws)


def _checked(read: Source, *, is_express: bool, for_aws: bool) -> Checked:
    machine = reading.machine(read)
    problems = list(read.problems)
    if machine is not None and not any(not one.is_warning for one in problems):
        subject = Subject(read, machine, is_express=is_express)
        for rule in (*RULES, *(AWS_RULES if for_aws else ())):
            problems += rule(subject)
    elif machine is not None:
        # What the shape does not spoil is looked at all the same.
        subject = Subject(read, machine, is_express=is_express)
        for rule in (transitions.the_start_is_there, transitions.the_next_is_there):
            problems += rule(subject)
    ordered = sorted(dict.fromkeys(problems), key=lambda one: (one.line, one.path))
    broken = machine is None or any(not one.is_warning for one in read.problems)
    return Checked(None if broken else machine, tuple(ordered))
