"""Flow logs of VPCs: the default columns, those of every version, chosen ones, broken lines."""

from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path

from pyspark.sql import SparkSession

from gristmill.jobs import access_logs
from gristmill.model.checks import SKIPPED
from gristmill.readers.logs.vpc_flow import FIELDS, REJECTS
from tests.conftest import RunJob
from tests.spark.lines import (
    Values,
    assert_as_expected,
    assert_as_the_reference_says,
    many_broken,
    nothing,
    parsed,
)
from tests.support.reference_logs import VPC, vpc_flow

V2 = "2 111122223333 eni-0a1b2c3d 192.0.2.16 198.51.100.21 20641 22 6 20 4249 1772582399 1772582459"
V2 += " ACCEPT OK"
ROW_2: Values = {
    **dict.fromkeys(field.name for field in FIELDS),
    "version": 2,
    "account_id": "111122223333",
    "interface_id": "eni-0a1b2c3d",
    "srcaddr": "192.0.2.16",
    "dstaddr": "198.51.100.21",
    "srcport": 20641,
    "dstport": 22,
    "protocol": 6,
    "packets": 20,
    "bytes": 4249,
    "start": datetime(2026, 3, 3, 23, 59, 59, tzinfo=UTC),
    "end": datetime(2026, 3, 4, 0, 0, 59, tzinfo=UTC),
    "action": "ACCEPT",
    "log_status": "OK",
    "date": date(2026, 3, 3),
}
NO_DATA_LINE = "2 111122223333 eni-0a1b2c3d - - - - - - - 1772582399 1772582459 - NODATA"
NO_DATA = nothing("srcaddr dstaddr srcport dstport protocol packets bytes action")
GOOD: dict[str, Values] = {
    V2: ROW_2,
    f"{V2} ": ROW_2,
    f" {V2}": ROW_2,
    V2.replace(" ", "  ", 3): ROW_2,
    V2.replace("192.0.2.16 198.51.100.21", "2001:db8::1 2001:db8::2"): ROW_2
    | {"srcaddr": "2001:db8::1", "dstaddr": "2001:db8::2"},
    V2.replace("111122223333", "unknown"): ROW_2 | {"account_id": "unknown"},
    V2.replace("111122223333", "000022223333"): ROW_2 | {"account_id": "000022223333"},
    V2.replace("ACCEPT", "REJECT"): ROW_2 | {"action": "REJECT"},
    **{
        NO_DATA_LINE.replace("NODATA", status): ROW_2 | NO_DATA | {"log_status": status}
        for status in ("NODATA", "SKIPDATA")
    },
    V2.replace("1772582399", "-"): ROW_2 | {"start": None, "date": date(2026, 3, 4)},
    V2.replace(" 4249 ", f" {2**63 - 1} "): ROW_2 | {"bytes": 2**63 - 1},
    V2.replace(" 6 20 ", " 0 20 "): ROW_2 | {"protocol": 0},
}
BAD = {
    "": "empty_line",
    " ": "empty_line",
    V2.replace("eni", "\0"): "nul_byte",
    V2.rpartition(" ")[0]: "wrong_fields",
    f"{V2} vpc-1": "wrong_fields",
    V2.replace(" ", "\t"): "wrong_fields",
    "Once upon a time": "wrong_fields",
    "the start of the end of a story that has fourteen words or so": "bad_timestamp",
    V2.replace("192.0.2.16", "host.example.com"): "bad_address",
    V2.replace("198.51.100.21", "198.51.100.256"): "bad_address",
    V2.replace("192.0.2.16", "192.0.2.16:80"): "bad_address",
    V2.replace("eni-0a1b2c3d", "192.0.2.16"): "bad_value",
    V2.replace("111122223333", "1111"): "bad_value",
    V2.replace(" 22 ", " 65536 "): "bad_value",
    V2.replace(" 6 20 ", " 256 20 "): "bad_value",
    V2.replace("ACCEPT OK", "OK ACCEPT"): "bad_value",
    V2.replace("ACCEPT", "MAYBE"): "bad_value",
    V2.replace("2 ", "204 ", 1): "bad_value",
    "a " * 100_000: "wrong_fields",
    "end " * 100_000: "wrong_fields",
    V2.replace("1772582399", "-").replace("1772582459", "-"): "bad_timestamp",
    V2.replace("1772582399", "soon"): "bad_timestamp",
    V2.replace("1772582459", "-1"): "bad_timestamp",
    V2.replace("1772582459", "1772582459000"): "bad_timestamp",
    V2.replace("1772582459", "1.772582459E9"): "bad_timestamp",
    V2.replace(" 22 ", " ssh "): "bad_number",
    V2.replace(" 4249 ", " -4249 "): "bad_number",
    V2.replace(" 4249 ", f" {2**63} "): "bad_number",
    V2.replace("2 ", "two ", 1): "bad_number",
}


