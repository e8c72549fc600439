"""Readers of other tools, which list a dataset's folder while publishes replace what is in it.

Each publish replaces all files of two partitions. It moves the new ones in one by one and then
takes the old ones out, so at any moment the old or the new ones are all there. But a reader takes
longer than a moment: it may fail, when a file that it has listed goes away, and of files that go
between its listing and its look at each it knows nothing ("less"; one in thousands of reads while
publishes follow on each other). `pytest -s` prints how often readers found what, and for how long
publishes were under way.
"""

import json
import re
import statistics
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow.dataset as arrow
import pytest

from gristmill.publish import layout
from gristmill.publish.log import Log
from gristmill.storage.local import LocalStorage
from tests.crash.test_processes import await_stop, hear, worker
from tests.crash.worker import PARTITIONS, ROWS
from tests.support.process import TIMEOUT

Found = Iterable[tuple[str, int, int]]
"""Of each file its path, its generation, and its rows."""


@dataclass(frozen=True)
class Seen:
    """What readers found, and how many milliseconds each publish was under way."""

    counts: Counter[str]
    took: list[float]

    def __str__(self) -> str:
        total = sum(self.counts.values())
        shares = ", ".join(f"{what} {n / total:.1%}" for what, n in sorted(self.counts.items()))
        middle, longest = statistics.median(self.took), max(self.took)
        return (
            f"{total} reads: {shares}; {len(self.took)} publishes, each applied within "
            f"{middle:.1f} ms (median), {longest:.1f} ms (longest)"
        )


def read_with_duckdb(folder: Path) -> Found | None:
    """What DuckDB finds; None where a file that it had listed has gone."""
    query = "SELECT filename, generation, count(*) FROM read_parquet(?, hive_partitioning = true, "
    query += "filename = true) GROUP BY ALL"
    try:
        return duckdb.execute(query, [f"{folder}/**/*.parquet"]).fetchall()
    except duckdb.IOException as error:
        if "No such file or directory" not in str(error):
            raise
        return None


def read_with_arrow(folder: Path) -> Found | None:
    """What pyarrow finds; None where a file that it had listed has gone."""
    try:
        dataset = arrow.dataset(str(folder), format="parquet", partitioning="hive")
        table = dataset.to_table(columns=["__filename", "generation"])
    except FileNotFoundError:
        return None
    counted = table.group_by(["__filename", "generation"]).aggregate([([], "count_all")])
    return [(row["__filename"], row["generation"], row["count_all"]) for row in counted.to_pylist()]


def classify(found: Found | None, files: int, before: int) -> str:
    """What a reader found that began when generation `before` was the newest in the log."""
    if found is None:
        return "failed"
    partitions: dict[str, Counter[int]] = {}
    for path, generation, rows in found:
        assert layout.HOME not in path
        assert rows == ROWS, path
        (shop,) = re.findall(r"/shop=(\d+)/", path)
        partitions.setdefault(shop, Counter())[generation] += 1
    whole = [seen for seen in partitions.values() if max(seen.values()) == files]
    if len(whole) < PARTITIONS:
        return "less"
    if any(len(seen) > 1 for seen in partitions.values()):
        return "both"
    generations = {generation for seen in partitions.values() for generation in seen}
    if len(generations) > 1:
        return "old in one partition, new in another"
    return "only old" if max(generations) < before else "only new"


def watch(
    read: Callable[[Path], Found | None], folder: Path, files: int, reads: int, pause: float = 0
) -> Seen:
    """Read again and again while another process publishes again and again."""
    counts: Counter[str] = Counter()
    log = Log(LocalStorage(str(folder)))
    with worker("generations", folder, str(files), str(pause), "parquet") as writer:
        hear(writer)
        for _ in range(reads):
            before = log.head()
            counts[classify(read(folder / "stock"), files, before)] += 1
        assert writer.poll() is None
        out, err = writer.communicate("enough\n", timeout=TIMEOUT)
    assert writer.returncode == 0, err
    return Seen(counts, json.loads(out)["took"])


@pytest.mark.parametrize("files", [1, pytest.param(20, marks=pytest.mark.thorough)])
@pytest.mark.parametrize("read", [read_with_duckdb, read_with_arrow])
def test_a_reader_finds_whole_files_that_were_published_or_fails(
    tmp_path: Path, read: Callable[[Path], Found | None], files: int
) -> None:
    seen = watch(read, tmp_path / "out", files, reads=100, pause=0.02)
    assert seen.counts["only new"] > seen.counts["less"]
    print(f"\n{read.__name__}, {files} files a partition: {seen}")


@pytest.mark.parametrize(
    ("stop", "finds"),
    [
        ("commit.after:1", "only old"),
        pytest.param("apply.move:4", "only old", marks=pytest.mark.thorough),
        ("apply.move:5", "both"),
        pytest.param("apply.moved:1", "both", marks=pytest.mark.thorough),
        pytest.param("apply.delete:1", "both", marks=pytest.mark.thorough),
        pytest.param("apply.delete:3", "both", marks=pytest.mark.thorough),
        ("apply.deleted:1", "only new"),
    ],
)
@pytest.mark.parametrize(
    "read", [read_with_duckdb, pytest.param(read_with_arrow, marks=pytest.mark.thorough)]
)
def test_what_a_reader_finds_while_a_publish_is_cut_off(
    tmp_path: Path, read: Callable[[Path], Found | None], stop: str, finds: str
) -> None:
    # Four files a generation; the second one is replacing the first.
    with worker("generations", tmp_path, "2", "0", "parquet", stop) as writer:
        await_stop(writer)
        assert classify(read(tmp_path / "stock"), 2, before=2) == finds
