"""Reading what was published from Python, with whatever one likes, in one state."""

import shutil
import sys
import threading
from datetime import date
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from pyspark.sql import SparkSession

import gristmill
from gristmill.engine.run import Run, execute
from gristmill.errors import GristmillError, InputError, UsageError
from gristmill.jobs import access_logs, word_count
from gristmill.model.job import Request
from gristmill.outputs.arrow import arrow_schema
from tests.conftest import RunJob
from tests.support.once import once

LINE = '203.0.113.9 - - [{day}/Nov/2026:10:00:00 +0000] "GET /{path} HTTP/1.1" 200 12\n'


@pytest.fixture(scope="module")
def made(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An output with requests of two days and one reject, and counts of words."""

    def make(folder: Path) -> None:
        lines = [LINE.format(day=day, path=path) for day, path in ((25, "a"), (26, "b"), (26, "c"))]
        (folder / "a.log").write_text("".join([*lines, "what is this\n"]))
        (folder / "in.txt").write_text("one two two\n")
        for job, name, options in (
            (access_logs.JOB, "a.log", access_logs.JOB.options()),
            (word_count.JOB, "in.txt", word_count.JOB.options(corpus="a=b c/d")),
        ):
            request = Request((str(folder / name),), str(folder / "out"), options)
            execute(spark, job, request, Run.new(), lambda _text: None)

    return once(tmp_path_factory, "open", make) / "out"


@pytest.fixture
def output(made: Path, tmp_path: Path) -> Path:
    """The same, for a test to do with as it likes."""
    return shutil.copytree(made, tmp_path / "out")


def test_an_output_is_a_mapping_of_its_datasets(output: Path) -> None:
    found = gristmill.open(output)
    assert list(found) == ["rejects", "web_requests", "word_counts"]
    assert len(found) == 3
    assert "web_requests" in found
    assert "web_reqests" not in found
    with pytest.raises(InputError, match="no dataset 'web_reqests': did you mean web_requests"):
        found["web_reqests"]
    web = found["web_requests"]
    assert (web.rows, web.partitions) == (3, ("date=2026-11-25", "date=2026-11-26"))
    assert len(web.files) == 2
    assert web.last_run == max(Path(file).name.split("-", 1)[1][:25] for file in web.files)
    assert web.schema.field("date").type == pa.date32()
    assert web.schema.field("timestamp").type == pa.timestamp("us", "UTC")


def test_rows_are_the_same_by_every_way(output: Path, spark: SparkSession) -> None:
    web = gristmill.open(str(output))["web_requests"]
    wanted = [("/a", date(2026, 11, 25)), ("/b", date(2026, 11, 26)), ("/c", date(2026, 11, 26))]
    table = web.arrow()
    assert table.schema == web.schema
    assert sorted(zip(*table.select(["path", "date"]).to_pydict().values(), strict=True)) == wanted
    frame = web.pandas(["path", "date"])
    assert sorted(frame.itertuples(index=False, name=None)) == wanted
    rows = web.spark(spark).select("path", "date").collect()
    assert sorted(map(tuple, rows)) == wanted
    assert web.spark().columns == table.schema.names
    relation = web.duckdb(duckdb.connect())
    assert sorted(relation.select("path, date").fetchall()) == wanted
    assert web.arrow(where=pc.field("date") == date(2026, 11, 25)).num_rows == 1


def test_values_of_partitions_are_what_they_were(output: Path) -> None:
    words = gristmill.open(output)["word_counts"].arrow(["word", "count", "corpus"])
    assert sorted(words.to_pylist(), key=str) == [
        {"word": "one", "count": 1, "corpus": "a=b c/d"},
        {"word": "two", "count": 2, "corpus": "a=b c/d"},
    ]


def test_a_wrong_column_is_told_with_the_nearest(output: Path) -> None:
    with pytest.raises(UsageError, match=r"no column pth: did you mean path"):
        gristmill.open(output)["web_requests"].arrow(["pth"])


def test_what_is_not_installed_is_told(output: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "polars", None)
    with pytest.raises(GristmillError, match="polars is not installed: pip install polars"):
        gristmill.open(output)["web_requests"].polars()


def test_what_is_no_output_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is not an output of Gristmill"):
        gristmill.open(tmp_path)
    with pytest.raises(InputError, match="only local paths"):
        gristmill.open("gs://bucket/out")


def test_what_it_is_shows(output: Path) -> None:
    found = gristmill.open(output)
    assert repr(found).splitlines()[0] == f"output file://{output}"
    assert any(line.split()[:3] == ["web_requests", "3", "2"] for line in repr(found).splitlines())
    web = found["web_requests"]
    assert repr(web).startswith("web_requests: 3 rows, 2 partitions, 2 files, ")
    assert any(line.split() == ["date", "date", "partition"] for line in repr(web).splitlines())
    for shown in (found, web):
        parser = HTMLParser()
        parser.feed(shown._repr_html_())
        assert "web_requests" in shown._repr_html_()


@pytest.mark.thorough
def test_a_reader_finds_one_state_while_runs_publish(run_job: RunJob, tmp_path: Path) -> None:
    text, options = tmp_path / "in.txt", word_count.JOB.options()

    def publish(count: int) -> None:
        # As many words as each of them is counted.
        text.write_text("".join(f"w{number} " * count for number in range(count)))
        run_job(word_count.JOB, text, options=options)

    publish(1)
    words, ended = gristmill.open(tmp_path / "out"), threading.Event()
    wrong: list[Any] = []

    def read() -> None:
        while not ended.is_set():
            counts = words["word_counts"].arrow(["count"]).to_pydict()["count"]
            if counts != [len(counts)] * len(counts):
                wrong.append(counts)

    reader = threading.Thread(target=read)
    reader.start()
    try:
        for count in (2, 3, 4):
            publish(count)
    finally:
        ended.set()
        reader.join()
    assert wrong == []
    assert words["word_counts"].rows == 4


def test_columns_that_came_later_are_null_in_older_files(
    run_job: RunJob, tmp_path: Path, output: Path, spark: SparkSession
) -> None:
    # A dataset may gain columns; what was published before does not have them.
    found = gristmill.open(output)
    state = found["word_counts"]._state
    fields = (*state.schema.fields, ("later", "decimal(38,18)"))
    object.__setattr__(state.schema, "fields", fields)
    table = gristmill.open(output)["word_counts"]
    object.__setattr__(table, "_state", state)
    assert table.arrow(["later"]).to_pydict() == {"later": [None, None]}
    assert [row["later"] for row in table.spark(spark).collect()] == [None, None]


@pytest.mark.parametrize(
    ("kind", "wanted"),
    [
        ("decimal(38,18)", pa.decimal128(38, 18)),
        ("map<string,decimal(38,2)>", pa.map_(pa.string(), pa.decimal128(38, 2))),
        ("array<struct<a:int,b:array<string>>>", None),
    ],
)
def test_types_of_spark_are_types_of_arrow(kind: str, wanted: pa.DataType | None) -> None:
    inner = pa.struct([("a", pa.int32()), ("b", pa.list_(pa.string()))])
    assert arrow_schema([("x", kind)]).field("x").type == (wanted or pa.list_(inner))
    with pytest.raises(ValueError, match="is no type"):
        arrow_schema([("x", "interval")])
