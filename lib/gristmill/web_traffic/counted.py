"""Requests, clients, agents and times taken, by hour and by day."""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from gristmill.readers.logs.agents import with_agent_kind
from gristmill.web_traffic.datasets import PERCENTILES

DAY = ("dataset", "date")


def hourly(requests: DataFrame) -> DataFrame:
    """Rows of `TRAFFIC_HOURLY`."""
    by = (*DAY, "hour", "status_class", "method")
    status_class = F.concat(F.floor(F.col("status") / 100).cast("string"), F.lit("xx"))
    # Twice each request: under its client, and under its time. What is equal is counted before
    # anything is collected, so that it takes as much memory as there are different times.
    as_client = F.struct("client", F.lit(None).cast("double").alias("seconds"), "bytes")
    as_time = F.struct(
        F.lit(None).cast("string").alias("client"),
        "seconds",
        F.lit(None).cast("bigint").alias("bytes"),
    )
    twice = F.when(F.col("seconds").isNull(), F.array(as_client)).otherwise(
        F.array(as_client, as_time)
    )
    different = (
        requests.withColumn("status_class", status_class)
        .select(*by, F.inline(twice))
        .groupBy(*by, "client", "seconds")
        .agg(F.count(F.lit(1)).alias("requests"), F.sum("bytes").alias("bytes"))
    )
    timed = F.when(F.col("seconds").isNotNull(), F.struct("seconds", "requests"))
    untimed = F.when(F.col("seconds").isNull(), F.col("requests"))
    found = different.groupBy(*by).agg(
        F.sum(untimed).alias("requests"),
        F.coalesce(F.sum("bytes"), F.lit(0)).alias("bytes"),
        F.count("client").alias("clients"),
        F.array_sort(F.collect_list(timed)).alias("_times"),
    )
    return found.select("*", *(percentile("_times", percent) for percent in PERCENTILES))


def clients(requests: DataFrame) -> DataFrame:
    """Rows of `TRAFFIC_CLIENTS`."""
    # Each request for its hour and for its day, so that one pass counts both.
    spans = F.explode(F.array("hour", F.lit(None).cast("int"))).alias("hour")
    different = requests.select(*DAY, "client", spans).distinct()
    return different.groupBy(*DAY, "hour").agg(F.count("client").alias("clients"))


def agents(requests: DataFrame, *, listed: bool) -> DataFrame:
    """Rows of `TRAFFIC_AGENTS`, of agents told apart as `readers.logs.agents` does."""
    by_agent = (*DAY, "user_agent", "client")
    different = requests.groupBy(*by_agent).agg(*counts())
    told = with_agent_kind(different, listed=listed)
    return told.groupBy(*DAY, "agent_kind").agg(
        F.count_distinct("client").alias("clients"),
        *(F.sum(name).alias(name) for name in ("requests", "bytes", *_ERRORS)),
    )


_ERRORS = ("client_errors", "server_errors")


def counts() -> list[Column]:
    """How many requests a group has, their bytes, and how many failed."""
    hundreds = F.floor(F.col("status") / 100)
    return [
        F.count(F.lit(1)).alias("requests"),
        F.coalesce(F.sum("bytes"), F.lit(0)).alias("bytes"),
        F.count_if(hundreds == 4).alias("client_errors"),
        F.count_if(hundreds == 5).alias("server_errors"),
    ]


def percentile(times: str, percent: int) -> Column:
    """The percentile of `times`, pairs of seconds and how often they came, in order, by the
    nearest rank; null of none.

    Of n times it is the one at place ceil(n * percent / 100), so one that there was: no less than
    `percent` percent of them are as long or shorter. https://en.wikipedia.org/wiki/Percentile
    """
    none = F.lit(0).cast("bigint")
    count = F.aggregate(times, none, lambda total, time: total + time["requests"])
    # In whole numbers: 0.95 of something is rarely what it should be in doubles.
    place = F.floor((count * percent + 99) / 100)
    start = F.struct(none.alias("passed"), F.lit(None).cast("double").alias("found"))

    def go_on(so_far: Column, time: Column) -> Column:
        passed = so_far["passed"] + time["requests"]
        is_there = so_far["found"].isNull() & (passed >= place)
        found = F.when(is_there, time["seconds"]).otherwise(so_far["found"])
        return F.struct(passed.alias("passed"), found.alias("found"))

    found = F.aggregate(times, start, go_on, lambda end: end["found"])
    return F.round(found, 6).alias(f"seconds_p{percent}")
