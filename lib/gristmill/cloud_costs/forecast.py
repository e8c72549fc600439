"""What the rest of a month will cost, from the days before it.

A day of usage to come is expected to cost the level times its weekday's factor, as in
`anomalies.baseline`, with odd days left out; what came back at the same place of the last two
months is added. What is not usage (fees, tax, credits) is expected as it was on the same days of
the month before. docs/billing-summary.md has how far off that is, beside the naive forecast of a
month: its days so far, continued.
"""

from collections.abc import Sequence
from datetime import date, timedelta

from gristmill.cloud_costs.anomalies.baseline import WARM_UP
from gristmill.cloud_costs.anomalies.events import Limits, learn


def rest_of_month(first: date, usage: Sequence[float], others: Sequence[float]) -> float:
    """What the days after the last one are expected to cost, until their month ends.

    `usage` and `others` are costs by day from `first` on, all but the days to come.
    """
    last = first + timedelta(days=len(usage) - 1)
    days = _until_month_ends(last)
    fees = _fees_to_come(first, others, last)
    return fees + sum(_days_to_come(first, usage, days))


def _days_to_come(first: date, usage: Sequence[float], days: Sequence[date]) -> Sequence[float]:
    paid = next((place for place, cost in enumerate(usage) if cost), len(usage))
    history = learn(first + timedelta(days=paid), usage[paid:], Limits())
    if history.ends is not None or not len(history):
        return []
    if history.age < WARM_UP:
        recent = history.costs[history.begins :]
        return [sum(recent) / len(recent)] * len(days)
    return [history.expected_on(day) for day in days]


def naive(costs_of_month: Sequence[float], days: int) -> float:
    """The days of a month so far, continued: what the month then comes to."""
    return sum(costs_of_month) / len(costs_of_month) * days


def _until_month_ends(last: date) -> list[date]:
    days = []
    day = last + timedelta(days=1)
    while day.month == last.month:
        days.append(day)
        day += timedelta(days=1)
    return days


def _fees_to_come(first: date, others: Sequence[float], last: date) -> float:
    """What the month before had on the days after `last`: each once, on the last where this month
    has not as many."""
    end = (last.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)
    before = last.replace(day=1) - timedelta(days=1)
    found = 0.0
    for place, cost in enumerate(others):
        day = first + timedelta(days=place)
        is_in = (day.year, day.month) == (before.year, before.month)
        if is_in and min(day.day, end.day) > last.day:
            found += cost
    return found
