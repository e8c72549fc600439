"""How finely a span of time is shown, so that a chart can be read."""

from datetime import date, timedelta
from typing import Literal

Step = Literal["hour", "day", "week"]
_HOURS, _DAYS = timedelta(days=14), timedelta(days=400)


def step_of(first: date, last: date) -> Step:
    """Hours for two weeks, days for a year, and weeks beyond."""
    span = last - first
    return "hour" if span < _HOURS else "day" if span < _DAYS else "week"


def steps(step: str) -> str:
    """The step that `date` and `hour` are in, in SQL."""
    return f"date_trunc('{step}', date + to_hours(hour))"
