"""What the language deals in: JSON, times as text, and numbers that count something."""

import json
import re
from datetime import UTC, datetime
from typing import Any

Json = Any
"""A value as `json` reads it: None, bool, int, float, str, list, dict with names that are text."""

# ISO 8601 with an offset, as RFC 3339 has it: `T` and `Z` in capitals.
_TIMESTAMP = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d)(?::(\d\d)(\.\d+)?)?(Z|[+-]\d\d:?\d\d)$"
)


def is_number(value: Json) -> bool:
    """Whether it is a number; true and false are none."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def kind_of(value: Json) -> str:
    """The name that JSON has for its type."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if is_number(value):
        return "number"
    if isinstance(value, str):
        return "string"
    return "array" if isinstance(value, list) else "object"


def dump(value: Json) -> str:
    """As JSON without spaces, as Step Functions writes it."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def size_of(value: Json) -> int:
    """Bytes of it as JSON in UTF-8."""
    return len(dump(value).encode("utf-8", "surrogatepass"))


def timestamp(seconds: float) -> str:
    """A time as the context object has it: `2026-11-29T21:08:32.123Z`."""
    moment = datetime.fromtimestamp(seconds, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"


def moment(text: Json) -> datetime | None:
    """The time that a text stands for; None where it is none with an offset."""
    found = _TIMESTAMP.match(text) if isinstance(text, str) else None
    if found is None:
        return None
    year, month, day, hour, minute, second, fraction, zone = found.groups()
    digits = (fraction or ".0")[1:7].ljust(6, "0")
    zone = "+00:00" if zone == "Z" else zone
    try:
        return datetime.fromisoformat(
            f"{year}-{month}-{day}T{hour}:{minute}:{second or '00'}.{digits}{zone}"
        )
    except ValueError:
        return None


def seconds_until(text: Json) -> float | None:
    """The same as `moment`, in seconds since 1970."""
    found = moment(text)
    return None if found is None else found.timestamp()
