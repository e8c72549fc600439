"""Lines of IIS: by the columns that each file names, chosen ones, broken ones."""

from datetime import UTC, date, datetime
from pathlib import Path

from pyspark.sql import SparkSession

from gristmill.model.checks import SKIPPED
from gristmill.readers.logs.iis import header_of
from gristmill.readers.logs.recognise import recognise
from tests.spark.lines import Values, assert_as_expected, parsed
from tests.spark.test_layouts import EMPTY

DEFAULT = (
    "#Fields: date time s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip "
    "cs(User-Agent) cs(Referer) sc-status sc-substatus sc-win32-status time-taken"
)
LINE = (
    "2026-11-25 10:00:00 10.0.0.5 GET /a b=1 443 CORP\\ann 203.0.113.9 "
    "Mozilla/5.0+(Windows+NT+10.0) https://example.com/ 200 0 0 15"
)
ROW: Values = {
    **EMPTY,
    "timestamp": datetime(2026, 11, 25, 10, tzinfo=UTC),
    "date": date(2026, 11, 25),
    "client": "203.0.113.9",
    "user": "CORP\\ann",
    "method": "GET",
    "path": "/a",
    "query": "b=1",
    "status": 200,
    "referer": "https://example.com/",
    "user_agent": "Mozilla/5.0 (Windows NT 10.0)",
    "port": 443,
    "seconds": 0.015,
    "more": {"s-ip": "10.0.0.5", "sc-substatus": "0", "sc-win32-status": "0"},
}


def test_lines_by_the_columns_that_iis_writes_by_itself(
    spark: SparkSession, tmp_path: Path
) -> None:
    lines: dict[str, Values | str] = {
        "#Software: Microsoft Internet Information Services 10.0": SKIPPED,
        "#Version: 1.0": SKIPPED,
        "#Date: 2026-11-25 10:00:00": SKIPPED,
        DEFAULT: SKIPPED,
        LINE: ROW,
        LINE.replace("CORP\\ann", "-").replace(" b=1 ", " - "): {
            **ROW,
            "user": None,
            "query": None,
        },
        LINE.rpartition(" ")[0]: "wrong_fields",
        LINE.replace("10:00:00", "10:61:00"): "bad_timestamp",
        LINE.replace(" 200 ", " 20 "): "bad_status",
        LINE.replace(" 15", " soon"): "bad_number",
        LINE.replace("203.0.113.9", "nobody"): "bad_address",
        LINE.replace(" 443 ", " 99999 "): "bad_value",
        "free": "not_this_format",
        "": "empty_line",
    }
    assert recognise({"file": "\n".join(lines)}) == "iis"
    rows = parsed(
        spark, tmp_path / "a.log", "iis", [one.encode() for one in lines], header_of(DEFAULT)
    )
    assert_as_expected(rows, lines)


def test_lines_by_chosen_columns(spark: SparkSession, tmp_path: Path) -> None:
    header = "#Fields: date time c-ip cs-method cs-uri-stem sc-status sc-bytes cs-bytes cs-host"
    line = "2026-11-25 10:00:00 2001:db8::1 POST /b+c 404 12 300 shop.example.com"
    row: Values = {
        **EMPTY,
        "timestamp": ROW["timestamp"],
        "date": ROW["date"],
        "client": "2001:db8::1",
        "method": "POST",
        "path": "/b+c",
        "status": 404,
        "bytes": 12,
        "vhost": "shop.example.com",
        "more": {"cs-bytes": "300"},
    }
    rows = parsed(spark, tmp_path / "a.log", "iis", [line.encode()], header_of(header))
    assert_as_expected(rows, {line: row})
