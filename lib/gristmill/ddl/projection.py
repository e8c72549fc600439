"""Partition projection: Athena works partitions out by itself, and asks no catalogue for them.

https://docs.aws.amazon.com/athena/latest/ug/partition-projection-supported-types.html
"""

import re
from collections.abc import Mapping, Sequence
from datetime import date

_DAY, _MONTH = re.compile(r"\d{4}-\d{2}-\d{2}"), re.compile(r"\d{4}-\d{2}")
# What stands in a path as it is, and parts no list.
_PLAIN = re.compile(r"[A-Za-z0-9._~-]+")
_FIRST_YEAR = 1970


def projection(
    columns: Sequence[tuple[str, str]], values: Mapping[str, Sequence[str | None]], location: str
) -> dict[str, str] | None:
    """The properties of a table whose partition `columns` (name, type) have had `values` so far.

    Days are counted from the year of the first to today and a year on, months as well; of names
    those that are there are listed. None where a value is missing, or stands in its path otherwise
    than as it is: such partitions have to be registered.
    """
    found = {"projection.enabled": "true"}
    for name, kind in columns:
        some = values.get(name, ())
        if not some or None in some:
            return None
        texts = sorted({one for one in some if one is not None})
        if not all(_PLAIN.fullmatch(one) for one in texts):
            return None
        found |= {f"projection.{name}.{key}": value for key, value in _of(kind, texts).items()}
    folders = "/".join(f"{name}=${{{name}}}" for name, _ in columns)
    found["storage.location.template"] = f"{location}/{folders}/"
    return found


def _of(kind: str, values: Sequence[str]) -> dict[str, str]:
    if kind == "date" or all(_DAY.fullmatch(one) and _is_day(one) for one in values):
        first = max(_FIRST_YEAR, int(values[0][:4]))
        return {"type": "date", "format": "yyyy-MM-dd", "range": f"{first}-01-01,NOW+1YEARS"}
    if all(_MONTH.fullmatch(one) for one in values):
        first = max(_FIRST_YEAR, int(values[0][:4]))
        return {
            "type": "date",
            "format": "yyyy-MM",
            "range": f"{first}-01,NOW+1YEARS",
            "interval": "1",
            "interval.unit": "MONTHS",
        }
    if kind in {"int", "bigint", "smallint", "tinyint"}:
        numbers = sorted(map(int, values))
        return {"type": "integer", "range": f"{numbers[0]},{numbers[-1]}"}
    return {"type": "enum", "values": ",".join(values)}


def _is_day(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True
