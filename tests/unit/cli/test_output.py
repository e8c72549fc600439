"""Commands that look at an output root: what it holds, what happened, whether it is whole."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from gristmill.cli import main
from gristmill.model.schema import DatasetSchema
from gristmill.publish.manifest import Origin
from gristmill.publish.publication import Publication
from gristmill.storage.local import LocalStorage
from tests.support.process import Finished, Gristmill

WORDS = DatasetSchema("words", (("word", "string"), ("corpus", "string")), ("corpus",), "partition")
LINKS = DatasetSchema("links", (("link", "string"), ("corpus", "string")), ("corpus",), "batch")

Publish = Callable[..., Publication]


@pytest.fixture
def gristmill(capsys: pytest.CaptureFixture[str]) -> Gristmill:
    def run(*arguments: str | Path) -> Finished:
        capsys.readouterr()
        code = main([str(argument) for argument in arguments])
        told = capsys.readouterr()
        return Finished(code, told.out, told.err)

    return run


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out"


@pytest.fixture
def begin(out: Path) -> Publish:
    """Begin a run and stage real Parquet: `begin("run", {"a": 3}, {"b": 2})`, rows by corpus."""

    def run(name: str, words: dict[str, int], links: dict[str, int] | None = None) -> Publication:
        storage = LocalStorage(str(out))
        origin = Origin(f"20261121T1200{name}", "count", {"n": 1}, ("in",), name, "ann@here")
        publication = Publication(storage, origin, [WORDS, LINKS])
        publication.begin(timedelta(), lambda _text: None)
        for schema, rows in ((WORDS, words), (LINKS, links or {})):
            folder = out / publication.folder(schema.name)
            for corpus, count in rows.items():
                (folder / f"corpus={corpus}").mkdir(parents=True)
                table = pa.table({schema.name[:-1]: ["x"] * count})
                pq.write_table(table, folder / f"corpus={corpus}" / "part-0.parquet")
            publication.stage(schema, [rows[corpus] for corpus in sorted(rows)])
        return publication

    return run


@pytest.fixture
def publish(begin: Publish) -> Publish:
    def run(*arguments: object) -> Publication:
        publication = begin(*arguments)
        publication.commit(7, 0)
        return publication

    return run


def cells(table: str) -> list[list[str]]:
    """The rows of a table, without its heading."""
    return [re.split(r" {2,}", line.strip()) for line in table.splitlines()[2:]]


def test_datasets_are_listed_with_what_they_hold(
    gristmill: Gristmill, publish: Publish, out: Path
) -> None:
    publish("01Z-a", {"x": 3, "y": 1}, {"x": 2})
    publish("02Z-b", {"y": 1200})
    told = cells(gristmill("datasets", "list", out).out)
    assert [row[:4] + row[5:] for row in told] == [
        ["links", "1", "2", "1", "20261121T120001Z-a"],
        ["words", "2", "1,203", "2", "20261121T120002Z-b"],
    ]
    size = sum(path.stat().st_size for path in (out / "words").rglob("*.parquet"))
    assert told[1][4] == f"{size} B"


def test_history_shows_each_publish(gristmill: Gristmill, publish: Publish, out: Path) -> None:
    publish("01Z-a", {"x": 3, "y": 1}, {"x": 2})
    publish("02Z-b", {"y": 2})
    publish("03Z-c", {}, {"z": 1})
    told = cells(gristmill("history", out).out)
    # when, job, dataset, rows, files, bytes, replaced, run, by
    assert [row[1:5] + row[6:] for row in told] == [
        ["count", "words", "4", "2", "0", "20261121T120001Z-a", "ann@here"],
        ["count", "links", "2", "1", "0", "20261121T120001Z-a", "ann@here"],
        ["count", "words", "2", "1", "1", "20261121T120002Z-b", "ann@here"],
        ["count", "links", "0", "0", "0", "20261121T120002Z-b", "ann@here"],
        ["count", "words", "0", "0", "0", "20261121T120003Z-c", "ann@here"],
        ["count", "links", "1", "1", "0", "20261121T120003Z-c", "ann@here"],
    ]
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", row[0]) for row in told)
    assert [row[2] for row in cells(gristmill("history", out, "links", "-n", "2").out)] == [
        "links",
        "links",
    ]
    assert gristmill("history", out, "nothing").code == 1


def test_history_as_json_holds_all_that_is_known(
    gristmill: Gristmill, publish: Publish, out: Path
) -> None:
    publish("01Z-a", {"x": 3}, {"x": 2})
    told = json.loads(gristmill("history", out, "--json").out)
    (manifest,) = told["publishes"]
    assert manifest["origin"] == {
        "run": "20261121T120001Z-a",
        "job": "count",
        "options": {"n": 1},
        "inputs": ["in"],
        "batch": "01Z-a",
        "owner": "ann@here",
        "batch_name": None,
        "contents": [],
        "adds": False,
        "files": [],
        "made": None,
    }
    words, links = manifest["changes"]
    assert words["contract"]["fields"] == [["word", "string"], ["corpus", "string"]]
    assert re.fullmatch(r"[0-9a-f]{12}", words["fingerprint"])
    assert words["fingerprint"] != links["fingerprint"]
    assert [file["rows"] for file in words["files"] + links["files"]] == [3, 2]


def test_a_whole_output_is_told_from_a_damaged_one(
    gristmill: Gristmill, publish: Publish, out: Path
) -> None:
    publish("01Z-a", {"x": 3, "y": 1, "z": 5}, {"x": 2})
    done = gristmill("verify", out)
    assert done.code == 0
    assert done.out.splitlines() == [
        "links: 1 files, 2 rows: whole",
        "words: 3 files, 9 rows: whole",
    ]
    x, y, z = sorted((out / "words").rglob("*.parquet"))
    x.unlink()
    pq.write_table(pa.table({"word": ["xyz"] * 9}), y)
    z.write_bytes(b"x" * z.stat().st_size)
    pq.write_table(pa.table({"word": ["x"]}), out / "words" / "corpus=x" / "mine.parquet")
    (out / "photos").mkdir()
    (out / "photos" / "cat.jpg").write_text("x")
    done = gristmill("verify", out)
    assert done.code == 1
    told = done.out.splitlines()
    names = [path.relative_to(out) for path in (x, y, z)]
    assert told[0] == "photos/cat.jpg: stray"
    assert told[1] == f"{names[0]}: missing"
    assert re.fullmatch(rf"{re.escape(str(names[1]))}: \d+ bytes, not \d+", told[2])
    assert told[3].startswith(f"{names[2]}: ")
    assert "magic bytes" in told[3]
    assert told[4:] == [
        "words/corpus=x/mine.parquet: stray",
        "links: 1 files, 2 rows: whole",
        "photos: 0 files, 0 rows: 1 wrong",
        "words: 3 files, 9 rows: 4 wrong",
    ]
    assert done.err == f"gristmill: {out} is not as it was published\n"


def test_rows_that_were_swapped_for_others_of_the_same_size_are_noticed(
    gristmill: Gristmill, publish: Publish, out: Path
) -> None:
    publish("01Z-a", {"x": 3})
    (entry,) = (out / "_gristmill" / "log").iterdir()
    entry.write_text(entry.read_text().replace('"rows": 3', '"rows": 4'))
    assert "3 rows, not 4" in gristmill("verify", out).out


def crash(begin: Publish, *, after: str) -> None:
    """Begin a run in a process that ends at a point."""
    child = os.fork()
    if child == 0:
        from gristmill import failpoints as faults  # noqa: PLC0415

        def end(name: str) -> None:
            if name == after:
                os._exit(0)

        faults.at = end
        begin("05Z-e", {"x": 1}).commit(1, 0)
        os._exit(1)
    assert os.waitpid(child, 0)[1] == 0


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_recovery_tells_what_it_did(
    gristmill: Gristmill, begin: Publish, publish: Publish, out: Path
) -> None:
    publish("01Z-a", {"x": 3})
    assert gristmill("recover", out).out == "nothing to recover\n"
    crash(begin, after="commit.before")
    assert re.fullmatch(
        r"dropped count by .* \(run 20261121T120005Z-e, process \d+\): it had not committed\n",
        gristmill("recover", out).out,
    )
    crash(begin, after="commit.after")
    assert "gristmill recover" in gristmill("verify", out).out
    assert re.fullmatch(
        r"finished count by .*: it had committed to words, links\n",
        gristmill("recover", out).out,
    )
    assert gristmill("verify", out).code == 0
    alive = begin("06Z-f", {"x": 1})
    told = gristmill("recover", out).out
    assert re.fullmatch(r"left alone count by .*: alive, with its next sign .* by [\d:]+Z\n", told)
    alive.finish()


@pytest.mark.parametrize("command", ["datasets list", "history", "verify", "recover", "rejects"])
def test_a_folder_that_is_no_output_is_named(
    gristmill: Gristmill, tmp_path: Path, command: str
) -> None:
    for context in (tmp_path / "gone", tmp_path):
        done = gristmill(*command.split(), context)
        assert done.code == 1
        assert done.err == (
            f"gristmill: {context} is not an output of Gristmill: name the folder of --output\n"
        )
    assert not (tmp_path / "gone").exists()


@pytest.mark.parametrize("command", ["datasets list", "history", "verify"])
def test_an_output_without_a_publish_says_so(
    gristmill: Gristmill, begin: Publish, out: Path, command: str
) -> None:
    begin("01Z-a", {"x": 3}).finish()
    assert gristmill(*command.split(), out).out == "nothing was published yet\n"


def test_an_output_of_a_newer_gristmill_is_left_alone(
    gristmill: Gristmill, publish: Publish, out: Path
) -> None:
    publish("01Z-a", {"x": 3})
    (out / "_gristmill" / "layout.json").write_text('{"layout": 99}')
    done = gristmill("recover", out)
    assert (done.code, "newer Gristmill" in done.err) == (1, True)


def test_looking_loads_no_spark_and_nothing_for_s3() -> None:
    script = """
