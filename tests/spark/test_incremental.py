"""Loading hour by hour, in any order and under any spelling: each line once, on its own day."""

import gzip
from datetime import date
from pathlib import Path

import pyarrow.dataset as arrow
import pytest
from pyspark.sql import SparkSession

from gristmill.engine.run import Run, execute
from gristmill.errors import InputError
from gristmill.jobs import access_logs
from gristmill.model.job import Request
from gristmill.publish.state import read_state
from gristmill.storage.local import LocalStorage
from tests.support.process import rows, snapshot

GOOD = '192.0.2.7 - - [{day:02d}/Oct/2026:{hour}:00:00 +0000] "GET /{path} HTTP/1.1" 200 5\n'

Hours = dict[tuple[int, int], int]


def write(path: Path, hours: Hours, *, bad: int = 0) -> Path:
    """A log with so many good lines by day and hour, and bad ones."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [
        GOOD.format(day=day, hour=hour, path=number)
        for (day, hour), count in hours.items()
        for number in range(count)
    ]
    path.write_bytes(gzip.compress("".join(lines + ["nonsense\n"] * bad).encode()))
    return path


class Mill:
    """Loads of access logs into one output."""

    def __init__(self, spark: SparkSession, out: Path) -> None:
        self.spark, self.out = spark, out

    def load(self, *inputs: Path | str, batch: str | None = None) -> list[str]:
        """Load; gives what was told."""
        told: list[str] = []
        options = access_logs.JOB.options(format="common")
        where = str(self.out)
        request = Request(tuple(map(str, inputs)), where, options, batch=batch)
        report = execute(self.spark, access_logs.JOB, request, Run.new(), told.append)
        assert list(report.notes) == told
        return told

    def days(self) -> dict[int, int]:
        """Rows by day of the month."""
        found = arrow.dataset(self.out / "web_requests", format="parquet", partitioning="hive")
        counted: dict[int, int] = {}
        for row in found.to_table(columns=["date"]).to_pylist():
            day = date.fromisoformat(str(row["date"])).day
            counted[day] = counted.get(day, 0) + 1
        return counted


@pytest.fixture
def mill(spark: SparkSession, tmp_path: Path) -> Mill:
    return Mill(spark, tmp_path / "out")


@pytest.mark.thorough
@pytest.mark.parametrize(
    "order", [(13, 14, 14), pytest.param((14, 13), marks=pytest.mark.thorough)]
)
def test_hours_come_in_any_order_and_late_lines_go_to_their_own_day(
    mill: Mill, tmp_path: Path, order: tuple[int, ...]
) -> None:
    hours = {
        13: write(tmp_path / "13.log.gz", {(10, 13): 3}, bad=2),
        # What came in before midnight, and an hour ago, and was logged late.
        14: write(tmp_path / "14.log.gz", {(9, 23): 1, (10, 13): 1, (10, 14): 4}, bad=1),
    }
    for hour in order:
        assert mill.load(hours[hour]) == []
    assert mill.days() == {9: 1, 10: 8}
    assert rows(mill.out / "rejects") == 3


@pytest.mark.thorough
def test_a_correction_by_the_name_of_its_batch_replaces_that_and_no_other(
    mill: Mill, tmp_path: Path
) -> None:
    mill.load(write(tmp_path / "13.log.gz", {(10, 13): 3}, bad=1), batch="10T13")
    log = write(tmp_path / "14.log.gz", {(9, 23): 1, (10, 14): 4}, bad=1)
    mill.load(log, batch="10T14")
    write(log, {(10, 14): 5}, bad=2)
    (told_of_it,) = mill.load(log, batch="10T14")
    assert "has other content than when it was loaded" in told_of_it
    assert (mill.days(), rows(mill.out / "rejects")) == ({10: 8}, 3)
    told = mill.load(write(tmp_path / "new" / "14.log.gz", {(11, 14): 2}), batch="10T14")
    assert told == [
        "batch '10T14' held files that are not in this input (1): their rows are replaced too"
    ]
    assert (mill.days(), rows(mill.out / "rejects")) == ({10: 3, 11: 2}, 1)
    batches = read_state(LocalStorage(str(mill.out))).datasets["web_requests"].batches
    assert sorted(batch.name or "" for batch in batches.values()) == ["10T13", "10T14"]


def test_the_same_files_under_another_spelling_are_not_doubled(mill: Mill, tmp_path: Path) -> None:
    day = tmp_path / "odd day, 100%"
    for hour in (12, 13, 14):
        write(day / f"{hour}.log.gz", {(10, hour): hour}, bad=1)
    mill.load(day / "12.log.gz")
    mill.load(day / "13.log.gz")
    told = mill.load(day)
    assert len(told) == 2
    assert all(note.startswith("replaces also the batch of --input") for note in told)
    assert (mill.days(), rows(mill.out / "rejects")) == ({10: 39}, 3)

    (note,) = mill.load(f"{day}/*.gz")
    assert note.endswith("all its files (3) belong to this one")
    assert (mill.days(), rows(mill.out / "rejects")) == ({10: 39}, 3)

    before = snapshot(mill.out)
    other = write(tmp_path / "15.log.gz", {(10, 15): 1})
    with pytest.raises(InputError, match=r"14\.log\.gz was loaded as part of the batch of --input"):
        mill.load(day / "14.log.gz", other)
    assert snapshot(mill.out) == before
