"""Access logs of Apache (one line of which is really broken) and of nginx with a proxy's field."""

from pathlib import Path

import pytest
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from gristmill.cli import look
from gristmill.cli.show import lines
from gristmill.jobs import access_logs, traffic_summary
from gristmill.jobs.traffic_summary import TrafficSummaryOptions
from tests.conftest import RunJob
from tests.real.conftest import Expected


@pytest.mark.parametrize(
    ("name", "lines", "rejects", "total"),
    [
        ("apache_combined_10k", 10_000, {"unclosed_quote": 1}, 2_747_282_505),
        ("nginx_combined_xff_1k", 1_000, {}, 18_963_364),
    ],
)
def test_the_figures_of_a_real_log(
    spark: SparkSession,
    run_job: RunJob,
    data: Path,
    expected: Expected,
    tmp_path: Path,
    name: str,
    lines: int,
    rejects: dict[str, int],
    total: int,
) -> None:
    out = tmp_path / "out"
    report = run_job(access_logs.JOB, data / "logs_web" / f"{name}.log")
    assert (report.lines, report.rejects) == (lines, rejects)
    assert report.datasets[0].rows == lines - sum(rejects.values())

    requests = spark.read.parquet(str(out / "web_requests")).cache()
    assert requests.agg(F.sum("bytes")).first() == (total,)

    def grouped(key: str | Column) -> DataFrame:
        return requests.groupBy(key).agg(F.count(F.lit(1)), F.coalesce(F.sum("bytes"), F.lit(0)))

    def figures(kind: str, *names: str) -> dict[str, list[int]]:
        rows = expected(f"{name}.{kind}.csv")
        key = next(iter(rows[0]))
        return {row[key]: [int(row[n]) for n in names] for row in rows}

    def found(frame: DataFrame, count: int) -> dict[str, list[int]]:
        return {str(row[0]): list(row[1 : 1 + count]) for row in frame.collect()}

    assert found(grouped("client"), 1) == figures("hosts", "hits")
    assert found(grouped("method"), 1) == figures("methods", "hits")
    assert found(grouped("status"), 2) == figures("status", "hits", "bytes")
    assert found(grouped("path"), 2) == figures("paths", "hits", "bytes")
    days = figures("per_day_utc", "hits", "bytes")
    assert found(grouped("date"), 2) == days
    hours = F.date_format("timestamp", "yyyy-MM-dd'T'HH")
    assert found(grouped(hours), 1) == figures("per_hour_utc", "hits")
    hosts = requests.groupBy("date").agg(F.count_distinct("client"))
    assert found(hosts, 1) == figures("per_day_utc", "distinct_hosts")

    run_job(traffic_summary.JOB, out, options=TrafficSummaryOptions(top=3))
    hourly = spark.read.parquet(str(out / "traffic_hourly"))
    by_day = hourly.groupBy("date").agg(F.sum("requests"), F.sum("bytes"))
    assert found(by_day, 2) == days
    by_hour = F.concat_ws("T", "date", F.lpad(F.col("hour").cast("string"), 2, "0"))
    assert found(hourly.groupBy(by_hour).agg(F.sum("requests")), 1) == figures(
        "per_hour_utc", "hits"
    )


def test_the_broken_line_is_found_at_its_place(
    spark: SparkSession, run_job: RunJob, data: Path, tmp_path: Path
) -> None:
    log = data / "logs_web" / "apache_combined_10k.log"
    run_job(access_logs.JOB, log)
    (row,) = spark.read.parquet(str(tmp_path / "out" / "rejects")).collect()
    raw = log.read_bytes().split(b"\n")[8898].decode()
    assert (row["line_number"], row["block_start"], row["raw"]) == (8899, 0, raw)
    shown = "\n".join(lines(look.rejects(str(tmp_path / "out"), 3)))
    assert f"{log.as_uri()}:8899  {raw[:20]}" in shown
