"""Access logs as JSON, an object a line: Caddy, Traefik, Envoy, and what nginx is told to write.

https://caddyserver.com/docs/logging, https://doc.traefik.io/traefik/observe/logs-and-access-logs/,
https://www.envoyproxy.io/docs/envoy/latest/configuration/observability/access_log/usage.

Each logger has its keys, and its unit for the time taken. `json` reads the names of nginx's
variables, by which most such logs are called, and those that `--map` gives.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from gristmill.errors import UsageError
from gristmill.model.checks import REASON
from gristmill.nearest import nearest
from gristmill.readers.logs import format as log
from gristmill.readers.logs import prefix, values
from gristmill.readers.logs.format import Header, LogFormat
from gristmill.readers.logs.requested import any_time, apart, http_request
from gristmill.readers.logs.server import HTTP, SERVER_REQUESTS
from gristmill.readers.text.lines import ORIGIN, RAW, SOURCE_FILE

REJECTS = log.reasons(
    *("empty_line", "nul_byte", "bad_json", "not_this_format", "bad_timestamp", "bad_status"),
    *("bad_bytes", "bad_number", "bad_address"),
)
_STRICT = {"allowSingleQuotes": "false", "allowNonNumericNumbers": "false"}
_UNITS = {"s": "1", "ms": "0.001", "us": "0.000001", "ns": "0.000000001"}
_NUMBER = r"^[0-9]{1,18}(?:\.[0-9]{1,17})?(?:[eE]-?[0-9]{1,2})?\z"
_ADDRESS = rf"(?:{values.ADDRESS}|{values.HOST}|unix:|@)"
_WITH_PORT = rf"^\[?({values.IPV6}|{values.IPV4})\]?:[0-9]{{1,5}}\z"

Keys = Mapping[str, Sequence[str]]
"""For a column, or `target` or `request`, the keys that may hold it, the likeliest first; a dot
goes into an object, `[0]` takes the first of a list."""


@dataclass(frozen=True)
class Logger:
    """A logger: the keys that all its lines have, where values are, the unit of times taken, and
    the columns without which a line is not taken for one of its, and what part of a second times
    count that are numbers."""

    name: str
    help: str
    marks: tuple[str, ...]
    keys: Keys
    unit: str = "s"
    has: tuple[str, ...] = ("timestamp",)
    epoch: str = "1"


CADDY = Logger(
    "caddy",
    "Caddy: its JSON",
    ("request", "ts", "status"),
    {
        "timestamp": ("ts",),
        "client": ("request.client_ip", "request.remote_ip", "request.remote_addr"),
        "user": ("user_id",),
        "method": ("request.method",),
        "target": ("request.uri",),
        "protocol": ("request.proto",),
        "status": ("status",),
        "bytes": ("size",),
        "referer": ("request.headers.Referer[0]",),
        "user_agent": ("request.headers.User-Agent[0]",),
        "forwarded_for": ("request.headers.X-Forwarded-For[0]",),
        "vhost": ("request.host",),
        "seconds": ("duration",),
        "tls_cipher": ("request.tls.cipher_suite",),
    },
)

TRAEFIK = Logger(
    "traefik-json",
    "Traefik: its JSON",
    ("RequestMethod", "DownstreamStatus"),
    {
        "timestamp": ("StartUTC", "StartLocal", "time"),
        "client": ("ClientHost", "ClientAddr"),
        "user": ("ClientUsername",),
        "method": ("RequestMethod",),
        "target": ("RequestPath",),
        "protocol": ("RequestProtocol",),
        "status": ("DownstreamStatus",),
        "bytes": ("DownstreamContentSize",),
        "referer": ("request_Referer",),
        "user_agent": ("request_User-Agent",),
        "forwarded_for": ("request_X-Forwarded-For",),
        "vhost": ("RequestHost", "RequestAddr"),
        "port": ("RequestPort",),
        "seconds": ("Duration",),
        "upstream_seconds": ("OriginDuration",),
        "request_id": ("request_X-Request-Id",),
        "tls_protocol": ("TLSVersion",),
        "tls_cipher": ("TLSCipher",),
    },
    unit="ns",
)

ENVOY = Logger(
    "envoy-json",
    "Envoy and Istio: their JSON",
    ("start_time", "response_code"),
    {
        "timestamp": ("start_time",),
        "client": ("downstream_remote_address", "downstream_direct_remote_address"),
        "method": ("method",),
        "target": ("path",),
        "protocol": ("protocol",),
        "status": ("response_code",),
        "bytes": ("bytes_sent",),
        "referer": ("referer",),
        "user_agent": ("user_agent",),
        "forwarded_for": ("x_forwarded_for",),
        "vhost": ("authority",),
        "seconds": ("duration",),
        "upstream_seconds": ("upstream_service_time",),
        "request_id": ("request_id",),
        "tls_protocol": ("downstream_tls_version",),
        "tls_cipher": ("downstream_tls_cipher",),
    },
    unit="ms",
)

WAF = Logger(
    "waf",
    "AWS WAF: web ACL traffic, as it comes to S3, CloudWatch or Firehose",
    ("webaclId", "httpRequest", "action"),
    {
        "timestamp": ("timestamp",),
        "client": ("httpRequest.clientIp",),
        "method": ("httpRequest.httpMethod",),
        "target": ("httpRequest.uri",),
        "query": ("httpRequest.args",),
        "protocol": ("httpRequest.httpVersion",),
        "status": ("responseCodeSent",),
        "vhost": ("httpRequest.host",),
        "request_id": ("httpRequest.requestId",),
    },
    epoch="0.001",
)
"""https://docs.aws.amazon.com/waf/latest/developerguide/logging-fields.html; its rules: `more`."""

