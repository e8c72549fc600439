r"""Access logs of Application Load Balancers.

https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-access-logs.html.
Fields were appended over the years: lines end after the trace id (18 fields) or later, and what
comes after the request transform status is ignored. Columns are named as in AWS's own Athena table,
https://docs.aws.amazon.com/athena/latest/ug/create-alb-access-logs-table.html; those that it does
not have yet, as the fields are.

A time of -1 says that there is none: null. So does a rule priority of -1. IPv6 addresses come with
brackets and without, so an address ends at the last colon. The target is `-` where there is none,
as with Lambda functions. Quotes inside quoted fields are escaped as `\x22`, and stay as written.
"""

from collections.abc import Sequence
from typing import Any

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from gristmill.model.checks import REASON
from gristmill.model.dataset import Field
from gristmill.readers.logs import format as log
from gristmill.readers.logs import values
from gristmill.readers.logs.format import Header, Http, LogFormat
from gristmill.readers.text.lines import ORIGIN, RAW, SOURCE_FILE, has_odd_quotes

FIELDS = (
    Field("type", "string", "http, https, h2, grpcs, ws or wss"),
    Field("time", "timestamp", "when the answer was sent, UTC"),
    Field("elb", "string", "the load balancer"),
    Field("client_ip", "string", "address of the client, without brackets"),
    Field("client_port", "int", "port of the client"),
    Field("target_ip", "string", "address of the target, without brackets"),
    Field("target_port", "int", "port of the target"),
    Field("request_processing_time", "double", "seconds until it was sent to a target"),
    Field("target_processing_time", "double", "seconds until the target began to answer"),
    Field("response_processing_time", "double", "seconds until the answer went to the client"),
    Field("elb_status_code", "int", "HTTP status from the load balancer"),
    Field("target_status_code", "int", "HTTP status from the target"),
    Field("received_bytes", "bigint", "size of the request"),
    Field("sent_bytes", "bigint", "size of the answer"),
    Field("request_verb", "string", "HTTP method"),
    Field("request_url", "string", "scheme, host, port, path and query"),
    Field("request_proto", "string", "such as HTTP/1.1"),
    Field("user_agent", "string", "User-Agent header"),
    Field("ssl_cipher", "string", "TLS cipher; null for HTTP"),
    Field("ssl_protocol", "string", "such as TLSv1.2; null for HTTP"),
    Field("target_group_arn", "string", "ARN of the target group"),
    Field("trace_id", "string", "X-Amzn-Trace-Id header"),
    Field("domain_name", "string", "SNI domain of the client; null for HTTP"),
    Field("chosen_cert_arn", "string", "certificate, or session-reused"),
    Field("matched_rule_priority", "int", "the rule; 0 for the default, null after an error"),
    Field("request_creation_time", "timestamp", "when the request came in, UTC"),
    Field("actions_executed", "string", "such as authenticate,forward"),
    Field("redirect_url", "string", "where it was redirected to"),
    Field("lambda_error_reason", "string", "code of what went wrong: the field error_reason"),
    Field("target_port_list", "string", "targets that were tried, with spaces between"),
    Field("target_status_code_list", "string", "what they answered, with spaces between"),
    Field("classification", "string", "Acceptable, Ambiguous or Severe (desync mitigation)"),
    Field("classification_reason", "string", "code of why"),
    Field("conn_trace_id", "string", "id of the connection"),
    Field("transformed_host", "string", "host after a rule's transform"),
    Field("transformed_uri", "string", "path after a rule's transform"),
    Field("request_transform_status", "string", "how the transform went"),
)

ALB_REQUESTS = log.requests(
    name="alb_requests",
    help_="One row for each request to a load balancer.",
    fields=FIELDS,
    time="time",
)

_BARE = r'([^\s"]++)'
_ADDRESS = r'(?:\[?([^\s"\[\]]+)\]?:([0-9]++)|-)'
_REQUEST = log.quoted(' "')
_AGENT = log.quoted(r' (?:[^\s"]++ ){3}["-]')
_FIELD = r'(?:"(?:[^"]++|"(?! |\z))*+"|[^\s"]++)'
_OPTIONAL = 15
_GRAMMAR = (
    "(?s)^"
    + " ".join(
        [
            *(*[_BARE] * 3, _ADDRESS, _ADDRESS, *[_BARE] * 7),
            *(_REQUEST, _AGENT, *[_BARE] * 3, f"({_FIELD})"),
        ]
    )
    # Possessive here too: a line with a million fields is not tried with one less each time.
    + f"(?: ({_FIELD})" * _OPTIONAL
    + ")?+" * _OPTIONAL
    + rf"(?: {_FIELD})*+\z"
)
# A URL may have spaces in it; what is not HTTP has neither method nor protocol: "- http://… - ".
_PARTS = rf"(?s)^({values.METHOD}) (.*) ({values.PROTOCOL}|-)\z"
# What is written to try the bucket: for access logs, connection logs and health checks.
_CONTROL = r"^Enable [A-Za-z]+ for ELB"


