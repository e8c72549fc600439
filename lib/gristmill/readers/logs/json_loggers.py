"""Loggers that write JSON: where each has what, and in which unit.

https://caddyserver.com/docs/logging, https://doc.traefik.io/traefik/observe/logs-and-access-logs/,
https://www.envoyproxy.io/docs/envoy/latest/configuration/observability/access_log/usage.

`json` reads the names of nginx's variables, by which most such logs are called, and those that
`--map` gives.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from gristmill.errors import UsageError
from gristmill.nearest import nearest

UNITS = {"s": "1", "ms": "0.001", "us": "0.000001", "ns": "0.000000001"}
"""Parts of a second."""

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
        if field == "seconds" and key.rpartition(":")[2] in UNITS:
            key, _, unit = key.rpartition(":")
        keys[field] = (key,)
    return replace(PLAIN, keys=keys, unit=unit)
