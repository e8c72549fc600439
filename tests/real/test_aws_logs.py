"""Real logs of AWS, of each format some: figures made elsewhere, and every row by plain Python."""

import gzip
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import Column, DataFrame, Row, SparkSession
from pyspark.sql import functions as F

from gristmill.jobs.access_logs import JOB
from tests.conftest import RunJob
from tests.real.conftest import Expected
from tests.support.reference_logs import Parsed, alb, cloudfront, s3_access, vpc_flow


def test_the_figures_of_cloudfront(
    spark: SparkSession, run_job: RunJob, data: Path, expected: Expected, tmp_path: Path
) -> None:
    log = data / "logs_aws" / "cloudfront" / "sample-cloudfront-access-logs.gz"
    report = run_job(JOB, log)
    hits = sum(int(row["hits"]) for row in expected("cloudfront_sample.by_status.csv"))
    assert (report.lines, report.rejected, report.skipped) == (hits + 2, 0, 2)
    rows = spark.read.parquet(str(tmp_path / "out" / "cloudfront_requests")).cache()

    def found(key: str) -> list[tuple[Any, ...]]:
        counted = rows.groupBy(key).agg(F.count(F.lit(1)), F.sum("sc_bytes"))
        return sorted((str(row[0]), *row[1:]) for row in counted.collect())

    def wanted(kind: str) -> list[tuple[Any, ...]]:
        figures = [list(row.values()) for row in expected(f"cloudfront_sample.{kind}.csv")]
        return sorted((key, *map(int, numbers)) for key, *numbers in figures)

    assert found("sc_status") == wanted("by_status")
    assert found("cs_uri_stem") == wanted("by_stem")
    assert [row[:2] for row in found("x_edge_result_type")] == wanted("by_result_type")
    assert rows.where(F.col("cs_user_agent").contains("%20")).count() == 0


def test_the_figures_of_cloudtrail(
    spark: SparkSession, run_job: RunJob, data: Path, expected: Expected, tmp_path: Path
) -> None:
    report = run_job(JOB, data / "logs_aws" / "cloudtrail")
    events = sum(int(row["events"]) for row in expected("cloudtrail_share.by_day_region.csv"))
    assert (report.lines, report.rejected, report.skipped) == (events, 0, 0)
    rows = spark.read.parquet(str(tmp_path / "out" / "cloudtrail_events")).cache()

    def counted(frame: DataFrame, *keys: str | Column) -> set[tuple[str, ...]]:
        return {tuple(map(str, row)) for row in frame.groupBy(*keys).count().collect()}

    def wanted(kind: str, *columns: str) -> set[tuple[str, ...]]:
        figures = expected(f"cloudtrail_share.{kind}.csv")
        return {tuple(row[name] for name in columns or row) for row in figures}

    assert counted(rows, "date", "aws_region") == wanted("by_day_region")
    assert counted(rows.where("error_code is not null"), "error_code") == wanted("by_error")
    assert counted(rows, "source_ip_address") == wanted("by_source_ip")
    assert counted(rows, "event_source", "event_name") == wanted(
        "by_source_name", "eventSource", "eventName", "events"
    )
    unreadable = "request_parameters is not null and try_parse_json(request_parameters) is null"
    assert rows.where(unreadable).count() == 0


@pytest.mark.parametrize(
    ("folder", "dataset", "reference"),
    [
        ("s3_access", "s3_requests", s3_access),
        ("alb", "alb_requests", alb),
        ("vpc_flow", "vpc_flows", vpc_flow),
        ("cloudfront", "cloudfront_requests", cloudfront),
    ],
)
def test_every_row_is_what_plain_python_makes_of_its_line(
    spark: SparkSession,
    run_job: RunJob,
    data: Path,
    tmp_path: Path,
    folder: str,
    dataset: str,
    reference: Callable[[str], Parsed],
) -> None:
    files = sorted((data / "logs_aws" / folder).iterdir())
    lines = [line for file in files for line in lines_of(file)]
    report = run_job(JOB, *files)
    headers = sum(line.startswith(("#", "version ")) for line in lines)
    assert (report.lines, report.rejected, report.skipped) == (len(lines), 0, headers)
    rows = spark.read.parquet(str(tmp_path / "out" / dataset)).drop("source_file").collect()
    wanted = [row for line in lines if isinstance(row := reference(line), dict)]
    assert len(rows) == len(wanted) == len(lines) - headers
    assert Counter(map(as_pairs, rows)) == Counter(map(as_pairs, wanted))


def lines_of(file: Path) -> list[str]:
    """The lines of a file, plain or not."""
    raw = file.read_bytes()
    text = gzip.decompress(raw) if file.suffix == ".gz" else raw
    return text.decode().rstrip("\n").split("\n")


def as_pairs(row: Row | dict[str, Any]) -> frozenset[tuple[str, Any]]:
    """A row as something to count."""
    values = row if isinstance(row, dict) else row.asDict()
    return frozenset(
        (name, value.astimezone(UTC) if isinstance(value, datetime) else value)
        for name, value in values.items()
    )