PLAIN = Logger(
    "json",
    "JSON with the names of nginx's variables, or those of --map",
    ("status",),
    {
        "timestamp": ("time_iso8601", "time_local", "msec", "@timestamp", "timestamp", "time"),
        "client": ("remote_addr", "client_ip", "remote_ip", "client"),
        "user": ("remote_user", "user"),
        "request": ("request",),
        "method": ("request_method", "method"),
        "target": ("request_uri", "uri", "url", "path"),
        "protocol": ("server_protocol", "protocol"),
        "status": ("status",),
        "bytes": ("body_bytes_sent", "bytes_sent", "bytes"),
        "referer": ("http_referer", "http_referrer", "referer", "referrer"),
        "user_agent": ("http_user_agent", "user_agent", "agent"),
        "forwarded_for": ("http_x_forwarded_for", "x_forwarded_for"),
        "vhost": ("host", "http_host", "server_name", "vhost"),
        "port": ("server_port",),
        "seconds": ("request_time",),
        "upstream_seconds": ("upstream_response_time",),
        "request_id": ("request_id", "req_id"),
        "tls_protocol": ("ssl_protocol",),
        "tls_cipher": ("ssl_cipher",),
    },
    has=("timestamp", "client"),
)


def mapped(pairs: Sequence[str]) -> Logger:
    """The logger of `--map FIELD=KEY …`; behind the key of a time taken may stand its unit, as in
    `seconds=elapsed:ms`. Raises `UsageError`."""
    keys, unit = dict(PLAIN.keys), PLAIN.unit
    for pair in pairs:
        field, _, key = pair.partition("=")
        if not key or field not in keys:
            raise UsageError(f"--map takes FIELD=KEY, not {pair!r}; {nearest(field, keys)}")
        if field == "seconds" and key.rpartition(":")[2] in _UNITS:
            key, _, unit = key.rpartition(":")
        keys[field] = (key,)
    return replace(PLAIN, keys=keys, unit=unit)


def parse(lines: DataFrame, _header: Header | None, logger: Logger) -> DataFrame:
    """Lines with the columns of `ORIGIN` to rows of `SERVER_REQUESTS`, or a reason why not."""
    text = prefix.without(F.col(RAW))
    rows = lines.select(*ORIGIN, F.from_json(text, "map<string,string>", _STRICT).alias("_all"))
    found = {name: _value(keys) for name, keys in logger.keys.items()}
    rows = rows.select(*ORIGIN, "_all", *(value.alias(f"_{name}") for name, value in found.items()))
    rows = rows.withColumn("timestamp", any_time(F.col("_timestamp"), logger.epoch))
    if "request" in found:
        rows = rows.withColumn("_asked", http_request(F.col("_request")))
    columns = _columns(logger)
    return rows.select(
        *ORIGIN,
        _reason(logger).alias(REASON),
        "timestamp",
        *(
            columns.get(field.name, F.lit(None)).try_cast(field.type).alias(field.name)
            for field in SERVER_REQUESTS.fields
            if field.name not in {"timestamp", "source_file", "date"}
        ),
        F.col(SOURCE_FILE).alias("source_file"),
        F.to_date("timestamp").alias("date"),
    )


