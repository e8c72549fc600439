"""Web traffic by the hour, and the paths asked for most."""

from collections.abc import Mapping
from dataclasses import dataclass

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from gristmill import Dataset, DatasetsReader, Field, Job, Options, main, option
from gristmill.datasets import ALL
from gristmill.logs.http import views

_DATASET = Field("dataset", "string", "where the requests come from, such as web_requests")
_REQUESTS = Field("requests", "bigint", "how many requests")
_BYTES = Field("bytes", "bigint", "sum of the sizes of their answers; an unknown size counts 0")
_DATE = Field("date", "date", "day, UTC")
_PERCENTILES = (0.5, 0.95, 0.99)

TRAFFIC_HOURLY = Dataset(
    name="traffic_hourly",
    help="Requests by hour, class of status and method.",
    fields=(
        Field("hour", "int", "hour of the day, 0 to 23, UTC"),
        Field("status_class", "string", "2xx, 3xx, 4xx …; null where no status was logged"),
        Field("method", "string", "HTTP method; null where the request was not HTTP"),
        _REQUESTS,
        _BYTES,
        Field("clients", "bigint", "how many different clients"),
        *(
            Field(
                f"seconds_p{share * 100:.0f}",
                "double",
                f"{share:.0%} of the requests took no longer: exact, null where none has a time",
            )
            for share in _PERCENTILES
        ),
        _DATASET,
        _DATE,
    ),
    partitioned_by=("dataset", "date"),
    key=("dataset", "date", "hour", "status_class", "method"),
    sorted_by=("hour", "status_class", "method"),
    replaces="partition",
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
    replaces="partition",
)


@dataclass(frozen=True)
class TrafficSummaryOptions(Options):
    """Which traffic, and how much of it to keep."""

    dataset: str = option(ALL, choices=(ALL, *views()), help="which requests to summarise")
    top: int = option(100, minimum=1, help="how many paths to keep for each day")


def summarise(requests: DataFrame, options: TrafficSummaryOptions) -> Mapping[str, DataFrame]:
    """Rows of `gristmill.logs.http.views` to rows of `TRAFFIC_HOURLY` and `TOP_PATHS`."""
    day = ("dataset", "date")
    order = Window.partitionBy(*day).orderBy(F.desc("requests"), F.asc("path"))
    paths = requests.where(F.col("path").isNotNull()).groupBy(*day, "path")
    ranked = paths.agg(
        F.count(F.lit(1)).alias("requests"), F.coalesce(F.sum("bytes"), F.lit(0)).alias("bytes")
    )
    ranked = ranked.withColumn("rank", F.row_number().over(order))
    return {
        TRAFFIC_HOURLY.name: _hourly(requests),
        TOP_PATHS.name: ranked.where(F.col("rank") <= options.top),
    }


def _hourly(requests: DataFrame) -> DataFrame:
    by = ("dataset", "date", "hour", "status_class", "method")
    status_class = F.concat(F.floor(F.col("status") / 100).cast("string"), F.lit("xx"))
    # Twice each request: under its client, and under its time. What is equal is counted before
    # anything is collected, so that neither different clients nor exact percentiles take memory.
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
    untimed = F.when(F.col("seconds").isNull(), F.col("requests"))
    found = different.groupBy(*by).agg(
        F.sum(untimed).alias("requests"),
        F.coalesce(F.sum("bytes"), F.lit(0)).alias("bytes"),
        F.count("client").alias("clients"),
        F.percentile("seconds", list(_PERCENTILES), F.col("requests")).alias("_seconds"),
    )
    return found.select(
        "*",
        *(
            F.round(F.get("_seconds", F.lit(number)), 6).alias(f"seconds_p{share * 100:.0f}")
            for number, share in enumerate(_PERCENTILES)
        ),
    )


JOB = Job(
    name="traffic-summary",
    help="Summarise HTTP requests by hour and by path.",
    options=TrafficSummaryOptions,
    reads=DatasetsReader(tuple(views().values())),
    writes=(TRAFFIC_HOURLY, TOP_PATHS),
    transform=summarise,
)

if __name__ == "__main__":
    main(JOB)
