"""Paths, clients and pages of which there was most on each day."""

from collections.abc import Sequence

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from gristmill.web_traffic.counted import DAY, counts, percentile

_MICROSECOND = 6


def top_paths(requests: DataFrame, top: int) -> DataFrame:
    """Rows of `TOP_PATHS`."""
    return _first(_by(requests, F.col("path"), "path"), [F.desc("requests"), F.asc("path")], top)


def top_clients(requests: DataFrame, top: int) -> DataFrame:
    """Rows of `TOP_CLIENTS`."""
    found = _by(requests, F.col("client"), "client")
    return _first(found, [F.desc("requests"), F.asc("client")], top)


def top_referers(requests: DataFrame, top: int) -> DataFrame:
    """Rows of `TOP_REFERERS`."""
    page = F.nullif(F.regexp_extract("referer", "(?s)^[^?#]*", 0), F.lit(""))
    return _first(_by(requests, page, "referer"), [F.desc("requests"), F.asc("referer")], top)


def errors_by_path(requests: DataFrame, top: int) -> DataFrame:
    """Rows of `ERRORS_BY_PATH`."""
    errors = F.col("client_errors") + F.col("server_errors")
    found = _by(requests, F.col("path"), "path").where(errors > 0)
    return _first(found, [errors.desc(), F.asc("path")], top)


def slowest_paths(requests: DataFrame, top: int, timed: int) -> DataFrame:
    """Rows of `SLOWEST_PATHS`, of paths with `timed` requests that have a time, or more."""
    # What is equal is counted before it is collected; no clock of a server is finer.
    seconds = F.round("seconds", _MICROSECOND).alias("seconds")
    known = requests.where(F.col("path").isNotNull() & F.col("seconds").isNotNull())
    different = known.groupBy(*DAY, "path", seconds).agg(F.count(F.lit(1)).alias("requests"))
    paths = different.groupBy(*DAY, "path").agg(
        F.sum("requests").alias("_requests"),
        F.max("seconds").alias("seconds_max"),
        F.round(F.sum(F.col("seconds") * F.col("requests")), _MICROSECOND).alias("seconds_total"),
        F.array_sort(F.collect_list(F.struct("seconds", "requests"))).alias("_times"),
    )
    paths = paths.withColumnRenamed("_requests", "requests").where(F.col("requests") >= timed)
    paths = paths.select("*", *(percentile("_times", percent) for percent in (50, 95)))
    return _first(paths, [F.desc("seconds_p95"), F.asc("path")], top)


def _by(requests: DataFrame, value: Column, name: str) -> DataFrame:
    known = requests.withColumn(name, value).where(F.col(name).isNotNull())
    return known.groupBy(*DAY, name).agg(*counts())


def _first(rows: DataFrame, order: Sequence[Column], top: int) -> DataFrame:
    place = F.row_number().over(Window.partitionBy(*DAY).orderBy(*order))
    return rows.withColumn("rank", place).where(F.col("rank") <= top)
