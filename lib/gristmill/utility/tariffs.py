"""Time-of-use tariffs: which rate holds at which hour of the week in which month.

Plain Python: a tariff has tens of rows.
"""

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from itertools import pairwise

from gristmill.errors import InputError, UsageError

CUSTOMER, DEMAND, ENERGY, EXPORT = "customer", "demand", "energy", "export"
DAY = 24 * 60
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_SHOWN = 5


@dataclass(frozen=True)
class Charge:
    """A row of a tariff: what a unit costs in a window.

    `months` are 1 to 12 and `weekdays` 0 (Monday) to 6; `start` and `end` are minutes of the local
    day, `end` not included. `unit` is kWh, kW, month or day. The rate of what is fed in is below 0,
    where it is paid for. It is valid from the day `since` until
    the day `until`, not included; None is ever. Of energy it is for what of a month's use in its
    window is `above` so many kWh, as far as the next one with the same window.
    """

    line: int
    kind: str
    window: str
    months: tuple[int, ...]
    weekdays: tuple[int, ...]
    start: int
    end: int
    rate: Decimal
    unit: str
    season: str | None = None
    since: date | None = None
    until: date | None = None
    above: Decimal = Decimal(0)

    def holds(self, month: int, weekday: int, minute: int) -> bool:
        """Whether it holds at this minute of such a day."""
        on_day = month in self.months and weekday in self.weekdays
        return on_day and self.start <= minute < self.end

    @property
    def hours(self) -> str:
        """When it holds, to be read by people."""
        months, days = _span(_MONTHS, self.months, 1), _span(_WEEKDAYS, self.weekdays, 0)
        return f"{months} {days} {clock(self.start)}-{clock(self.end)}"


@dataclass(frozen=True)
class Tariff:
    """The charges under one name that are valid from `since` until `until`, not included (None is
    ever), in the order of their file."""

    name: str
    file: str
    charges: tuple[Charge, ...]
    since: date | None = None
    until: date | None = None

    def of(self, kind: str) -> list[Charge]:
        """The charges of one kind."""
        return [charge for charge in self.charges if charge.kind == kind]

    @property
    def edges(self) -> dict[int, int]:
        """The minutes of the day at which a window starts or ends -> a line that says so."""
        windows = [charge for charge in self.charges if charge.kind != CUSTOMER]
        return {edge: found.line for found in windows for edge in (found.end, found.start)}

    @property
    def step(self) -> int:
        """The longest span of minutes, at most an hour, within which no rate changes."""
        return math.gcd(60, *self.edges)

    def slots(self, minutes: int) -> Iterator[tuple[int, int, int]]:
        """(month, weekday, minute of the day) of each span of so many minutes in a year's weeks."""
        for month in range(1, 13):
            for weekday in range(7):
                for minute in range(0, DAY, minutes):
                    yield month, weekday, minute

    def seasons(self, otherwise: Mapping[int, str]) -> dict[int, str]:
        """The season of each month: as the energy charges name it, else as `otherwise` has it.

        Raises `InputError` where they name two for one month.
        """
        named = dict(otherwise)
        by: dict[int, Charge] = {}
        for charge in self.of(ENERGY):
            for month in charge.months if charge.season else ():
                other = by.setdefault(month, charge)
                if other.season != charge.season:
                    raise InputError(
                        f"{self.file}: lines {other.line} and {charge.line} put "
                        f"{_MONTHS[month - 1]} into the seasons {other.season} and {charge.season}"
                    )
                named[month] = str(charge.season)
        return named


def by_validity(tariff: Tariff) -> list[Tariff]:
    """A tariff for each span of time in which the same charges are valid, and any is."""
    edges = {day for one in tariff.charges for day in (one.since, one.until) if day}
    ends: list[date | None] = [None, *sorted(edges), None]
    spans = []
    for since, until in pairwise(ends):
        valid = tuple(one for one in tariff.charges if _is_valid(one, since, until))
        if valid:
            spans.append(replace(tariff, charges=valid, since=since, until=until))
    return spans


def _is_valid(charge: Charge, since: date | None, until: date | None) -> bool:
    """Whether a charge is valid in a span that lies between edges."""
    begins = charge.since is None or (since is not None and charge.since <= since)
    ends = charge.until is None or (until is not None and until <= charge.until)
    return begins and ends


