"""S3's server access logs by polars: the lines of `s3_access` with three quoted fields.

Those with quotes inside, or a bare `-` in their place, are left, as all that is odd is.
"""

from collections.abc import Sequence

import polars as pl

from gristmill.readers.kernels import cells
from gristmill.readers.kernels.text import CLF_TIME, apart, clf_time, with_quotes
from gristmill.readers.logs import s3_access, values
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
_RULES = {
    "http_status": "[1-5][0-9][0-9]",
    "remote_ip": values.ADDRESS,
    **s3_access.VALUES,
}


def parse(lines: Sequence[bytes], _header: Header | None) -> pl.DataFrame:
    """Lines without their ends to rows of `s3_access.S3_REQUESTS` without `source_file`, as
    `model.job.ParseLines` has it."""
    pieces = apart(with_quotes(lines), "line", '"', _PIECES)
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
    pieces = pieces.with_columns(clf_time(time.str.slice(1, 26)).alias("request_datetime"))
    pieces = pieces.filter(pl.col("request_datetime").is_not_null())
    return cells.rows(pieces, s3_access.FIELDS, _RULES, "request_datetime")
