"""Running again, at any time: nothing lost, nothing doubled."""

import gzip
from pathlib import Path

import pyarrow.dataset as arrow
import pytest

from gristmill.jobs import access_logs, traffic_summary, word_count
from gristmill.jobs.word_count import WordCountOptions
from tests.conftest import RunJob
from tests.support.process import rows, snapshot

GOOD = '192.0.2.7 - - [{day}/Oct/2026:{hour:02d}:00:00 +0000] "GET /{path} HTTP/1.1" 200 5\n'


def hour(folder: Path, number: int, lines: int = 3, *, day: int = 10, bad: int = 0) -> Path:
    """A log of an hour, with so many good and bad lines."""
    path = folder / f"{number:02d}.log.gz"
    good = "".join(GOOD.format(day=day, hour=number, path=n) for n in range(lines))
    path.write_bytes(gzip.compress((good + "nonsense\n" * bad).encode()))
    return path


def test_an_hour_adds_to_its_day_and_loaded_again_replaces_itself(
    run_job: RunJob, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    first, second = hour(tmp_path, 13, 3, bad=2), hour(tmp_path, 14, 4, bad=1)
    for log, requests, rejects in ((first, 3, 2), (second, 7, 3), (first, 7, 3), (second, 7, 3)):
        run_job(access_logs.JOB, log)
        assert (rows(out / "web_requests"), rows(out / "rejects")) == (requests, rejects)
    # A correction: an hour with other lines, on another day, and none of them bad.
    hour(tmp_path, 14, 2, day=11)
    run_job(access_logs.JOB, second)
    assert (rows(out / "web_requests"), rows(out / "rejects")) == (5, 2)


def test_a_corpus_replaces_itself_even_with_nothing(run_job: RunJob, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("one two two")
    for corpus in ("a", "b"):
        run_job(word_count.JOB, tmp_path / "a.txt", options=WordCountOptions(corpus=corpus))
    run_job(word_count.JOB, tmp_path / "a.txt", options=WordCountOptions(corpus="b", min_count=9))
    found = arrow.dataset(tmp_path / "out" / "word_counts", format="parquet", partitioning="hive")
    assert [row["corpus"] for row in found.to_table().to_pylist()] == ["a", "a"]


@pytest.mark.thorough
def test_a_rerun_gives_the_same_bytes_under_other_names(
    run_job: RunJob, samples: Path, tmp_path: Path
) -> None:
    contents = []
    for _ in range(2):
        run_job(access_logs.JOB, samples / "logs")
        run_job(traffic_summary.JOB, tmp_path / "out")
        run_job(word_count.JOB, samples / "text")
        files = snapshot(tmp_path / "out").items()
        contents.append(sorted((Path(name).parent, data) for name, data in files))
    assert contents[0] == contents[1]
