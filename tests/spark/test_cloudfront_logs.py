"""Lines of CloudFront: with the columns of every version, with chosen ones, broken."""

import json
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from gristmill.model.checks import SKIPPED
from gristmill.readers.logs.cloudfront import FIELDS, REJECTS
from gristmill.readers.logs.recognise import recognise
from tests.spark.lines import (
    Values,
    assert_as_expected,
    assert_as_the_reference_says,
    many_broken,
    nothing,
    parsed,
    values,
)
from tests.support.reference_logs import CLOUDFRONT, cloudfront

PIECES = [
    *("2026-03-03", "23:59:59", "FRA53-C1", "392", "192.0.2.100", "GET", "d111.cloudfront.net"),
    *(
        "/a%20b/index.html",
        "200",
        "https://example.com/?q=%20",
        "Mozilla/5.0%20(X11)",
        "x=1&y=%2520",
    ),
    *("k=v;%20l=w", "Hit", "SOX4xwn4XV6Q4rgb7XiVGOHms_BGlTAC==", "www.example.com", "https", "23"),
    *("0.001", "-", "TLSv1.3", "TLS_AES_128_GCM_SHA256", "Hit", "HTTP/2.0"),
    *("Processed", "2"),
    *("11040", "0.002", "Hit", "text/html;%20charset=UTF-8", "78", "0", "77"),
]
V24, V26, V33 = ("\t".join(PIECES[:count]) for count in (24, 26, 33))
ROW_24: Values = {
    **dict.fromkeys(field.name for field in FIELDS),
    "timestamp": datetime(2026, 3, 3, 23, 59, 59, tzinfo=UTC),
    "date": date(2026, 3, 3),
    "time": "23:59:59",
    "x_edge_location": "FRA53-C1",
    "sc_bytes": 392,
    "c_ip": "192.0.2.100",
    "cs_method": "GET",
    "cs_host": "d111.cloudfront.net",
    "cs_uri_stem": "/a%20b/index.html",
    "sc_status": 200,
    "cs_referrer": "https://example.com/?q=%20",
    "cs_user_agent": "Mozilla/5.0 (X11)",
    "cs_uri_query": "x=1&y=%2520",
    "cs_cookie": "k=v;%20l=w",
    "x_edge_result_type": "Hit",
    "x_edge_request_id": "SOX4xwn4XV6Q4rgb7XiVGOHms_BGlTAC==",
    "x_host_header": "www.example.com",
    "cs_protocol": "https",
    "cs_bytes": 23,
    "time_taken": 0.001,
    "x_forwarded_for": None,
    "ssl_protocol": "TLSv1.3",
    "ssl_cipher": "TLS_AES_128_GCM_SHA256",
    "x_edge_response_result_type": "Hit",
    "cs_protocol_version": "HTTP/2.0",
}
ROW_26 = ROW_24 | {"fle_status": "Processed", "fle_encrypted_fields": 2}
ROW_33 = ROW_26 | {
    "c_port": 11040,
    "time_to_first_byte": 0.002,
    "x_edge_detailed_result_type": "Hit",
    "sc_content_type": "text/html;%20charset=UTF-8",
    "sc_content_len": 78,
    "sc_range_start": 0,
    "sc_range_end": 77,
}


def with_(**changes: str) -> str:
    """A line of 33 with other values in some places."""
    names = [name.replace("-", "_").replace("(", "_").rstrip(")").lower() for name in CLOUDFRONT]
    pieces = dict(zip(names, PIECES, strict=True)) | changes
    return "\t".join(pieces[name] for name in names)


