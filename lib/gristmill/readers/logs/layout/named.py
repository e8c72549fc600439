"""Layouts that servers have by default, or that their manuals give, by their names."""

from collections.abc import Iterable
from dataclasses import replace

from pyspark.sql import DataFrame

from gristmill.errors import UsageError
from gristmill.readers.logs import web
from gristmill.readers.logs.format import Header, LogFormat
from gristmill.readers.logs.layout import apache, nginx
from gristmill.readers.logs.layout.compiled import of_tokens
from gristmill.readers.logs.layout.parse import REJECTS, layout_format
from gristmill.readers.logs.layout.tokens import Token, Variable
from gristmill.readers.logs.server import SERVER_REQUESTS

_COMBINED = (
    '$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent '
    '"$http_referer" "$http_user_agent"'
)
_APACHE = '%h %l %u %t \\"%r\\" %>s %b \\"%{Referer}i\\" \\"%{User-Agent}i\\"'

VHOST_COMBINED = f"%v:%p {_APACHE}"
"""https://httpd.apache.org/docs/2.4/logs.html#virtualhost; Debian's vhost_combined."""

APACHE_D = f"{_APACHE} %D"

COMBINED_ISO = _APACHE
"""Combined, but for its times."""

INGRESS_NGINX = (
    f"{_COMBINED} $request_length $request_time [$proxy_upstream_name] "
    "[$proxy_alternative_upstream_name] $upstream_addr $upstream_response_length "
    "$upstream_response_time $upstream_status $req_id"
)
"""https://kubernetes.github.io/ingress-nginx/user-guide/nginx-configuration/log-format/."""

TRAEFIK = f'{_COMBINED} $request_count "$router" "$server_url" ${{duration}}ms'
"""https://doc.traefik.io/traefik/observe/logs-and-access-logs/, the format `common`."""


_MILLISECONDS = "0.001"
HAPROXY: tuple[Token, ...] = (
    *(Variable("client_ip", "client", "client"), ":", Variable("client_port"), " ["),
    Variable("accept_date", "pattern dd/MMM/yyyy:HH:mm:ss", "timestamp"),
    *(".", Variable("accept_ms", "fraction", "timestamp"), "] ", Variable("frontend"), " "),
    *(Variable("backend"), "/", Variable("server"), " ", Variable("TR"), "/", Variable("Tw"), "/"),
    *(Variable("Tc"), "/", Variable("Tr", "seconds", "upstream_seconds", 0, _MILLISECONDS), "/"),
    *(Variable("Ta", "seconds", "seconds", 0, _MILLISECONDS), " "),
    *(Variable("status", "status", "status"), " ", Variable("bytes_read", "bytes", "bytes"), " "),
    *(Variable("captured_request_cookie"), " ", Variable("captured_response_cookie"), " "),
    *(Variable("termination_state"), " ", Variable("actconn"), "/", Variable("feconn"), "/"),
    *(Variable("beconn"), "/", Variable("srv_conn"), "/", Variable("retries"), " "),
    *(Variable("srv_queue"), "/", Variable("backend_queue"), " "),
    *(Variable("captured_headers", "captures"), '"', Variable("request", "request"), '"'),
)
"""https://docs.haproxy.org/3.0/configuration.html#8.2.3, `option httplog`."""


ELB: tuple[Token, ...] = (
    *(Variable("timestamp", "iso", "timestamp"), " ", Variable("elb", "text", "vhost"), " "),
    *(Variable("client", "client", "client"), ":", Variable("client_port"), " "),
    *(Variable("backend"), " ", Variable("request_processing_time"), " "),
    *(Variable("backend_processing_time", "seconds", "upstream_seconds"), " "),
    *(Variable("response_processing_time"), " ", Variable("status", "status", "status"), " "),
    *(Variable("backend_status_code"), " ", Variable("received_bytes"), " "),
    *(Variable("sent_bytes", "bytes", "bytes"), ' "', Variable("request", "request"), '" "'),
    *(Variable("user_agent", "text", "user_agent"), '" '),
    *(Variable("ssl_cipher", "text", "tls_cipher"), " "),
    Variable("ssl_protocol", "text", "tls_protocol"),
)
"""https://docs.aws.amazon.com/elasticloadbalancing/latest/classic/access-log-collection.html."""


def _traefik(tokens: Iterable[Token]) -> list[Token]:
    took = Variable("duration", "seconds", "seconds", 0, _MILLISECONDS)
    return [took if one == Variable("duration") else one for one in tokens]


_FINE = layout_format(
    "combined-iso",
    "Apache and nginx: combined with milliseconds, or with ISO 8601 times",
    of_tokens(COMBINED_ISO, list(apache.tokens(COMBINED_ISO))),
)


def _is_finer(line: str) -> bool:
    """Whether it is no plain combined line."""
    return _FINE.matches(line) and not web.matches(line, "combined")


def _unsaid(_lines: DataFrame, _header: Header | None) -> DataFrame:
    raise UsageError("--format layout takes the layout, too: --layout '$remote_addr …'")


FORMATS: tuple[LogFormat, ...] = (
    layout_format(
        "vhost_combined",
        "Apache: combined behind virtual host and port",
        of_tokens(VHOST_COMBINED, list(apache.tokens(VHOST_COMBINED))),
    ),
    layout_format(
        "apache-%D",
        "Apache: combined, with the time taken in microseconds behind it",
        of_tokens(APACHE_D, list(apache.tokens(APACHE_D))),
    ),
    replace(_FINE, matches=_is_finer, covers=("combined",)),
    layout_format(
        "ingress-nginx",
        "the NGINX ingress controller of Kubernetes",
        of_tokens(INGRESS_NGINX, list(nginx.tokens(INGRESS_NGINX))),
    ),
    layout_format(
        "traefik",
        "Traefik: its common format",
        of_tokens(TRAEFIK, _traefik(nginx.tokens(TRAEFIK))),
    ),
    layout_format(
        "elb", "AWS Classic Load Balancer: HTTP, HTTPS, TCP and SSL", of_tokens("elb", ELB)
    ),
    layout_format(
        "haproxy-http",
        "HAProxy: option httplog, whose times are local: --zone says which",
        of_tokens("haproxy-http", HAPROXY),
    ),
    LogFormat(
        name="layout",
        help="that of --layout: a log_format of nginx, or a LogFormat of Apache",
        dataset=SERVER_REQUESTS,
        rejects=REJECTS,
        matches=lambda _line: False,
        parse=_unsaid,
    ),
)
