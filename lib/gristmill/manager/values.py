"""Small kinds of values that settings and flags share: sizes, spans, names."""

import argparse
import re
from datetime import timedelta
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict

from gristmill.model.options import duration

_UNITS = {"": 1, "k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}
_UNITS |= {"Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40}


def memory(text: str) -> int:
    """Bytes, of `500MB`, `4GB` or `2GiB`. Raises `argparse.ArgumentTypeError`."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?) ?([kMGT]i?|Ki)?B", text, re.ASCII)
    if not found:
        raise argparse.ArgumentTypeError(f"{text!r} is not a size such as 500MB, 4GB or 2GiB")
    return int(float(found[1]) * _UNITS[found[2] or ""])


class Table(BaseModel):
    """A table of a TOML file: nothing in it can be changed, and no key is unknown."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)


def _size(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise ValueError("must be a size such as '4GB'")
    try:
        return value if isinstance(value, int) else memory(value)
    except argparse.ArgumentTypeError as error:
        raise ValueError(f"must be {str(error).partition(' is not ')[2]}") from error


def _seconds(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, str | int | float | timedelta):
        raise ValueError("must be a span of time such as '30m' or '6h'")
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, int | float):
        return float(value)
    try:
        return duration(value).total_seconds()
    except argparse.ArgumentTypeError as error:
        raise ValueError(f"must be {str(error).partition(' is not ')[2]}") from error


def _named(value: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9._-]{1,64}", value):
        raise ValueError("must be 1 to 64 letters, digits, dots or dashes")
    return value


Size = Annotated[int, BeforeValidator(_size)]
"""Bytes, written `4GB` or as a number."""
Seconds = Annotated[float, BeforeValidator(_seconds)]
"""Seconds, written `30s`, `10m`, `6h`, `2d` or as a number."""
Name = Annotated[str, AfterValidator(_named)]
"""What a place, a queue, a job definition, a schedule … is called."""
