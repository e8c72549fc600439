"""Access logs, line by line, against what the formats' documentation says and plain Python."""

import dataclasses
import itertools
import json
import random
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pyspark.sql import Row, SparkSession

from gristmill.jobs.access_logs import JOB, AccessLogOptions
from gristmill.readers.logs.recognise import recognise
from gristmill.readers.logs.web import REJECTS, parse
from gristmill.readers.text.lines import ORIGIN
from tests.conftest import RunJob
from tests.support.log_lines import HEAD, broken, shifted
from tests.support.reference import Request, access_line

COLUMNS = [field.name for field in dataclasses.fields(Request)]
AT = datetime(2026, 10, 10, 20, 55, 36, tzinfo=UTC)


def parsed(spark: SparkSession, lines: list[str], line_format: str = "combined") -> list[Row]:
    numbered = [(line, "file:///a.log", 0, i) for i, line in enumerate(lines, 1)]
    schema = ", ".join(
        f"{name} {kind}"
        for name, kind in zip(ORIGIN, ("string", "string", "bigint", "bigint"), strict=True)
    )
    rows = parse(spark.createDataFrame(numbered, schema), None, line_format).collect()
    return sorted(rows, key=lambda row: row["_line_number"])


def values(row: Row) -> dict[str, Any]:
    found = {name: row[name] for name in COLUMNS}
    if found["timestamp"] is not None:
        # PySpark gives local time without a zone; the tests' session is in UTC, Python may not be.
        found["timestamp"] = found["timestamp"].astimezone(UTC)
    return found


def request(**changes: Any) -> dict[str, Any]:
    plain = Request(
        timestamp=AT,
        client="192.0.2.7",
        ident=None,
        user=None,
        method="GET",
        path="/a",
        query=None,
        protocol="HTTP/1.1",
        status=200,
        bytes=5,
        referer=None,
        user_agent="UA",
        forwarded_for=None,
    )
    return dataclasses.asdict(dataclasses.replace(plain, **changes))


