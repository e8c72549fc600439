"""Connection logs of Application Load Balancers.

https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-connection-logs.html.
Lines end after the status of the verification (11 fields) or later. Columns are named as in AWS's
own Athena table, https://docs.aws.amazon.com/athena/latest/ug/application-load-balancer-logs.html.
"""

from gristmill.model.dataset import Field
from gristmill.readers.logs import format as log
from gristmill.readers.logs import values
from gristmill.readers.logs.format import LogFormat
from gristmill.readers.logs.spaced import REJECTS, Spaced

FIELDS = (
    Field("time", "timestamp", "when the connection was made, or failed to be, UTC"),
    Field("client_ip", "string", "address of the client"),
    Field("client_port", "int", "port of the client"),
    Field("listener_port", "int", "port of the listener"),
    Field("tls_protocol", "string", "such as TLSv1.3; null for HTTP"),
    Field("tls_cipher", "string", "cipher suite; null for HTTP"),
    Field("tls_handshake_latency", "double", "seconds of a TLS handshake that succeeded"),
    Field("leaf_client_cert_subject", "string", "subject of the client's certificate"),
    Field("leaf_client_cert_validity", "string", "NotBefore=…;NotAfter=… of the certificate"),
    Field("leaf_client_cert_serial_number", "string", "its serial number"),
    Field("tls_verify_status", "string", "Success, or Failed:… with why"),
    Field("conn_trace_id", "string", "id of the connection, as in alb_requests"),
    Field("tls_keyexchange", "string", "how keys were exchanged, such as X25519MLKEM768"),
)

ALB_CONNECTIONS = log.requests(
    name="alb_connections",
    help_="One row for each connection to an application load balancer.",
    fields=FIELDS,
    time="time",
)

_LINES = Spaced(
    FIELDS,
    start=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T\S+Z [0-9A-Fa-f.:]+ [0-9]+ [0-9]+ ",
    least=11,
    time="time",
    quoted=frozenset({"leaf_client_cert_subject"}),
    addresses=("client_ip",),
    values={
        "client_port": values.PORT,
        "listener_port": values.PORT,
        "tls_protocol": values.TLS,
        "tls_verify_status": r"Success|Failed:\S+",
        "conn_trace_id": r"TID_\S+",
    },
)

FORMATS = (
    LogFormat(
        name="alb_connection",
        help="Application Load Balancer connection logs",
        dataset=ALB_CONNECTIONS,
        rejects=REJECTS,
        matches=_LINES.matches,
        parse=_LINES.parse,
    ),
)
