"""Instants and the wall clocks that show them, for a zone that may differ from row to row.

A wall clock is a timestamp whose UTC fields are what the clock shows, so that `F.hour` and the
like give the local hour in a session whose zone is UTC.
"""

from dataclasses import dataclass
from typing import Any

from pyspark.sql import Column, SparkSession
from pyspark.sql import functions as F

_TIME = r"^(\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,6})?)?)(Z|[+-]\d{2}(?::?\d{2})?)?\z"
_SHAPE = r"^([+-])(\d{2}):?(\d{2})?\z"
_DAY = "INTERVAL 24 HOURS"


def zones(spark: SparkSession) -> frozenset[str]:
    """The names of all IANA time zones that this Java knows."""
    jvm: Any = spark._jvm
    names: str = jvm.java.lang.String.join(",", jvm.java.time.ZoneId.getAvailableZoneIds())
    return frozenset(names.split(","))


def wall(instant: Column, zone: Column) -> Column:
    """What a clock in `zone` shows."""
    return F.from_utc_timestamp(instant, zone)


def instant(shown: Column, zone: Column) -> Column:
    """When a clock in `zone` shows this: the first time where it does twice.

    Where the clock skips it, the moment of the skip and as much more.
    """
    return F.to_utc_timestamp(shown, zone)


@dataclass(frozen=True)
class Moment:
    """A written time: its instant, null unless it is one, and why not."""

    instant: Column
    is_malformed: Column
    is_skipped: Column
    is_ambiguous: Column


def moment(text: Column, zone: Column) -> Moment:
    """A time in ISO 8601, as 2026-10-25T01:30:00-06:00.

    Its `Z` or UTC offset says when it is. Where it has none it is what the clock of `zone` showed,
    if the clock showed that once: not while it was turned back, nor in an hour that it skipped.
    """
    shown = F.when(text.rlike(_TIME), F.regexp_extract(text, _TIME, 1)).try_cast("timestamp")
    offset = F.when(text.rlike(_TIME), F.regexp_extract(text, _TIME, 2))
    is_naive = offset == ""
    # The zone's offset a day before and a day after are those on both sides of a change.
    before = _by_offset_at(shown, zone, shown - F.expr(_DAY))
    after = _by_offset_at(shown, zone, shown + F.expr(_DAY))
    shows_before, shows_after = wall(before, zone) == shown, wall(after, zone) == shown
    is_skipped = is_naive & ~shows_before & ~shows_after
    is_ambiguous = is_naive & shows_before & shows_after & (before != after)
    local = F.when(~is_skipped & ~is_ambiguous, F.when(shows_before, before).otherwise(after))
    absolute = shown - F.make_dt_interval(mins=_minutes(offset))
    return Moment(
        instant=F.when(is_naive, local).otherwise(absolute),
        is_malformed=shown.isNull() | (~is_naive & _minutes(offset).isNull()),
        is_skipped=F.coalesce(is_skipped, F.lit(False)),
        is_ambiguous=F.coalesce(is_ambiguous, F.lit(False)),
    )


def written(instant: Column, zone: Column) -> Column:
    """An instant as its clock showed it, to the minute, with the UTC offset."""
    shown = wall(instant, zone)
    minutes = ((F.unix_seconds(shown) - F.unix_seconds(instant)) / 60).cast("int")
    sign = F.when(minutes < 0, "-").otherwise("+")
    ahead = F.abs(minutes)
    hours = F.floor(ahead / 60).cast("int")
    text = F.date_format(shown, "yyyy-MM-dd'T'HH:mm")
    return F.format_string("%s%s%02d:%02d", text, sign, hours, ahead % 60)


def _by_offset_at(shown: Column, zone: Column, other: Column) -> Column:
    """The instant at which a clock shows this if it is as far from UTC as at another time."""
    return shown - (wall(other, zone) - other)


def _minutes(offset: Column) -> Column:
    """Minutes by which a clock with this offset is ahead of UTC; null where no clock is so."""
    part = [F.regexp_extract(offset, _SHAPE, group) for group in (1, 2, 3)]
    hours, minutes = part[1].try_cast("int"), F.coalesce(part[2].try_cast("int"), F.lit(0))
    ahead = F.when((hours <= 18) & (minutes < 60), hours * 60 + minutes)
    signed = F.when(part[0] == "-", -ahead).otherwise(ahead)
    return F.when(offset == "Z", 0).otherwise(signed)