def test_a_line_without_a_header_becomes_its_row_or_is_rejected(
    spark: SparkSession, tmp_path: Path
) -> None:
    expected = GOOD | BAD
    rows = parsed(spark, tmp_path / "a.log", "vpc_flow", [line.encode() for line in expected])
    assert_as_expected(rows, expected)
    assert set(BAD.values()) == set(REJECTS)


# Every column that there is, the last first, and one that is yet to come.
ALL = ("future-field", *reversed(VPC))
LATER = dict(
    zip(
        VPC[14:],
        [
            *("vpc-1", "subnet-1", "i-1", "19", "IPv4", "10.0.0.1", "10.0.0.2", "eu-west-1"),
            *("euw1-az1", "outpost", "op-1", "S3", "AMAZON", "egress", "8"),
            *("arn:c", "cluster", "arn:ci", "ci", "c1", "c2", "service", "arn:td", "arn:t", "t"),
            *("BPA", "nat-1", "1"),
        ],
        strict=True,
    )
)


def line_of_all(default: str) -> str:
    """A line with all columns, from one with those of the default."""
    pieces = dict(zip(VPC, default.split(), strict=False)) | LATER
    return " ".join((pieces | {"future-field": "?", "version": "10"})[name] for name in ALL)


def test_the_columns_of_every_version_go_where_they_belong(
    spark: SparkSession, tmp_path: Path
) -> None:
    pieces = (
        dict(zip(VPC, V2.split(), strict=False)) | LATER | {"future-field": "?", "version": "10"}
    )
    line = " ".join(pieces[name] for name in ALL)
    later = {name.replace("-", "_"): value for name, value in LATER.items()}
    row = ROW_2 | later | {"version": 10, "tcp_flags": 19, "traffic_path": 8}
    expected: dict[str, Values | str] = {
        " ".join(ALL): SKIPPED,
        f" {'  '.join(ALL)} ": SKIPPED,
        line: row,
        line.replace(" 19 ", " - ").replace(" 8 ", " - "): row
        | {"tcp_flags": None, "traffic_path": None},
        line.replace(" 19 ", " SYN "): "bad_number",
        V2: "wrong_fields",
    }
    lines = [line.encode() for line in expected]
    assert_as_expected(parsed(spark, tmp_path / "a.log", "vpc_flow", lines, ALL), expected)


def test_a_broken_line_is_read_as_plain_python_reads_it(
    spark: SparkSession, tmp_path: Path
) -> None:
    lines = [
        " ".join(ALL).encode(),
        *many_broken([line_of_all(V2), line_of_all(NO_DATA_LINE)], " ", 1500),
    ]
    rows = parsed(spark, tmp_path / "a.log", "vpc_flow", lines, ALL)
    assert len(rows) == len(lines)
    assert_as_the_reference_says(rows, REJECTS, partial(vpc_flow, header=ALL))


def test_a_run_over_every_column_there_is_comes_to_its_end(
    spark: SparkSession, run_job: RunJob, tmp_path: Path
) -> None:
    # Where many columns are checked, Spark's planning doubled with each, and never ended.
    (tmp_path / "a.log").write_text("\n".join([" ".join(ALL), line_of_all(V2), "no flow"]))
    run_job(access_logs.JOB, tmp_path / "a.log")
    (row,) = spark.read.parquet(str(tmp_path / "out" / "vpc_flows")).collect()
    assert (row["srcaddr"], row["tcp_flags"], row["encryption_status"]) == ("192.0.2.16", 19, "1")
    (reject,) = spark.read.parquet(str(tmp_path / "out" / "rejects")).collect()
    assert reject["reason"] == "wrong_fields"
