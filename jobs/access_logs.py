"""Access logs of web servers, typed and by day."""

from collections.abc import Mapping
from dataclasses import dataclass

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from gristmill import Check, Dataset, Field, Job, Options, main, option
from gristmill.logs.access import FORMATS, AccessLogs

WEB_REQUESTS = Dataset(
    name="web_requests",
    help="One row for each request that a web server logged.",
    fields=(
        Field("timestamp", "timestamp", "when it came in, UTC"),
        Field("client", "string", "address or host name of the client"),
        Field("ident", "string", "RFC 1413 identity of the client"),
        Field("user", "string", "authenticated user"),
        Field("method", "string", "HTTP method; null where the request was not HTTP"),
        Field("path", "string", "target of the request up to the first ?"),
        Field("query", "string", "target of the request after the first ?"),
        Field("protocol", "string", "such as HTTP/1.1"),
        Field("status", "int", "HTTP status that was answered"),
        Field("bytes", "bigint", "size of the answer"),
        Field("referer", "string", "Referer header"),
        Field("user_agent", "string", "User-Agent header"),
        Field("forwarded_for", "string", "X-Forwarded-For header, where it is logged"),
        Field("source_file", "string", "the file that held it, as a URI"),
        Field("date", "date", "day of the timestamp, UTC"),
    ),
    partitioned_by=("date",),
    replaces="batch",
    checks=(Check("date_is_that_of_timestamp", lambda: F.to_date("timestamp") == F.col("date")),),
)


@dataclass(frozen=True)
class AccessLogOptions(Options):
    """How the lines are written."""

    format: str = option("auto", choices=FORMATS, help="format of the lines")


def by_day(requests: DataFrame, _options: AccessLogOptions) -> Mapping[str, DataFrame]:
    """Parsed requests to rows of `WEB_REQUESTS`."""
    return {WEB_REQUESTS.name: requests.withColumn("date", F.to_date("timestamp"))}


JOB = Job(
    name="access-logs",
    help="Load access logs of Apache or nginx.",
    options=AccessLogOptions,
    reads=AccessLogs(),
    writes=(WEB_REQUESTS,),
    transform=by_day,
)

if __name__ == "__main__":
    main(JOB)
