"""Instants and the wall clocks that show them, for a zone that may differ from row to row.

A wall clock is a timestamp whose UTC fields are what the clock shows, so that `F.hour` and the
like give the local hour in a session whose zone is UTC.
"""

import zoneinfo
from typing import Any

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from gristmill.errors import UsageError

_TIME = r"^(\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,6})?)?)(Z|[+-]\d{2}(?::?\d{2})?)?\z"
_SHAPE = r"^([+-])(\d{2}):?(\d{2})?\z"
_DAY = "INTERVAL 24 HOURS"


def check_zone(zone: str) -> None:
    """Raises `UsageError` where there is no IANA time zone of that name."""
    try:
        zoneinfo.ZoneInfo(zone)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise UsageError(f"--zone: there is no time zone {zone}") from error


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


BAD, SKIPPED, AMBIGUOUS = "bad_timestamp", "skipped_time", "ambiguous_time"


def with_instant(rows: DataFrame, text: str, zone: str) -> DataFrame:
    """`rows` with the times of their column `text`, ISO 8601 as 2026-10-25T01:30:00-06:00.

    `instant` is null unless it is one, and `fault` why: `BAD`, `SKIPPED` or `AMBIGUOUS`. A `Z` or
    UTC offset says when it is. A time that has none is what the clock of the zone in column `zone`
    showed, if the clock showed that once: not while it was turned back, nor in what it skipped.
    """
    is_time = F.col(text).rlike(_TIME)
    # One column after the other: what is used more than once is then worked out once.
    rows = rows.withColumns(
        {
            "_shown": F.when(is_time, F.regexp_extract(text, _TIME, 1)).try_cast("timestamp"),
            "_offset": F.when(is_time, F.regexp_extract(text, _TIME, 2)),
        }
    )
    rows = rows.withColumns(
        {
            "_ahead": _minutes(F.col("_offset")),
            # Its offsets a day before and a day after are those on both sides of a change.
            "_before": _by_offset_at(F.col("_shown") - F.expr(_DAY), F.col(zone)),
            "_after": _by_offset_at(F.col("_shown") + F.expr(_DAY), F.col(zone)),
        }
    )
    rows = rows.withColumns(
        {
            "_fits_before": wall(F.col("_before"), F.col(zone)) == F.col("_shown"),
            "_fits_after": wall(F.col("_after"), F.col(zone)) == F.col("_shown"),
        }
    )
    is_naive = F.col("_offset") == ""
    fits_before, fits_after = F.col("_fits_before"), F.col("_fits_after")
    fault = (
        F.when(F.col("_shown").isNull() | (~is_naive & F.col("_ahead").isNull()), BAD)
        .when(is_naive & ~fits_before & ~fits_after, SKIPPED)
        .when(
            is_naive & fits_before & fits_after & (F.col("_before") != F.col("_after")), AMBIGUOUS
        )
    )
    local = F.when(fits_before, F.col("_before")).otherwise(F.col("_after"))
    absolute = F.col("_shown") - F.make_dt_interval(mins=F.col("_ahead"))
    rows = rows.withColumn("fault", fault)
    instant = F.when(F.col("fault").isNull(), F.when(is_naive, local).otherwise(absolute))
    return rows.withColumn("instant", instant).drop(*_STEPS)


_STEPS = ("_shown", "_offset", "_ahead", "_before", "_after", "_fits_before", "_fits_after")


def written(instant: Column, zone: Column) -> Column:
    """An instant as its clock showed it, to the minute, with the UTC offset."""
    shown = wall(instant, zone)
    minutes = ((F.unix_seconds(shown) - F.unix_seconds(instant)) / 60).cast("int")
    sign = F.when(minutes < 0, "-").otherwise("+")
    ahead = F.abs(minutes)
    hours = F.floor(ahead / 60).cast("int")
    text = F.date_format(shown, "yyyy-MM-dd'T'HH:mm")
    return F.format_string("%s%s%02d:%02d", text, sign, hours, ahead % 60)


def _by_offset_at(other: Column, zone: Column) -> Column:
    """The instant at which the clock shows `_shown` if it is as far from UTC as at another."""
    return F.col("_shown") - (wall(other, zone) - other)


def _minutes(offset: Column) -> Column:
    """Minutes by which a clock with this offset is ahead of UTC; null where no clock is so."""
    part = [F.regexp_extract(offset, _SHAPE, group) for group in (1, 2, 3)]
    hours, minutes = part[1].try_cast("int"), F.coalesce(part[2].try_cast("int"), F.lit(0))
    ahead = F.when((hours <= 18) & (minutes < 60), hours * 60 + minutes)
    signed = F.when(part[0] == "-", -ahead).otherwise(ahead)
    return F.when(offset == "Z", 0).otherwise(signed)