def parse(lines: DataFrame, _header: Header | None) -> DataFrame:
    """Lines with the columns of `ORIGIN` to rows of `ALB_REQUESTS`, or a reason why not."""
    grouped = [field.name for field in FIELDS if field.name not in _OF_REQUEST]
    grouped.insert(grouped.index("user_agent"), "request")
    bare = lines.select(*ORIGIN)
    apart = log.with_groups(bare, "_pieces", F.rtrim(RAW), _GRAMMAR, len(grouped))
    pieces = {name: F.get("_pieces", F.lit(n)) for n, name in enumerate(grouped)}
    request = F.rtrim(pieces["request"])
    apart = log.with_groups(apart, "_request", request, _PARTS, len(_OF_REQUEST))
    timed = apart.withColumns(
        {
            "time": log.utc(pieces["time"]),
            "request_creation_time": log.utc(pieces["request_creation_time"]),
        }
    )
    pieces |= {name: F.get("_request", F.lit(n)) for n, name in enumerate(_OF_REQUEST)}
    columns = [
        F.col(field.name)
        if field.type == "timestamp"
        else _value(pieces[field.name], field).alias(field.name)
        for field in FIELDS
    ]
    return timed.select(
        *ORIGIN,
        _reason(pieces).alias(REASON),
        *columns,
        F.col(SOURCE_FILE).alias("source_file"),
        F.to_date("time").alias("date"),
    )


_OF_REQUEST = ("request_verb", "request_url", "request_proto")


def _value(piece: Column, field: Field) -> Column:
    if field.type != "string":
        return log.number(piece, field.type)
    inner = F.substr(piece, F.lit(2), F.length(piece) - F.lit(2))
    is_quoted = F.startswith(piece, F.lit('"'))
    may_be_quoted = field.name in _MAY_BE_QUOTED
    return log.text(F.when(is_quoted, inner).otherwise(piece) if may_be_quoted else piece)


_MAY_BE_QUOTED = frozenset(field.name for field in FIELDS[21:])


def _reason(pieces: dict[str, Column]) -> Column:
    broken = F.col("_pieces").isNull()
    numbers = [
        log.is_bad_number(pieces[field.name], field.type)
        for field in FIELDS
        if field.type not in ("string", "timestamp") and not field.name.endswith("_code")
    ]
    created = log.text(pieces["request_creation_time"]).isNotNull()
    return log.reason(
        log.REJECTS,
        {
            "not_this_format": broken & ~F.col(RAW).rlike(_START),
            "unclosed_quote": broken & has_odd_quotes(),
            "wrong_fields": broken,
            "bad_timestamp": F.col("time").isNull()
            | (created & F.col("request_creation_time").isNull()),
            "bad_status": ~pieces["elb_status_code"].rlike(values.STATUS)
            | ~pieces["target_status_code"].rlike(values.STATUS),
            "bad_number": log.any_of(numbers),
            "bad_address": log.is_none_of(pieces, dict.fromkeys(ADDRESSES, values.ADDRESS)),
            "bad_value": log.is_none_of(pieces, VALUES),
        },
        skipped=F.col(RAW).rlike(_CONTROL),
    )


ADDRESSES = ("client_ip", "target_ip")
VALUES = {
    "elb": "app/[0-9A-Za-z-]+/[0-9a-f]+",
    "client_port": values.PORT,
    "target_port": values.PORT,
    "ssl_protocol": values.TLS,
    "target_group_arn": r"arn:[^\s]+",
    "classification": '"?(?:Acceptable|Ambiguous|Severe|-)?"?',
}

_START = r"^(https?|h2|grpcs?|wss?) [0-9]{4}-[0-9]{2}-[0-9]{2}T"


def matches(line: str) -> bool:
    """Whether a line starts as one of a load balancer and has its fields, or is for trying."""
    # Health checks are logged in much the same way, but without a client.
    is_whole = values.python(_START).match(line) and values.python(_GRAMMAR).match(line.rstrip(" "))
    return bool(is_whole or values.python(_CONTROL).match(line))


def _by_kernel(lines: Sequence[bytes], header: Header | None) -> Any:
    from gristmill.readers.kernels import alb  # noqa: PLC0415 - polars need not be there

    return alb.parse(lines, header)


FORMATS = (
    LogFormat(
        name="alb",
        help="Application Load Balancer access logs",
        dataset=ALB_REQUESTS,
        rejects=log.REJECTS,
        matches=matches,
        parse=parse,
        kernel=_by_kernel,
        http=Http(
            timestamp="time",
            client="client_ip",
            method="request_verb",
            path="nullif(regexp_extract(request_url, '^[a-z]+://[^/?]*([^?]*)', 1), '')",
            status="elb_status_code",
            bytes="sent_bytes",
            seconds="round(request_processing_time + target_processing_time"
            " + response_processing_time, 6)",
            user_agent="user_agent",
        ),
    ),
)