NO_REQUEST: dict[str, Any] = {"method": None, "path": None, "query": None, "protocol": None}
COMBINED: dict[str, dict[str, Any]] = {
    f'{HEAD} "GET /a HTTP/1.1" 200 5 "-" "UA"': {},
    f'{HEAD} "GET /a HTTP/1.1" 200 5 "-" "UA" "203.0.113.9, 192.0.2.1"': {
        "forwarded_for": "203.0.113.9, 192.0.2.1"
    },
    f'{HEAD} "GET /a HTTP/1.1" 200 5 "-" "UA" "-"': {},
    f'{HEAD} "GET /a HTTP/1.1" 200 5 "-" "UA"  ': {},
    '2001:db8::1 - - [10/Oct/2026:13:55:36 -0700] "GET /a HTTP/1.1" 200 5 "-" "UA"': {
        "client": "2001:db8::1"
    },
    'host.example.com id bob@example.com [10/Oct/2026:13:55:36 -0700] "GET /a HTTP/1.1" 200 5 '
    '"-" "UA"': {"client": "host.example.com", "ident": "id", "user": "bob@example.com"},
    # Several addresses for the client, as where X-Forwarded-For is logged for it.
    **{
        f'{client} - - [10/Oct/2026:13:55:36 -0700] "GET /a HTTP/1.1" 200 5 "-" "UA"{behind}': {
            "client": client.partition(",")[0],
            "forwarded_for": others,
        }
        for client, behind, others in (
            ("192.0.2.7, 198.51.100.1", "", "198.51.100.1"),
            ("192.0.2.7, 198.51.100.1, 10.0.0.1", ' "-"', "198.51.100.1, 10.0.0.1"),
            ("192.0.2.7,198.51.100.1,10.0.0.1,10.0.0.2", "", "198.51.100.1,10.0.0.1,10.0.0.2"),
            ("2001:db8::1, [2001:db8::2]:443, unknown", "", "[2001:db8::2]:443, unknown"),
        )
    },
    'unix: - - [10/Oct/2026:13:55:36 -0700] "GET /a HTTP/1.1" 200 5 "-" "UA"': {"client": "unix:"},
    'localhost - - [10/Oct/2026:13:55:36 -0700] "GET /a HTTP/1.1" 200 5 "-" "UA"': {
        "client": "localhost"
    },
    # What Apache writes of a user without a name.
    '192.0.2.7 - "" [10/Oct/2026:13:55:36 -0700] "GET /a HTTP/1.1" 200 5 "-" "UA"': {},
    r'192.0.2.7 id "" [10/Oct/2026:13:55:36 -0700] "GET /a HTTP/1.1" 200 5 "-" "\"\" [UA"': {
        "ident": "id",
        "user_agent": '"" [UA',
    },
    '192.0.2.7 - - [10/Oct/2026:13:55:36 -0700]   "GET /a HTTP/1.1" 200 5 "-" "UA"': {},
    '192.0.2.7 - - [01/Jan/2017:05:29:60 +0530] "GET /a HTTP/1.1" 200 5 "-" "UA"': {
        "timestamp": datetime(2016, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)
    },
    f'{HEAD} "GET /a HTTP/1.1" 200 5 "-" "UA" ""': {},
    f'{HEAD} "GET /a HTTP/1.1" 200 5 "-" "UA" "unknown,192.0.2.1:80 , [2001:db8::2], ::1"': {
        "forwarded_for": "unknown,192.0.2.1:80 , [2001:db8::2], ::1"
    },
    '- - - [10/Oct/2026:13:55:36 -0700] "-" - - "-" "-"': {
        **NO_REQUEST,
        "client": None,
        "status": None,
        "bytes": None,
        "user_agent": None,
    },
    f'{HEAD} "" 400 0 "-" "UA"': {**NO_REQUEST, "status": 400, "bytes": 0},
    f'{HEAD} "-" 408 - "-" "UA"': {**NO_REQUEST, "status": 408, "bytes": None},
    rf'{HEAD} "\x16\x03\x01" 400 5 "-" "UA"': {**NO_REQUEST, "status": 400},
    f'{HEAD} "GET /a" 200 5 "-" "UA"': NO_REQUEST,
    f'{HEAD} "GET /a?b=c?d HTTP/2.0" 200 5 "-" "UA"': {"query": "b=c?d", "protocol": "HTTP/2.0"},
    f'{HEAD} "GET /a? HTTP/1.1" 200 5 "-" "UA"': {"query": ""},
    f'{HEAD} "GET ?q HTTP/1.1" 200 5 "-" "UA"': {"path": "", "query": "q"},
    f'{HEAD} "OPTIONS * HTTP/1.0" 200 5 "-" "UA"': {
        "method": "OPTIONS",
        "path": "*",
        "protocol": "HTTP/1.0",
    },
    f'{HEAD} "GET http://example.com/a b HTTP/1.1" 200 5 "-" "UA"': {
        "path": "http://example.com/a b"
    },
    rf'{HEAD} "GET /a\"b?\"c HTTP/1.1" 200 5 "x\"y" "say \"hi\" \\ \x22"': {
        "path": '/a"b',
        "query": '"c',
        "referer": 'x"y',
        "user_agent": r'say "hi" \ \x22',
    },
    rf'{HEAD} "GET /a HTTP/1.1" 200 5 "-" "ends with \\"': {"user_agent": "ends with \\"},
    f'{HEAD} "GET /a HTTP/1.1" 200 5 "" ""': {"referer": "", "user_agent": ""},
    f'{HEAD} "GET /a HTTP/1.1" 200 999999999999999999 "-" "UA"': {"bytes": 999999999999999999},
    '192.0.2.7 - - [11/Oct/2026:02:25:36 +0530] "GET /a HTTP/1.1" 200 5 "-" "UA"': {},
    f'"{HEAD} ""GET /a HTTP/1.1"" 200 5 ""-"" ""UA"""': {},
    f'"{HEAD} "GET /a HTTP/1.1" 200 5 "-" "UA""': {},
    rf'"{HEAD} \"GET /a HTTP/1.1\" 200 5 \"-\" \"UA\""': {},
    f'"{HEAD} """" 400 5 ""-"" ""UA"""': {**NO_REQUEST, "status": 400},
    f'"{HEAD} "" 400 5 "-" "UA""': {**NO_REQUEST, "status": 400},
}


def test_a_combined_line_becomes_what_it_says(spark: SparkSession) -> None:
    rows = parsed(spark, list(COMBINED))
    for row, (line, changes) in zip(rows, COMBINED.items(), strict=True):
        assert row["_reason"] is None, line
        assert values(row) == request(**changes), line


def test_a_common_line_becomes_what_it_says(spark: SparkSession) -> None:
    lines: dict[str, dict[str, Any]] = {
        '127.0.0.1 - frank [10/Oct/2026:13:55:36 -0700] "GET /a HTTP/1.1" 200 2326': {
            "client": "127.0.0.1",
            "user": "frank",
            "bytes": 2326,
        },
        f'{HEAD} "GET /a HTTP/1.1" 304 - ': {"status": 304, "bytes": None},
        f'"{HEAD} ""GET /a HTTP/1.1"" 200 5"': {},
    }
    rows = parsed(spark, list(lines), "common")
    for row, (line, changes) in zip(rows, lines.items(), strict=True):
        assert row["_reason"] is None, line
        assert values(row) == request(**{"user_agent": None, **changes}), line


