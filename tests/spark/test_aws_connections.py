"""AWS's logs of connections, DNS queries and transit gateways, after AWS's pages about them."""

from datetime import UTC, date, datetime
from pathlib import Path

from pyspark.sql import SparkSession

from gristmill.model.checks import SKIPPED
from gristmill.readers.logs import route53_resolver, spaced, transit_gateway
from tests.spark.lines import Values, assert_as_expected, nothing, parsed
from tests.support.aws_lines import ALB_CONNECTION, ALPN, DNS, NLB, TGW

NLB_ROW: Values = {
    "type": "tls",
    "version": "2.0",
    "time": datetime(2026, 3, 4, 8, 51, 42, tzinfo=UTC),
    "elb": "net/my-network-loadbalancer/c6e77e28c25b2234",
    "listener_id": "g3d4b5e8bb8464cd",
    "client_ip": "192.0.2.51",
    "client_port": 51341,
    "target_ip": "198.51.100.185",
    "target_port": 443,
    "tcp_connection_time_ms": 5.0,
    "tls_handshake_time_ms": 2.0,
    "received_bytes": 98,
    "sent_bytes": 246,
    "incoming_tls_alert": None,
    "cert_arn": "arn:aws:acm:us-east-2:111122223333:certificate/2a108f19",
    "certificate_serial": None,
    "tls_cipher_suite": "ECDHE-RSA-AES128-SHA",
    "tls_protocol_version": "TLSv12",
    "tls_named_group": None,
    "domain_name": "lb.example.com",
    "alpn_fe_protocol": "h2",
    "alpn_be_protocol": "h2",
    "alpn_client_preference_list": '"h2","http/1.1"',
    "tls_connection_creation_time": datetime(2026, 3, 3, 23, 51, 20, tzinfo=UTC),
    "date": date(2026, 3, 4),
}
OLDER = nothing(
    "alpn_fe_protocol alpn_be_protocol alpn_client_preference_list tls_connection_creation_time"
)


def test_a_line_of_a_network_load_balancer(spark: SparkSession, tmp_path: Path) -> None:
    expected: dict[str, Values | str] = {
        ALPN: NLB_ROW,
        f"{ALPN} more of it": NLB_ROW,
        NLB: NLB_ROW | OLDER,
        f"{NLB} - - - 2026-03-03T23:51:20": NLB_ROW
        | OLDER
        | {"tls_connection_creation_time": datetime(2026, 3, 3, 23, 51, 20, tzinfo=UTC)},
        ALPN.replace(" 5 2 98 246 - ", " 5 - 98 246 42 "): NLB_ROW
        | {"tls_handshake_time_ms": None, "incoming_tls_alert": 42},
        ALPN.replace("192.0.2.51:", "2001:db8::1:"): NLB_ROW | {"client_ip": "2001:db8::1"},
        ALPN.replace("198.51.100.185:443", "-"): NLB_ROW | nothing("target_ip target_port"),
        " ": "empty_line",
        ALPN.replace("lb.ex", "\0"): "nul_byte",
        ALPN.replace("tls", "tcp", 1): "not_this_format",
        ALPN.rpartition(" lb.")[0]: "wrong_fields",
        ALPN.replace("2026-03-04T08:51:42", "2026-02-30T08:51:42"): "bad_timestamp",
        ALPN.replace("2026-03-03T23:51:20", "soon"): "bad_timestamp",
        ALPN.replace(" 98 ", " many "): "bad_number",
        ALPN.replace("192.0.2.51", "192.0.2.256"): "bad_address",
        ALPN.replace(":51341", ":70000"): "bad_value",
        ALPN.replace("TLSv12", "plain"): "bad_value",
        "tls " * 100_000: "not_this_format",
    }
    lines = [line.encode() for line in expected]
    assert_as_expected(parsed(spark, tmp_path / "a.log", "nlb", lines), expected)
    assert set(spaced.REJECTS) == {code for code in expected.values() if isinstance(code, str)}


ALB_ROW: Values = {
    "time": datetime(2026, 3, 4, 17, 5, 15, 514108, tzinfo=UTC),
    "client_ip": "203.0.113.1",
    "client_port": 36280,
    "listener_port": 443,
    "tls_protocol": "TLSv1.2",
    "tls_cipher": "ECDHE-RSA-AES128-GCM-SHA256",
    "tls_handshake_latency": 4.036,
    "leaf_client_cert_subject": "CN=example.com,O=end Entity,L=Seattle",
    "leaf_client_cert_validity": "NotBefore=2025-09-21T22:43:21Z;NotAfter=2027-06-17T22:43:21Z",
    "leaf_client_cert_serial_number": "FEF257372D5C14D4",
    "tls_verify_status": "Success",
    "conn_trace_id": "TID_3180a73013c8",
    "tls_keyexchange": "X25519",
    "date": date(2026, 3, 4),
}


