"""Days and hours of a time zone, where those of UTC are not meant."""

from datetime import date, timedelta

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from gristmill.model.job import Days

UTC = "UTC"
_DAY = timedelta(days=1)


def in_zone(requests: DataFrame, zone: str) -> DataFrame:
    """Requests (`timestamp`, and `date` of UTC) with their `hour` and `date` in an IANA zone."""
    if zone == UTC:
        return requests.withColumn("hour", F.hour("timestamp"))
    local = F.from_utc_timestamp("timestamp", zone)
    return requests.withColumns({"hour": F.hour(local), "date": F.to_date(local)})


def reached(days: Days, zone: str) -> tuple[Days, Days]:
    """The days of a zone that have requests of some days of UTC, and the days to read for them.

    No zone is a day or more away from UTC.
    """
    if zone == UTC:
        return days, days
    targets = _around(days)
    return targets, _around(targets)


def _around(days: Days) -> set[date]:
    return {day + step * _DAY for day in days for step in (-1, 0, 1)}
