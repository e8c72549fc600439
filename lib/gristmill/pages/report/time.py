"""How finely a span of time is shown, so that a chart can be read."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from typing import Any, Literal

from gristmill.pages import numbers
from gristmill.pages.parts import Sheet

Step = Literal["hour", "day", "week"]
_HOURS, _DAYS = timedelta(days=14), timedelta(days=400)


def step_of(first: date, last: date) -> Step:
    """Hours for two weeks, days for a year, and weeks beyond."""
    span = last - first
    return "hour" if span < _HOURS else "day" if span < _DAYS else "week"


def steps(step: str) -> str:
    """The step that `date` and `hour` are in, in SQL."""
    return f"date_trunc('{step}', date + to_hours(hour))"


def by_time(
    rows: Sequence[Mapping[str, Any]], series: Sequence[str], show: Callable[[Any], str]
) -> Sheet:
    """A row for each time, a column for each series."""
    found: dict[Any, dict[str, Any]] = {}
    for row in rows:
        found.setdefault(row["moment"], {})[row["series"]] = row["value"]
    shown = [
        (numbers.day(at), *(show(values.get(one, 0)) for one in series))
        for at, values in found.items()
    ]
    return Sheet(("time", *series), shown, frozenset(range(1, len(series) + 1)))
