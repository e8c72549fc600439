"""Lines in a layout of their own, through Spark: the manuals' examples, odd and broken ones."""

from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from pyspark.sql import Row, SparkSession

from gristmill.readers.logs import formats
from gristmill.readers.logs.layout.compiled import compiled
from gristmill.readers.logs.layout.parse import parse
from gristmill.readers.logs.recognise import recognise
from gristmill.readers.text.lines import LINE_NUMBER, text_files
from tests.spark.lines import Values, assert_as_expected, parsed

EMPTY: Values = {field.name: None for field in formats()["layout"].dataset.fields}
del EMPTY["source_file"]
TEN = datetime(2026, 11, 25, 10, tzinfo=UTC)
PLAIN: Values = {
    **EMPTY,
    "timestamp": TEN,
    "client": "203.0.113.9",
    "method": "GET",
    "path": "/a",
    "query": "b=1",
    "protocol": "HTTP/1.1",
    "status": 200,
    "bytes": 12,
    "user_agent": "Mozilla/5.0",
    "date": date(2026, 11, 25),
}
CRI, CLF = "2026-11-25T10:00:01.5Z stdout F", "25/Nov/2026:10:00:00 +0000"
REST = '[25/Nov/2026:10:00:00 +0000] "GET /a?b=1 HTTP/1.1" 200 12 "-" "Mozilla/5.0"'


def read(
    spark: SparkSession, file: Path, layout: str, lines: list[str], zone: str = ""
) -> list[Row]:
    file.write_text("\n".join(lines) + "\n")
    found = text_files(spark, [str(file)]).lines
    rows = parse(found, None, compiled(layout), zone).collect()
    return sorted(rows, key=lambda row: row[LINE_NUMBER])


@pytest.mark.parametrize(
    ("name", "lines"),
    [
        (
            "vhost_combined",
            {
                f"www.example.com:443 203.0.113.9 - - {REST}": {
                    **PLAIN,
                    "vhost": "www.example.com",
                    "port": 443,
                },
                f"www.example.com 203.0.113.9 - - {REST}": "wrong_fields",
                f"www.example.com:https 203.0.113.9 - - {REST}": "bad_number",
                f"www.example.com:80 somebody - - {REST}": "bad_address",
                "": "empty_line",
            },
        ),
        (
            "apache-%D",
            {
                f"203.0.113.9 - - {REST} 1234": {**PLAIN, "seconds": 0.001234},
                f'203.0.113.9 - "" {REST} -': PLAIN,
                f"203.0.113.9 - - {REST} 12ms": "bad_number",
                f"203.0.113.9 - - {REST.replace(' 200 ', ' 099 ')} 1": "bad_status",
                f"203.0.113.9 - - {REST.replace(' 12 ', ' -3 ')} 1": "bad_bytes",
                f"203.0.113.9 - - {REST.replace('25/Nov', '31/Nov')} 1": "bad_timestamp",
            },
        ),
        (
            "ingress-nginx",
            {
                f"203.0.113.9 - - {REST} 350 0.504 [shop-web-80] [] 10.1.2.3:80, 10.1.2.4:80 "
                "0, 12 0.500, 0.004 502, 200 0af1": {
                    **PLAIN,
                    "seconds": 0.504,
                    "upstream_seconds": 0.504,
                    "request_id": "0af1",
                    "more": {
                        "request_length": "350",
                        "proxy_upstream_name": "shop-web-80",
                        "upstream_addr": "10.1.2.3:80, 10.1.2.4:80",
                        "upstream_response_length": "0, 12",
                        "upstream_status": "502, 200",
                    },
                },
                f"{CRI} 203.0.113.9 - - {REST} 350 0.001 [] [] - - - - -": {
                    **PLAIN,
                    "seconds": 0.001,
                    "more": {"request_length": "350"},
                },
                f"203.0.113.9 - - {REST} 350 0.504 [a] [] b 1 soon 200 0af1": "bad_number",
            },
        ),
        (
            "traefik",
            {
                f'203.0.113.9 - ann {REST} 3 "web@docker" "http://10.0.0.2:80" 15ms': {
                    **PLAIN,
                    "user": "ann",
                    "seconds": 0.015,
                    "more": {
                        "request_count": "3",
                        "router": "web@docker",
                        "server_url": "http://10.0.0.2:80",
                    },
                },
            },
        ),
        (
            "combined-iso",
            {
                f"203.0.113.9 - - {REST.replace(':00 +', ':00.123 +')}": {
                    **PLAIN,
                    "timestamp": TEN.replace(microsecond=123_000),
                },
                f"203.0.113.9 - - {REST.replace(CLF, '2026-11-25T12:00:00+02:00')}": PLAIN,
                f"203.0.113.9 - - {REST}": PLAIN,
            },
        ),
    ],
)
def test_layouts_with_a_name(
    spark: SparkSession, tmp_path: Path, name: str, lines: dict[str, Values | str]
) -> None:
    rows = parsed(spark, tmp_path / "a.log", name, [line.encode() for line in lines])
    assert_as_expected(rows, lines)


