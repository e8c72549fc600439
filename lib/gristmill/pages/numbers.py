"""Numbers as people read them, with their units; and texts that data hold, made harmless."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any

_BYTES = ("B", "kB", "MB", "GB", "TB", "PB")


def plain(text: Any) -> str:
    """A text whose letters all can be seen: what moves a cursor, turns the text around or is no
    character of XML becomes a dot."""
    return "".join(char if char.isprintable() else "·" for char in str(text))


def count(value: Any) -> str:
    """A count, with thousands apart."""
    return "–" if value is None else f"{int(value):,}"


def size(value: Any) -> str:
    """Bytes, in the unit that fits."""
    if value is None:
        return "–"
    left = float(value)
    for unit in _BYTES:
        if abs(left) < 999.5 or unit == _BYTES[-1]:
            return f"{left:,.0f} {unit}" if unit == "B" else f"{left:,.1f} {unit}"
        left /= 1000
    return f"{left:,.1f} PB"


def share(value: Any) -> str:
    """A share, in percent."""
    return "–" if value is None else f"{float(value):.1%}"


def money(value: Any, currency: str = "") -> str:
    """An amount: cents for what is small, whole units from a hundred thousand on."""
    if value is None:
        return "–"
    amount = Decimal(value)
    places = 0 if abs(amount) >= 100_000 else 2
    return f"{amount:,.{places}f} {currency}".rstrip()


def change(value: Any) -> str:
    """A share of change, with its sign."""
    return "–" if value is None else f"{float(value):+.1%}"


def span(seconds: Any) -> str:
    """Seconds, in the unit that fits."""
    if seconds is None:
        return "–"
    value = float(seconds)
    return f"{value * 1000:,.0f} ms" if value < 1 else f"{value:,.2f} s"


def day(value: Any) -> str:
    """A day, or a time to the minute."""
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M}"
    return f"{value:%Y-%m-%d}" if isinstance(value, date) else str(value)
