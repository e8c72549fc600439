"""Who called which AWS API, how often, and how often in vain."""

from collections.abc import Mapping

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from gristmill import ByDay, Dataset, DatasetReader, Field, Job, Options, main
from gristmill.readers.logs.cloudtrail import CLOUDTRAIL_EVENTS

API_ACTIVITY = Dataset(
    name="api_activity",
    help="CloudTrail events by service, action and principal.",
    fields=(
        Field("event_source", "string", "the service, such as s3.amazonaws.com"),
        Field("event_name", "string", "the action, such as ListBuckets"),
        Field(
            "principal",
            "string",
            "who: the ARN, else the principal id, the invoking service, the account or the type",
        ),
        Field("events", "bigint", "how many events"),
        Field("errors", "bigint", "how many of them have an error code"),
        Field("date", "date", "day, UTC"),
    ),
    partitioned_by=("date",),
    key=("date", "event_source", "event_name", "principal"),
    sorted_by=("event_source", "event_name", "principal"),
    write_mode="partition",
)

_IDENTITY = ("arn", "principalId", "invokedBy", "accountId", "type")


def summarise(events: DataFrame, _options: Options) -> Mapping[str, DataFrame]:
    """Rows of `CLOUDTRAIL_EVENTS` to rows of `API_ACTIVITY`."""
    identity = F.from_json("user_identity", ", ".join(f"{key} string" for key in _IDENTITY))
    principal = F.coalesce(*(identity[key] for key in _IDENTITY))
    grouped = events.groupBy("date", "event_source", "event_name", principal.alias("principal"))
    counts = (F.count(F.lit(1)).alias("events"), F.count("error_code").alias("errors"))
    return {API_ACTIVITY.name: grouped.agg(*counts)}


JOB = Job(
    name="api-activity",
    help="Summarise CloudTrail events by service, action and principal.",
    options=Options,
    reads=DatasetReader(CLOUDTRAIL_EVENTS),
    writes=(API_ACTIVITY,),
    transform=summarise,
    by_day=ByDay("date"),
)

if __name__ == "__main__":
    main(JOB)
