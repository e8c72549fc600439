"""What a text stands for in a table, by Python's own reading: a value, or its fault."""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal

_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,3})?")
_WHOLE = re.compile(r"[+-]?[0-9]+(\.0*)?")
_TRUE, _FALSE = ("true", "t", "yes", "y", "1"), ("false", "f", "no", "n", "0")


def smallint(text: str) -> object:
    """A whole number of 16 bits."""
    if not _WHOLE.fullmatch(text):
        return "not_integer"
    return int(Decimal(text)) if -(2**15) <= Decimal(text) < 2**15 else "out_of_range"


def double(text: str) -> object:
    """A finite number."""
    if not _NUMBER.fullmatch(text):
        return "not_number"
    return "out_of_range" if float(text) in (float("inf"), float("-inf")) else float(text)


def boolean(text: str) -> object:
    """One of the words for it, in any case."""
    known = dict.fromkeys(_TRUE, True) | dict.fromkeys(_FALSE, False)
    return known.get(text.lower(), "not_boolean")


def decimal_6_3(text: str) -> object:
    """Three digits before the point, and three behind."""
    if not _NUMBER.fullmatch(text):
        return "not_decimal"
    if Decimal(text) != Decimal(text).quantize(Decimal("0.001")):
        return "too_precise"
    return Decimal(text) if abs(Decimal(text)) < 1000 else "out_of_range"


def timestamp(text: str) -> object:
    """A day and an hour at the least, UTC."""
    try:
        return datetime.fromisoformat(text).replace(tzinfo=UTC) if ":" in text else "not_timestamp"
    except ValueError:
        return "not_timestamp"


READ: Mapping[str, Callable[[str], object]] = {
    "small": smallint,
    "ratio": double,
    "paid": boolean,
    "price": decimal_6_3,
    "at": timestamp,
}
"""How each column of the test's table is read."""
