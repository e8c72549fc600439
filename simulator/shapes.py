"""What a value must be like to be of a shape: botocore's service models say it, as AWS does.

boto3 itself checks only a part before it sends (no enumeration, no pattern, no maximum).
"""

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

# Java's regular expressions write characters beyond the first plane as pairs; Python's do not.
_JAVA_PAIRS, _PYTHON_RANGE = r"\uD800\uDC00-\uDBFF\uDFFF", r"\U00010000-\U0010FFFF"
_PYTHON_TYPES: dict[str, tuple[type, ...]] = {
    "structure": (dict,),
    "map": (dict,),
    "list": (list,),
    "string": (str,),
    "boolean": (bool,),
    "integer": (int,),
    "long": (int,),
    "double": (int, float),
    "float": (int, float),
    "timestamp": (int, float),
}


def problems(shape: Any, value: object, path: str = "") -> list[str]:
    """What keeps `value` from being of a botocore `shape`, each in AWS's words; of times, epochs.

    `path` is where the value is, as AWS names places: `instances.instanceGroups.1.member.market`.
    """
    return list(_problems(shape, value, path))


def _problems(shape: Any, value: object, path: str) -> Iterator[str]:
    kind = shape.type_name
    expected = _PYTHON_TYPES[kind]
    if not isinstance(value, expected) or (isinstance(value, bool) and kind != "boolean"):
        yield f"Value at '{path}' is not of type {kind}"
        return
    if isinstance(value, dict) and kind == "structure":
        yield from _of_structure(shape, value, path)
    elif isinstance(value, dict):
        yield from _of_limits(shape, len(value), path, value)
        for key, item in value.items():
            yield from _problems(shape.key, key, f"{path}.key")
            yield from _problems(shape.value, item, f"{path}.{key}.member")
    elif isinstance(value, list):
        yield from _of_limits(shape, len(value), path, value)
        for number, item in enumerate(value, start=1):
            yield from _problems(shape.member, item, f"{path}.{number}.member")
    elif isinstance(value, str):
        yield from _of_limits(shape, len(value), path, value)
        yield from _of_text(shape, value, path)
    elif kind not in {"boolean", "timestamp"}:
        yield from _of_limits(shape, value, path, value)


def _of_structure(shape: Any, value: dict[str, object], path: str) -> Iterator[str]:
    for name in value.keys() - shape.members.keys():
        yield f"Unknown parameter '{name}' at '{path or '/'}'"
    for name in shape.required_members:
        if value.get(name) is None:
            yield _failed(None, _below(path, name), "Member must not be null")
    for name, member in shape.members.items():
        if value.get(name) is not None:
            yield from _problems(member, value[name], _below(path, name))


def _of_limits(shape: Any, size: Any, path: str, value: object) -> Iterator[str]:
    what = "value" if size is value else "length"
    for limit, words in (("min", "greater than or equal to"), ("max", "less than or equal to")):
        bound = shape.metadata.get(limit)
        if bound is not None and (size < bound if limit == "min" else size > bound):
            yield _failed(value, path, f"Member must have {what} {words} {bound}")


def _of_text(shape: Any, value: str, path: str) -> Iterator[str]:
    known = shape.metadata.get("enum")
    if known and value not in known:
        words = f"Member must satisfy enum value set: [{', '.join(known)}]"
        yield _failed(value, path, words)
    pattern = shape.metadata.get("pattern")
    if pattern and not _compiled(pattern).fullmatch(value):
        yield _failed(value, path, f"Member must satisfy regular expression pattern: {pattern}")


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern.replace(_JAVA_PAIRS, _PYTHON_RANGE))


def _below(path: str, name: str) -> str:
    name = name[:1].lower() + name[1:]
    return f"{path}.{name}" if path else name


def _failed(value: object, path: str, constraint: str) -> str:
    shown = "null" if value is None else f"'{value}'"
    return f"Value {shown} at '{path}' failed to satisfy constraint: {constraint}"


def told(found: list[str]) -> str:
    """Problems as the one message of a ValidationException."""
    plural = "s" if len(found) > 1 else ""
    return f"{len(found)} validation error{plural} detected: {'; '.join(found)}"
