"""Reading what several states have: retriers, catchers, and the rules of a choice."""

from gristmill.nearest import near
from gristmill.workflow.definition.cursor import Cursor, is_expression
from gristmill.workflow.definition.fields import OPERATORS
from gristmill.workflow.definition.states import (
    Catcher,
    Condition,
    Either,
    Every,
    Language,
    Negated,
    Retrier,
    Rule,
    Template,
    Test,
)
from gristmill.workflow.errors import ALL, NAMES
from gristmill.workflow.values import Json, is_number, kind_of, moment

_RETRIER = {
    "ErrorEquals",
    "IntervalSeconds",
    "MaxAttempts",
    "BackoffRate",
    "MaxDelaySeconds",
    "JitterStrategy",
    "Comment",
}
_KINDS = {"String": "string", "Numeric": "number", "Boolean": "boolean", "Is": "boolean"}


def retriers(at: Cursor) -> tuple[Retrier, ...]:
    """What a state tries again."""
    found = []
    for one in at.mappings("Retry"):
        one.allow(_RETRIER, "a retrier")
        one.need("ErrorEquals")
        jitter = one.text("JitterStrategy", "NONE")
        if jitter not in {"NONE", "FULL"}:
            one.wrong(f"JitterStrategy is NONE or FULL, not {jitter!r}", "JitterStrategy")
        interval = one.number("IntervalSeconds", "JSONPath", least=1, most=99_999_999)
        attempts = one.number("MaxAttempts", "JSONPath", most=99_999_999)
        backoff = one.number("BackoffRate", "JSONPath", least=1, whole=False)
        longest = one.number("MaxDelaySeconds", "JSONPath", least=1, most=31_622_400)
        if longest is not None and float(longest) <= float(interval or 1):
            one.wrong("MaxDelaySeconds is more than IntervalSeconds", "MaxDelaySeconds")
        found.append(
            Retrier(
                one.texts("ErrorEquals"),
                1.0 if interval is None else float(interval),
                3 if attempts is None else int(attempts),
                2.0 if backoff is None else float(backoff),
                None if longest is None else float(longest),
                jitter == "FULL",
            )
        )
        _errors(one)
    _all_is_last(at, "Retry")
    return tuple(found)


def catchers(at: Cursor, language: Language) -> tuple[Catcher, ...]:
    """Where a state's errors lead."""
    known = {"ErrorEquals", "Next", "Comment", "Assign"}
    known |= {"Output"} if language == "JSONata" else {"ResultPath"}
    found = []
    for one in at.mappings("Catch"):
        one.allow(known, f"a catcher in {language}")
        one.need("ErrorEquals", "Next")
        found.append(
            Catcher(
                one.texts("ErrorEquals"),
                one.text("Next"),
                one.path_or_null("ResultPath"),
                one.assign(),
                one.template("Output"),
            )
        )
        _errors(one)
    _all_is_last(at, "Catch")
    return tuple(found)


def _errors(at: Cursor) -> None:
    for name in at.value.get("ErrorEquals") or ():
        if isinstance(name, str) and name.startswith("States.") and name not in NAMES:
            text = f"States. is of the language, and has no {name}{near(name, NAMES)}"
            at.wrong(text, "ErrorEquals", is_warning=True)


def _all_is_last(at: Cursor, name: str) -> None:
    given = at.value.get(name)
    if not isinstance(given, list):
        return
    for index, one in enumerate(given):
        errors = one.get("ErrorEquals") if isinstance(one, dict) else None
        if not isinstance(errors, list) or ALL not in errors:
            continue
        if len(errors) > 1:
            at.wrong(f"{ALL} stands alone in its list", f"{name}[{index}]/ErrorEquals")
        if index != len(given) - 1:
            at.wrong(f"{ALL} is the last of {name}", f"{name}[{index}]")


def choices(at: Cursor, language: Language) -> tuple[Rule, ...]:
    """The rules of a choice."""
    found = []
    for one in at.mappings("Choices"):
        one.need("Next")
        condition = _jsonata(one) if language == "JSONata" else _condition(one, is_top=True)
        if condition is not None:
            output = one.template("Output")
            found.append(Rule(condition, one.text("Next"), one.assign(), output))
    if "Choices" in at and not at.value["Choices"]:
        at.wrong("there are no choices", "Choices")
    return tuple(found)


def _jsonata(at: Cursor) -> Condition | None:
    at.allow({"Condition", "Next", "Comment", "Assign", "Output"}, "a choice in JSONata")
    at.need("Condition")
    value = at.value.get("Condition")
    if "Condition" in at and not (isinstance(value, bool) or is_expression(value)):
        at.wrong("Condition is an expression {% … %}, or true or false", "Condition")
    return Template("Condition", value)


def _condition(at: Cursor, *, is_top: bool) -> Condition | None:
    tops = {"Next", "Comment", "Assign"} if is_top else {"Comment"}
    joins = [name for name in ("And", "Or", "Not") if name in at]
    tests = [name for name in at.value if name in OPERATORS]
    if len(joins) + len(tests) != 1:
        at.allow(OPERATORS | {"And", "Or", "Not", "Variable"} | tops, "a choice")
        if not {"Condition"} & set(at.value):
            at.wrong(
                "a choice has exactly one of And, Or, Not and a comparison, such as StringEquals"
            )
        return None
    if not joins:
        return _test(at, tests[0], tops)
    at.allow({joins[0]} | tops, f"a choice by {joins[0]}")
    if joins[0] == "Not":
        inner = at.mapping("Not")
        negated = None if inner is None else _condition(inner, is_top=False)
        return None if negated is None else Negated(negated)
    some = [_condition(one, is_top=False) for one in at.mappings(joins[0])]
    if not at.value[joins[0]]:
        at.wrong(f"{joins[0]} has nothing in it", joins[0])
    of = tuple(one for one in some if one is not None)
    return Every(of) if joins[0] == "And" else Either(of)


def _test(at: Cursor, name: str, tops: set[str]) -> Test:
    at.allow({name, "Variable"} | tops, "a choice")
    at.need("Variable")
    value = at.value[name]
    is_path = name.endswith("Path")
    kind = next(
        (word for word in ("String", "Numeric", "Boolean", "Is") if name.startswith(word)), ""
    )
    if is_path:
        if not (isinstance(value, str) and value.startswith("$")):
            at.wrong(f"{name} is a path, which starts with $", name)
    elif name.startswith("Timestamp"):
        if moment(value) is None:
            at.wrong(f"{name} is a time in ISO 8601, as 2026-11-29T08:00:00Z", name)
    elif not _fits(value, _KINDS.get(kind, "")):
        at.wrong(
            f"{name} is a {_KINDS.get(kind, 'value')}, not the {kind_of(value)} {value!r}", name
        )
    return Test(at.text("Variable"), name.removesuffix("Path"), value, is_path)


def _fits(value: Json, kind: str) -> bool:
    return is_number(value) if kind == "number" else kind_of(value) == kind
