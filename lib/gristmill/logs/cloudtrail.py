"""Events of AWS CloudTrail.

https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html.
A line is either `{"Records":[…]}`, as CloudTrail writes its files, or one event. Each event counts
as a line. Columns are named as in AWS's own Athena table,
https://docs.aws.amazon.com/athena/latest/ug/create-cloudtrail-table.html, in snake case; nested
parts are kept as the JSON that they are, and keys that are not known here are passed over.
"""

import re

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from gristmill.dataset import Field
from gristmill.logs import format as log
from gristmill.logs.format import Header, LogFormat
from gristmill.quality import REASON
from gristmill.text.lines import BLOCK_START, LINE_NUMBER, ORIGIN, RAW, SOURCE_FILE

FIELDS = (
    Field("event_version", "string", "version of the event's format"),
    Field("user_identity", "string", "who made the request, as JSON"),
    Field("event_time", "timestamp", "when the request was completed, UTC"),
    Field("event_source", "string", "the service, such as s3.amazonaws.com"),
    Field("event_name", "string", "the action, such as ListBuckets"),
    Field("aws_region", "string", "the region"),
    Field("source_ip_address", "string", "address of the caller, or the name of a service"),
    Field("user_agent", "string", "what the caller used"),
    Field("error_code", "string", "the service's error; null where it went well"),
    Field("error_message", "string", "the error in words"),
    Field("request_parameters", "string", "what was asked, as JSON"),
    Field("response_elements", "string", "what was answered, as JSON"),
    Field("additional_event_data", "string", "what the service adds, as JSON"),
    Field("request_id", "string", "the service's id of the request"),
    Field("event_id", "string", "CloudTrail's id of the event"),
    Field("resources", "string", "what was accessed, as JSON"),
    Field("event_type", "string", "AwsApiCall, AwsServiceEvent …"),
    Field("api_version", "string", "version of the API"),
    Field("read_only", "boolean", "whether nothing was changed"),
    Field("recipient_account_id", "string", "account that received the event"),
    Field("service_event_details", "string", "what triggered a service event, as JSON"),
    Field("shared_event_id", "string", "the same in all accounts that received it"),
    Field("vpc_endpoint_id", "string", "VPC endpoint of the request"),
    Field("vpc_endpoint_account_id", "string", "account that owns it"),
    Field("management_event", "boolean", "whether it is a management event"),
    Field("event_category", "string", "Management, Data, NetworkActivity or Insight"),
    Field("addendum", "string", "why it was late or was changed, as JSON"),
    Field("session_credential_from_console", "string", "true where a console session was used"),
    Field("edge_device_details", "string", "the edge device, as JSON"),
    Field("tls_details", "string", "TLS version, cipher and host, as JSON"),
    Field("insight_details", "string", "what an Insights event saw, as JSON"),
)

CLOUDTRAIL_EVENTS = log.requests(
    name="cloudtrail_events",
    help_="One row for each event of CloudTrail.",
    fields=FIELDS,
    time="event_time",
)

REJECTS = {
    "empty_line": log.REJECTS["empty_line"],
    "nul_byte": log.REJECTS["nul_byte"],
    "bad_json": "not a JSON object, or cut off",
    "not_this_format": "JSON without an eventTime",
    "bad_timestamp": "the eventTime is not written as 2023-07-10T11:42:36Z, or does not exist",
}

_ODD = {
    "source_ip_address": "sourceIPAddress",
    "request_id": "requestID",
    "event_id": "eventID",
    "shared_event_id": "sharedEventID",
}


def key(column: str) -> str:
    """What an event has a column of the dataset under."""
    first, *others = column.split("_")
    return _ODD.get(column) or first + "".join(part.capitalize() for part in others)


# All as text: what is not of a type that was asked for would be lost.
_EVENT = ", ".join(f"`{key(field.name)}` string" for field in FIELDS)
_WRAPPED = r"^\s*+\{\s*+\"Records\"\s*+:"


def parse(lines: DataFrame, _header: Header | None) -> DataFrame:
    """Lines with the columns of `ORIGIN` to rows of `CLOUDTRAIL_EVENTS`, or a reason why not.

    A line that wraps several events becomes as many rows, each with its own part as raw text.
    """
    wrapped = F.from_json(_as_list(RAW), "array<struct<Records: array<string>>>")
    records = F.when(F.col(RAW).rlike(_WRAPPED), F.get(wrapped, F.lit(0))["Records"])
    # What is broken, or is not wrapped, goes on as it is.
    events = lines.select(
        F.explode_outer(F.coalesce(records, F.array(RAW))).alias(RAW),
        SOURCE_FILE,
        BLOCK_START,
        LINE_NUMBER,
    )
    # A column of its own: inside the condition Spark would read the JSON once more.
    found = F.from_json(_as_list(RAW), f"array<struct<{_EVENT}>>")
    whole = F.when(F.size("_found") == 1, F.get("_found", F.lit(0)))
    read = events.select(*ORIGIN, found.alias("_found")).select(*ORIGIN, whole.alias("_event"))
    read = read.withColumn("event_time", log.utc(F.col("_event.eventTime")))
    columns = [
        F.col("event_time")
        if field.type == "timestamp"
        else F.col(f"_event.{key(field.name)}").try_cast(field.type).alias(field.name)
        for field in FIELDS
    ]
    reason = log.reason(
        REJECTS,
        {
            "bad_json": F.col("_event").isNull(),
            "not_this_format": F.col("_event.eventTime").isNull(),
            "bad_timestamp": F.col("event_time").isNull(),
        },
        # An empty list of events.
        skipped=F.col(RAW).isNull(),
    )
    return read.select(
        *ORIGIN,
        reason.alias(REASON),
        *columns,
        F.col(SOURCE_FILE).alias("source_file"),
        F.to_date("event_time").alias("date"),
    )


def _as_list(text: str) -> Column:
    # A list has an end: without it Spark would not look at what follows an object.
    return F.concat(F.lit("["), F.col(text), F.lit("]"))


_LINE = re.compile(r'\s*\{\s*(?:"Records"\s*:\s*\[|.*?"eventVersion"\s*:)')

FORMATS = (
    LogFormat(
        name="cloudtrail",
        help="AWS CloudTrail events, as CloudTrail writes them or one a line",
        dataset=CLOUDTRAIL_EVENTS,
        rejects=REJECTS,
        matches=lambda line: _LINE.match(line) is not None,
        parse=parse,
    ),
)