AGENTS = {
    "Mozilla/5.0%2520(X11;%2520Linux)%2520+http://example.com": (
        "Mozilla/5.0 (X11; Linux) +http://example.com"
    ),
    "My%2520App/1%20CFNetwork/978": "My%20App/1 CFNetwork/978",
    "100%25": "100%",
    "a%2Bb+c": "a+b+c",
    "%E9%A2%A8%F0%9F%99%82%22%5C": '風🙂"\\',
    "cut%20off%2": "cut%20off%2",
    "no%ZZhex%20": "no%ZZhex%20",
    "not%FFutf-8": "not\ufffdutf-8",
    "plain": "plain",
}
GOOD: dict[str, Values] = {
    V24: ROW_24,
    V26: ROW_26,
    V33: ROW_33,
    f"{V24}\t": ROW_24,
    f"{V33}\t": ROW_33,
    **{
        with_(cs_user_agent=logged): ROW_33 | {"cs_user_agent": agent}
        for logged, agent in AGENTS.items()
    },
    with_(sc_status="000", sc_bytes="0"): ROW_33 | {"sc_status": 0, "sc_bytes": 0},
    with_(date="2016-12-31", time="23:59:60"): ROW_33
    | {"timestamp": datetime(2016, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)}
    | {"date": date(2016, 12, 31), "time": "23:59:60"},
    with_(sc_status="-"): ROW_33 | {"sc_status": None},
    with_(c_ip="2001:db8::64", x_forwarded_for="203.0.113.9,%202001:db8::1"): ROW_33
    | {"c_ip": "2001:db8::64", "x_forwarded_for": "203.0.113.9,%202001:db8::1"},
    with_(cs_protocol="wss", x_edge_result_type="LambdaGeneratedResponse"): ROW_33
    | {"cs_protocol": "wss", "x_edge_result_type": "LambdaGeneratedResponse"},
    with_(sc_content_len="-", sc_range_start="", sc_range_end="-", c_port="-"): ROW_33
    | nothing("sc_content_len sc_range_start sc_range_end c_port"),
    with_(cs_uri_stem='/"quoted" and\\spaced'): ROW_33 | {"cs_uri_stem": '/"quoted" and\\spaced'},
}
BAD = {
    "": "empty_line",
    "\t\t\t": "empty_line",
    V33.replace("FRA53", "\0"): "nul_byte",
    "not a line of CloudFront": "not_this_format",
    V33[:12]: "wrong_fields",
    V33.rpartition("\t")[0]: "wrong_fields",
    f"{V33}\t-": "wrong_fields",
    f"{V33}\t\t": "wrong_fields",
    with_(date="2026-02-29"): "bad_timestamp",
    with_(date="03/03/2026"): "bad_timestamp",
    with_(date="-"): "bad_timestamp",
    with_(time="24:00:00"): "bad_timestamp",
    with_(time="9:00:00"): "bad_timestamp",
    with_(sc_status="2xx"): "bad_status",
    with_(sc_status="0"): "bad_status",
    with_(sc_status="999"): "bad_status",
    with_(c_ip="viewer.example.com"): "bad_address",
    with_(c_ip="192.0.2.100,192.0.2.1"): "bad_address",
    with_(x_edge_location="somewhere"): "bad_value",
    with_(cs_method="GET /"): "bad_value",
    with_(cs_protocol="HTTP/2.0"): "bad_value",
    with_(cs_protocol_version="https"): "bad_value",
    with_(ssl_protocol="TLS_AES_128_GCM_SHA256"): "bad_value",
    with_(c_port="65536"): "bad_value",
    with_(sc_bytes="many"): "bad_number",
    with_(time_taken="0,001"): "bad_number",
    with_(c_port="99999999999"): "bad_number",
    "#Version: 1.0": SKIPPED,
    "#": SKIPPED,
}


def test_a_line_without_a_header_becomes_its_row_or_is_rejected(
    spark: SparkSession, tmp_path: Path
) -> None:
    expected = GOOD | BAD
    rows = parsed(spark, tmp_path / "cf.log", "cloudfront", [line.encode() for line in expected])
    assert_as_expected(rows, expected)
    assert set(BAD.values()) == {*REJECTS, SKIPPED}