def test_lines_of_classic_load_balancers(spark: SparkSession, tmp_path: Path) -> None:
    start = "2026-11-25T10:00:00.250000Z shop-lb 203.0.113.9:2817"
    row = {**PLAIN, "timestamp": TEN.replace(microsecond=250_000), "vhost": "shop-lb"}
    more = {"client_port": "2817", "received_bytes": "0"}
    http = (
        f'{start} 10.0.0.1:80 0.000073 0.001048 0.000057 200 200 0 12 "GET '
        'https://shop.example.com:443/a?b=1 HTTP/1.1" "Mozilla/5.0" ECDHE-RSA-AES128 TLSv1.2'
    )
    tcp = f'{start} - -1 -1 -1 - - 0 0 "- - - " "-" - -'
    lines: dict[str, Values | str] = {
        http: {
            **row,
            "path": "https://shop.example.com:443/a",
            "upstream_seconds": 0.001048,
            "tls_cipher": "ECDHE-RSA-AES128",
            "tls_protocol": "TLSv1.2",
            "more": {
                **more,
                "backend": "10.0.0.1:80",
                "request_processing_time": "0.000073",
                "response_processing_time": "0.000057",
                "backend_status_code": "200",
            },
        },
        tcp: {
            **row,
            **dict.fromkeys(("method", "path", "query", "protocol", "status", "user_agent")),
            "bytes": 0,
            "more": {
                **more,
                "request_processing_time": "-1",
                "response_processing_time": "-1",
            },
        },
        http.replace(" 200 200 ", " 999 200 "): "bad_status",
    }
    assert recognise({"file": f"{http}\n{tcp}\n"}) == "elb"
    rows = parsed(spark, tmp_path / "a.log", "elb", [one.encode() for one in lines])
    assert_as_expected(rows, lines)


def test_haproxy_s_local_times_take_a_zone(spark: SparkSession, tmp_path: Path) -> None:
    start = "Nov 25 11:00:01 lb haproxy[14389]: 203.0.113.9:33317 [25/Nov/2026:11:00:00.250] "
    rest = "in~ static/srv1 10/0/30/69/109 200 12 - - ---- 1/1/1/1/0 0/0 {a|b} {} "
    aborted = rest.replace("69/109 200 12", "-1/109 -1 0").replace("{a|b} {} ", "")
    more = {
        "client_port": "33317",
        "frontend": "in~",
        "backend": "static",
        "server": "srv1",
        "TR": "10",
        "Tw": "0",
        "Tc": "30",
        "termination_state": "----",
        "actconn": "1",
        "feconn": "1",
        "beconn": "1",
        "srv_conn": "1",
        "retries": "0",
        "srv_queue": "0",
        "backend_queue": "0",
    }
    row = {**PLAIN, "timestamp": TEN.replace(microsecond=250_000), "user_agent": None}
    lines: dict[str, Values | str] = {
        f'{start}{rest}"GET /a?b=1 HTTP/1.1"': {
            **row,
            "seconds": 0.109,
            "upstream_seconds": 0.069,
            "more": {**more, "captured_headers": "{a|b} {} "},
        },
        f'{start}{aborted}"<BADREQ>"': {
            **row,
            **dict.fromkeys(("method", "path", "query", "protocol", "status")),
            "bytes": 0,
            "seconds": 0.109,
            "more": more,
        },
    }
    file = tmp_path / "a.log"
    file.write_text("\n".join(lines) + "\n")
    in_zone = formats()["haproxy-http"].in_zone
    assert in_zone is not None
    rows = in_zone("Europe/Berlin").parse(text_files(spark, [str(file)]).lines, None).collect()
    assert_as_expected(sorted(rows, key=lambda one: one[LINE_NUMBER]), lines)


