"""Web traffic by the hour, and the paths asked for most."""

from collections.abc import Mapping
from dataclasses import dataclass

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from gristmill import Dataset, DatasetReader, Field, Job, Options, main, option
from gristmill.logs.web import WEB_REQUESTS

TRAFFIC_HOURLY = Dataset(
    name="traffic_hourly",
    help="Requests by hour, class of status and method.",
    fields=(
        Field("hour", "int", "hour of the day, 0 to 23, UTC"),
        Field("status_class", "string", "2xx, 3xx, 4xx …; null where no status was logged"),
        Field("method", "string", "HTTP method; null where the request was not HTTP"),
        Field("requests", "bigint", "how many requests"),
        Field("bytes", "bigint", "sum of the sizes of their answers; an unknown size counts 0"),
        Field("clients", "bigint", "how many different clients"),
        Field("date", "date", "day, UTC"),
    ),
    partitioned_by=("date",),
    key=("date", "hour", "status_class", "method"),
    sorted_by=("hour", "status_class", "method"),
    replaces="partition",
)

TOP_PATHS = Dataset(
    name="top_paths",
    help="The paths that were asked for most on each day.",
    fields=(
        Field("rank", "int", "1 for the path with the most requests; ties by path"),
        Field("path", "string", "target of the request up to the first ?"),
        Field("requests", "bigint", "how many requests"),
        Field("bytes", "bigint", "sum of the sizes of their answers; an unknown size counts 0"),
        Field("date", "date", "day, UTC"),
    ),
    partitioned_by=("date",),
    key=("date", "rank"),
    sorted_by=("rank",),
    replaces="partition",
)


@dataclass(frozen=True)
class TrafficSummaryOptions(Options):
    """How much of the traffic to keep."""

    top: int = option(100, minimum=1, help="how many paths to keep for each day")


def summarise(requests: DataFrame, options: TrafficSummaryOptions) -> Mapping[str, DataFrame]:
    """Rows of `WEB_REQUESTS` to rows of `TRAFFIC_HOURLY` and `TOP_PATHS`."""
    count = F.count(F.lit(1)).alias("requests")
    size = F.coalesce(F.sum("bytes"), F.lit(0)).alias("bytes")
    status_class = F.concat(F.floor(F.col("status") / 100).cast("string"), F.lit("xx"))
    hourly = requests.groupBy(
        "date",
        F.hour("timestamp").alias("hour"),
        status_class.alias("status_class"),
        "method",
    ).agg(count, size, F.count_distinct("client").alias("clients"))

    order = Window.partitionBy("date").orderBy(F.desc("requests"), F.asc("path"))
    paths = requests.where(F.col("path").isNotNull()).groupBy("date", "path").agg(count, size)
    ranked = paths.withColumn("rank", F.row_number().over(order))
    return {
        TRAFFIC_HOURLY.name: hourly,
        TOP_PATHS.name: ranked.where(F.col("rank") <= options.top),
    }


JOB = Job(
    name="traffic-summary",
    help="Summarise web requests by hour and by path.",
    options=TrafficSummaryOptions,
    reads=DatasetReader(WEB_REQUESTS),
    writes=(TRAFFIC_HOURLY, TOP_PATHS),
    transform=summarise,
)

if __name__ == "__main__":
    main(JOB)