import sys
from gristmill.cli.main import main
for words in (["history", "/nowhere"], ["verify", "/nowhere"], ["datasets", "list", "/nowhere"],
              ["head", "/nowhere"], ["recover", "/nowhere"],
              ["datasets", "expire", "/nowhere", "x", "--older-than", "1d", "--yes"]):
    main(words)
print("pyspark" in sys.modules, "s3fs" in sys.modules)
"""
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stdout == "False False\n"


@pytest.mark.parametrize("words", [["--version"], ["--help"], ["run", "--help"]])
def test_what_only_tells_of_itself_loads_no_spark(words: list[str]) -> None:
    script = """
import runpy, sys
sys.argv = ["gristmill", *sys.argv[1:]]
try:
    runpy.run_module("gristmill", run_name="__main__")
except SystemExit as end:
    print("exit", end.code, file=sys.stderr)
print(sorted({"pyspark", "pyarrow", "rich"} & set(sys.modules)), file=sys.stderr)
"""
    command = [sys.executable, "-c", script, *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stderr == "exit 0\n[]\n"
    assert "gristmill" in done.stdout


def test_a_file_beside_the_datasets_is_a_stray_and_no_dataset(
    gristmill: Gristmill, publish: Publish, out: Path
) -> None:
    publish("a", {"x": 1})
    (out / "notes.txt").write_text("mine")
    done = gristmill("verify", out)
    assert done.code == 1
    assert done.out.splitlines() == [
        "notes.txt: stray",
        "links: 0 files, 0 rows: whole",
        "words: 1 files, 1 rows: whole",
    ]


def test_a_dataset_without_a_history_is_told_with_the_nearest(
    gristmill: Gristmill, publish: Publish, out: Path
) -> None:
    publish("a", {"x": 1})
    done = gristmill("history", out, "wrods")
    assert (done.code, done.out) == (1, "")
    assert "has no dataset 'wrods': did you mean words?" in done.err


def test_the_head_of_a_whole_output_is_of_none_of_its_datasets(
    gristmill: Gristmill, publish: Publish, out: Path
) -> None:
    publish("a", {"x": 1}, {"y": 2})
    done = gristmill("head", out)
    assert (done.code, done.out) == (1, "")
    assert f"gristmill head {out}/NAME, of links, words" in done.err
    assert gristmill("head", out / "words").code == 0