def test_a_layout_of_ones_own(spark: SparkSession, tmp_path: Path) -> None:
    layout = (
        "$remote_addr:$remote_port|$host|$time_iso8601|$request_method|$request_uri|"
        '$server_protocol|$status|$bytes_sent|$body_bytes_sent|"$http_x_forwarded_for"|'
        "$ssl_protocol/$ssl_cipher|$request_id|$upstream_response_time"
    )
    line = (
        "2001:db8::1:5123|shop.example.com|2026-11-25T11:00:00+01:00|GET|/a?b=1|HTTP/1.1|200|250|12|"
        '"198.51.100.1, 10.0.0.1"|TLSv1.3/TLS_AES_128_GCM_SHA256|abc|0.010 : 0.020'
    )
    wanted = {
        **PLAIN,
        "client": "2001:db8::1",
        "user_agent": None,
        "forwarded_for": "198.51.100.1, 10.0.0.1",
        "vhost": "shop.example.com",
        "upstream_seconds": 0.03,
        "request_id": "abc",
        "tls_protocol": "TLSv1.3",
        "tls_cipher": "TLS_AES_128_GCM_SHA256",
        "more": {"remote_port": "5123", "bytes_sent": "250"},
    }
    rows = read(spark, tmp_path / "a.log", layout, [line, line.replace("|200|", "|OK|")])
    assert_as_expected(rows, {line: wanted, "broken": "bad_status"})


@pytest.mark.parametrize(
    ("layout", "written", "zone", "at"),
    [
        ("%h %{%d/%b/%Y:%T}t.%{msec_frac}t %{%z}t", "25/Nov/2026:11:00:00.250 +0100", "", 0.25),
        ("%h %{msec}t", "1795600800250", "", 0.25),
        ("%h %{usec}t", "1795600800250001", "", 0.250001),
        ("%h %{sec}t.%{usec_frac}t", "1795600800.250001", "", 0.250001),
        ("$remote_addr $msec", "1795600800.250", "", 0.25),
        ("%h %{%F %T}t", "2026-11-25 11:00:00", "Europe/Berlin", 0.0),
        ("%h [%{%Y-%m-%dT%H:%M:%S%z}t]", "[2026-11-25T10:00:00+0000]", "", 0.0),
        ("%h %{%F %T}t", "2026-10-25 02:30:00", "Europe/Berlin", None),
        ("%h %{%F %T}t", "2026-03-29 02:30:00", "Europe/Berlin", None),
        ("%h %{msec}t", "soon", "", None),
    ],
)
def test_times_as_servers_write_them(
    spark: SparkSession, tmp_path: Path, layout: str, written: str, zone: str, at: float | None
) -> None:
    (row,) = read(spark, tmp_path / "a.log", layout, [f"203.0.113.9 {written}"], zone)
    if at is None:
        assert row["_reason"] == "bad_timestamp"
        return
    found = row["timestamp"].astimezone(UTC)
    assert found == TEN.replace(microsecond=round(at * 1e6))


def test_what_is_escaped_and_what_is_hostile(spark: SparkSession, tmp_path: Path) -> None:
    layout = '%h %t "%r" %>s "%{User-Agent}i" "%{X-Odd}i"'
    lines: dict[str, Values | str] = {
        r'203.0.113.9 [25/Nov/2026:10:00:00 +0000] "GET /a?b=1 HTTP/1.1" 200 "a \"b\" \\ c" "é"': {
            **PLAIN,
            "bytes": None,
            "user_agent": r'a "b" \ c',
            "more": {"%{X-Odd}i": "é"},
        },
        r'203.0.113.9 [25/Nov/2026:10:00:00 +0000] "\x16\x03\x01" 400 "-" "-"': {
            **EMPTY,
            "timestamp": TEN,
            "date": date(2026, 11, 25),
            "client": "203.0.113.9",
            "status": 400,
            "more": {},
        },
        f'203.0.113.9 [{CLF}] "GET / HTTP/1.1" 200 "a" "b" "c"': "wrong_fields",
        f'203.0.113.9 [{CLF}] "GET / HTTP/1.1" 200 "a" "b': "wrong_fields",
    }
    rows = read(spark, tmp_path / "a.log", layout, list(lines))
    assert_as_expected(rows, lines)
    long = f'203.0.113.9 [25/Nov/2026:10:00:00 +0000] "{"x" * 300_000}" 200 "{"y" * 300_000}" "'
    (row,) = read(spark, tmp_path / "b.log", layout, [long])
    assert row["_reason"] == "wrong_fields"
