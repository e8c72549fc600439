"""What each intrinsic function does with its arguments; `ValueError` where those are wrong."""

import base64
import binascii
import hashlib
import json
import math
import random
import re
import uuid
from collections.abc import Callable, Mapping, Sequence

from gristmill.workflow.values import Json, dump, is_number, kind_of

_LONGEST = 10_000
_MOST_ITEMS = 1000
_HOLE = re.compile(r"\\([{}])|(\{\})")
_HASHES = {
    "MD5": hashlib.md5,
    "SHA-1": hashlib.sha1,
    "SHA-256": hashlib.sha256,
    "SHA-384": hashlib.sha384,
    "SHA-512": hashlib.sha512,
}


def _count(arguments: Sequence[Json], least: int, most: int) -> None:
    if not least <= len(arguments) <= most:
        wanted = str(least) if least == most else f"{least} to {most}"
        raise ValueError(f"takes {wanted} arguments, not {len(arguments)}")


def _array(value: Json) -> list[Json]:
    if not isinstance(value, list):
        raise ValueError(f"an array is expected, not the {kind_of(value)} {dump(value)[:100]}")
    return value


def _text(value: Json) -> str:
    if not isinstance(value, str):
        raise ValueError(f"a string is expected, not the {kind_of(value)} {dump(value)[:100]}")
    return value


def _whole(value: Json) -> int:
    # Numbers with a fraction are rounded, halves upwards, as Java's Math.round does.
    if not is_number(value):
        raise ValueError(f"a number is expected, not the {kind_of(value)} {dump(value)[:100]}")
    return math.floor(value + 0.5) if isinstance(value, float) else int(value)


def _shown(value: Json) -> str:
    """A value inside Format: as Java writes maps and lists."""
    if isinstance(value, str):
        return value
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name}={_shown(one)}" for name, one in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_shown(one) for one in value) + "]"
    return dump(value)


def _format(arguments: Sequence[Json]) -> Json:
    if not arguments:
        raise ValueError("takes a text and what goes into its {}")
    template, values = _text(arguments[0]), list(arguments[1:])
    holes = sum(1 for found in _HOLE.finditer(template) if found[2])
    if holes != len(values):
        raise ValueError(f"the text has {holes} {{}}, and there are {len(values)} values")
    return _HOLE.sub(lambda found: found[1] or _shown(values.pop(0)), template)


def _string_to_json(arguments: Sequence[Json]) -> Json:
    _count(arguments, 1, 1)
    text = _text(arguments[0])
    if not text.strip():
        return None
    try:
        return json.loads(text)
    except ValueError as error:
        raise ValueError(f"{text[:100]!r} is no JSON") from error


def _json_to_string(arguments: Sequence[Json]) -> Json:
    _count(arguments, 1, 1)
    return dump(arguments[0])


def _array_of(arguments: Sequence[Json]) -> Json:
    return list(arguments)


def _partition(arguments: Sequence[Json]) -> Json:
    _count(arguments, 2, 2)
    items, size = _array(arguments[0]), _whole(arguments[1])
    if size < 1:
        raise ValueError(f"a chunk has at least one item, not {size}")
    return [items[at : at + size] for at in range(0, len(items), size)]


