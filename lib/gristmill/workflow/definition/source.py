"""JSON as it is written: its value, and the line of everything in it."""

import json
from dataclasses import dataclass, field
from json.decoder import scanstring  # type: ignore[attr-defined]

from gristmill.workflow.values import Json

_BLANK = " \t\r\n"
_DECODER = json.JSONDecoder()
_DEEPEST = 200


@dataclass(frozen=True)
class Problem:
    """Something wrong in a definition: where, as `/States/Load/Next`, and what. `line` counts from
    1; 0 where it is not known. A warning does not stop it from being run."""

    path: str
    line: int
    text: str
    is_warning: bool = False

    def __str__(self) -> str:
        level = "warning: " if self.is_warning else ""
        where = f"line {self.line}: " if self.line else ""
        return f"{where}{self.path}: {level}{self.text}"


@dataclass
class Source:
    """A definition that was read: its value, the line of each path, and what is wrong with it as
    JSON."""

    value: Json = None
    lines: dict[str, int] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def line(self, path: str) -> int:
        """The line of a path; of what is not there, that of what it would be in."""
        while path not in self.lines and path not in {"", "/"}:
            path = path.rpartition("/")[0] if not path.endswith("]") else path.rpartition("[")[0]
        return self.lines.get(path, self.lines.get("", 0))


def of_value(value: Json) -> Source:
    """A source that was never text, whose lines are not known."""
    return Source(value)


def read(text: str) -> Source:
    """Read JSON. What is wrong with it is among its problems; then its value is None."""
    source = Source()
    reader = _Reader(text, source)
    try:
        source.value = reader.document()
    except json.JSONDecodeError as error:
        source.value = None
        source.problems.append(Problem("/", error.lineno, f"this is no JSON: {error.msg}"))
    return source


class _Reader:
    def __init__(self, text: str, source: Source) -> None:
        self.text = text
        self.source = source
        self._line, self._upto = 1, 0

    def document(self) -> Json:
        value, end = self._value(self._blank(0), "", 0)
        end = self._blank(end)
        if end != len(self.text):
            raise json.JSONDecodeError("there is more after the end", self.text, end)
        return value

    def _blank(self, at: int) -> int:
        while at < len(self.text) and self.text[at] in _BLANK:
            at += 1
        return at

    def _note(self, at: int, path: str) -> None:
        self._line += self.text.count("\n", self._upto, at)
        self._upto = at
        self.source.lines[path] = self._line

    def _value(self, at: int, path: str, depth: int) -> tuple[Json, int]:
        if depth > _DEEPEST:
            raise json.JSONDecodeError(f"it is nested over {_DEEPEST} deep", self.text, at)
        if path not in self.source.lines:
            self._note(at, path)
        opening = self.text[at : at + 1]
        if opening == "{":
            return self._object(at + 1, path, depth)
        if opening == "[":
            return self._array(at + 1, path, depth)
        if opening == '"':
            found: tuple[str, int] = scanstring(self.text, at + 1, True)
            return found
        return _DECODER.raw_decode(self.text, at)

    def _object(self, at: int, path: str, depth: int) -> tuple[Json, int]:
        value: dict[str, Json] = {}
        at = self._blank(at)
        if self.text[at : at + 1] == "}":
            return value, at + 1
        while True:
            if self.text[at : at + 1] != '"':
                raise json.JSONDecodeError("a name in quotes is expected", self.text, at)
            name, end = scanstring(self.text, at + 1, True)
            inner = f"{path}/{name}"
            if name in value:
                self._note(at, inner)
                line = self.source.lines[inner]
                self.source.problems.append(Problem(inner, line, "this name is there twice"))
            self._note(at, inner)
            at = self._expect(self._blank(end), ":")
            value[name], at = self._value(self._blank(at), inner, depth + 1)
            at = self._blank(at)
            if self.text[at : at + 1] == "}":
                return value, at + 1
            at = self._blank(self._expect(at, ","))

    def _array(self, at: int, path: str, depth: int) -> tuple[Json, int]:
        value: list[Json] = []
        at = self._blank(at)
        if self.text[at : at + 1] == "]":
            return value, at + 1
        while True:
            one, at = self._value(at, f"{path}[{len(value)}]", depth + 1)
            value.append(one)
            at = self._blank(at)
            if self.text[at : at + 1] == "]":
                return value, at + 1
            at = self._blank(self._expect(at, ","))

    def _expect(self, at: int, mark: str) -> int:
        if self.text[at : at + 1] != mark:
            raise json.JSONDecodeError(f"{mark!r} is expected", self.text, at)
        return at + 1
