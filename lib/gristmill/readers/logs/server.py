"""What servers and proxies log beyond common and combined lines: hosts, times taken, TLS."""

from gristmill.model.dataset import Field
from gristmill.readers.logs.format import Http, requests
from gristmill.readers.logs.web import WEB_REQUESTS

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

HTTP = Http(
    *("timestamp", "client", "method", "path", "status", "bytes", "seconds", "forwarded_for"),
)
