"""The Python call: what it gives and raises, and that it leaves its process as it found it."""

import dataclasses
import functools
import json
import logging
import os
import re
import signal
import sys
import threading
import time
from collections.abc import Callable, Mapping
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

import gristmill
from gristmill.errors import (
    GristmillError,
    InputError,
    RunError,
    TooManyRejectsError,
    UsageError,
)
from gristmill.jobs import word_count
from gristmill.jobs.word_count import WordCountOptions
from tests.support.own_job import write_own_job
from tests.support.process import ROOT, TIMEOUT


def state(spark: SparkSession) -> dict[str, Any]:
    """What of a process a call could change."""
    loggers = [logging.getLogger(name) for name in sorted(logging.root.manager.loggerDict)]
    properties = ("spark.jobGroup.id", "spark.job.description", "spark.job.interruptOnCancel")
    return {
        "signals": {number: signal.getsignal(number) for number in (2, 15)},
        "loggers": [(one.name, one.level, one.handlers) for one in (logging.root, *loggers)],
        "environment": dict(os.environ),
        "settings": dict(spark.conf.getAll),
        "active": SparkSession.getActiveSession(),
        "streams": (sys.stdout, sys.stderr, sys.excepthook),
        "properties": {name: spark.sparkContext.getLocalProperty(name) for name in properties},
        "directory": Path.cwd(),
    }


def in_a_thread(work: Callable[[], Any]) -> Any:
    given: list[Any] = []
    thread = threading.Thread(target=lambda: given.append(work()))
    thread.start()
    thread.join()
    return given[0]


@pytest.fixture
def text(tmp_path: Path) -> Path:
    (tmp_path / "in.txt").write_text("one two\nTwo\n")
    return tmp_path / "in.txt"


def test_a_call_runs_a_job_and_leaves_everything_as_it_was(
    spark: SparkSession, text: Path, tmp_path: Path
) -> None:
    spark.conf.set("spark.sql.session.timeZone", "America/New_York")
    spark.sparkContext.setJobGroup("mine", "my own work", interruptOnCancel=False)
    try:
        gristmill.run("word-count", input=text, output=tmp_path / "first")  # loads what it loads
        before = state(spark)
        report = gristmill.run(
            word_count.JOB, input=[text], output=tmp_path / "out", corpus="mine", spark=spark
        )
        assert state(spark) == before
    finally:
        spark.conf.unset("spark.sql.session.timeZone")
        for name in ("spark.jobGroup.id", "spark.job.description", "spark.job.interruptOnCancel"):
            spark.sparkContext._jsc.setLocalProperty(name, None)
    assert (report.state, report.lines, report.datasets[0].rows) == ("succeeded", 2, 2)
    rows = spark.read.parquet(str(tmp_path / "out" / "word_counts")).collect()
    assert {(row["word"], row["count"], row["corpus"]) for row in rows} == {
        ("one", 1, "mine"),
        ("two", 2, "mine"),
    }
    assert spark.range(3).count() == 3


def test_a_call_hears_how_far_it_is(spark: SparkSession, text: Path, tmp_path: Path) -> None:
    heard: list[gristmill.Progress] = []
    told = str(tmp_path / "told")
    is_told, pause, longest = os.path.exists, time.sleep, TIMEOUT

    def hear(progress: gristmill.Progress) -> None:
        heard.append(progress)
        if progress.phase in {"reading", "writing"}:
            Path(told).touch()

    def until_told(line: str) -> str:
        # In a worker of Spark's, so that the work goes on until it is heard of.
        for _ in range(longest * 20):
            if is_told(told):
                break
            pause(0.05)
        return line

    def slowly(rows: DataFrame, options: WordCountOptions) -> Mapping[str, DataFrame]:
        waiting = F.udf(until_told, "string", useArrow=False)("line")
        return word_count.JOB.transform(rows.withColumn("line", waiting), options)

    job = dataclasses.replace(word_count.JOB, transform=slowly)
    gristmill.run(job, input=text, output=tmp_path / "out", spark=spark, progress=hear)
    phases = {one.phase for one in heard}
    assert phases <= {"waiting", "listing", "reading", "writing", "publishing", "starting"}
    assert phases & {"reading", "writing"}
    assert all(one.done <= one.tasks for one in heard)