CHOSEN = ("timestamp(ms)", "asn", "sc-status", "x-edge-request-id", "c-ip", "cs(User-Agent)")


def test_chosen_columns_go_where_they_belong(spark: SparkSession, tmp_path: Path) -> None:
    found = {
        "timestamp": datetime(2026, 3, 3, 23, 59, 59, 123000, tzinfo=UTC),
        "date": date(2026, 3, 3),
        "sc_status": 206,
        "x_edge_request_id": "id==",
        "c_ip": "192.0.2.100",
        "cs_user_agent": "a b",
    }
    expected: dict[str, Values | str] = {
        "#Fields: " + " ".join(CHOSEN): SKIPPED,
        "1772582399123\t64500\t206\tid==\t192.0.2.100\ta%20b": (
            dict.fromkeys(field.name for field in FIELDS) | found
        ),
        "1772582399123\t64500\t206\tid==\t192.0.2.100": "wrong_fields",
        "-\t64500\t206\tid==\t192.0.2.100\ta": "bad_timestamp",
        f"{2**62}\t64500\t206\tid==\t192.0.2.100\ta": "bad_timestamp",
        "yesterday\t64500\t206\tid==\t192.0.2.100\ta": "bad_timestamp",
        V33: "wrong_fields",
    }
    lines = [line.encode() for line in expected]
    assert_as_expected(parsed(spark, tmp_path / "cf.log", "cloudfront", lines, CHOSEN), expected)


def test_a_broken_line_is_read_as_plain_python_reads_it(
    spark: SparkSession, tmp_path: Path
) -> None:
    header = tuple(reversed(CLOUDFRONT))
    # The reference knows of no leap seconds.
    whole = [line for line in GOOD if line.count("\t") == 32 and ":60\t" not in line]
    turned = ["\t".join(reversed(line.split("\t"))) for line in whole]
    lines = [f"#Fields: {' '.join(header)}".encode(), *many_broken(turned, "\t", 1500)]
    rows = parsed(spark, tmp_path / "cf.log", "cloudfront", lines, header)
    assert len(rows) == len(lines)
    assert_as_the_reference_says(rows, REJECTS, partial(cloudfront, header=header))


@pytest.mark.thorough
def test_lines_of_json_are_as_those_with_tabs(spark: SparkSession, tmp_path: Path) -> None:
    names = tuple(field.name for field in FIELDS[1:])
    odd = {"cs_host": "cs(Host)", "cs_referrer": "cs(Referer)", "cs_user_agent": "cs(User-Agent)"}
    odd["cs_cookie"] = "cs(Cookie)"
    keys = [odd.get(name, name.replace("_", "-")) for name in names]
    whole = dict(zip(keys, PIECES, strict=True))
    (wanted,) = parsed(spark, tmp_path / "a.log", "cloudfront", [V33.encode()])
    lines: dict[str, Values | str] = {
        json.dumps(whole): values(wanted),
        json.dumps({key: whole[key] for key in ("c-ip", "sc-status")}): "bad_timestamp",
        json.dumps({**whole, "sc-status": "999"}): "bad_status",
        json.dumps({**whole, "c-ip": "nobody"}): "bad_address",
        json.dumps(whole)[:-4]: "bad_json",
        "": "empty_line",
    }
    assert recognise({"file": json.dumps(whole) + "\n"}) == "cloudfront-json"
    rows = parsed(spark, tmp_path / "b.log", "cloudfront-json", [one.encode() for one in lines])
    assert_as_expected(rows, lines)
    timed = {key: value for key, value in whole.items() if key not in {"date", "time"}}
    line = json.dumps({**timed, "timestamp(ms)": "1772582399250"})
    (row,) = parsed(spark, tmp_path / "c.log", "cloudfront-json", [line.encode()])
    at = datetime(2026, 3, 3, 23, 59, 59, 250_000, tzinfo=UTC)
    assert (row["timestamp"].astimezone(UTC), row["sc_status"]) == (at, 200)
