"""Lines of load balancers: of every length and type, without targets, with odd requests, broken."""

from datetime import UTC, date, datetime
from pathlib import Path

from pyspark.sql import SparkSession

from gristmill.model.checks import SKIPPED
from gristmill.readers.logs.alb import FIELDS
from gristmill.readers.logs.format import REJECTS
from tests.spark.lines import (
    Values,
    assert_as_expected,
    assert_as_the_reference_says,
    many_broken,
    nothing,
    parsed,
)
from tests.support.reference_logs import alb

GROUP = "arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/web/0123456789abcdef"
CERTIFICATE = "arn:aws:acm:eu-west-1:111122223333:certificate/0f0f0f0f-1111"
ROOT = "Root=1-66000000-0123456789abcdef01234567"
ADDRESSES = "192.0.2.1:2817 198.51.100.7:8080"
TIMES = "0.001 0.02 3"
SIZES = "200 201 34 366"
REQUEST = '"GET http://www.example.com:80/a?b=c HTTP/1.1"'
HEAD = f"http 2026-03-03T23:59:59.186641Z app/web/50dc6c495c0c9188 {ADDRESSES} {TIMES} {SIZES}"
V18 = f'{HEAD} {REQUEST} "curl/8" - - {GROUP} "{ROOT}"'
V20 = f'{V18} "-" "-"'
V21 = f"{V20} 0"
V24 = f'{V21} 2026-03-03T23:59:48.364000Z "forward" "-"'
V25 = f'{V24} "-"'
V27 = f'{V25} "198.51.100.7:8080" "200"'
V29 = f'{V27} "-" "-"'
V30 = f"{V29} TID_0123456789abcdef0123456789abcdef"
V33 = f'{V30} "www.example.org" "/d" "TransformSuccess"'

ROW_18: Values = {
    **dict.fromkeys(field.name for field in FIELDS),
    "type": "http",
    "time": datetime(2026, 3, 3, 23, 59, 59, 186641, tzinfo=UTC),
    "elb": "app/web/50dc6c495c0c9188",
    "client_ip": "192.0.2.1",
    "client_port": 2817,
    "target_ip": "198.51.100.7",
    "target_port": 8080,
    "request_processing_time": 0.001,
    "target_processing_time": 0.02,
    "response_processing_time": 3.0,
    "elb_status_code": 200,
    "target_status_code": 201,
    "received_bytes": 34,
    "sent_bytes": 366,
    "request_verb": "GET",
    "request_url": "http://www.example.com:80/a?b=c",
    "request_proto": "HTTP/1.1",
    "user_agent": "curl/8",
    "target_group_arn": GROUP,
    "trace_id": ROOT,
    "date": date(2026, 3, 3),
}
ROW_21 = ROW_18 | {"matched_rule_priority": 0}
ROW_24 = ROW_21 | {
    "request_creation_time": datetime(2026, 3, 3, 23, 59, 48, 364000, tzinfo=UTC),
    "actions_executed": "forward",
}
ROW_27 = ROW_24 | {"target_port_list": "198.51.100.7:8080", "target_status_code_list": "200"}
ROW_30 = ROW_27 | {"conn_trace_id": "TID_0123456789abcdef0123456789abcdef"}
ROW_33 = ROW_30 | {
    "transformed_host": "www.example.org",
    "transformed_uri": "/d",
    "request_transform_status": "TransformSuccess",
}
NO_TARGET = nothing(
    "target_ip target_port request_processing_time target_processing_time response_processing_time "
    "target_status_code"
)


def with_request(request: str) -> str:
    """A line with another request."""
    return V29.replace(REQUEST, f'"{request}"')


# So long that a pattern which recurses, or tries again, would overflow or take for ever.
LONG = '\\"a b "' * 50_000

