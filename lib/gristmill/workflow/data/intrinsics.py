"""The intrinsic functions: `States.Format('{} of {}', $.a, $.b)`.

https://docs.aws.amazon.com/step-functions/latest/dg/intrinsic-functions.html.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from gristmill.nearest import near
from gristmill.workflow.data.functions import FUNCTIONS
from gristmill.workflow.data.jsonpath import Path, PathSyntaxError, compiled
from gristmill.workflow.errors import INTRINSIC, StatesError
from gristmill.workflow.values import Json

_MOST_DEEP = 10
_NAME = re.compile(r"States\.([A-Za-z0-9]+)\s*\(")
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?")
_WORD = re.compile(r"(true|false|null)\b")
_WORDS: dict[str, Json] = {"true": True, "false": False, "null": None}


@dataclass(frozen=True)
class Literal:
    """A value that stands there as it is."""

    value: Json


@dataclass(frozen=True)
class Call:
    """A call of a function, by its name without `States.`."""

    name: str
    arguments: tuple["Argument", ...]


Argument = Literal | Path | Call


def is_call(text: str) -> bool:
    """Whether a text is meant to be a call."""
    return text.startswith("States.")


@lru_cache(maxsize=4096)
def parsed(text: str) -> Call:
    """Read a call. Raises `PathSyntaxError`."""
    call, end = _call(text, 0, 0)
    if text[end:].strip():
        raise PathSyntaxError(f"there is more after the call in {text!r}")
    return call


def evaluate(call: Call, find: Callable[[Path], Json]) -> Json:
    """What a call gives; `find` follows paths. Raises `StatesError`."""
    arguments = [_argument(one, find) for one in call.arguments]
    try:
        return FUNCTIONS[call.name](arguments)
    except (ValueError, TypeError, IndexError) as error:
        raise StatesError(INTRINSIC, f"States.{call.name}: {error}") from error


def _argument(argument: Argument, find: Callable[[Path], Json]) -> Json:
    if isinstance(argument, Literal):
        return argument.value
    return evaluate(argument, find) if isinstance(argument, Call) else find(argument)


def _call(text: str, at: int, depth: int) -> tuple[Call, int]:
    found = _NAME.match(text, at)
    if found is None:
        raise PathSyntaxError(f"{text!r} is no call of an intrinsic function")
    name = found[1]
    if name not in FUNCTIONS:
        raise PathSyntaxError(f"there is no function States.{name}{near(name, FUNCTIONS)}")
    if depth >= _MOST_DEEP:
        raise PathSyntaxError(f"calls are nested over {_MOST_DEEP} deep in {text!r}")
    arguments: list[Argument] = []
    at = _blank(text, found.end())
    if text[at : at + 1] == ")":
        return Call(name, ()), at + 1
    while True:
        one, at = _one(text, at, depth)
        arguments.append(one)
        at = _blank(text, at)
        mark = text[at : at + 1]
        if mark == ")":
            return Call(name, tuple(arguments)), at + 1
        if mark != ",":
            raise PathSyntaxError(f"a comma or ) is missing in {text!r}, before {text[at:]!r}")
        at = _blank(text, at + 1)


def _one(text: str, at: int, depth: int) -> tuple[Argument, int]:
    if text.startswith("States.", at):
        return _call(text, at, depth + 1)
    if text[at : at + 1] == "'":
        return _quoted(text, at + 1)
    if text[at : at + 1] == "$":
        end = _end_of_path(text, at)
        return compiled(text[at:end].strip()), end
    if found := _WORD.match(text, at):
        return Literal(_WORDS[found[1]]), found.end()
    if found := _NUMBER.match(text, at):
        number = found[0]
        return Literal(int(number) if number.lstrip("-").isdigit() else float(number)), found.end()
    raise PathSyntaxError(f"{text[at:]!r} is no argument, in {text!r}")


def _quoted(text: str, at: int) -> tuple[Literal, int]:
    # What is escaped stays marked until Format has told its holes from braces that are meant.
    out: list[str] = []
    while at < len(text):
        mark = text[at]
        if mark == "'":
            return Literal("".join(out)), at + 1
        if mark == "\\" and at + 1 < len(text):
            following = text[at + 1]
            out.append(following if following in "'\\" else mark + following)
            at += 2
            continue
        out.append(mark)
        at += 1
    raise PathSyntaxError(f"a quote is not closed in {text!r}")


def _end_of_path(text: str, at: int) -> int:
    depth, quote = 0, ""
    for end in range(at, len(text)):
        mark = text[end]
        if quote:
            quote = "" if mark == quote and text[end - 1] != "\\" else quote
        elif mark in "'\"" and depth:
            quote = mark
        elif mark in "[(":
            depth += 1
        elif mark in ")]" and depth:
            depth -= 1
        elif mark in ",)" and not depth:
            return end
    return len(text)


def _blank(text: str, at: int) -> int:
    while at < len(text) and text[at].isspace():
        at += 1
    return at


def paths_of(call: Call) -> Sequence[Path]:
    """The paths in a call."""
    found: list[Path] = []
    for one in call.arguments:
        if isinstance(one, Path):
            found.append(one)
        elif isinstance(one, Call):
            found += paths_of(one)
    return found
