"""Traffic by hour and path, against plain Python over the same requests."""

import gzip
from collections import Counter, defaultdict
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from gristmill.errors import InputError
from gristmill.jobs import access_logs, traffic_summary
from gristmill.jobs.traffic_summary import TrafficSummaryOptions
from tests.conftest import RunJob
from tests.support.process import rows
from tests.support.reference import Request, access_line


def requests(folder: Path) -> list[Request]:
    text = b""
    for file in sorted(folder.iterdir()):
        data = file.read_bytes()
        text += gzip.decompress(data) if file.suffix == ".gz" else data
    parsed = (access_line(line, "combined") for line in text.decode().split("\n"))
    return [request for request in parsed if request]


def test_the_summary_is_that_of_plain_python(
    spark: SparkSession, run_job: RunJob, samples: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    run_job(access_logs.JOB, samples / "logs")
    run_job(traffic_summary.JOB, out / "web_requests", options=TrafficSummaryOptions(top=5))

    groups = defaultdict(list)
    paths: dict[object, Counter[str]] = defaultdict(Counter)
    for request in requests(samples / "logs"):
        day, hour = request.timestamp.date(), request.timestamp.hour
        status = None if request.status is None else f"{request.status // 100}xx"
        groups[day, hour, status, request.method].append(request)
        if request.path is not None:
            paths[day][request.path] += 1
    expected = {
        (*key, len(group), sum(r.bytes or 0 for r in group), len({r.client for r in group}))
        for key, group in groups.items()
    }
    names = ("date", "hour", "status_class", "method", "requests", "bytes", "clients")
    hourly = spark.read.parquet(str(out / "traffic_hourly")).select(*names).collect()
    assert {tuple(row) for row in hourly} == expected
    assert len(hourly) == len(expected)

    clients: dict[object, set[object]] = defaultdict(set)
    for request in requests(samples / "logs"):
        for span in (request.timestamp.hour, None):
            clients[request.timestamp.date(), span].add(request.client)
    counted = spark.read.parquet(str(out / "traffic_clients")).select("date", "hour", "clients")
    assert {(row[0], row[1]): row[2] for row in counted.collect()} == {
        key: len(who) for key, who in clients.items()
    }

    top = {
        (day, rank, path, count)
        for day, counts in paths.items()
        for rank, (path, count) in enumerate(
            sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:5], 1
        )
    }
    found = spark.read.parquet(str(out / "top_paths"))
    assert {tuple(row) for row in found.select("date", "rank", "path", "requests").collect()} == top


@pytest.mark.thorough
def test_a_day_that_has_no_paths_any_more_has_none_at_the_top(
    run_job: RunJob, tmp_path: Path
) -> None:
    out, logs = tmp_path / "out", tmp_path / "logs"
    logs.mkdir()
    line = '192.0.2.7 - - [05/Oct/2026:10:00:0{} +0000] "{}" 400 0\n'
    # Two days, of which the first is corrected: what came was no HTTP at all.
    other = line.format(1, "GET /b HTTP/1.1").replace("05/Oct", "06/Oct")
    for number, request in enumerate(("GET /a HTTP/1.1", "-")):
        (logs / "a.log").write_text(line.format(number, request) + other)
        run_job(access_logs.JOB, logs)
        run_job(traffic_summary.JOB, out)
    assert rows(out / "traffic_hourly") == 2
    assert rows(out / "top_paths") == 1


def test_without_requests_to_summarise_it_says_which_job_to_run(
    run_job: RunJob, tmp_path: Path
) -> None:
    (tmp_path / "logs").mkdir()
    with pytest.raises(InputError, match=r"no dataset .*web_requests in .*: run the job that writ"):
        run_job(traffic_summary.JOB, tmp_path / "logs")
    only = TrafficSummaryOptions(dataset="alb_requests")
    with pytest.raises(InputError, match=r"no dataset alb_requests in .*: run the job that writes"):
        run_job(traffic_summary.JOB, tmp_path / "logs", options=only)
    with pytest.raises(InputError, match="no such input"):
        run_job(traffic_summary.JOB, tmp_path / "nowhere")
