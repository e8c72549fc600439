"""The events in the daily costs of a service: days in a row that cost what nobody expected.

A day is odd where its cost is off by more than `Limits` say. Odd days on the same side, with no
more than two days between them, are one event. One that is still there after a week is the new
usual (a step), so that it is told once. Where a cost begins or ends altogether it is told as that;
growth too slow for any day to be odd is `drift`'s.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from statistics import fmean

from gristmill.cloud_costs.anomalies.baseline import WARM_UP, WEEK, Expected, History
from gristmill.cloud_costs.anomalies.drift import drifts

SPIKE, DROP, STEP_UP, STEP_DOWN = "spike", "drop", "step_up", "step_down"
NEW, VANISHED, GROWTH, DECLINE = "new", "vanished", "growth", "decline"

_GAP = 2
_SPORADIC = 3.0
_ENDED = 3


@dataclass(frozen=True)
class Limits:
    """How far a day has to be off to be odd: by `spreads` times what is usual, by a `share` of the
    level, and by an `amount`, all of them."""

    spreads: float = 6.0
    share: float = 0.15
    amount: float = 1.0


@dataclass
class Event:
    """An event: its first and last day, as places; what each of its days cost, was expected to; and
    how far the farthest was off, in spreads. `is_open` where the days to come may add to it."""

    kind: str
    start: int
    costs: list[float] = field(default_factory=list)
    expected: list[float] = field(default_factory=list)
    odd: list[int] = field(default_factory=list)
    score: float = 0.0
    is_open: bool = True

    @property
    def end(self) -> int:
        """Its last day."""
        return max(self.odd, default=self.start)

    @property
    def days(self) -> int:
        """How many days it has."""
        return self.end - self.start + 1

    @property
    def cost(self) -> float:
        """What its days cost."""
        return sum(self.costs[: self.days])

    @property
    def usual(self) -> float:
        """What they were expected to cost."""
        return sum(self.expected[: self.days])


def events(first: date, costs: Sequence[float], limits: Limits) -> list[Event]:
    """The events in the costs of a service, a day each from `first` on, in the order of time.

    A day without charges costs 0. What is said of a day rests on the days before it, and for what
    goes on, on those of its event.
    """
    history, found = _told(first, costs, limits)
    return sorted([*found, *_slow(history, limits)], key=lambda event: event.start)


def learn(first: date, costs: Sequence[float], limits: Limits) -> History:
    """What is usual after all of these costs, what was odd among them left out."""
    return _told(first, costs, limits)[0]


def _told(first: date, costs: Sequence[float], limits: Limits) -> tuple[History, list[Event]]:
    history = History(first)
    found: list[Event] = []
    is_silent = True
    for cost in costs:
        now = found[-1] if found and found[-1].is_open else None
        if is_silent:
            is_silent = _begin(history, cost, found, limits)
        elif now is not None and now.kind == NEW:
            _go_on_anew(history, cost, now)
        else:
            is_silent = _judge(history, cost, now, found, limits)
    return history, found


def _begin(history: History, cost: float, found: list[Event], limits: Limits) -> bool:
    """A day of a service that has cost nothing before: whether it still does."""
    place = len(history)
    history.add(cost)
    if cost == 0:
        return True
    history.forget(place)
    # What is there from the first days on is not new: nobody knows what was before.
    if place >= WEEK and abs(cost) >= limits.amount:
        found.append(Event(NEW, place, [cost], [0.0], [place]))
    return False


def _go_on_anew(history: History, cost: float, now: Event) -> None:
    place = len(history)
    history.add(cost)
    now.costs.append(cost)
    now.expected.append(0.0)
    if cost:
        now.odd.append(place)
    now.is_open = place - now.start < WEEK - 1


def _judge(
    history: History, cost: float, now: Event | None, found: list[Event], limits: Limits
) -> bool:
    """The next day of a service, `now` is the event that is open: whether it has ended."""
    place = len(history)
    if history.age < 2 * WEEK:
        history.add(cost)
        return False
    expected = history.expected()
    if history.age < WARM_UP:
        history.add(cost, expected)
        if history.age == WARM_UP:
            history.clean(limits.spreads, limits.share)
        return False
    is_odd = _is_odd(history, cost, expected, limits)
    off = cost - expected.cost
    if is_odd and history.was_so_a_month_ago(off, limits.spreads * expected.spread * expected.unit):
        # Not usual on other days.
        history.add(cost, expected, is_odd=True)
        is_odd = False
    else:
        history.add(cost, expected, is_odd=is_odd)
    side = SPIKE if off > 0 else DROP
    if now is not None and is_odd and (side == SPIKE) != (now.kind == SPIKE):
        now.is_open, now = False, None
    if now is None:
        if not is_odd:
            return False
        now = Event(side, place)
        found.append(now)
    now.costs.append(cost)
    now.expected.append(expected.cost)
    if is_odd:
        now.odd.append(place)
        spread = expected.spread * expected.unit
        now.score = max(now.score, abs(off) / spread if spread else 0.0)
    return _settle(history, now)


def _is_odd(history: History, cost: float, expected: Expected, limits: Limits) -> bool:
    off = abs(cost - expected.cost)
    if off < limits.amount:
        return False
    if not expected.is_regular or history.is_sporadic():
        return cost > _SPORADIC * history.most()
    return off > max(limits.spreads * expected.spread, limits.share) * expected.unit


def _settle(history: History, now: Event) -> bool:
    """Close an event that is over, or has become usual: whether the service has ended by it."""
    place = len(history) - 1
    length = place - now.start + 1
    days = history.costs[now.start :]
    if now.kind != SPIKE:
        now.kind = VANISHED if length >= _ENDED and not any(days) else DROP
    if length < WEEK and place - now.end <= _GAP:
        return False
    if length >= WEEK and len(now.odd) > WEEK // 2:
        return _move(history, now, days)
    if place - now.end > _GAP:
        now.is_open = False
    return False


def _move(history: History, now: Event, days: Sequence[float]) -> bool:
    """Take the level of a week of odd days for the usual one: whether it is nothing at all."""
    now.is_open = False
    now.odd.append(len(history) - 1)
    if not any(days):
        now.kind, history.ends = VANISHED, now.start
        return True
    now.kind = STEP_UP if now.kind == SPIKE else STEP_DOWN
    usual = fmean(now.expected[: len(days)])
    if usual:
        history.move(now.start, fmean(days) / usual)
    else:
        history.forget(now.start)
    return False


def _slow(history: History, limits: Limits) -> Iterator[Event]:
    """Growth and decline that no single day shows."""
    for drift in drifts(history.usual[history.begins : history.ends]):
        start, end = history.begins + drift.start, history.begins + drift.end
        costs = history.costs[start : end + 1]
        usual = [drift.base] * len(costs)
        event = Event(
            GROWTH if drift.is_up else DECLINE,
            start,
            costs,
            usual,
            [end],
            is_open=end == len(history) - 1,
        )
        if abs(event.cost - event.usual) >= limits.amount:
            yield event