REJECTED = {
    "": "empty_line",
    "   ": "empty_line",
    f'\0\0{HEAD} "GET /a HTTP/1.1" 200 5 "-" "UA"': "nul_byte",
    "[error] 4242#0: connection refused": "not_this_format",
    "hello": "not_this_format",
    "2026-10-10T13:55:36.123456789+00:00 stdout P 192.0.2.7 - - [10/Oct/2026": "partial_line",
    json.dumps({"log": HEAD, "stream": "stdout", "time": "2026-10-10T13:55:36Z"}): "partial_line",
    f'www.example.com:80 {HEAD} "GET /a HTTP/1.1" 200 5 "-" "UA"': "not_this_format",
    **{
        f'{who} [10/Oct/2026:13:55:36 -0700] "GET /a HTTP/1.1" 200 5 "-" "UA"': "not_this_format"
        for who in (
            "Nov - -",
            "frank - -",
            "192.0.2.256 - -",
            "192.0.2.7:4711 - -",
            "192.0.2 - -",
            "0.005 - -",
            "2001:db8:::1 - -",
            "1:2:3:4:5:6:7:8:9 - -",
            "unknown, 192.0.2.7 - -",
            "192.0.2.7, host.example.com - -",
            "192.0.2.7, - -",
            "host.example.com, 192.0.2.7 - -",
            "192.0.2.7 198.51.100.1 -",
            "192.0.2.7 - 198.51.100.1",
            "192.0.2.7 - 198.51.100.1:80",
            "192.0.2.7 - 198.51.100.1,10.0.0.1",
            "192.0.2.7 [2001:db8::1]:80 -",
            "www.example.com 192.0.2.7 -",
            "192.0.2.7 13:55:36 -",
            "192.0.2.7 - nginx:",
            "192.0.2.7  -",
            "192.0.2.7 -",
        )
    },
    **{
        f'{who} [10/Oct/2026:13:55:36 -0700] "GET /a HTTP/1.1" 200 5 "-" "UA"': "extra_fields"
        for who in (
            "www.example.com 192.0.2.7 - -",
            "www.example.com 192.0.2.7 id frank",
            "192.0.2.7 - Frank Miller",
            "192.0.2.7 - frank www.example.com",
            "192.0.2.7 - - 0.005",
        )
    },
    f'198.51.100.1, {HEAD} "GET /a HTTP/1.1" 200 5 "-" "UA" "198.51.100.1"': "extra_fields",
    **{
        f'{HEAD} "GET /a HTTP/1.1" 200 5 "-" "UA" "{more}"': "extra_fields"
        for more in (
            *("0.005", "www.example.com", "uid=1", "10.0.0.1 10.0.0.2", "10.0.0.1,", "10.0.0.256"),
            *("10:00:00", "[10.0.0.1]", "2001:db8::1::2", "unknown: 10.0.0.1"),
        )
    },
    'one two [10/Oct/2026:13:55:36 -0700] "GET / HTTP/1.1" 200 5 "-" "U"': "not_this_format",
    f'{HEAD} "GET /a HTTP/1.1" 200 5 "-" "UA': "unclosed_quote",
    f'{HEAD} "GET /a': "unclosed_quote",
    rf'{HEAD} "GET /a HTTP/1.1" 200 5 "-" "UA\"': "unclosed_quote",
    f'{HEAD} "GET /a HTTP/1.1" 200 5 "-" "UA" {"x" * 9}{chr(34) * 9}': "unclosed_quote",
    f'{HEAD} "GET /a HTTP/1.1" 200 5 "-" "UA" {"x" * 9}{chr(34) * 10}': "extra_fields",
    f'{HEAD} "GET /a HTTP/1.1" 200 5': "missing_fields",
    f'{HEAD} "GET /a HTTP/1.1" 200 5 "-"': "missing_fields",
    f'{HEAD} "GET /a HTTP/1.1" 200 "-" "UA"': "missing_fields",
    f'{HEAD} "GET /a HTTP/1.1"': "missing_fields",
    f"{HEAD}": "missing_fields",
    f'{HEAD} "GET /a HTTP/1.1" 200 5 "-" "UA" "x" "y"': "extra_fields",
    f'{HEAD} "GET /a HTTP/1.1" 200 5 "-" "UA" 0.003': "extra_fields",
    f'{HEAD} "GET /a HTTP/1.1" 200 5 7 "-" "UA"': "extra_fields",
    f'{HEAD} "GET /a HTTP/1.1" 200 5 "-" "say "hi" there"': "extra_fields",
    f'{HEAD} "GET /a HTTP/1.1" 200 5 "-""UA"': "extra_fields",
    '192.0.2.7 - - [31/Foo/2026:13:55:36 -0700] "GET /a HTTP/1.1" 200 5 "-" "UA"': "bad_timestamp",
    '192.0.2.7 - - [31/Feb/2026:13:55:36 -0700] "GET /a HTTP/1.1" 200 5 "-" "UA"': "bad_timestamp",
    '192.0.2.7 - - [10/Oct/2026:13:55:36] "GET /a HTTP/1.1" 200 5 "-" "UA"': "bad_timestamp",
    '192.0.2.7 - - [10/Oct/2026:25:55:36 +0000] "GET /a HTTP/1.1" 200 5 "-" "UA"': "bad_timestamp",
    '192.0.2.7 - - [10/Oct/2026:13:55:36 -0700]x "GET /a HTTP/1.1" 200 5 "-" "UA"': "bad_timestamp",
    f'{HEAD.replace("2026", "0000")} "GET /a HTTP/1.1" 200 5 "-" "UA"': "bad_timestamp",
    '192.0.2.7 - - [10/Oct/2026:13:55:60 -0700] "GET /a HTTP/1.1" 200 5 "-" "UA"': "bad_timestamp",
    '192.0.2.7 - - [-] "GET /a HTTP/1.1" 200 5 "-" "UA"': "bad_timestamp",
    f'{HEAD} "GET /a HTTP/1.1" 2x0 5 "-" "UA"': "bad_status",
    **{
        f'{HEAD} "GET /a HTTP/1.1" {status} 5 "-" "UA"': "bad_status"
        for status in ("20", "099", "600", "999", "000", "2000", "-1")
    },
    f'{HEAD} "GET /a HTTP/1.1" 200 5k "-" "UA"': "bad_bytes",
    f'{HEAD} "GET /a HTTP/1.1" 200 -5 "-" "UA"': "bad_bytes",
    f'{HEAD} "GET /a HTTP/1.1" 200 9999999999999999999 "-" "UA"': "bad_bytes",
}