def test_threads_call_beside_each_other(spark: SparkSession, text: Path, tmp_path: Path) -> None:
    def call(name: str) -> Any:
        return gristmill.run("word-count", input=text, output=tmp_path / name)

    assert in_a_thread(lambda: call("a")).datasets[0].rows == 2
    reports: list[Any] = []
    threads = [
        threading.Thread(target=lambda name=name: reports.append(call(name))) for name in "bcd"
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [report.datasets[0].rows for report in reports] == [2, 2, 2]


def test_notices_go_to_the_logger_or_the_callback(
    spark: SparkSession,
    text: Path,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "a.log").write_text(
        '203.0.113.9 - - [25/Nov/2026:10:00:00 +0000] "GET / X" 200 1\n'
    )
    told: list[str] = []
    call: dict[str, Any] = {"job": "access-logs", "input": tmp_path / "a.log"}
    gristmill.run(**call, output=tmp_path / "one", notice=told.append)
    assert any("format: common" in line for line in told)
    with caplog.at_level(logging.INFO, "gristmill.api.run"):
        gristmill.run(**call, output=tmp_path / "two")
    assert caplog.messages == told
    assert capfd.readouterr() == ("", "")


def test_a_file_of_one_s_own_is_a_job(spark: SparkSession, text: Path, tmp_path: Path) -> None:
    job = write_own_job(tmp_path / "mine")
    path = [*sys.path]
    try:
        # Workers of a Spark that runs already do not see the folder: what is pickled has to do.
        job.write_text(job.read_text().replace('F.udf(loud, "string")', "F.upper"))
        report = gristmill.run(job, input=text, output=tmp_path / "out")
    finally:
        sys.path[:] = path
        for name in ("shout_job", "loud_words"):
            sys.modules.pop(name, None)
    assert report.job == "shout"


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (
            {"corpsu": "a"},
            r"unknown option corpsu: did you mean corpus\?",
        ),
        ({"min_count": "3"}, r"--min-count takes int, not '3'"),
        ({"job": "word-cuont"}, r"did you mean word-count"),
        ({"input": ()}, r"--input is missing"),
        ({"max_reject_rate": 2}, r"takes 0 to 1"),
        ({"wait": "long"}, r"wait: 'long' is not a span of time"),
    ],
)
def test_what_is_wrong_is_raised_before_spark_starts(
    monkeypatch: pytest.MonkeyPatch, wrong: dict[str, Any], told: str
) -> None:
    monkeypatch.setattr("gristmill.api.run._running", lambda: 1 / 0)
    call: dict[str, Any] = {"job": "word-count", "input": "x", "output": "y"}
    with pytest.raises(UsageError, match=told) as error:
        gristmill.run(**call | wrong)
    assert error.value.retryable is False


def test_what_fails_is_raised_by_its_class(spark: SparkSession, text: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such input"):
        gristmill.run("word-count", input=tmp_path / "none", output=tmp_path / "out")
    (tmp_path / "bad.log").write_text("what is this\n" * 3)
    with pytest.raises(TooManyRejectsError):
        gristmill.run(
            "access-logs", input=tmp_path / "bad.log", output=tmp_path / "out", format="combined"
        )
    (tmp_path / "file").write_text("")
    with pytest.raises(GristmillError) as error:
        gristmill.run("word-count", input=text, output=tmp_path / "file")
    assert "Traceback" not in str(error.value)


def test_a_failure_without_a_class_is_a_run_error_with_its_cause(
    spark: SparkSession, text: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gristmill.api.run.execute", lambda *_given: 1 / 0)
    with pytest.raises(RunError, match="division by zero") as error:
        gristmill.run("word-count", input=text, output=tmp_path / "out")
    assert isinstance(error.value.__cause__, ZeroDivisionError)
    assert error.value.retryable is True


class Tags(HTMLParser):
    """The tags of a document that are open, and its text."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, _attributes: Any) -> None:
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def test_a_report_shows_itself_in_jupyter(spark: SparkSession, text: Path, tmp_path: Path) -> None:
    report = gristmill.run("word-count", input=text, output=tmp_path / "<b>&out")
    tags = Tags()
    tags.feed(report._repr_html_())
    assert tags.open == []
    assert "word-count: 2 lines in, 0 rejected" in tags.text
    assert "<b>&out" in tags.text


def test_the_readme_s_call_is_as_it_says(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.S)
    (call,) = [block for block in blocks if block.startswith("import gristmill\n")]
    scope: dict[str, Any] = {}
    exec(call.replace('"out"', repr(str(tmp_path / "out"))), scope)
    assert scope["report"].lines == 6000
    assert len(scope["requests"]) == scope["report"].datasets[0].rows


def test_what_a_project_has_follow_runs_follows_a_call(
    spark: SparkSession, text: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    settings = '[tool.gristmill.lineage]\nto = "events.jsonl"\n'
    (tmp_path / "pyproject.toml").write_text(settings)
    call = functools.partial(gristmill.run, "word-count", output="out", spark=spark)
    call(input=text)
    with pytest.raises(InputError):
        call(input=tmp_path / "missing.txt")
    events = [json.loads(one) for one in (tmp_path / "events.jsonl").read_text().splitlines()]
    assert [one["eventType"] for one in events] == ["COMPLETE", "FAIL"]


def test_names_are_of_the_working_directory_and_not_of_the_one_spark_was_started_in(
    spark: SparkSession, text: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "reports").mkdir()
    monkeypatch.chdir(tmp_path / "reports")
    report = gristmill.run("word-count", input="../in.*", output="out", spark=spark)
    assert report.lines == len(text.read_text().splitlines())
    assert gristmill.open("out")["word_counts"].rows == report.datasets[0].rows
    again = gristmill.run("word-count", input=text, output=tmp_path / "reports/out", spark=spark)
    assert again.datasets[0].rows == report.datasets[0].rows
