"""A run that was done and is asked for again with `--resume`."""

import json
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from gristmill.jobs import CATALOGUE
from gristmill.script import command
from gristmill.script.console import Console
from gristmill.spark import session as sessions

JOB = CATALOGUE["word-count"]


@pytest.fixture(autouse=True)
def running(spark: SparkSession, monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands use the Spark of the tests, and leave it."""
    monkeypatch.setattr(command, "session", lambda *_args, **_more: spark)
    monkeypatch.setattr(command, "end", lambda _spark: None)
    monkeypatch.setattr(command, "_heed_signals", lambda: None)


def run(folder: Path, since: str = "2026-01-01T00:00:00+00:00") -> int:
    words = ("--input", str(folder / "text"), "--output", str(folder / "out"), "--corpus", "a")
    report = ("--report", str(folder / "r.json"), "--resume", since)
    return command.run_command(JOB, [*words, *report], Console, program="gristmill word-count")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "text").mkdir()
    (tmp_path / "text" / "a.txt").write_text("one two two\n")
    return tmp_path


def test_what_was_done_is_not_done_again(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(folder) == 0
    first = json.loads((folder / "r.json").read_text())
    assert run(folder) == 0
    assert json.loads((folder / "r.json").read_text()) == first
    assert "word-count was done before: its report is there" in capsys.readouterr().err


@pytest.mark.parametrize("text", ['{"half', "failed"])
def test_a_report_that_is_cut_off_or_of_a_failure_stops_nothing(folder: Path, text: str) -> None:
    assert run(folder) == 0
    file = folder / "r.json"
    told = json.loads(file.read_text())
    run_before = told["run"]
    file.write_text(text if text != "failed" else json.dumps(told | {"state": "failed"}))
    assert run(folder) == 0
    assert json.loads(file.read_text())["run"] != run_before


def test_a_run_from_before_is_another_run(folder: Path) -> None:
    assert run(folder) == 0
    first = json.loads((folder / "r.json").read_text())
    # The same words again, as a schedule gives them: what has come since is to be read.
    (folder / "text" / "b.txt").write_text("three\n")
    later = datetime.fromisoformat(first["started"]) + timedelta(seconds=1)
    assert run(folder, later.isoformat()) == 0
    second = json.loads((folder / "r.json").read_text())
    assert (first["lines"], second["lines"]) == (1, 2)
    # Of the very second it is this one's.
    assert run(folder, second["started"]) == 0
    assert json.loads((folder / "r.json").read_text()) == second


def test_what_is_no_time_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--input", "a", "--output", "b", "--corpus", "c", "--resume", "noon"]
    assert command.run_command(JOB, words, Console, program="gristmill word-count") == 2
    assert "'noon' is no time of ISO 8601" in capsys.readouterr().err


def test_without_a_report_nothing_is_known(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--input", "a", "--output", "b", "--corpus", "c", "--resume", "2026-01-01"]
    assert command.run_command(JOB, words, Console, program="gristmill word-count") == 2
    assert "--resume needs --report" in capsys.readouterr().err


def test_a_spark_that_is_held_ends_once_at_the_last(monkeypatch: pytest.MonkeyPatch) -> None:
    ended: list[object] = []

    class Session:
        def stop(self) -> None:
            ended.append(self)

    one = Session()
    with sessions.held():
        sessions.end(one)  # type: ignore[arg-type]
        sessions.end(one)  # type: ignore[arg-type]
        assert ended == []
    assert ended == [one]
    sessions.end(one)  # type: ignore[arg-type]
    assert ended == [one, one]