def test_a_broken_line_is_rejected_for_its_reason(spark: SparkSession) -> None:
    rows = parsed(spark, list(REJECTED))
    assert {row["_raw"]: row["_reason"] for row in rows} == REJECTED


def test_every_reason_is_shown_once_at_least() -> None:
    assert set(REJECTED.values()) == set(REJECTS)


def test_a_combined_line_is_not_taken_for_a_common_one(spark: SparkSession) -> None:
    (row,) = parsed(spark, [f'{HEAD} "GET /a HTTP/1.1" 200 5 "-" "UA"'], "common")
    assert row["_reason"] == "extra_fields"


PREFIXES = (
    "Nov 25 10:00:00 web1 nginx: ",
    "Nov  5 10:00:00 web1 httpd[4242]: ",
    "<134>Nov 25 10:00:00 web1 nginx: ",
    "<134>Nov 25 10:00:00 nginx: ",
    "<30>Nov 25 10:00:00 web1 docker/web.1[12]: ",
    "Nov 25 10:00:00.123456 web1 nginx[1]: ",
    "2026-11-25T10:00:00.123456+00:00 web1 nginx: ",
    "2026-11-25T10:00:00+0000 web1 nginx[42]: ",
    "Wed 2026-11-25 10:00:00 UTC web1 nginx[42]: ",
    "<134>1 2026-11-25T10:00:00.003Z web1 nginx 42 access - ",
    "<134>1 - - - - - - ",
    "<134>1 2026-11-25T10:00:00Z web1 nginx - - - \ufeff",
    r'<134>1 2026-11-25T10:00:00Z web1 nginx 1 ID [a@1 b="c\]d\" e" f="g"][x@2] ' + "\ufeff",
    "2026-11-25T10:00:00.123456789Z stdout F ",
    "2026-11-25T10:00:00.123456789+01:00 stderr F ",
    "2026-11-25T10:00:00.123456789Z ",
    "[pod/web-1/nginx] ",
    "web-1  | ",
    "my_app-web.2 | 2026-11-25T10:00:00.123456789Z ",
    "\x1b[36mweb-1  |\x1b[0m ",
)
WRAPPERS = (
    {"log": "LINE\n", "stream": "stdout", "time": "2026-11-25T10:00:00.123456789Z"},
    {"log": "LINE\r\n"},
    {"__REALTIME_TIMESTAMP": "1", "MESSAGE": "LINE", "_PID": "42"},
)