def same(one: Json, other: Json) -> bool:
    """Whether two values are equal in JSON, where true is not 1."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    return bool(one == other)


def _contains(arguments: Sequence[Json]) -> Json:
    _count(arguments, 2, 2)
    return any(same(one, arguments[1]) for one in _array(arguments[0]))


def _range(arguments: Sequence[Json]) -> Json:
    _count(arguments, 3, 3)
    first, last, step = map(_whole, arguments)
    if step == 0:
        raise ValueError("a step of 0 leads nowhere")
    found = range(first, last + (1 if step > 0 else -1), step)
    if len(found) > _MOST_ITEMS:
        raise ValueError(f"gives up to {_MOST_ITEMS} items, not {len(found):,}")
    return list(found)


def _get_item(arguments: Sequence[Json]) -> Json:
    _count(arguments, 2, 2)
    items, index = _array(arguments[0]), _whole(arguments[1])
    if not 0 <= index < len(items):
        raise ValueError(f"there is no item {index}: there are {len(items)}")
    return items[index]


def _length(arguments: Sequence[Json]) -> Json:
    _count(arguments, 1, 1)
    return len(_array(arguments[0]))


def _unique(arguments: Sequence[Json]) -> Json:
    _count(arguments, 1, 1)
    seen: dict[str, Json] = {}
    for one in _array(arguments[0]):
        seen.setdefault(json.dumps(one, sort_keys=True), one)
    return list(seen.values())


def _encode(arguments: Sequence[Json]) -> Json:
    _count(arguments, 1, 1)
    return base64.b64encode(_short(arguments[0]).encode()).decode()


def _decode(arguments: Sequence[Json]) -> Json:
    _count(arguments, 1, 1)
    try:
        return base64.b64decode(_short(arguments[0]), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError) as error:
        raise ValueError(f"this is no text in Base64: {error}") from error


def _short(value: Json) -> str:
    text = _text(value)
    if len(text) > _LONGEST:
        raise ValueError(f"takes up to {_LONGEST:,} characters, not {len(text):,}")
    return text


def _hash(arguments: Sequence[Json]) -> Json:
    _count(arguments, 2, 2)
    given, name = arguments[0], _text(arguments[1])
    if name not in _HASHES:
        raise ValueError(f"there is no hash {name!r}; there are {', '.join(_HASHES)}")
    text = given if isinstance(given, str) else dump(given)
    return _HASHES[name](_short(text).encode(), usedforsecurity=False).hexdigest()


def _merge(arguments: Sequence[Json]) -> Json:
    _count(arguments, 3, 3)
    one, other, is_deep = arguments
    if not isinstance(one, dict) or not isinstance(other, dict):
        raise ValueError("merges two objects")
    if is_deep is not False:
        raise ValueError("merges flat only: the third argument is false")
    return {**one, **other}


def _random(arguments: Sequence[Json]) -> Json:
    _count(arguments, 2, 3)
    first, last = _whole(arguments[0]), _whole(arguments[1])
    if first >= last:
        raise ValueError(f"{first} is not below {last}")
    source = random.Random(_whole(arguments[2])) if len(arguments) == 3 else random.Random()  # noqa: S311
    return source.randrange(first, last)


def _add(arguments: Sequence[Json]) -> Json:
    _count(arguments, 2, 2)
    return _whole(arguments[0]) + _whole(arguments[1])


def _split(arguments: Sequence[Json]) -> Json:
    _count(arguments, 2, 2)
    # Each character splits, and nothing between two of them is left out.
    marks = set(_text(arguments[1]))
    out, word = [], ""
    for mark in _text(arguments[0]):
        if mark in marks:
            out.append(word)
            word = ""
        else:
            word += mark
    return [one for one in (*out, word) if one]


def _uuid(arguments: Sequence[Json]) -> Json:
    _count(arguments, 0, 0)
    return str(uuid.uuid4())


FUNCTIONS: Mapping[str, Callable[[Sequence[Json]], Json]] = {
    "Format": _format,
    "StringToJson": _string_to_json,
    "JsonToString": _json_to_string,
    "Array": _array_of,
    "ArrayPartition": _partition,
    "ArrayContains": _contains,
    "ArrayRange": _range,
    "ArrayGetItem": _get_item,
    "ArrayLength": _length,
    "ArrayUnique": _unique,
    "Base64Encode": _encode,
    "Base64Decode": _decode,
    "Hash": _hash,
    "JsonMerge": _merge,
    "MathRandom": _random,
    "MathAdd": _add,
    "StringSplit": _split,
    "UUID": _uuid,
}
"""The functions by name, without `States.`."""
