"""Access logs of Network Load Balancers: connections to their TLS listeners.

https://docs.aws.amazon.com/elasticloadbalancing/latest/network/load-balancer-access-logs.html.
Lines end after the domain name (18 fields) or later; what comes after the creation time is ignored.
Columns are named as in AWS's own Athena table,
https://docs.aws.amazon.com/athena/latest/ug/networkloadbalancer-classic-logs.html, times in UTC.
"""

from gristmill.model.dataset import Field
from gristmill.readers.logs import format as log
from gristmill.readers.logs import values
from gristmill.readers.logs.format import LogFormat
from gristmill.readers.logs.spaced import REJECTS, Spaced

FIELDS = (
    Field("type", "string", "of the listener: tls"),
    Field("version", "string", "of the log: 1.0 or 2.0"),
    Field("time", "timestamp", "end of the connection, UTC"),
    Field("elb", "string", "the load balancer"),
    Field("listener_id", "string", "the listener"),
    Field("client_ip", "string", "address of the client"),
    Field("client_port", "int", "port of the client"),
    Field("target_ip", "string", "address that it was sent to"),
    Field("target_port", "int", "port that it was sent to"),
    Field("tcp_connection_time_ms", "double", "milliseconds from its start to its end"),
    Field("tls_handshake_time_ms", "double", "milliseconds of the TLS handshake"),
    Field("received_bytes", "bigint", "bytes from the client, decrypted"),
    Field("sent_bytes", "bigint", "bytes to the client, before they were encrypted"),
    Field("incoming_tls_alert", "int", "TLS alert of the client; null where there was none"),
    Field("cert_arn", "string", "certificate that the client was served"),
    Field("certificate_serial", "string", "reserved"),
    Field("tls_cipher_suite", "string", "cipher suite; null where TLS was not agreed on"),
    Field("tls_protocol_version", "string", "such as TLSv12"),
    Field("tls_named_group", "string", "reserved"),
    Field("domain_name", "string", "SNI domain of the client"),
    Field("alpn_fe_protocol", "string", "protocol agreed on with the client, such as h2"),
    Field("alpn_be_protocol", "string", "protocol agreed on with the target"),
    Field("alpn_client_preference_list", "string", "what the client offered, as it is logged"),
    Field("tls_connection_creation_time", "timestamp", "start of the connection, UTC"),
)

NLB_CONNECTIONS = log.requests(
    name="nlb_connections",
    help_="One row for each TLS connection to a network load balancer.",
    fields=FIELDS,
    time="time",
)

_LINES = Spaced(
    FIELDS,
    start=r"^tls [0-9.]+ [0-9]{4}-[0-9]{2}-[0-9]{2}T\S+ net/",
    least=20,
    time="time",
    quoted=frozenset({"alpn_client_preference_list"}),
    addressed={"client_ip": "client_port", "target_ip": "target_port"},
    addresses=("client_ip", "target_ip"),
    values={
        "elb": "net/[0-9A-Za-z-]+/[0-9a-f]+",
        "client_port": values.PORT,
        "target_port": values.PORT,
        "tls_protocol_version": r"(?:tls|TLS|SSL|ssl)v[0-9](?:\.?[0-9])?",
        "cert_arn": r"arn:\S+",
    },
)

FORMATS = (
    LogFormat(
        name="nlb",
        help="Network Load Balancer access logs: connections by TLS",
        dataset=NLB_CONNECTIONS,
        rejects=REJECTS,
        matches=_LINES.matches,
        parse=_LINES.parse,
    ),
)
