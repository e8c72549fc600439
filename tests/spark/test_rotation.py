"""Inputs that are loaded again after their files were rotated, packed, deleted or corrected."""

import gzip
import os
from collections import Counter
from pathlib import Path

import pyarrow.dataset as arrow
import pytest
from pyspark.sql import SparkSession

from gristmill.engine.run import Run, execute
from gristmill.errors import InputError
from gristmill.jobs import access_logs, traffic_summary
from gristmill.model.job import Request
from gristmill.model.report import Report
from gristmill.storage.hadoop import stats
from tests.support.process import snapshot

LINE = '192.0.2.{n} - - [{day:02}/Oct/2026:13:55:{n:02} +0000] "GET /{day} HTTP/1.1" 200 5\n'


def lines(day: int, count: int, first: int = 0) -> bytes:
    return "".join(LINE.format(day=day, n=n) for n in range(first, first + count)).encode()


class Logs:
    """A folder of logs that are rotated by a clock of their own, and an output."""

    def __init__(self, spark: SparkSession, folder: Path) -> None:
        self.spark, self.output, self.now = spark, folder / "out", 1_790_000_000
        self.folder = folder / "logs"
        self.folder.mkdir()

    def write(self, name: str, data: bytes) -> None:
        self.now += 60
        (self.folder / name).write_bytes(data)
        os.utime(self.folder / name, (self.now, self.now))

    def rotate(self, kept: int) -> None:
        """As logrotate does: each file gets the next name, and the last one goes."""
        (self.folder / f"access.log.{kept}").unlink(missing_ok=True)
        for number in range(kept - 1, 0, -1):
            file = self.folder / f"access.log.{number}"
            if file.exists():
                file.rename(self.folder / f"access.log.{number + 1}")
        (self.folder / "access.log").rename(self.folder / "access.log.1")

    def load(self, name: str = "", *, replace: bool = False, batch: str | None = None) -> Report:
        return self.run(access_logs.JOB, self.folder / name, replace=replace, batch=batch)

    def run(
        self, job: object, source: Path, *, replace: bool = False, batch: str | None = None
    ) -> Report:
        options = job.options()  # type: ignore[attr-defined]
        request = Request((str(source),), str(self.output), options, replace=replace, batch=batch)
        return execute(self.spark, job, request, Run.new(), lambda _text: None)  # type: ignore[arg-type]

    def days(self) -> Counter[int]:
        """The requests of each day."""
        read = arrow.dataset(self.output / "web_requests", partitioning="hive")
        return Counter(int(row["path"][1:]) for row in read.to_table(["path"]).to_pylist())


@pytest.fixture
def logs(spark: SparkSession, tmp_path: Path) -> Logs:
    return Logs(spark, tmp_path)


@pytest.mark.thorough
def test_what_rotates_away_stays_and_nothing_comes_twice(logs: Logs) -> None:
    for day in (1, 2, 3):
        logs.write("access.log", lines(day, 10 * day))
        logs.rotate(3)
    assert logs.load().lines == 60
    logs.write("access.log", lines(4, 40))
    logs.rotate(3)
    report = logs.load()
    assert (report.lines, report.datasets[0].rows) == (40, 40)
    assert (
        "files of this batch that are gone: 1; its 60 rows stay, and would go with --replace"
    ) in report.notes
    assert logs.days() == {1: 10, 2: 20, 3: 30, 4: 40}
    # Once more, packed as logrotate may pack them, there is nothing to do.
    before = snapshot(logs.output)
    file = logs.folder / "access.log.2"
    (logs.folder / "access.log.2.gz").write_bytes(gzip.compress(file.read_bytes()))
    os.utime(logs.folder / "access.log.2.gz", (file.stat().st_mtime, file.stat().st_mtime))
    file.unlink()
    report = logs.load()
    assert report.notes[-1] == "no file is new: there is nothing to load"
    assert (report.lines, report.datasets, snapshot(logs.output)) == (0, (), before)

    # A summary knows what came to it.
    logs.run(traffic_summary.JOB, logs.output)
    read = arrow.dataset(logs.output / "traffic_hourly", partitioning="hive")
    assert sum(row["requests"] for row in read.to_table(["requests"]).to_pylist()) == 100

    # Where a file has grown too, its rows cannot be told from those that are gone.
    logs.write("access.log.1", lines(4, 45))
    before = snapshot(logs.output)
    with pytest.raises(InputError, match=r"gone: 1; and file:\S+/access\.log\.1 has .*--replace"):
        logs.load()
    assert snapshot(logs.output) == before
    logs.load(replace=True)
    assert logs.days() == {2: 20, 3: 30, 4: 45}


def test_a_file_that_grows_is_loaded_whole_under_any_name(logs: Logs) -> None:
    logs.write("access.log", lines(1, 5))
    logs.load()
    logs.write("access.log", lines(1, 20))
    assert logs.load().lines == 20
    logs.write("access.log", lines(1, 25))
    logs.rotate(3)
    logs.write("access.log", lines(2, 1))
    assert logs.load().lines == 26
    assert logs.days() == {1: 25, 2: 1}


def test_what_is_corrected_is_replaced_and_told(logs: Logs) -> None:
    logs.write("a.log", lines(1, 5) + lines(2, 5))
    logs.write("b.log", lines(1, 1, 9))
    logs.load()
    logs.write("a.log", lines(2, 3, 5) + lines(3, 3))
    (note,) = (text for text in logs.load().notes if "other content" in text)
    assert "/logs/a.log has other content than when it was loaded" in note
    assert logs.days() == {1: 1, 2: 3, 3: 3}


def test_a_name_for_what_is_loaded_may_mean_other_files(logs: Logs) -> None:
    logs.write("one.log", lines(1, 5))
    logs.write("two.log", lines(1, 3))
    logs.load("one.log", batch="today")
    report = logs.load("two.log", batch="today")
    assert any("their rows are replaced too" in note for note in report.notes)
    assert logs.days() == {1: 3}


@pytest.mark.parametrize("few", [0, 99])
def test_hadoop_tells_size_and_time_of_files_one_by_one_or_by_their_folder(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, few: int
) -> None:
    monkeypatch.setattr("gristmill.storage.hadoop._FEW", few)
    folder = tmp_path / "a b[1]"
    folder.mkdir()
    files = [folder / f"{number} é.log" for number in range(3)]
    for number, file in enumerate(files):
        file.write_bytes(b"x" * number)
    # With one slash it is not taken for a file of this machine.
    named = [file.as_uri().replace("file:///", "file:/") for file in [*files, folder / "none"]]
    found = stats(spark, named)
    assert found == {
        uri: (file.stat().st_size, file.stat().st_mtime_ns // 1_000_000)
        for uri, file in zip(named, files, strict=False)
    }