def _value(keys: Sequence[str]) -> Column:
    """What stands under the first of some keys that is there, as text."""
    found = []
    for key in keys:
        first, _, rest = key.partition(".")
        whole = F.col("_all")[first]
        if rest:
            parts = "".join(f"['{part}']" for part in rest.removesuffix("[0]").split("."))
            whole = F.get_json_object(whole, f"${parts}{'[0]' if rest.endswith('[0]') else ''}")
        found.append(log.text(whole))
    return F.coalesce(*found)


def _columns(logger: Logger) -> dict[str, Column]:
    keys = logger.keys
    found = {
        name: F.col(f"_{name}")
        for name in keys
        if name not in {"timestamp", "target", "request", "seconds", "upstream_seconds"}
    }
    found["client"] = _client()
    path, query = apart(F.col("_target"))
    if "query" in keys:
        query = F.coalesce(F.col("_query"), query)
    asked = {"path": path, "query": query, **{one: found[one] for one in ("method", "protocol")}}
    if "request" in keys:
        line = apart(F.get("_asked", F.lit(1)))
        of_line = (*line, F.get("_asked", F.lit(0)), F.get("_asked", F.lit(2)))
        for name, value in zip(("path", "query", "method", "protocol"), of_line, strict=True):
            asked[name] = F.coalesce(value, asked[name])
    scale = F.lit(_UNITS[logger.unit]).cast("decimal(10,9)")
    for name in ("seconds", "upstream_seconds"):
        if name in keys:
            number = F.col(f"_{name}").try_cast("decimal(28,10)")
            found[name] = (number * scale).cast("double")
    used = {key.partition(".")[0] for some in keys.values() for key in some}
    more = F.map_filter(
        F.col("_all"),
        lambda key, value: ~key.isin(*sorted(used)) & log.text(value).isNotNull(),
    )
    return {**found, **asked, "more": more}


def _client() -> Column:
    """The address, without a port behind it."""
    bare = F.regexp_extract("_client", _WITH_PORT, 1)
    return F.when(bare != "", bare).otherwise(F.col("_client"))


def _reason(logger: Logger) -> Column:
    """The code of the first rule that a line breaks, or null."""
    keys = F.map_keys("_all")
    is_double = F.size(F.array_distinct(keys)) < F.size(keys)
    broken = {
        "bad_json": F.col("_all").isNull() | is_double,
        "not_this_format": ~F.array_contains(keys, _mark(logger)),
        "bad_timestamp": F.col("timestamp").isNull(),
        "bad_status": F.col("_status").isNotNull() & ~F.col("_status").rlike(values.STATUS),
        "bad_number": log.any_of(
            F.col(f"_{name}").isNotNull() & ~F.col(f"_{name}").rlike(shape)
            for name, shape in (
                *(("seconds", _NUMBER), ("upstream_seconds", _NUMBER)),
                ("port", r"^[0-9]{1,5}\z"),
            )
            if name in logger.keys
        ),
        "bad_bytes": log.any_of(
            F.col(f"_{name}").isNotNull() & ~F.col(f"_{name}").rlike(r"^[0-9]{1,18}\z")
            for name in ("bytes",)
            if name in logger.keys
        ),
        "bad_address": F.col("_client").isNotNull() & ~_client().rlike(values.whole(_ADDRESS)),
    }
    return log.reason(REJECTS, broken)


def _mark(logger: Logger) -> str:
    """The key that says of an object that it is of a request at all."""
    return logger.marks[-1] if logger.name != PLAIN.name else logger.keys["status"][0]


def matches(line: str, logger: Logger) -> bool:
    """Whether a line is an object with the keys of a logger, and a time."""
    plain = prefix.peeled(line) or line
    if not plain.startswith("{"):
        return False
    try:
        found = json.loads(plain)
    except (ValueError, RecursionError):
        return False
    has = [
        any(found.get(key.partition(".")[0]) for key in logger.keys[name]) for name in logger.has
    ]
    return all(has) and all(mark in found for mark in logger.marks)


def json_format(logger: Logger) -> LogFormat:
    """A logger as a format of logs."""
    return LogFormat(
        name=logger.name,
        help=logger.help,
        dataset=SERVER_REQUESTS,
        rejects=REJECTS,
        matches=partial(matches, logger=logger),
        parse=partial(parse, logger=logger),
        http=HTTP,
    )


FORMATS = tuple(map(json_format, (CADDY, TRAEFIK, ENVOY, WAF, PLAIN)))
