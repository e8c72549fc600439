"""Standard access logs of Amazon CloudFront.

https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/standard-logs-reference.html. The
`#Fields` header of each file says which columns it has and in which order: 24, 26 and 33 have been
the usual; with standard logging v2 they are chosen. Columns are named as in AWS's own Athena table,
https://docs.aws.amazon.com/athena/latest/ug/create-cloudfront-table-standard-logs.html, and
`timestamp` is date and time together.

Values are URL-encoded and stay so, but for the user agent, which is decoded. Older files have it
encoded twice. A status of 000, where the viewer went away first, is 0.
"""

import json
import re
from collections.abc import Iterable, Sequence
from typing import Any

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from gristmill.model.checks import REASON
from gristmill.model.dataset import Field
from gristmill.readers.logs import columns as named
from gristmill.readers.logs import format as log
from gristmill.readers.logs import values
from gristmill.readers.logs.columns import Columns
from gristmill.readers.logs.format import Cells, Header, Http, LogFormat
from gristmill.readers.logs.json_text import STRICT
from gristmill.readers.text.lines import ORIGIN, RAW, SOURCE_FILE

FIELDS = (
    Field("timestamp", "timestamp", "when the answer was finished, UTC"),
    Field("date", "date", "day of that, UTC"),
    Field("time", "string", "time of that day: hh:mm:ss"),
    Field("x_edge_location", "string", "where it was served: the code of an airport, and a number"),
    Field("sc_bytes", "bigint", "size of the answer"),
    Field("c_ip", "string", "address of the viewer, or of its proxy"),
    Field("cs_method", "string", "HTTP method"),
    Field("cs_host", "string", "domain name of the distribution"),
    Field("cs_uri_stem", "string", "path, URL-encoded"),
    Field("sc_status", "int", "HTTP status; 0 where the viewer went away first"),
    Field("cs_referrer", "string", "Referer header, URL-encoded"),
    Field("cs_user_agent", "string", "User-Agent header, decoded"),
    Field("cs_uri_query", "string", "query, URL-encoded"),
    Field("cs_cookie", "string", "Cookie header, URL-encoded"),
    Field("x_edge_result_type", "string", "Hit, RefreshHit, Miss, Error …, as it ended"),
    Field("x_edge_request_id", "string", "CloudFront's id of the request"),
    Field("x_host_header", "string", "Host header"),
    Field("cs_protocol", "string", "http, https, ws or wss"),
    Field("cs_bytes", "bigint", "size of the request"),
    Field("time_taken", "double", "seconds from the request to the end of the answer"),
    Field("x_forwarded_for", "string", "address of the viewer, where it used a proxy"),
    Field("ssl_protocol", "string", "such as TLSv1.3; null for HTTP"),
    Field("ssl_cipher", "string", "TLS cipher; null for HTTP"),
    Field("x_edge_response_result_type", "string", "Hit, Miss, Error …, as it was answered"),
    Field("cs_protocol_version", "string", "such as HTTP/2.0"),
    Field("fle_status", "string", "how field-level encryption went"),
    Field("fle_encrypted_fields", "int", "how many fields were encrypted"),
    Field("c_port", "int", "port of the viewer"),
    Field("time_to_first_byte", "double", "seconds from the request to the first byte"),
    Field("x_edge_detailed_result_type", "string", "the result type, or the kind of error"),
    Field("sc_content_type", "string", "Content-Type of the answer"),
    Field("sc_content_len", "bigint", "Content-Length of the answer"),
    Field("sc_range_start", "bigint", "first byte of the range that was answered"),
    Field("sc_range_end", "bigint", "last byte of it"),
)

CLOUDFRONT_REQUESTS = log.requests(
    name="cloudfront_requests",
    help_="One row for each request of a viewer to CloudFront.",
    fields=FIELDS,
    time="timestamp",
)

REJECTS = {code: text for code, text in log.REJECTS.items() if code != "unclosed_quote"}
JSON_REJECTS = log.reasons("bad_json", *REJECTS)


def _plain(name: str) -> str:
    return re.sub(r"[^0-9a-z]+", "_", name.lower()).strip("_")


