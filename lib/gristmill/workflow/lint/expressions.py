"""Rules about expressions: each is one, in the language of its state."""

from collections.abc import Iterator
from typing import Any

from gristmill.workflow.data import intrinsics, jsonata
from gristmill.workflow.data.jsonpath import PathSyntaxError, compiled
from gristmill.workflow.definition.cursor import is_expression
from gristmill.workflow.definition.source import Problem
from gristmill.workflow.definition.states import Pass, State
from gristmill.workflow.lint.walking import Subject
from gristmill.workflow.values import Json

_PATHS = (
    "InputPath",
    "OutputPath",
    "ItemsPath",
    "SecondsPath",
    "TimestampPath",
    "TimeoutSecondsPath",
    "HeartbeatSecondsPath",
    "MaxConcurrencyPath",
    "ToleratedFailureCountPath",
    "ToleratedFailurePercentagePath",
    "Variable",
)
_TEMPLATES = ("Parameters", "ResultSelector", "ItemSelector", "Assign", "BatchInput", "Credentials")
_NOT_TEMPLATES = {"Result", "Comment"}
_INNER = {"States", "Branches", "ItemProcessor", "Iterator"}


def paths_are_paths(subject: Subject) -> Iterator[Problem]:
    """What should be a path is one."""
    for state in subject.states():
        if state.language == "JSONPath":
            yield from _paths(subject, state.path, state.raw, state)


def _paths(subject: Subject, path: str, value: Json, state: State) -> Iterator[Problem]:
    if isinstance(value, list):
        for index, one in enumerate(value):
            yield from _paths(subject, f"{path}[{index}]", one, state)
        return
    if not isinstance(value, dict):
        return
    for name, one in value.items():
        inner = f"{path}/{name}"
        if name in _INNER or (name in _NOT_TEMPLATES and path == state.path):
            continue
        if name in _TEMPLATES:
            yield from _template(subject, inner, one)
        elif name == "ResultPath" and isinstance(one, str):
            yield from _reference(subject, inner, one)
        elif name in {"ErrorPath", "CausePath"} and isinstance(one, str):
            yield from _path(subject, inner, one, is_call_allowed=True)
        elif (name in _PATHS or name.endswith("EqualsPath")) and isinstance(one, str):
            yield from _path(subject, inner, one, is_call_allowed=False)
        else:
            yield from _paths(subject, inner, one, state)


def _template(subject: Subject, path: str, value: Json) -> Iterator[Problem]:
    if isinstance(value, list):
        for index, one in enumerate(value):
            yield from _template(subject, f"{path}[{index}]", one)
    if not isinstance(value, dict):
        return
    for name, one in value.items():
        inner = f"{path}/{name}"
        if not name.endswith(".$"):
            yield from _template(subject, inner, one)
        elif not isinstance(one, str):
            yield subject.problem(
                inner, f"a name that ends in .$ has a path or a call, not {one!r}"
            )
        else:
            yield from _path(subject, inner, one, is_call_allowed=True)


def _path(subject: Subject, path: str, text: str, *, is_call_allowed: bool) -> Iterator[Problem]:
    try:
        if is_call_allowed and intrinsics.is_call(text):
            intrinsics.parsed(text)
        else:
            compiled(text)
    except PathSyntaxError as error:
        # Where it is deployed something else is put there.
        yield subject.problem(path, str(error), is_warning="${" in text)


def _reference(subject: Subject, path: str, text: str) -> Iterator[Problem]:
    try:
        if not compiled(text).is_reference:
            yield subject.problem(path, f"{text!r} names no one place in the input")
    except PathSyntaxError as error:
        yield subject.problem(path, str(error))


def expressions_are_expressions(subject: Subject) -> Iterator[Problem]:
    """What stands in {% %} is JSONata."""
    for state in subject.states():
        if state.language == "JSONata":
            yield from _expressions(subject, state.path, state.raw)


def _expressions(subject: Subject, path: str, value: Json) -> Iterator[Problem]:
    if isinstance(value, list):
        for index, one in enumerate(value):
            yield from _expressions(subject, f"{path}[{index}]", one)
    elif isinstance(value, dict):
        for name, one in value.items():
            if name not in _INNER and name != "Comment":
                yield from _expressions(subject, f"{path}/{name}", one)
    elif is_expression(value):
        try:
            jsonata.check(value[2:-2].strip())
        except jsonata.ExpressionError as error:
            yield subject.problem(path, f"this is no JSONata: {error}")


def results_are_as_they_are(subject: Subject) -> Iterator[Problem]:
    """In Result nothing is filled in: a name that ends in .$ stays as it is."""
    for state in subject.states():
        if isinstance(state, Pass) and state.result is not None and _dollars(state.result.value):
            yield subject.problem(
                f"{state.path}/Result",
                "in Result a name that ends in .$ is a name like any other: Parameters fills in",
                is_warning=True,
            )


def _dollars(value: Any) -> bool:
    if isinstance(value, list):
        return any(map(_dollars, value))
    if isinstance(value, dict):
        return any(name.endswith(".$") or _dollars(one) for name, one in value.items())
    return False