GOOD: dict[str, Values] = {
    V18: ROW_18,
    V20: ROW_18,
    V21: ROW_21,
    V24: ROW_24,
    V25: ROW_24,
    V27: ROW_27,
    V29: ROW_27,
    V30: ROW_30,
    V33: ROW_33,
    f'{V33} "more" and-more "and still more"': ROW_33,
    f"{V29} ": ROW_27,
    **{
        V29.replace("http ", f"{kind} ", 1): ROW_27 | {"type": kind}
        for kind in ("h2", "https", "grpcs", "ws", "wss", "quic")
    },
    V29.replace(" - - arn", " ECDHE-RSA-AES128-GCM-SHA256 TLSv1.2 arn").replace(
        '"-" "-" 0', f'"www.example.com" "{CERTIFICATE}" 32767'
    ): ROW_27
    | {"ssl_cipher": "ECDHE-RSA-AES128-GCM-SHA256", "ssl_protocol": "TLSv1.2"}
    | {"domain_name": "www.example.com", "chosen_cert_arn": CERTIFICATE}
    | {"matched_rule_priority": 32767},
    # The client went away, there was no target, or its answer was bad: no times, no target.
    **{
        V29.replace(ADDRESSES, "192.0.2.1:2817 -")
        .replace(TIMES, "-1 -1 -1")
        .replace("200 201", f"{status} -"): ROW_27 | NO_TARGET | {"elb_status_code": status}
        for status in (400, 460, 463, 502, 503, 504)
    },
    V29.replace(" 0 2026", " -1 2026"): ROW_27 | {"matched_rule_priority": None},
    V29.replace(" 0 2026-03-03T23:59:48.364000Z", " - -"): ROW_27
    | {"matched_rule_priority": None, "request_creation_time": None},
    V29.replace("2026-03-03T23:59:59.186641Z", "2016-12-31T23:59:60.5Z"): ROW_27
    | {"time": datetime(2016, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)}
    | {"date": date(2016, 12, 31)},
    V29.replace("48.364000Z", "48Z"): ROW_27
    | {"request_creation_time": datetime(2026, 3, 3, 23, 59, 48, tzinfo=UTC)},
    V29.replace(ADDRESSES, "2001:db8::1:2817 2001:db8::7:8080"): ROW_27
    | {"client_ip": "2001:db8::1", "target_ip": "2001:db8::7"},
    V29.replace(ADDRESSES, "[2001:db8::1]:2817 [2001:db8::7]:8080"): ROW_27
    | {"client_ip": "2001:db8::1", "target_ip": "2001:db8::7"},
    V29.replace('"forward" "-"', '"waf,authenticate,redirect" "https://example.com:443/\\"'): ROW_27
    | {
        "actions_executed": "waf,authenticate,redirect",
        "redirect_url": "https://example.com:443/\\",
    },
    V25.replace('"forward" "-" "-"', '"forward" "-" "LambdaInvalidResponse"'): ROW_24
    | {"lambda_error_reason": "LambdaInvalidResponse"},
    V27.replace('"198.51.100.7:8080" "200"', '"198.51.100.7:80 198.51.100.8:80" "502 200"'): ROW_27
    | {"target_port_list": "198.51.100.7:80 198.51.100.8:80", "target_status_code_list": "502 200"},
    f'{V27} "Ambiguous" "SpaceInUri"': ROW_27
    | {"classification": "Ambiguous", "classification_reason": "SpaceInUri"},
    # Requests that are hardly any, and URLs as the client sent them.
    **{
        with_request(f"- http://www.example.com:80- {end}"): ROW_27
        | {"request_verb": None, "request_url": "http://www.example.com:80-", "request_proto": None}
        for end in ("-", "- ")
    },
    with_request("- - - "): ROW_27 | nothing("request_verb request_url request_proto"),
    with_request("-"): ROW_27 | nothing("request_verb request_url request_proto"),
    with_request(""): ROW_27 | nothing("request_verb request_url request_proto"),
    with_request("GET http://x:80/a b c HTTP/1.1"): ROW_27 | {"request_url": "http://x:80/a b c"},
    with_request(r"GET http://x:80/?q=\x22a\x22\xFF HTTP/1.1"): ROW_27
    | {"request_url": r"http://x:80/?q=\x22a\x22\xFF"},
    with_request('GET http://x:80/?q="a HTTP/1.1'): ROW_27 | {"request_url": 'http://x:80/?q="a'},
    with_request("GET http://x:80/Mühle;風車\x7f[] HTTP/1.1"): ROW_27
    | {"request_url": "http://x:80/Mühle;風車\x7f[]"},
    with_request("GET http://x:80/\\ HTTP/2.0"): ROW_27
    | {"request_url": "http://x:80/\\", "request_proto": "HTTP/2.0"},
    with_request("GET http://x:80/ HTTP/2.0\\"): ROW_27
    | nothing("request_verb request_url request_proto"),
    V29.replace("curl/8", "-"): ROW_27 | {"user_agent": None},
    V29.replace("curl/8", ""): ROW_27 | {"user_agent": None},
    V29.replace("curl/8", 'a "b" \\"c\\" d'): ROW_27 | {"user_agent": 'a "b" \\"c\\" d'},
    V29.replace("curl/8", LONG): ROW_27 | {"user_agent": LONG},
    f"{V33}{' more' * 50_000}": ROW_33,
    V29.replace("curl/8", "a - - b\\"): ROW_27 | {"user_agent": "a - - b\\"},
    V29.replace(ROOT, 'Root="1"'): ROW_27 | {"trace_id": 'Root="1"'},
}
BAD = {
    f"{HEAD} {LONG}": "wrong_fields",
    f'{HEAD} "{LONG}x"': "wrong_fields",
    "": "empty_line",
    "  ": "empty_line",
    V29.replace("curl", "\0"): "nul_byte",
    "2026-03-03T23:59:59Z my-classic 192.0.2.1:1 - -1 -1 -1 504 0 0 0": "not_this_format",
    "tls 2.0 2026-03-03T23:59:59 net/my-network/c6e77e28c25b2234": "not_this_format",
    V29[: V29.index("curl")]: "unclosed_quote",
    V29.replace('curl/8"', "curl/8"): "unclosed_quote",
    HEAD: "wrong_fields",
    f'{HEAD} {REQUEST} "curl/8" - - {GROUP}': "wrong_fields",
    V29.replace("192.0.2.1:2817", "192.0.2.1"): "wrong_fields",
    V29.replace("192.0.2.1:2817", "[2001:db8::1]:x"): "wrong_fields",
    V29.replace(" 34 366", " 366"): "wrong_fields",
    V29.replace(" 0 2026", "  0 2026"): "wrong_fields",
    V29.replace("2026-03-03T23:59:59", "2026-02-30T23:59:59"): "bad_timestamp",
    V29.replace("2026-03-03T23:59:48", "2026-03-03T23:60:48"): "bad_timestamp",
    V29.replace("2026-03-03T23:59:59.186641Z", "today"): "bad_timestamp",
    V29.replace("2026-03-03T23:59:59.186641Z", "2026-03-31T23:58:60Z"): "bad_timestamp",
    V29.replace("2026-03-03T23:59:59", "0000-03-03T23:59:59"): "bad_timestamp",
    V29.replace("200 201", "2OO 201"): "bad_status",
    V29.replace("200 201", "200 2010"): "bad_status",
    V29.replace("200 201", "200 999"): "bad_status",
    V29.replace("192.0.2.1:2817", "www.example.com:2817"): "bad_address",
    V29.replace("192.0.2.1:2817", "192.0.2.300:2817"): "bad_address",
    V29.replace("198.51.100.7:8080", "1:2:3:8080", 1): "bad_address",
    V29.replace(":2817", ":65536"): "bad_value",
    V29.replace("app/web/50dc6c495c0c9188", "web"): "bad_value",
    V29.replace(GROUP, "0"): "bad_value",
    V29.replace(" - - arn", " - ECDHE arn"): "bad_value",
    f'{V27} "Harmless" "-"': "bad_value",
    V29.replace(TIMES, "0.001 fast 3"): "bad_number",
    V29.replace(TIMES, "0.001 -0.5 3"): "bad_number",
    V29.replace(":2817", f":{2**31}"): "bad_number",
    V29.replace(" 366 ", " 3.66 "): "bad_number",
    V29.replace(" 0 2026", " first 2026"): "bad_number",
    "Enable AccessLog for ELB: app/web/50dc6c495c0c9188 at 2026-03-03T23:55:00Z": SKIPPED,
    "Enable ConnectionLog for ELB: app/web/50dc6c495c0c9188 at 2026-03-03T23:55:00Z": SKIPPED,
}


def test_a_line_becomes_its_row_or_is_rejected(spark: SparkSession, tmp_path: Path) -> None:
    expected = GOOD | BAD
    rows = parsed(spark, tmp_path / "alb.log", "alb", [line.encode() for line in expected])
    assert_as_expected(rows, expected)
    assert set(BAD.values()) == {*REJECTS, SKIPPED}


def test_a_broken_line_is_read_as_plain_python_reads_it(
    spark: SparkSession, tmp_path: Path
) -> None:
    # The reference knows of no leap seconds.
    whole = [line for line in GOOD if len(line) < 2000 and ":60." not in line]
    lines = many_broken(whole, " ", 1500)
    rows = parsed(spark, tmp_path / "alb.log", "alb", lines)
    assert len(rows) == len(lines)
    assert_as_the_reference_says(rows, REJECTS, alb)