_HEADER = "#Fields:"
_ODD = {
    "cs_host": "cs(Host)",
    "cs_referrer": "cs(Referer)",
    "cs_user_agent": "cs(User-Agent)",
    "cs_cookie": "cs(Cookie)",
}
_NAMES = {
    _ODD.get(field.name, field.name.replace("_", "-")): field.name
    for field in FIELDS
    if field.name != "timestamp"
}
# With standard logging v2 it can stand for date and time.
_MILLISECONDS = "timestamp(ms)"
_KEYS: Header = (*_NAMES, _MILLISECONDS)
_PLAIN = {
    **{_plain(name): name for name in _KEYS},
    "cs_referrer": "cs(Referer)",
}
COLUMNS = Columns(
    separator="\t",
    names={**_NAMES, _MILLISECONDS: _MILLISECONDS},
    without_header=tuple(_NAMES),
    versions=(24, 26, 33),
)


def parse(lines: DataFrame, header: Header | None) -> DataFrame:
    """Lines with the columns of `ORIGIN` to rows of `CLOUDFRONT_REQUESTS`, or a reason why not."""
    return _rows(named.apart(lines, COLUMNS, header), header, REJECTS)


def parse_json(lines: DataFrame, _header: Header | None) -> DataFrame:
    """The same of lines that are objects, as standard logging v2 writes them, too."""
    found = F.from_json(RAW, "map<string,string>", STRICT)
    read = lines.select(*ORIGIN, found.alias("_all"))
    pieces = F.when(F.col("_all").isNotNull(), F.array(*(F.col("_all")[name] for name in _KEYS)))
    return _rows(read.select(*ORIGIN, pieces.alias("_pieces")), _KEYS, JSON_REJECTS)


def _of_columns(names: Sequence[str]) -> Header | None:
    """Names of Parquet's columns, in which signs are not what they are in a header."""
    found = tuple(_PLAIN.get(_plain(name), name) for name in names)
    is_ours = {"c-ip", "sc-status", "x-edge-location", "x-edge-request-id"} & set(found)
    has_time = "time" in found or _MILLISECONDS in found
    return found if is_ours and has_time else None


def _rows(apart: DataFrame, header: Header | None, codes: Iterable[str]) -> DataFrame:
    pieces = named.pieces(COLUMNS, header)
    timed = apart.withColumn("timestamp", _when(pieces, is_json=header == _KEYS))
    if "cs_user_agent" in pieces:
        # Columns of their own: in each condition Spark would decode once more.
        timed = timed.withColumn("_agent", _decoded(pieces["cs_user_agent"]))
        twice = F.contains(F.col("_agent"), F.lit("%20")) & ~F.contains(F.col("_agent"), F.lit(" "))
        pieces["cs_user_agent"] = F.when(twice, _decoded(F.col("_agent"))).otherwise(
            F.col("_agent")
        )
    return timed.select(
        *ORIGIN,
        _reason(pieces, header, codes).alias(REASON),
        "timestamp",
        F.to_date("timestamp").alias("date"),
        *(named.value(pieces, field) for field in FIELDS[2:]),
        F.col(SOURCE_FILE).alias("source_file"),
    )


def _when(pieces: dict[str, Column], *, is_json: bool) -> Column:
    date, time = _piece(pieces, "date"), _piece(pieces, "time")
    whole = log.utc(F.concat(date, F.lit(" "), time))
    is_whole = {"date", "time"} <= pieces.keys()
    if _MILLISECONDS not in pieces or (is_whole and not is_json):
        return whole
    since_1970 = log.number(pieces[_MILLISECONDS], "bigint")
    fine = F.timestamp_millis(F.when(since_1970 <= _LAST_MILLISECOND, since_1970))
    # An object has those of its keys that it has: each line may have others.
    return F.when(date.isNull() & time.isNull(), fine).otherwise(whole) if is_json else fine


_LAST_MILLISECOND = 253402300799999  # of the year 9999


def _piece(pieces: dict[str, Column], name: str) -> Column:
    return pieces.get(name, F.lit(None).cast("string"))


