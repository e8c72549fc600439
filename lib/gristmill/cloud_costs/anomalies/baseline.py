"""What a day is expected to cost, from the days before it alone.

A level times a factor for the weekday. The level is the mean of the last seven days, which hold
each weekday once; the factor is the median of what the same weekday was to its level in the last
six weeks: the ratio-to-moving-average method (F. R. Macaulay, The Smoothing of Time Series, NBER
1931), with medians, so that an odd day counts for nothing, and without days to come. How far days
usually are off is the median of their distances times 1.4826 (the MAD, F. R. Hampel, The Influence
Curve and Its Role in Robust Estimation, JASA 69, 1974), as a part of what they were expected to
cost, or of half the level, where that is more.
"""

from dataclasses import dataclass, field
from datetime import date, timedelta
from statistics import fmean, median

WEEK = 7
HISTORY = 6 * WEEK
"""How many days say what is usual."""

WARM_UP = 4 * WEEK
"""How many days there have to be before one is judged."""

_SCALE = 1.4826
_LEAST_SPREAD = 0.01
_RARE, _OFTEN = 0.2, 0.8
_LONG = 90
_MANY = 3
_ALIKE, _FAR = 0.3, 0.15
_NAN = float("nan")


@dataclass(frozen=True)
class Expected:
    """What a day is expected to cost; the `unit` in which it counts how far it is off, and how many
    units days usually are; and whether it can be said of its weekday that it costs something."""

    cost: float
    unit: float
    spread: float
    is_regular: bool