def test_what_a_logger_puts_around_a_line_is_taken_off(spark: SparkSession) -> None:
    line = f'{HEAD} "GET /a?b HTTP/1.1" 200 5 "-" "say \\"hi\\""'
    in_json = [
        json.dumps({key: value.replace("LINE", line) for key, value in wrapper.items()})
        for wrapper in WRAPPERS
    ]
    lines = [f"{prefix}{line}" for prefix in PREFIXES] + in_json
    for row in parsed(spark, lines):
        assert row["_reason"] is None, row["_raw"]
        assert values(row) == request(query="b", user_agent='say "hi"'), row["_raw"]
        assert recognise({"a.log": row["_raw"]}) == "combined"
    # One prefix behind another, and prefixes of what is no request.
    odd = [f"{one}{two}{line}" for one, two in itertools.pairwise(PREFIXES)]
    odd += [f"{prefix}worker process 7 exited" for prefix in PREFIXES]
    odd += [json.dumps({"MESSAGE": [49, 57, 50]}), '{"log": "192', '{"log": 7}', "{}"]
    for row in parsed(spark, odd):
        assert row["_reason"] in ("not_this_format", "partial_line"), row["_raw"]


def test_common_and_combined_lines_are_read_beside_each_other(spark: SparkSession) -> None:
    common = f'{HEAD} "GET /a HTTP/1.1" 200 5'
    lines: dict[str, dict[str, Any] | str] = {
        common: {"user_agent": None},
        f'{common} "-" "UA"': {},
        f'{common} "-" "UA" "192.0.2.1"': {"forwarded_for": "192.0.2.1"},
        f'{common} "-"': "missing_fields",
        f'{HEAD} "GET /a HTTP/1.1" 200': "missing_fields",
        f'{HEAD} "GET /a HTTP/1.1"': "missing_fields",
        f"{common} 7": "extra_fields",
        f'{common} "-" "UA" 7': "extra_fields",
    }
    for row, (line, wanted) in zip(parsed(spark, list(lines), "web"), lines.items(), strict=True):
        found = row["_reason"] or values(row)
        assert found == (wanted if isinstance(wanted, str) else request(**wanted)), line


def test_broken_in_any_way_a_line_is_parsed_right_or_rejected(spark: SparkSession) -> None:
    rng = random.Random(20261121)
    # The reference knows of no leap seconds.
    whole = [line for line in COMBINED if not line.startswith('"') and ":60 " not in line]
    lines = [rng.choice((broken, shifted))(rng.choice(whole), rng) for _ in range(30000)]
    lines = [line for line in lines if not line.startswith('"')]
    right = 0
    for row in parsed(spark, lines):
        expected = access_line(row["_raw"], "combined")
        if expected is None:
            assert row["_reason"] in REJECTS, repr(row["_raw"])
        else:
            right += 1
            assert row["_reason"] is None, row["_raw"]
            assert values(row) == dataclasses.asdict(expected), row["_raw"]
    assert 2500 < right < 27500


def test_an_unclosed_quote_does_not_swallow_the_line_after_it(
    spark: SparkSession, run_job: RunJob, tmp_path: Path
) -> None:
    good = f'{HEAD} "GET /a HTTP/1.1" 200 5 "-" "UA"'
    bad = f'{HEAD} "GET /a HTTP/1.1" 200 5 "-" "UA'
    (tmp_path / "a.log").write_text("\r\n".join([good, bad, good, good]) + "\r\n")
    report = run_job(JOB, tmp_path / "a.log", options=AccessLogOptions())
    assert (report.lines, report.rejected, report.rejects) == (4, 1, {"unclosed_quote": 1})
    assert report.notes == ("format: combined (recognised)",)
    (reject,) = spark.read.parquet(str(tmp_path / "out" / "rejects")).collect()
    assert reject.asDict() == {
        "job": "access-logs",
        "reason": "unclosed_quote",
        "source_file": (tmp_path / "a.log").as_uri(),
        "block_start": 0,
        "line_number": 2,
        "raw": bad,
    }
    rows = spark.read.parquet(str(tmp_path / "out" / "web_requests"))
    assert {field.name: field.dataType.simpleString() for field in rows.schema} == {
        "timestamp": "timestamp",
        **dict.fromkeys(("client", "ident", "user", "method", "path", "query"), "string"),
        "protocol": "string",
        "status": "int",
        "bytes": "bigint",
        "referer": "string",
        "user_agent": "string",
        "forwarded_for": "string",
        "source_file": "string",
        "date": "date",
    }
    assert rows.count() == 3
    assert json.dumps(report.to_json())