def _decoded(piece: Column) -> Column:
    # In a URL a plus would be a space, and here it is a plus.
    decoded = F.try_url_decode(F.replace(piece, F.lit("+"), F.lit("%2B")))
    return F.when(F.contains(piece, F.lit("%")), F.coalesce(decoded, piece)).otherwise(piece)


def _reason(pieces: dict[str, Column], header: Header | None, codes: Iterable[str]) -> Column:
    is_comment = F.startswith(RAW, F.lit("#"))
    names = F.split(F.trim(F.substr(RAW, F.lit(len(_HEADER) + 1)), F.lit(" \t")), "[ \t]+")
    is_header = named.is_header(names, header)
    return log.reason(
        codes,
        {
            "bad_json": F.col("_pieces").isNull(),
            "not_this_format": F.size("_pieces") == 1,
            "wrong_fields": named.has_wrong_fields(COLUMNS, header),
            "bad_timestamp": F.col("timestamp").isNull(),
            "bad_status": ~_piece(pieces, "sc_status").rlike(_STATUS),
            "bad_number": named.has_bad_number(pieces, FIELDS),
            "bad_address": log.is_none_of(pieces, {"c_ip": values.ADDRESS}),
            "bad_value": log.is_none_of(pieces, VALUES),
        },
        skipped=F.when(F.startswith(RAW, F.lit(_HEADER)), is_header).otherwise(is_comment),
    )


_STATUS = r"^(?:[1-5][0-9][0-9]|000|-)\z"
VALUES = {
    "x_edge_location": "[0-9A-Z]+(?:-[0-9A-Z]+)*",
    "cs_method": values.METHOD,
    "cs_protocol": "https?|wss?|grpcs?",
    "ssl_protocol": values.TLS,
    "cs_protocol_version": values.PROTOCOL,
    "c_port": values.PORT,
}


def header_of(line: str) -> Header | None:
    """The names of the columns that follow, where a line gives them."""
    return tuple(line.removeprefix(_HEADER).split()) if line.startswith(_HEADER) else None


def matches(line: str) -> bool:
    """Whether a line is CloudFront's: a header, or one with the documented columns."""
    # Others write such headers too, among them IIS.
    names = header_of(line) or ()
    has_columns = _LINE.match(line) is not None and line.count("\t") + 1 in COLUMNS.versions
    return has_columns or any(name.startswith("x-edge-") for name in names)


def matches_json(line: str) -> bool:
    """Whether a line is an object with CloudFront's names."""
    try:
        found = json.loads(line) if line.startswith("{") else None
    except (ValueError, RecursionError):
        return False
    has_time = found is not None and ("time" in found or _MILLISECONDS in found)
    return bool(has_time and found and {"c-ip", "sc-status", "cs-method"} & found.keys())


def _by_kernel(lines: Sequence[bytes], header: Header | None) -> Any:
    from gristmill.readers.kernels import cloudfront  # noqa: PLC0415 - polars need not be there

    return cloudfront.parse(lines, header)


_LINE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}\t[0-9]{2}:[0-9]{2}:[0-9]{2}\t")


_HTTP = Http(
    timestamp="timestamp",
    client="c_ip",
    method="cs_method",
    path="cs_uri_stem",
    status="nullif(sc_status, 0)",
    bytes="sc_bytes",
    seconds="time_taken",
    forwarded_for="x_forwarded_for",
    referer="cs_referrer",
    user_agent="cs_user_agent",
)

FORMATS = (
    LogFormat(
        name="cloudfront",
        help="CloudFront standard access logs, as text or Parquet",
        dataset=CLOUDFRONT_REQUESTS,
        rejects=REJECTS,
        matches=matches,
        parse=parse,
        header=header_of,
        comment="#",
        kernel=_by_kernel,
        http=_HTTP,
        cells=Cells(_of_columns, lambda cells, header: _rows(cells, header, REJECTS)),
    ),
    LogFormat(
        name="cloudfront-json",
        help="CloudFront standard access logs (v2) as JSON, an object a line",
        dataset=CLOUDFRONT_REQUESTS,
        rejects=JSON_REJECTS,
        matches=matches_json,
        parse=parse_json,
        http=_HTTP,
    ),
)
