"""What servers and proxies log beyond common and combined lines: hosts, times taken, TLS."""

from collections.abc import Mapping

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from gristmill.model.checks import REASON
from gristmill.model.dataset import Field
from gristmill.readers.logs.format import Http, requests
from gristmill.readers.logs.web import WEB_REQUESTS
from gristmill.readers.text.lines import ORIGIN, SOURCE_FILE

_DERIVED = {"source_file", "date"}

SERVER_REQUESTS = requests(
    name="server_requests",
    help_="One row for each request that a server or proxy logged in a layout of its own.",
    fields=(
        *(field for field in WEB_REQUESTS.fields if field.name not in _DERIVED),
        Field("vhost", "string", "host that was asked for, or the server's name"),
        Field("port", "int", "port of the server"),
        Field("seconds", "double", "how long the answer took"),
        Field("upstream_seconds", "double", "how long servers behind it took; of several, the sum"),
        Field("request_id", "string", "id of the request"),
        Field("tls_protocol", "string", "such as TLSv1.3"),
        Field("tls_cipher", "string", "cipher suite"),
        Field("more", "map<string,string>", "what else the layout has, as it calls it; no nulls"),
    ),
    time="timestamp",
)

_ROW = [
    field
    for field in SERVER_REQUESTS.fields
    if field.name not in {"timestamp", "source_file", "date"}
]


def request_rows(rows: DataFrame, columns: Mapping[str, Column], reason: Column) -> DataFrame:
    """Rows of `SERVER_REQUESTS` out of lines with the columns of `ORIGIN` and their `timestamp`:
    what `columns` do not have is null. `reason` says why a line is no row."""
    return rows.select(
        *ORIGIN,
        reason.alias(REASON),
        "timestamp",
        *(
            columns.get(field.name, F.lit(None)).try_cast(field.type).alias(field.name)
            for field in _ROW
        ),
        F.col(SOURCE_FILE).alias("source_file"),
        F.to_date("timestamp").alias("date"),
    )


HTTP = Http(
    *("timestamp", "client", "method", "path", "status", "bytes", "seconds", "forwarded_for"),
    *("referer", "user_agent"),
)
