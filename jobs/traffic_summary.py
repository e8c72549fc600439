"""Web traffic by the hour, and the paths asked for most."""

from collections.abc import Mapping
from dataclasses import dataclass

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from gristmill import ByDay, Dataset, DatasetsReader, Field, Job, Options, main, option
from gristmill.readers.logs.http import views
from gristmill.readers.logs.proxies import TRUSTED_PROXY, behind_proxies, ranges
from gristmill.readers.published import ALL

_DATASET = Field("dataset", "string", "where the requests come from, such as web_requests")
_REQUESTS = Field("requests", "bigint", "how many requests")
_BYTES = Field("bytes", "bigint", "sum of the sizes of their answers; an unknown size counts 0")
_DATE = Field("date", "date", "day, UTC")
_PERCENTILES = (50, 95, 99)

TRAFFIC_HOURLY = Dataset(
    name="traffic_hourly",
    help="Requests by hour, class of status and method.",
    fields=(
        Field("hour", "int", "hour of the day, 0 to 23, UTC"),
        Field("status_class", "string", "2xx, 3xx, 4xx …; null where no status was logged"),
        Field("method", "string", "HTTP method; null where the request was not HTTP"),
        _REQUESTS,
        _BYTES,
        Field("clients", "bigint", "how many different clients; no sum: see traffic_clients"),
        *(
            Field(
                f"seconds_p{percent}",
                "double",
                f"the least time that {percent} % of the requests with a time took no longer than",
            )
            for percent in _PERCENTILES
        ),
        _DATASET,
        _DATE,
    ),
    partitioned_by=("dataset", "date"),
    key=("dataset", "date", "hour", "status_class", "method"),
    sorted_by=("hour", "status_class", "method"),
    write_mode="partition",
)

TRAFFIC_CLIENTS = Dataset(
    name="traffic_clients",
    help="How many different clients there were, in each hour and on each day.",
    fields=(
        Field("hour", "int", "hour of the day, 0 to 23, UTC; null for the whole day"),
        Field(
            "clients",
            "bigint",
            "how many different clients, exactly; those of hours, which may "
            "be the same ones, cannot be added up",
        ),
        _DATASET,
        _DATE,
    ),
    partitioned_by=("dataset", "date"),
    key=("dataset", "date", "hour"),
    sorted_by=("hour",),
    write_mode="partition",
)

TOP_PATHS = Dataset(
    name="top_paths",
    help="The paths that were asked for most on each day.",
    fields=(
        Field("rank", "int", "1 for the path with the most requests; ties by path"),
        Field("path", "string", "target of the request up to the first ?"),
        _REQUESTS,
        _BYTES,
        _DATASET,
        _DATE,
    ),
    partitioned_by=("dataset", "date"),
    key=("dataset", "date", "rank"),
    sorted_by=("rank",),
    write_mode="partition",
)


@dataclass(frozen=True)
class TrafficSummaryOptions(Options):
    """Which traffic, and how much of it to keep."""

    dataset: str = option(ALL, choices=(ALL, *views()), help="which requests to summarise")
    top: int = option(100, minimum=1, help="how many paths to keep for each day")
    trusted_proxy: tuple[str, ...] = TRUSTED_PROXY

    def __post_init__(self) -> None:
        super().__post_init__()
        ranges(self.trusted_proxy)


def summarise(requests: DataFrame, options: TrafficSummaryOptions) -> Mapping[str, DataFrame]:
    """Rows of `gristmill.readers.logs.http.views` to rows of the datasets above."""
    requests = behind_proxies(requests, options.trusted_proxy)
    day = ("dataset", "date")
    order = Window.partitionBy(*day).orderBy(F.desc("requests"), F.asc("path"))
    paths = requests.where(F.col("path").isNotNull()).groupBy(*day, "path")
    ranked = paths.agg(
        F.count(F.lit(1)).alias("requests"), F.coalesce(F.sum("bytes"), F.lit(0)).alias("bytes")
    )
    ranked = ranked.withColumn("rank", F.row_number().over(order))
    return {
        TRAFFIC_HOURLY.name: _hourly(requests),
        TRAFFIC_CLIENTS.name: _clients(requests),
        TOP_PATHS.name: ranked.where(F.col("rank") <= options.top),
    }


def _hourly(requests: DataFrame) -> DataFrame:
    by = ("dataset", "date", "hour", "status_class", "method")
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
        requests.withColumns({"hour": F.hour("timestamp"), "status_class": status_class})
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
    return found.select(
        "*",
        *(
            F.round(_nearest_rank("_times", percent), 6).alias(f"seconds_p{percent}")
            for percent in _PERCENTILES
        ),
    )


def _nearest_rank(times: str, percent: int) -> Column:
    """The percentile of `times`, pairs of a time and how often it came, in order; null of none.

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

    return F.aggregate(times, start, go_on, lambda end: end["found"])


def _clients(requests: DataFrame) -> DataFrame:
    # Each request for its hour and for its day, so that one pass counts both.
    spans = F.explode(F.array(F.hour("timestamp"), F.lit(None).cast("int"))).alias("hour")
    different = requests.select("dataset", "date", "client", spans).distinct()
    return different.groupBy("dataset", "date", "hour").agg(F.count("client").alias("clients"))


JOB = Job(
    name="traffic-summary",
    help="Summarise HTTP requests by hour and by path.",
    options=TrafficSummaryOptions,
    reads=DatasetsReader(tuple(views().values())),
    writes=(TRAFFIC_HOURLY, TRAFFIC_CLIENTS, TOP_PATHS),
    transform=summarise,
    by_day=ByDay("date", source="dataset"),
)

if __name__ == "__main__":
    main(JOB)
