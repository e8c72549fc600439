"""JSONPath as Step Functions has it: that of Jayway, https://github.com/json-path/JsonPath.

A definite path (names and indexes only) gives one value, or fails; any other gives a list, which
may be empty. Wildcards, slices, filters and descents are left to python-jsonpath.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import jsonpath

from gristmill.workflow.values import Json

_NAME = r"[^\s.\[\]'\"(),*?@$]+"
_STEP = re.compile(
    rf"\.(?P<name>{_NAME})"
    r"|\['(?P<single>(?:[^'\\]|\\.)*)'\]"
    r'|\["(?P<double>(?:[^"\\]|\\.)*)"\]'
    r"|\[(?P<index>-?\d+)\]"
)
# Jayway's takes a dot before a bracket, and words without quotes beside == and !=.
_DOTTED = re.compile(r"\.\[")
_UNQUOTED = re.compile(r"([=!]=\s*)(?!(?:true|false|null)\b)([A-Za-z_]\w*)")
_VARIABLE = re.compile(r"\$(?P<name>[A-Za-z_][A-Za-z0-9_]*)")
_LENGTH = ".length()"

Step = str | int


class PathSyntaxError(ValueError):
    """A path is not written as one is."""


class NotThereError(LookupError):
    """A definite path leads nowhere; its message says where it stopped, in Jayway's words."""


@dataclass(frozen=True)
class Path:
    """A path. `root` is `$` for the input, `$$` for the context object, else a variable's name.
    `steps` are those of a definite path, None of any other."""

    text: str
    root: str
    steps: tuple[Step, ...] | None
    query: jsonpath.JSONPath | jsonpath.CompoundJSONPath | None = None
    wants_length: bool = False

    @property
    def is_reference(self) -> bool:
        """Whether it names one place, where something can be put (a reference path)."""
        return self.steps is not None and self.root == "$" and not self.wants_length

    def find(self, root: Json) -> Json:
        """What it leads to, from its root. Raises `NotThereError`."""
        if self.steps is not None:
            value = _follow(self.steps, root)
        else:
            assert self.query is not None  # noqa: S101  either is there
            value = [match.obj for match in self.query.finditer(root)]
        if not self.wants_length:
            return value
        if not isinstance(value, list | dict | str):
            raise NotThereError(f"No results for path: {self.text}")
        return len(value)


@lru_cache(maxsize=4096)
def compiled(text: str) -> Path:
    """Read a path. Raises `PathSyntaxError`."""
    root, rest = _rooted(text)
    wants_length = rest.endswith(_LENGTH)
    if wants_length:
        rest = rest.removesuffix(_LENGTH)
    if "'" not in rest and '"' not in rest:
        rest = _UNQUOTED.sub(r"\1'\2'", rest)
    rest = _DOTTED.sub("[", rest)
    steps = _definite(rest)
    if steps is not None:
        return Path(text, root, steps, wants_length=wants_length)
    try:
        query = jsonpath.compile("$" + rest)
    except jsonpath.JSONPathError as error:
        said = str(error).splitlines()[0].strip()
        raise PathSyntaxError(f"{text!r} is no path: {said}") from error
    return Path(text, root, None, query, wants_length)


def _rooted(text: str) -> tuple[str, str]:
    if text.startswith("$$"):
        return "$$", text[2:]
    if found := _VARIABLE.match(text):
        return found["name"], text[found.end() :]
    if text.startswith("$"):
        return "$", text[1:]
    raise PathSyntaxError(f"{text!r} is no path: it starts with $")


def _definite(rest: str) -> tuple[Step, ...] | None:
    steps: list[Step] = []
    at = 0
    while at < len(rest):
        found = _STEP.match(rest, at)
        if found is None:
            return None
        at = found.end()
        if found["index"] is not None:
            steps.append(int(found["index"]))
        elif found["name"] is not None:
            steps.append(found["name"])
        else:
            quote, quoted = (
                ("'", found["single"])
                if found["single"] is not None
                else (
                    '"',
                    found["double"],
                )
            )
            steps.append(quoted.replace("\\" + quote, quote))
    return tuple(steps)


def _follow(steps: Sequence[Step], value: Json) -> Json:
    for place, step in enumerate(steps):
        try:
            if isinstance(step, int) != isinstance(value, list):
                raise KeyError(step)
            value = value[step]
        except (KeyError, IndexError, TypeError):
            shown = shown_steps(steps[: place + 1])
            if place == len(steps) - 1:
                raise NotThereError(f"No results for path: {shown}") from None
            raise NotThereError(f"Missing property in path {shown}") from None
    return value


def shown_steps(steps: Sequence[Step]) -> str:
    """Steps as Jayway shows them: `$['a'][0]`."""
    return "$" + "".join(f"[{one}]" if isinstance(one, int) else f"['{one}']" for one in steps)


def put(path: Path, document: Json, value: Json) -> Json:
    """A copy of a document with a value at a reference path. Raises `NotThereError` where that
    cannot be, for example in a number."""
    return _put(path.steps or (), document, value)


def _put(steps: Sequence[Step], document: Json, value: Json) -> Json:
    if not steps:
        return value
    step, rest = steps[0], steps[1:]
    if isinstance(step, int):
        if not isinstance(document, list) or not -len(document) <= step < len(document):
            raise NotThereError(f"there is no [{step}] to put it into")
        return [
            _put(rest, one, value) if at == step % len(document) else one
            for at, one in enumerate(document)
        ]
    if document is None:
        document = {}
    if not isinstance(document, dict):
        raise NotThereError(f"['{step}'] would be in what is no object")
    return {**document, step: _put(rest, document.get(step), value)}
