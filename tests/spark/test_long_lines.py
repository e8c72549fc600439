"""Lines of tens of megabytes: what is wrong with one is said of it, and no other line suffers."""

import json
from pathlib import Path

from pyspark.sql import SparkSession

from jobs.access_logs import JOB, AccessLogOptions
from tests.conftest import RunJob
from tests.process import Gristmill

GOOD = (
    "https 2026-10-05T00:02:31.303552Z app/shop/1 192.0.2.4:59524 10.0.0.1:80 0.000 0.249 -1 200 "
    '200 350 9918 "GET https://shop.example.com:443/ HTTP/1.0" "UA" - - - "Root=1" "-" "-" 0 '
    '2026-10-05T00:02:31.054049Z "forward" "-" "-" "10.0.0.1:80" "200" "-" "-"'
)


def test_a_line_of_50_mb_is_rejected_and_shown(
    run_job: RunJob, command: Gristmill, tmp_path: Path
) -> None:
    # As where a file was overwritten: the start of a line, quotes, and then no end.
    long = f"{GOOD[:-2]} {'x y' * 16_700_000}"
    (tmp_path / "a.log").write_text(f"{GOOD}\n{long}\n{GOOD}\n")
    report = run_job(JOB, tmp_path / "a.log", options=AccessLogOptions(format="alb"))
    assert (report.lines, report.rejects) == (3, {"unclosed_quote": 1})
    told = command("rejects", tmp_path / "out").out
    assert f"{tmp_path / 'a.log'}:2" in told
    assert len(told) < 1000


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