@dataclass
class History:
    """The days of a service that are known: what they cost, and what of it counts as usual.

    `usual` has what was expected in place of what was odd, and all of it at the level of now.
    """

    first: date
    costs: list[float] = field(default_factory=list)
    usual: list[float] = field(default_factory=list)
    levels: list[float] = field(default_factory=list)
    """The level before each day; NaN where nothing was expected."""
    offs: list[float] = field(default_factory=list)
    """What each day cost more than expected; NaN where nothing was."""
    misses: list[float] = field(default_factory=list)
    """The same in units; NaN where there is none."""
    begins: int = 0
    """The place from which on the days count."""
    ends: int | None = None
    """The place of the day from which on it costs nothing any more."""

    def __len__(self) -> int:
        return len(self.costs)

    @property
    def age(self) -> int:
        """How many days count."""
        return len(self.costs) - self.begins

    @property
    def level(self) -> float:
        """The mean of the last seven days."""
        return fmean(self.usual[-WEEK:])

    def day(self, place: int) -> date:
        """The date of a place among the days."""
        return self.first + timedelta(days=place)

    def expected_on(self, day: date) -> float:
        """What a day to come is expected to cost, with what came back at its place of the month."""
        places = [
            [place for then in _same_days(day, back) if self._is_known(place := self._place(then))]
            for back in (1, 2)
        ]
        usual = self.expected(self._place(day)).cost
        for last in places[0]:
            off = self.offs[last]
            if any(_are_alike(self.offs[before], off, 0.0) for before in places[1]):
                is_far = abs(off) > _FAR * self.expected(self._place(day)).unit
                return usual + off if is_far else usual
        return usual

    def _place(self, day: date) -> int:
        return (day - self.first).days

    def _is_known(self, place: int) -> bool:
        return self.begins <= place < len(self.offs)

    def expected(self, at: int | None = None) -> Expected:
        """What the day after the last is expected to cost, or a later one `at` a place."""
        place, level = len(self.costs), self.level
        ahead = 0 if at is None else (at - place) % WEEK
        start = max(self.begins + WEEK - 1, place - HISTORY)
        factors, is_paid = [], []
        for one in range(place + ahead - WEEK, start - 1, -WEEK):
            around = fmean(self.usual[one - WEEK + 1 : one + 1])
            is_paid.append(self.usual[one] != 0)
            if around:
                factors.append(self.usual[one] / around)
        misses = [miss for miss in self.misses[max(self.begins, place - HISTORY) :] if miss == miss]  # noqa: PLR0124  NaN
        spread = _SCALE * median(map(abs, misses)) if misses else 0.0
        share = fmean(is_paid) if is_paid else 0.0
        factor = median(factors) if factors else 0.0
        cost = level * factor
        unit = max(abs(cost), abs(level) / 2)
        return Expected(cost, unit, max(spread, _LEAST_SPREAD), not _RARE < share < _OFTEN)

    def most(self) -> float:
        """The most that a day has cost in a quarter."""
        return max(self.costs[max(self.begins, len(self) - _LONG) :], default=0.0)

    def is_sporadic(self) -> bool:
        """Whether it costs something on some days, and nobody could say on which."""
        recent = self.usual[max(self.begins, len(self) - HISTORY) :]
        paid = sum(cost != 0 for cost in recent)
        return 0 < paid < len(recent) and not self._is_weekly(recent)

    def _is_weekly(self, recent: list[float]) -> bool:
        regular = 0
        for weekday in range(WEEK):
            share = fmean(cost != 0 for cost in recent[-1 - weekday :: -WEEK])
            regular += not _RARE < share < _OFTEN
        return regular >= WEEK - 1

    def was_so_a_month_ago(self, off: float, tolerance: float) -> bool:
        """Whether the same day of a month before, from its start or its end, was as far off."""
        today = self.day(len(self))
        for back in range(1, _MANY + 1):
            for then in _same_days(today, back):
                place = self._place(then)
                if self._is_known(place) and any(
                    _are_alike(before, off, tolerance) for before in self._offs_at(place)
                ):
                    return True
        return False

    def _offs_at(self, place: int) -> tuple[float, ...]:
        """How far a day was off: in money, and in as many parts of the level as now."""
        off, level = self.offs[place], self.levels[place]
        # NaN is not below itself; a level of nothing says nothing either.
        return (off, off / level * self.level) if abs(level) > 0 else (off,)

    def add(self, cost: float, expected: Expected | None = None, *, is_odd: bool = False) -> None:
        """The next day: what it cost, what it was expected to, and whether it was odd."""
        off = cost - expected.cost if expected else _NAN
        self.levels.append(self.level if expected else _NAN)
        self.costs.append(cost)
        self.usual.append(expected.cost if expected and is_odd else cost)
        self.offs.append(off)
        self.misses.append(off / expected.unit if expected and expected.unit > 0 else _NAN)

    def clean(self, limit: float, share: float) -> None:
        """Let what is odd among the first days count no more, by the median of its weekday."""
        days = range(self.begins, len(self))
        usual = {
            place: median(self.costs[one] for one in days if (one - place) % WEEK == 0)
            for place in days
        }
        offs = {place: self.costs[place] - usual[place] for place in days}
        spread = _SCALE * median(map(abs, offs.values()))
        level = fmean(usual.values())
        self.levels[self.begins :] = [level] * len(days)
        for place, off in offs.items():
            if abs(off) > max(limit * spread, share * abs(usual[place])):
                self.usual[place], self.offs[place], self.misses[place] = usual[place], off, _NAN

    def move(self, start: int, ratio: float) -> None:
        """Take the days from `start` on for usual, and those before for as much more or less."""
        self.usual[:start] = [cost * ratio for cost in self.usual[:start]]
        self.usual[start:] = self.costs[start:]
        self.misses[start:] = [_NAN] * (len(self) - start)

    def forget(self, start: int) -> None:
        """Let the days from `start` on be all that count."""
        self.begins, self.ends = start, None
        self.usual[start:] = self.costs[start:]
        self.misses[start:] = [_NAN] * (len(self) - start)


def _are_alike(before: float, off: float, tolerance: float) -> bool:
    return before * off > 0 and abs(before - off) <= max(tolerance, _ALIKE * abs(before))


def _same_days(day: date, back: int) -> set[date]:
    """The day of so many months before at the same place from the start or the end of its month."""
    month = day.year * 12 + day.month - 1
    start, end = _first(month - back), _first(month - back + 1)
    from_end = _first(month + 1) - day
    both = {start + (day - _first(month)), end - from_end}
    return {one for one in both if start <= one < end}


def _first(month: int) -> date:
    return date(month // 12, month % 12 + 1, 1)
