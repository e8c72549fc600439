"""Which way a choice goes: the comparisons of JSONPath, and conditions in JSONata.

https://docs.aws.amazon.com/step-functions/latest/dg/state-choice.html.
"""

import operator
import re
from collections.abc import Callable, Mapping

from gristmill.workflow.data.jsonpath import NotThereError, PathSyntaxError, compiled
from gristmill.workflow.definition.states import (
    Choice,
    Condition,
    Either,
    Every,
    Negated,
    Rule,
    Template,
    Test,
)
from gristmill.workflow.errors import NO_CHOICE, StatesError
from gristmill.workflow.interpreter.evaluating import Evaluator
from gristmill.workflow.values import Json, is_number, moment

_COMPARISONS: Mapping[str, Callable[[Json, Json], bool]] = {
    "Equals": operator.eq,
    "LessThan": operator.lt,
    "GreaterThan": operator.gt,
    "LessThanEquals": operator.le,
    "GreaterThanEquals": operator.ge,
}
_IS: Mapping[str, Callable[[Json], bool]] = {
    "IsNull": lambda value: value is None,
    "IsNumeric": is_number,
    "IsString": lambda value: isinstance(value, str),
    "IsBoolean": lambda value: isinstance(value, bool),
    "IsTimestamp": lambda value: moment(value) is not None,
}


def chosen(choice: Choice, at: Evaluator) -> Rule | None:
    """The first rule that holds; None for the default. Raises `StatesError`."""
    for rule in choice.rules:
        if _holds(rule.condition, at):
            return rule
    if choice.default is None:
        raise StatesError(
            NO_CHOICE, f"No choice rule matched in the state '{choice.name}', and it has no Default"
        )
    return None


def _holds(condition: Condition, at: Evaluator) -> bool:
    if isinstance(condition, Every):
        return all(_holds(one, at) for one in condition.of)
    if isinstance(condition, Either):
        return any(_holds(one, at) for one in condition.of)
    if isinstance(condition, Negated):
        return not _holds(condition.of, at)
    if isinstance(condition, Template):
        return bool(at.typed(condition.value, "Condition", "boolean"))
    return _tested(condition, at)


def _tested(test: Test, at: Evaluator) -> bool:
    try:
        value = at.find(compiled(test.variable), at.given)
    except (NotThereError, PathSyntaxError) as error:
        if test.operator == "IsPresent":
            return test.value is False
        raise at.runtime(
            f"Invalid path '{test.variable}': The choice state's condition path references an "
            "invalid value."
        ) from error
    if test.operator == "IsPresent":
        return test.value is True
    if test.operator in _IS:
        return _IS[test.operator](value) is test.value
    wanted = test.value
    if test.is_path:
        try:
            wanted = at.find(compiled(str(test.value)), at.given)
        except (NotThereError, PathSyntaxError) as error:
            raise at.runtime(
                f"Invalid path '{test.value}': The choice state's condition path references an "
                "invalid value."
            ) from error
    return _compared(test.operator, value, wanted)


def _compared(name: str, value: Json, wanted: Json) -> bool:
    if name == "StringMatches":
        return isinstance(value, str) and _pattern(str(wanted)).fullmatch(value) is not None
    for kind in ("String", "Numeric", "Boolean", "Timestamp"):
        if name.startswith(kind):
            one, other = _as(kind, value), _as(kind, wanted)
            if one is None or other is None:
                return False
            return _COMPARISONS[name.removeprefix(kind)](one, other)
    return False


def _as(kind: str, value: Json) -> Json:
    """A value that can be compared in a kind; None for one of another."""
    if kind == "Timestamp":
        return moment(value)
    fits = {
        "String": isinstance(value, str),
        "Numeric": is_number(value),
        "Boolean": isinstance(value, bool),
    }[kind]
    return value if fits else None


def _pattern(text: str) -> re.Pattern[str]:
    r"""A pattern in which * stands for anything, and \* for itself."""
    parts = re.split(r"(\\.|\*)", text)
    out = [
        ".*"
        if part == "*"
        else re.escape(part[1:] if part[:1] == "\\" and len(part) == 2 else part)
        for part in parts
    ]
    return re.compile("".join(out), re.DOTALL)
