r"""Server access logs of Amazon S3.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/LogFormat.html. Lines of before 2019 end with
the version id (18 fields), later ones went on to the TLS version (24), the access point (25) and
aclRequired (26); what comes after is ignored. Columns are named as in AWS's own Athena table,
https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-s3-access-logs-to-identify-requests.html.

S3 does not escape quotes. So a request ends at the quote that six bare fields follow, a referrer at
that which the user agent follows, and the user agent at the last quote of the line. BATCH.DELETE
and lifecycle records have a bare `-` for quoted fields. Keys are URL-encoded, in the request URI
twice; they stay as written.
"""

from collections.abc import Sequence
from typing import Any

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from gristmill.model.checks import REASON
from gristmill.model.dataset import Field
from gristmill.readers.logs import clf, values
from gristmill.readers.logs import format as log
from gristmill.readers.logs.format import Header, Http, LogFormat
from gristmill.readers.text.lines import ORIGIN, RAW, SOURCE_FILE, has_odd_quotes

FIELDS = (
    Field("bucket_owner", "string", "canonical user id of the bucket's owner"),
    Field("bucket_name", "string", "the bucket"),
    Field("request_datetime", "timestamp", "when the request came in, UTC"),
    Field("remote_ip", "string", "address of the client"),
    Field("requester", "string", "who asked: canonical user id or ARN; null for anonymous"),
    Field("request_id", "string", "S3's id of the request"),
    Field("operation", "string", "such as REST.GET.OBJECT"),
    Field("key", "string", "the object, URL-encoded"),
    Field("request_uri", "string", "first line of the HTTP request"),
    Field("http_status", "int", "HTTP status that was answered"),
    Field("error_code", "string", "S3's error code"),
    Field("bytes_sent", "bigint", "size of the answer without HTTP's overhead"),
    Field("object_size", "bigint", "size of the object"),
    Field("total_time", "bigint", "milliseconds from the request to the end of the answer"),
    Field("turn_around_time", "bigint", "milliseconds that S3 spent on it"),
    Field("referrer", "string", "Referer header"),
    Field("user_agent", "string", "User-Agent header"),
    Field("version_id", "string", "version of the object that was asked for"),
    Field("host_id", "string", "x-amz-id-2"),
    Field("sigv", "string", "SigV2 or SigV4; null for anonymous"),
    Field("cipher_suite", "string", "TLS cipher; null for HTTP"),
    Field("auth_type", "string", "AuthHeader or QueryString; null for anonymous"),
    Field("endpoint", "string", "the host that was asked"),
    Field("tls_version", "string", "such as TLSv1.2; null for HTTP"),
    Field("access_point_arn", "string", "ARN of the access point"),
    Field("acl_required", "string", "Yes where an ACL was needed to allow it"),
)
_REQUIRED = 18

S3_REQUESTS = log.requests(
    name="s3_requests",
    help_="One row for each request to a bucket.",
    fields=FIELDS,
    time="request_datetime",
)

_BARE = r'([^\s"]++)'
_REQUEST = log.quoted(r' (?:[^\s"]++ ){6}["-]')
_REFERRER = log.quoted(' ["-]')
# The one requester with spaces: what CloudFront reads a bucket as.
_IDENTITY = r"arn:aws[a-z-]*+:iam::cloudfront:user/CloudFront Origin Access Identity [0-9A-Z]++"
_OPERATION = r"((?:REST|SOAP|WEBSITE|BATCH|S3)\.[0-9A-Za-z_.]++)"
_OPTIONAL = len(FIELDS) - _REQUIRED
_GRAMMAR = (
    "(?s)^"
    + " ".join(
        [
            *(_BARE, _BARE, r"\[([^\]]*+)\]", _BARE, f"({_IDENTITY}|{_BARE[1:-1]})"),
            *(_BARE, _OPERATION, _BARE),
            *(f"(?:{_REQUEST}|-)", *[_BARE] * 6),
            *(f"(?:{_REFERRER}|-)", r'(?:"(.*)"|-)', _BARE),
        ]
    )
    # Possessive: a line with a million fields is not tried with one less each time.
    + f"(?: {_BARE}" * _OPTIONAL
    + ")?+" * _OPTIONAL
    + r'(?: [^\s"]++)*+\z'
)


def parse(lines: DataFrame, _header: Header | None) -> DataFrame:
    """Lines with the columns of `ORIGIN` to rows of `S3_REQUESTS`, or a reason why not."""
    line = F.rtrim(RAW)
    apart = log.with_groups(lines.select(*ORIGIN), "_pieces", line, _GRAMMAR, len(FIELDS))
    pieces = {field.name: F.get("_pieces", F.lit(n)) for n, field in enumerate(FIELDS)}
    written = pieces["request_datetime"]
    timed = apart.withColumn("request_datetime", clf.time(written))
    columns = [
        F.col("request_datetime")
        if field.type == "timestamp"
        else _value(pieces[field.name], field).alias(field.name)
        for field in FIELDS
    ]
    return timed.select(
        *ORIGIN,
        _reason(pieces).alias(REASON),
        *columns,
        F.col(SOURCE_FILE).alias("source_file"),
        F.to_date("request_datetime").alias("date"),
    )


def _value(piece: Column, field: Field) -> Column:
    return log.text(piece) if field.type == "string" else log.number(piece, field.type)


def _reason(pieces: dict[str, Column]) -> Column:
    bad = [
        log.is_bad_number(pieces[field.name], field.type)
        for field in FIELDS
        if field.type == "bigint"
    ]
    return log.reason(
        log.REJECTS,
        {
            "not_this_format": F.col("_pieces").isNull()
            & ~F.col(RAW).rlike(r"^[^\s\"]+ [^\s\"]+ \["),
            "unclosed_quote": F.col("_pieces").isNull() & has_odd_quotes(),
            "wrong_fields": F.col("_pieces").isNull(),
            "bad_timestamp": F.col("request_datetime").isNull(),
            "bad_status": ~pieces["http_status"].rlike(values.STATUS),
            "bad_number": log.any_of(bad),
            "bad_address": log.is_none_of(pieces, {"remote_ip": values.ADDRESS}),
            "bad_value": log.is_none_of(pieces, VALUES),
        },
    )


VALUES = {
    "bucket_owner": "[0-9A-Za-z]+",
    "bucket_name": "[0-9A-Za-z._-]+",
    "request_id": "[0-9A-Za-z]+",
    "error_code": "[A-Za-z][0-9A-Za-z.]*",
    "sigv": "SigV[0-9][0-9A-Z]*",
    "auth_type": "[A-Za-z]+",
    "tls_version": values.TLS,
    "acl_required": "Yes",
}


def _by_kernel(lines: Sequence[bytes], header: Header | None) -> Any:
    from gristmill.readers.kernels import s3_access  # noqa: PLC0415 - polars need not be there

    return s3_access.parse(lines, header)


FORMATS = (
    LogFormat(
        name="s3_access",
        help="Amazon S3 server access logs",
        dataset=S3_REQUESTS,
        rejects=log.REJECTS,
        matches=lambda line: values.python(_GRAMMAR).match(line.rstrip(" ")) is not None,
        parse=parse,
        http=Http(
            timestamp="request_datetime",
            client="remote_ip",
            method="nullif(regexp_extract(request_uri, '^([A-Z]+) ', 1), '')",
            path="nullif(regexp_extract(request_uri, '^[A-Z]+ ([^? ]*)', 1), '')",
            status="http_status",
            bytes="bytes_sent",
            seconds="total_time / 1000",
            referer="referrer",
            user_agent="user_agent",
        ),
        kernel=_by_kernel,
    ),
)
