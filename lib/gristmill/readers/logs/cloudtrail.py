"""Events of AWS CloudTrail.

https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html.
A line is either `{"Records":[…]}`, as CloudTrail writes its files, or one event; a file may also
be one list of either, several behind each other, or laid out over lines. Each event counts as a
line. CloudTrail delivers some events twice: those with an `eventID` that was there are skipped, as
are the digests that lie beside the logs, for checking them.

Columns are named as in AWS's own Athena table,
https://docs.aws.amazon.com/athena/latest/ug/create-cloudtrail-table.html, in snake case; nested
parts are kept as JSON, and keys that are not known here are passed over.

Spark writes nested JSON anew: numbers would go through a double, and 0.10 come out as 0.1. So those
with a fraction or an exponent are strings between marks while it does.
"""

import re

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from gristmill.model.checks import REASON
from gristmill.model.dataset import Field
from gristmill.readers.logs import format as log
from gristmill.readers.logs.format import Header, LogFormat
from gristmill.readers.logs.json_text import LEFT, RIGHT, STRING, with_commas, with_object
from gristmill.readers.text.lines import BLOCK_START, LINE_NUMBER, ORIGIN, RAW, SOURCE_FILE

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

LAID_OUT: Header = ("laid out",)
"""Stands for a header in files whose objects are not each on a line of its own."""

REJECTS = log.reasons("empty_line", "nul_byte", "bad_json", "not_this_format", "bad_timestamp")

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
_FRACTION = r"\.[0-9]++(?:[eE][+-]?+[0-9]++)?+|[eE][+-]?+[0-9]++"
_REAL = rf"(?<=[\s:,\[])-?+(?:0|[1-9][0-9]*+)(?:{_FRACTION})(?=\s*+[,}}\]])"


def parse(lines: DataFrame, header: Header | None) -> DataFrame:
    """Lines with the columns of `ORIGIN` to rows of `CLOUDTRAIL_EVENTS`, or a reason why not.

    A line that wraps several events becomes as many rows, each with its own part as raw text. With
    `LAID_OUT` for a header, what the lines of a file are together is taken apart.
    """
    if header == LAID_OUT:
        lines = _documents(lines)
    marked = lines.withColumn("_marked", _marked(F.col(RAW)))
    is_wrapped = F.col(RAW).rlike(_WRAPPED)
    wrapped = with_object(marked, F.when(is_wrapped, F.col("_marked")), "Records array<string>")
    # What is broken, or is not wrapped, goes on as it is.
    records = F.coalesce(_without_nulls(F.col("_object.Records")), F.array("_marked"))
    events = wrapped.select(
        F.explode_outer(records).alias("_marked"), SOURCE_FILE, BLOCK_START, LINE_NUMBER
    ).withColumn(RAW, _unmarked(F.col("_marked")))
    read = with_object(events, F.col("_marked"), _EVENT).withColumnRenamed("_object", "_event")
    read = read.withColumn("event_time", log.utc(F.col("_event.eventTime")))
    columns = [
        F.col("event_time")
        if field.type == "timestamp"
        else _unmarked(F.col(f"_event.{key(field.name)}")).try_cast(field.type).alias(field.name)
        for field in FIELDS
    ]
    is_digest = F.get_json_object(RAW, "$.digestStartTime").isNotNull()
    reason = log.reason(
        REJECTS,
        {
            "bad_json": F.col("_event").isNull(),
            "not_this_format": F.col("_event.eventTime").isNull(),
            "bad_timestamp": F.col("event_time").isNull(),
        },
        # An empty list of events, or a digest.
        skipped=F.col(RAW).isNull() | (F.col("_event.eventTime").isNull() & is_digest),
    )
    return read.select(
        *ORIGIN,
        reason.alias(REASON),
        *columns,
        F.col(SOURCE_FILE).alias("source_file"),
        F.to_date("event_time").alias("date"),
    )


def _documents(lines: DataFrame) -> DataFrame:
    """The objects of each file, whatever lines they stand on; what is broken is one, as it is."""
    place = F.struct(BLOCK_START, LINE_NUMBER, RAW)
    sorted_ = F.transform(F.array_sort(F.collect_list(place)), lambda line: line[RAW])
    files = lines.groupBy(SOURCE_FILE).agg(F.array_join(sorted_, "\n").alias("_text"))
    listed = with_commas(F.col("_text"))
    whole = F.when(F.col("_text").rlike(r"^\s*+\["), listed).otherwise(
        F.concat(F.lit("["), listed, F.lit("]"))
    )
    files = files.withColumn("_marked", _marked(whole))
    read = with_object(
        files, F.concat(F.lit('{"all":'), F.col("_marked"), F.lit("}")), "all array<string>"
    )
    found = F.coalesce(_without_nulls(F.col("_object.all")), F.array("_text"))
    return read.select(SOURCE_FILE, F.posexplode(found).alias("_at", "_one")).select(
        _unmarked(F.col("_one")).alias(RAW),
        SOURCE_FILE,
        F.lit(0).cast("bigint").alias(BLOCK_START),
        (F.col("_at") + 1).cast("bigint").alias(LINE_NUMBER),
    )


def header_of(line: str) -> Header | None:
    """`LAID_OUT` for the first line of a file whose objects are not each on a line of its own."""
    text = line.strip()
    opens = text.startswith(("{", "[")) and text.endswith(("{", "[", ","))
    return LAID_OUT if opens or text.startswith("[") or _NEXT.search(text) else None


_NEXT = re.compile(r"\}\s*\{")


def _without_nulls(records: Column) -> Column:
    # Null is what an empty list of events becomes.
    return F.transform(records, lambda record: F.coalesce(record, F.lit("null")))


def _marked(text: Column) -> Column:
    """JSON with its fractions as strings between marks."""
    found = F.regexp_replace(text, f"({STRING})|({_REAL})", f"$1{LEFT}$2{RIGHT}")
    found = F.replace(found, F.lit(LEFT + RIGHT), F.lit(""))
    found = F.replace(found, F.lit(LEFT), F.lit(f'"{LEFT}'))
    found = F.replace(found, F.lit(RIGHT), F.lit(f'{RIGHT}"'))
    return F.when(text.rlike(_REAL), found).otherwise(text)


def _unmarked(text: Column) -> Column:
    plain = F.replace(text, F.lit(f'"{LEFT}'), F.lit(""))
    plain = F.translate(F.replace(plain, F.lit(f'{RIGHT}"'), F.lit("")), LEFT + RIGHT, "")
    return F.when(F.contains(text, F.lit(LEFT)), plain).otherwise(text)


_LINE = re.compile(r'\s*(?:\[\s*)?\{\s*(?:"Records"\s*:\s*\[\s*\]|.*?"eventVersion"\s*:)')
_PART = re.compile(r'\s*"event(?:Version|Time)"\s*:\s*"')
_DIGEST = re.compile(r'\s*\{.*?"digestStartTime"\s*:')
# What S3 tells of itself has such records too.
_NOTICE = re.compile(r'"eventSource"\s*:\s*"aws:')

FORMATS = (
    LogFormat(
        name="cloudtrail",
        help="AWS CloudTrail events, in whatever way their JSON is laid out",
        dataset=CLOUDTRAIL_EVENTS,
        rejects=REJECTS,
        matches=lambda line: bool(
            (_LINE.match(line) and not _NOTICE.search(line))
            or _DIGEST.match(line)
            or _PART.match(line)
        ),
        parse=parse,
        header=header_of,
        header_is_rare=True,
        unique="event_id",
    ),
)
