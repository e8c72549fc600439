"""Lines of tens of megabytes: what is wrong with one is said of it, and no other line suffers."""

import json
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from gristmill.jobs.access_logs import JOB, AccessLogOptions
from tests.conftest import RunJob
from tests.support.process import Gristmill

GOOD = "2 111122223333 eni-0a 192.0.2.4 10.0.0.1 443 999 6 7 5383 1791158440 1791158479 ACCEPT OK"


@pytest.mark.thorough
def test_a_line_of_50_mb_is_rejected_and_shown(
    run_job: RunJob, command: Gristmill, tmp_path: Path
) -> None:
    # With a piece for each of its fields it would not fit into the tests' 2 GB.
    (tmp_path / "a.log").write_text(f"{GOOD}\n{'x ' * 25_000_000}x\n{GOOD}\n")
    report = run_job(JOB, tmp_path / "a.log", options=AccessLogOptions(format="vpc_flow"))
    assert (report.lines, report.rejects) == (3, {"wrong_fields": 1})
    told = command("rejects", tmp_path / "out").out
    assert f"{tmp_path / 'a.log'}:2" in told
    assert len(told) < 1000


@pytest.mark.thorough
def test_every_event_of_one_line_of_20_mb_is_read(
    spark: SparkSession, run_job: RunJob, tmp_path: Path
) -> None:
    count = 20_000
    event = {
        "eventVersion": "1.09",
        "eventTime": "2026-10-05T00:02:31Z",
        "eventName": "GetObject",
        "requestParameters": {"key": "k" * 900},
    }
    events = ",".join(json.dumps(event | {"eventID": str(n)}) for n in range(count))
    (tmp_path / "a.json").write_text(f'{{"Records":[{events}]}}')
    report = run_job(JOB, tmp_path / "a.json", options=AccessLogOptions())
    assert (report.lines, report.rejected) == (count, 0)
    rows = spark.read.parquet(str(tmp_path / "out" / "cloudtrail_events"))
    assert rows.select("event_id").distinct().count() == count
