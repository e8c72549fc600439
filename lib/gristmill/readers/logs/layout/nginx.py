"""Layouts of nginx: `log_format`.

https://nginx.org/en/docs/http/ngx_http_log_module.html#log_format,
https://nginx.org/en/docs/varindex.html.
"""

import re
from collections.abc import Iterator

from gristmill.errors import UsageError
from gristmill.readers.logs.layout.tokens import Token, Variable

_KNOWN = {
    "remote_addr": Variable("remote_addr", "client", "client"),
    "remote_user": Variable("remote_user", "text", "user"),
    "time_local": Variable("time_local", "clf", "timestamp"),
    "time_iso8601": Variable("time_iso8601", "iso", "timestamp"),
    "msec": Variable("msec", "epoch", "timestamp"),
    "request": Variable("request", "request"),
    "request_method": Variable("request_method", "text", "method"),
    "request_uri": Variable("request_uri", "target", "path"),
    "uri": Variable("uri", "text", "path", 1),
    "document_uri": Variable("document_uri", "text", "path", 1),
    "args": Variable("args", "text", "query"),
    "query_string": Variable("query_string", "text", "query"),
    "server_protocol": Variable("server_protocol", "text", "protocol"),
    "status": Variable("status", "status", "status"),
    "body_bytes_sent": Variable("body_bytes_sent", "bytes", "bytes"),
    "bytes_sent": Variable("bytes_sent", "bytes", "bytes", 1),
    "http_referer": Variable("http_referer", "text", "referer"),
    "http_user_agent": Variable("http_user_agent", "text", "user_agent"),
    "http_x_forwarded_for": Variable("http_x_forwarded_for", "forwarded", "forwarded_for"),
    "proxy_add_x_forwarded_for": Variable(
        "proxy_add_x_forwarded_for", "forwarded", "forwarded_for", 1
    ),
    "host": Variable("host", "text", "vhost"),
    "http_host": Variable("http_host", "text", "vhost", 1),
    "server_name": Variable("server_name", "text", "vhost", 2),
    "server_port": Variable("server_port", "int", "port"),
    "request_time": Variable("request_time", "seconds", "seconds"),
    "upstream_response_time": Variable("upstream_response_time", "sum", "upstream_seconds"),
    "request_id": Variable("request_id", "text", "request_id"),
    "req_id": Variable("req_id", "text", "request_id"),  # what ingress-nginx calls it
    "http_x_request_id": Variable("http_x_request_id", "text", "request_id", 1),
    "ssl_protocol": Variable("ssl_protocol", "text", "tls_protocol"),
    "ssl_cipher": Variable("ssl_cipher", "text", "tls_cipher"),
}
_VARIABLE = re.compile(r"\$(?:(\w+)|\{(\w+)\})")
_DIRECTIVE = re.compile(r"^\s*log_format\s+\S+\s+(?:escape=(\w+)\s+)?(.*?);?\s*$", re.S)
_STRING = re.compile(r"'((?:[^'\\]|\\.)*)'|\"((?:[^\"\\]|\\.)*)\"")


def is_nginx(layout: str) -> bool:
    """Whether a layout is one of nginx's: it has its variables."""
    return bool(_VARIABLE.search(layout))


def tokens(layout: str) -> Iterator[Token]:
    """What a layout is made of; it may be the whole directive. Raises `UsageError`."""
    text = _inner(layout)
    end = 0
    for found in _VARIABLE.finditer(text):
        if text[end : found.start()]:
            yield text[end : found.start()]
        name = found[1] or found[2]
        plain = Variable(name, "list" if name.startswith("upstream_") else "text")
        yield _KNOWN.get(name, plain)
        end = found.end()
    if text[end:]:
        yield text[end:]


def _inner(layout: str) -> str:
    directive = _DIRECTIVE.match(layout)
    if directive is None:
        return layout
    if directive[1] == "json":
        raise UsageError("a log_format of JSON (escape=json): read it with --format json")
    parts = [found[1] or found[2] or "" for found in _STRING.finditer(directive[2])]
    return re.sub(r"\\(.)", r"\1", "".join(parts)) if parts else directive[2]
