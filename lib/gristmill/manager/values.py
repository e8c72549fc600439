"""Small kinds of values that settings and flags share; names and tables are those of specs."""

import argparse
import re
from datetime import timedelta
from typing import Annotated, Any

from pydantic import BeforeValidator

from gristmill.emr.specs.fields import Name, Table
from gristmill.model.options import duration

_UNITS = {"": 1, "k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}
_UNITS |= {"Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40}


def memory(text: str) -> int:
    """Bytes, of `500MB`, `4GB` or `2GiB`. Raises `argparse.ArgumentTypeError`."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?) ?([kMGT]i?|Ki)?B", text, re.ASCII)
    if not found:
        raise argparse.ArgumentTypeError(f"{text!r} is not a size such as 500MB, 4GB or 2GiB")
    return int(float(found[1]) * _UNITS[found[2] or ""])


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


Size = Annotated[int, BeforeValidator(_size)]
"""Bytes, written `4GB` or as a number."""
Seconds = Annotated[float, BeforeValidator(_seconds)]
"""Seconds, written `30s`, `10m`, `6h`, `2d` or as a number."""

__all__ = ["Name", "Seconds", "Size", "Table", "memory"]