def faults(tariff: Tariff) -> list[str]:
    """Every gap in the energy rates of a year, and every hour that has two, named by its rows.

    Charges of demand and of what is fed in may leave hours out. Those of demand may share them
    under different names: each name is a window of its own. So it is with customer charges.
    """
    missing: list[tuple[int, int, int]] = []
    double: dict[tuple[Charge, Charge], tuple[int, int, int]] = {}
    uneven: set[tuple[int, int]] = set()
    for slot in tariff.slots(tariff.step):
        holding: dict[tuple[str, str], Charge] = {}
        for charge in tariff.charges:
            if charge.holds(*slot):
                # Of energy there may be one charge an hour and tier, whatever its name.
                is_one = charge.kind in {ENERGY, EXPORT}
                window = f"{charge.above:f}" if is_one else charge.window
                other = holding.setdefault((charge.kind, window), charge)
                if other is not charge:
                    double.setdefault((other, charge), slot)
        if (ENERGY, "0") not in holding:
            missing.append(slot)
        uneven |= _uneven([one for (kind, _), one in holding.items() if kind == ENERGY])
    found = [
        f"lines {one.line} and {other.line} both have a rate of {one.kind} for {_moment(slot)}"
        for (one, other), slot in double.items()
    ]
    found += [
        f"lines {one} and {other} are tiers of the same hours, but not of all of them: tiers have "
        "the same months, weekdays and hours"
        for one, other in sorted(uneven)
    ]
    if missing:
        hours = len(missing) * tariff.step / 60
        found.append(
            f"no rate of energy for {_moment(missing[0])}, "
            f"nor for {hours:g} of the {12 * 7 * 24} hours of the weeks of a year in all"
        )
    return found


def _uneven(tiers: Sequence[Charge]) -> set[tuple[int, int]]:
    """The lines of energy charges that hold at once, and do not hold in the same window."""
    return {
        (tiers[0].line, one.line)
        for one in tiers[1:]
        if (one.months, one.weekdays, one.start, one.end)
        != (tiers[0].months, tiers[0].weekdays, tiers[0].start, tiers[0].end)
    }


def check(tariffs: Iterable[Tariff]) -> None:
    """Raise `InputError`, with all that is wrong, where an hour has no energy rate or has two."""
    told = [
        f"{tariff.file}: {_named(tariff)}{fault}" for tariff in tariffs for fault in faults(tariff)
    ]
    if told:
        more = f" … and {len(told) - _SHOWN} more" if len(told) > _SHOWN else ""
        raise InputError("; ".join(told[:_SHOWN]) + more)


def check_interval(tariff: Tariff, minutes: int) -> None:
    """Raise `InputError` where a rate changes within a reading of so many minutes."""
    for edge, line in sorted(tariff.edges.items()):
        if edge % minutes:
            raise InputError(
                f"{tariff.file}: {_named(tariff)}line {line} has an edge at {clock(edge)}, in the "
                f"midst of a reading of {minutes} minutes, which has no part for each side: "
                "it takes readings of shorter intervals (--interval-minutes)"
            )


_SEASON = re.compile(r"(\w+)=(\d{1,2})(?:-(\d{1,2}))?")


def seasons(text: str) -> dict[int, str]:
    """The season of each month (1 to 12) by a text such as `summer=5-9,winter=10-4`.

    Raises `UsageError` where it is written otherwise, or a month has no season or two.
    """
    found: dict[int, str] = {}
    for part in text.split(","):
        written = _SEASON.fullmatch(part.strip())
        if not written:
            raise UsageError(f"--seasons takes NAME=FIRST-LAST,… in months, not {part.strip()!r}")
        name, first, last = written[1], int(written[2]), int(written[3] or written[2])
        if not (1 <= first <= 12 and 1 <= last <= 12):
            raise UsageError(f"--seasons takes months from 1 to 12, not {part.strip()!r}")
        for month in around(first, last, 1, 12):
            if month in found:
                raise UsageError(f"--seasons has {_MONTHS[month - 1]} in {found[month]} and {name}")
            found[month] = name
    missing = [name for month, name in enumerate(_MONTHS, 1) if month not in found]
    if missing:
        raise UsageError(f"--seasons has no season for {', '.join(missing)}")
    return found


def around(first: int, last: int, lowest: int, highest: int) -> tuple[int, ...]:
    """The numbers from `first` to `last`, past the highest on from the lowest."""
    if first <= last:
        return tuple(range(first, last + 1))
    return (*range(first, highest + 1), *range(lowest, last + 1))


def clock(minute: int) -> str:
    """A minute of the day as 08:30."""
    return f"{minute // 60:02}:{minute % 60:02}"


def _span(names: Sequence[str], values: Sequence[int], base: int) -> str:
    first, last = names[values[0] - base], names[values[-1] - base]
    return first if first == last else f"{first}-{last}"


def _moment(slot: tuple[int, int, int]) -> str:
    month, weekday, minute = slot
    return f"{_MONTHS[month - 1]} {_WEEKDAYS[weekday]} {clock(minute)}"


def _named(tariff: Tariff) -> str:
    name = f"tariff {tariff.name}" if tariff.name else ""
    since = f"from {tariff.since}" if tariff.since else ""
    until = f"until {tariff.until}" if tariff.until else ""
    told = " ".join(filter(None, (name, since, until)))
    return f"{told}: " if told else ""