def test_a_connection_to_an_application_load_balancer(spark: SparkSession, tmp_path: Path) -> None:
    whole = f"{ALB_CONNECTION} TID_3180a73013c8 X25519"
    plain = "2026-03-04T17:05:15.514108Z 203.0.113.1 36280 80 - - - - - - - TID_3180a73013c8"
    expected: dict[str, Values | str] = {
        whole: ALB_ROW,
        ALB_CONNECTION: ALB_ROW | nothing("conn_trace_id tls_keyexchange"),
        plain: {
            **dict.fromkeys(ALB_ROW),
            **{name: ALB_ROW[name] for name in ("time", "client_ip", "client_port", "date")},
            "listener_port": 80,
            "conn_trace_id": "TID_3180a73013c8",
        },
        whole.replace("Success", "Failed:ClientCertUntrusted"): ALB_ROW
        | {"tls_verify_status": "Failed:ClientCertUntrusted"},
        "": "empty_line",
        whole.replace("CN=", "\0"): "nul_byte",
        NLB: "not_this_format",
        whole.replace('"CN', "CN"): "wrong_fields",
        whole.replace("03-04T17", "13-04T17"): "bad_timestamp",
        whole.replace("4.036", "quick"): "bad_number",
        whole.replace("203.0.113.1 ", "203.0.113.1.9 "): "bad_address",
        whole.replace("Success", "Perhaps"): "bad_value",
        whole.replace("36280", "99999"): "bad_value",
    }
    lines = [line.encode() for line in expected]
    assert_as_expected(parsed(spark, tmp_path / "a.log", "alb_connection", lines), expected)
    codes = {code for code in expected.values() if isinstance(code, str)}
    assert set(spaced.REJECTS) == codes


DNS_ROW: Values = {
    "version": "1.100000",
    "account_id": "111122223333",
    "region": "us-east-1",
    "vpc_id": "vpc-00112233",
    "query_timestamp": datetime(2026, 3, 4, 17, 51, 55, tzinfo=UTC),
    "query_name": "example.com.",
    "query_type": "A",
    "query_class": "IN",
    "rcode": "NOERROR",
    "answers": '[{"Rdata":"203.0.113.9","Type":"A","Class":"IN"}]',
    "srcaddr": "10.0.0.4",
    "srcport": 56067,
    "transport": "UDP",
    "srcids": '{"instance":"i-0d15cd0d3"}',
    "firewall_rule_action": "BLOCK",
    "firewall_rule_group_id": "rslvr-frg-1",
    "firewall_domain_list_id": "rslvr-fdl-1",
    "date": date(2026, 3, 4),
}


def test_a_query_to_the_resolver(spark: SparkSession, tmp_path: Path) -> None:
    expected: dict[str, Values | str] = {
        DNS: DNS_ROW,
        DNS.replace('"firewall_rule_action":"BLOCK",', ""): DNS_ROW
        | nothing("firewall_rule_action"),
        DNS.replace('"answers":[{"Rdata":"203.0.113.9","Type":"A","Class":"IN"}],', ""): DNS_ROW
        | nothing("answers"),
        "": "empty_line",
        DNS.replace("example", "\0"): "nul_byte",
        DNS[:-5]: "bad_json",
        DNS.replace('"a_new_key":1', '"rcode":"SERVFAIL"'): "bad_json",
        '{"query_name":"example.com."}': "not_this_format",
        DNS.replace("17:51:55Z", "25:51:55Z"): "bad_timestamp",
        DNS.replace("56067", "many"): "bad_number",
        DNS.replace("10.0.0.4", "10.0.0"): "bad_address",
        DNS.replace("56067", "70000"): "bad_value",
        DNS.replace("111122223333", "me"): "bad_value",
    }
    lines = [line.encode() for line in expected]
    assert_as_expected(parsed(spark, tmp_path / "a.log", "route53_resolver", lines), expected)
    codes = {code for code in expected.values() if isinstance(code, str)}
    assert set(route53_resolver.REJECTS) == codes


TGW_ROW: Values = {
    **dict(
        zip(
            (field.name for field in transit_gateway.FIELDS),
            [int(one) if one.isdecimal() and len(one) < 12 else one for one in TGW.split()],
            strict=True,
        )
    ),
    "start": datetime(2026, 3, 3, 23, 59, 59, tzinfo=UTC),
    "end": datetime(2026, 3, 4, 0, 0, 59, tzinfo=UTC),
    "pkt_src_aws_service": None,
    "date": date(2026, 3, 3),
}


def test_a_flow_through_a_transit_gateway(spark: SparkSession, tmp_path: Path) -> None:
    expected: dict[str, Values | str] = {
        TGW: TGW_ROW,
        TGW.replace("TransitGateway ", "TransitGatewayAttachment "): TGW_ROW
        | {"resource_type": "TransitGatewayAttachment"},
        "": "empty_line",
        TGW.replace("use1", "\0", 1): "nul_byte",
        TGW.rpartition(" ")[0]: "wrong_fields",
        TGW.replace("1772582459", "later"): "bad_timestamp",
        TGW.replace(" 4249 ", " many "): "bad_number",
        TGW.replace("10.1.0.5", "host"): "bad_address",
        TGW.replace("tgw-012345", "vpc-012345"): "bad_value",
    }
    lines = [line.encode() for line in expected]
    assert_as_expected(parsed(spark, tmp_path / "a.log", "transit_gateway", lines), expected)
    # Chosen columns, named by the first line.
    names = ("tgw-id", "srcaddr", "bytes", "start", "tgw-attachment-id")
    line = "tgw-1 10.0.0.4 7 1772582399 tgw-attach-2"
    row = dict.fromkeys(TGW_ROW) | {
        "tgw_id": "tgw-1",
        "srcaddr": "10.0.0.4",
        "bytes": 7,
        "start": TGW_ROW["start"],
        "tgw_attachment_id": "tgw-attach-2",
        "date": date(2026, 3, 3),
    }
    chosen: dict[str, Values | str] = {" ".join(names): SKIPPED, line: row}
    lines = [one.encode() for one in chosen]
    assert_as_expected(parsed(spark, tmp_path / "b.log", "transit_gateway", lines, names), chosen)
