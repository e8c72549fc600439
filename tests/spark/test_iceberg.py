"""Jobs into tables of Iceberg: after any sequence they hold what plain Parquet holds."""

import gzip
import json
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pyiceberg.table import StaticTable
from pyspark.sql import SparkSession

import gristmill
from gristmill.cli.output import check
from gristmill.engine.run import Run, execute
from gristmill.errors import InputError
from gristmill.jobs import access_logs, traffic_summary, web_sessions, word_count
from gristmill.jobs.word_count import WordCountOptions
from gristmill.model.job import AnyJob, Request
from gristmill.model.options import Options
from gristmill.publish.lease import owner
from gristmill.publish.manifest import Origin
from gristmill.publish.retention import expire
from gristmill.storage.local import LocalStorage
from tests.support.process import Gristmill
from tests.support.publishing import NOW

GOOD = (
    '192.0.2.7 - - [{day}/Oct/2026:{hour:02d}:00:00 +0000] "GET /{path} HTTP/1.1" 200 5 "-" "x"\n'
)
BothRun = Callable[..., None]


def hour(folder: Path, number: int, lines: int = 3, *, day: int = 10, bad: int = 0) -> Path:
    path = folder / f"{number:02d}.log.gz"
    good = "".join(GOOD.format(day=day, hour=number, path=n) for n in range(lines))
    path.write_bytes(gzip.compress((good + "nonsense\n" * bad).encode()))
    return path


@pytest.fixture
def both(spark: SparkSession, tmp_path: Path) -> BothRun:
    """Run a job into an output of each kind, and see that they hold the same."""

    def run(job: AnyJob, *inputs: Path, options: Options | None = None) -> None:
        for kind in ("parquet", "iceberg"):
            output = tmp_path / kind
            # A summary reads the output of its own kind.
            mine = [output if one == tmp_path else one for one in inputs]
            request = Request(
                tuple(map(str, mine)), str(output), options or job.options(), table_format=kind
            )
            execute(spark, job, request, Run.new(), lambda _text: None)
        compare(spark, tmp_path)

    return run


def compare(spark: SparkSession, folder: Path) -> None:
    plain = gristmill.open(folder / "parquet")
    for name in plain:
        expected = bag(plain[name].arrow().to_pylist())
        found = gristmill.open(folder / "iceberg")[name]
        assert bag(found.arrow().to_pylist()) == expected, name
        by_spark = found.spark(spark)
        assert by_spark.columns == plain[name].spark(spark).columns
        assert by_spark.count() == sum(expected.values())
        hint = folder / "iceberg" / name / "metadata" / "version-hint.text"
        table = StaticTable.from_metadata(str(hint.with_name(f"v{hint.read_text()}.metadata.json")))
        assert bag(table.scan().to_arrow().to_pylist()) == expected, name
    assert check(str(folder / "iceberg")).is_whole


def bag(rows: list[dict[str, Any]]) -> Counter[str]:
    # Paths of rejects are those of the input; all else is values.
    return Counter(repr(sorted(row.items())) for row in rows)


def test_batches_rejects_and_summaries_are_the_same_in_both(both: BothRun, tmp_path: Path) -> None:
    logs = tmp_path / "logs"
    logs.mkdir()
    both(access_logs.JOB, hour(logs, 13, 3, bad=2))
    both(access_logs.JOB, hour(logs, 14, 4, bad=1))
    both(traffic_summary.JOB, tmp_path)
    # A correction: an hour with other lines, on another day, and none of them bad.
    both(access_logs.JOB, hour(logs, 14, 2, day=11))
    both(traffic_summary.JOB, tmp_path)


@pytest.mark.thorough
def test_what_is_replaced_as_a_whole_and_what_expires_is_the_same_in_both(
    both: BothRun, spark: SparkSession, tmp_path: Path
) -> None:
    logs = tmp_path / "logs"
    logs.mkdir()
    both(access_logs.JOB, hour(logs, 13, 3, bad=2))
    both(access_logs.JOB, hour(logs, 14, 2, day=11))
    both(traffic_summary.JOB, tmp_path)
    both(web_sessions.JOB, tmp_path)
    # All hours together take the place of both.
    both(access_logs.JOB, logs)
    for kind in ("parquet", "iceberg"):
        root = LocalStorage(str(tmp_path / kind))
        origin = Origin(f"20261121T120000Z-{kind}", "expire", {}, (), "", owner())
        day = NOW.replace(month=10, day=11).date()
        expire(root, origin, "web_requests", day, wait=timedelta(), tell=print)
    compare(spark, tmp_path)
    both(traffic_summary.JOB, tmp_path)
    both(web_sessions.JOB, tmp_path)


@pytest.mark.thorough
def test_a_corpus_replaces_itself_even_with_nothing(both: BothRun, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("one two two")
    for corpus in ("a", "b/c d"):
        both(word_count.JOB, tmp_path / "a.txt", options=WordCountOptions(corpus=corpus))
    both(word_count.JOB, tmp_path / "a.txt", options=WordCountOptions(corpus="b/c d", min_count=9))
    found = gristmill.open(tmp_path / "iceberg")["word_counts"]
    assert found.arrow(["corpus"]).column("corpus").to_pylist() == ["a", "a"]


@pytest.mark.thorough
def test_many_files_of_many_runs_are_read_in_one_go(both: BothRun, tmp_path: Path) -> None:
    logs = tmp_path / "logs"
    logs.mkdir()
    for number in range(4):
        both(access_logs.JOB, hour(logs, number, 2, day=10 + number % 2))
    both(traffic_summary.JOB, tmp_path)


@pytest.mark.thorough
def test_what_was_replaced_is_not_shown_and_not_read_as_files(
    both: BothRun, spark: SparkSession, command: Gristmill, tmp_path: Path
) -> None:
    logs, out = tmp_path / "logs", tmp_path / "iceberg"
    logs.mkdir()
    both(access_logs.JOB, hour(logs, 13, 3, bad=2))
    both(access_logs.JOB, hour(logs, 13, 2, bad=1))
    shown = command("head", out / "web_requests", "-n", "9", "--json")
    assert shown.code == 0, shown.err
    plain = command("head", tmp_path / "parquet" / "web_requests", "-n", "9", "--json")
    assert json.loads(shown.out) == json.loads(plain.out)
    told = command("rejects", out, "--json")
    assert [one["count"] for one in json.loads(told.out)["rejects"]] == [1]
    assert command("peek", out / "web_requests").code == 0
    request = Request((str(out / "web_requests"),), str(tmp_path / "x"), word_count.JOB.options())
    with pytest.raises(InputError, match="a table of Iceberg, in whose folder replaced files lie"):
        execute(spark, word_count.JOB, request, Run.new(), lambda _text: None)
