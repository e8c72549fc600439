"""S3's server access logs by polars: the lines of `s3_access` with three quoted fields.

Those with quotes inside, or a bare `-` in their place, are left, as all that is odd is.
"""

from collections.abc import Sequence

import polars as pl

from gristmill.model.job import PLACE
from gristmill.readers.kernels import cells
from gristmill.readers.kernels.text import CLF_TIME, apart, clf_time, texts
from gristmill.readers.logs import s3_access
from gristmill.readers.logs.format import Header

_PIECES = ("start", "request_uri", "_sizes", "referrer", "_between", "user_agent", "_rest")
_START = (
    *("bucket_owner", "bucket_name", "_day", "_zone", "remote_ip", "requester", "request_id"),
    *("operation", "key"),
)
_SIZES = (
    *("http_status", "error_code", "bytes_sent", "object_size", "total_time"),
    "turn_around_time",
)
_REST = (
    *("version_id", "host_id", "sigv", "cipher_suite", "auth_type", "endpoint", "tls_version"),
    *("access_point_arn", "acl_required"),
)
_OPERATION = r"^(?:REST|SOAP|WEBSITE|BATCH|S3)\.[0-9A-Za-z_.]+$"
_STATUS = "[1-5][0-9][0-9]"


def parse(lines: Sequence[bytes], _header: Header | None) -> pl.DataFrame:
    """Lines without their ends to rows of `s3_access.S3_REQUESTS` without `source_file`, as
    `model.job.ParseLines` has it."""
    line = pl.col("line").str.strip_chars_end("\r").str.strip_chars_end(" ")
    text = texts(lines).to_frame("line").with_row_index(PLACE).with_columns(line)
    # White space of another kind parts no fields, and stands in none that is not quoted.
    text = text.filter(~pl.col("line").str.contains(r"[\x00\t\n\x0B\f\r]"))
    pieces = apart(text, "line", '"', _PIECES)
    pieces = pieces.filter(
        pl.col("_between") == " ",
        pl.col("_rest").str.starts_with(" "),
        ~pl.col("_rest").str.contains('"', literal=True),
        ~pl.col("_rest").str.contains("  ", literal=True),
    )
    pieces = apart(pieces, "start", " ", (*_START, "_end", "_more"))
    pieces = pieces.filter(pl.col("_end") == "", pl.col("_more").is_null())
    pieces = apart(
        pieces.drop("_end", "_more"), "_sizes", " ", ("_first", *_SIZES, "_end", "_more")
    )
    pieces = pieces.filter(pl.col("_first") == "", pl.col("_end") == "", pl.col("_more").is_null())
    pieces = apart(pieces.drop("_first"), "_rest", " ", ("_first", *_REST, "_others"))
    bare = (*_START, *_SIZES, "version_id")
    pieces = pieces.filter(pl.all_horizontal(pl.col(name) != "" for name in bare))
    time = pl.concat_str("_day", pl.lit(" "), "_zone")
    pieces = pieces.filter(
        time.str.contains(rf"^\[{CLF_TIME}\]$"), pl.col("operation").str.contains(_OPERATION)
    )
    for field in s3_access.FIELDS:
        if field.type != "timestamp":
            pieces = pieces.filter(_is_sure(pieces[field.name], field.name, field.type))
    pieces = pieces.with_columns(clf_time(time.str.slice(1, 26)).alias("request_datetime"))
    rows = pieces.filter(pl.col("request_datetime").is_not_null())
    return rows.select(
        PLACE,
        *(
            pl.col(field.name)
            if field.type == "timestamp"
            else cells.value(pl.col(field.name), field.type).alias(field.name)
            for field in s3_access.FIELDS
        ),
        pl.col("request_datetime").dt.date().alias("date"),
    )


def _is_sure(pieces: pl.Series, name: str, type_: str) -> pl.Series:
    if name == "remote_ip":
        return cells.is_address(pieces)
    expression = {"http_status": _STATUS, **s3_access.VALUES}.get(name)
    # Later fields need not be there; others are empty only where they are quoted.
    return cells.is_sure(pieces, type_, expression) | pieces.is_null() | (pieces == "")
