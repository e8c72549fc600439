"""Retention: what is older than a span is shown, and removed as a publish."""

import json
import re
from datetime import timedelta
from pathlib import Path

import pytest

from gristmill.cli import main, retention
from gristmill.errors import InputError
from gristmill.model.schema import DatasetSchema
from gristmill.publish import layout
from gristmill.publish.log import Log
from gristmill.publish.manifest import Origin
from gristmill.publish.retention import expire
from gristmill.publish.state import read_state
from gristmill.storage.local import LocalStorage
from tests.support.process import Finished, Gristmill
from tests.support.publishing import (
    LEDGER,
    NOW,
    REFUSED,
    Work,
    begin,
    publication,
    publish,
    stored,
    wrong,
)

NO_DATE = "__HIVE_DEFAULT_PARTITION__"
TODAY = NOW.date()


def ago(days: int) -> str:
    """The day so many days ago."""
    return (TODAY - timedelta(days)).isoformat()


@pytest.fixture(autouse=True)
def today(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "utc_now", lambda: NOW)


@pytest.fixture
def root(tmp_path: Path) -> LocalStorage:
    return LocalStorage(str(tmp_path / "out"))


@pytest.fixture
def out(root: LocalStorage, tmp_path: Path) -> Path:
    """An output whose ledger has two old days, of two batches, two newer ones, and rows without."""
    rows = [("a", ago(100)), ("b", ago(91)), ("c", ago(90)), ("d", ago(0)), ("e", NO_DATE)]
    publish(root, "1", Work({LEDGER: rows, REFUSED: [("r", "x")]}, "13", files=("f13",)))
    publish(root, "2", Work({LEDGER: [("f", ago(100))]}, "14", files=("f14", "f15")))
    return tmp_path / "out"


@pytest.fixture
def gristmill(capsys: pytest.CaptureFixture[str]) -> Gristmill:
    def run(*arguments: str | Path) -> Finished:
        capsys.readouterr()
        code = main([str(argument) for argument in arguments])
        told = capsys.readouterr()
        return Finished(code, told.out, told.err)

    return run


def origin(run: str = "r") -> Origin:
    return Origin(run, "expire", {}, (), "", "ann@here")


def test_without_yes_it_shows_what_would_go_and_removes_nothing(
    gristmill: Gristmill, root: LocalStorage, out: Path
) -> None:
    before = stored(root, LEDGER), Log(root).numbers()
    done = gristmill("datasets", "expire", out, "ledger", "--older-than", "90d")
    assert (done.code, done.err) == (0, "")
    assert [re.split(r" {2,}", line.strip()) for line in done.out.splitlines()] == [
        ["partition", "rows", "files", "bytes"],
        ["-" * 15, "----", "-----", "-----"],
        [f"shop={ago(100)}", "2", "2", "2 B"],
        [f"shop={ago(91)}", "1", "1", "1 B"],
        ["total", "3", "3", "3 B"],
        [f"left alone shop={NO_DATE} (1 rows): it has no date"],
        [f"nothing was removed: --yes removes these partitions of ledger, from before {ago(90)}"],
    ]
    assert (stored(root, LEDGER), Log(root).numbers()) == before
    assert not root.names(layout.STAGING)


def test_with_yes_it_removes_them_as_a_publish(
    gristmill: Gristmill, root: LocalStorage, out: Path
) -> None:
    done = gristmill("datasets", "expire", out, "ledger", "--older-than", "90d", "--yes")
    assert (done.code, done.err) == (0, "")
    assert "total" in done.out
    assert re.search(r"^removed these partitions of ledger, .* as run \S+$", done.out, re.MULTILINE)
    assert stored(root, LEDGER) == [("c", ago(90)), ("d", ago(0)), ("e", NO_DATE)]
    assert root.names("ledger") == sorted([f"shop={ago(90)}", f"shop={ago(0)}", f"shop={NO_DATE}"])
    assert stored(root, REFUSED) == [("r", "x")]
    assert not wrong(root)
    last = gristmill("history", out).out.splitlines()[-1].split()
    # when, job, dataset, rows, files, bytes, replaced
    assert last[1:8] == ["expire", "ledger", "0", "0", "0", "B", "3"]
    told = json.loads(gristmill("history", out, "--json", "-n", "1").out)
    assert told["publishes"][0]["origin"]["options"] == {"before": ago(90)}
    assert gristmill("datasets", "list", out).code == 0


def test_again_it_says_that_there_is_nothing_and_writes_nothing_down(
    gristmill: Gristmill, root: LocalStorage, out: Path
) -> None:
    command = ("datasets", "expire", out, "ledger", "--older-than=13w", "--yes")
    assert gristmill(*command).code == 0
    entries = Log(root).numbers()
    for words in (command, command[:-1]):
        done = gristmill(*words)
        assert (done.code, done.err) == (0, "")
        assert f"ledger has no partitions from before {ago(91)}" in done.out
    assert Log(root).numbers() == entries
    assert not root.names(layout.STAGING)
    assert not wrong(root)


@pytest.mark.parametrize(
    ("dataset", "says"),
    [
        ("ledgr", "no dataset is named 'ledgr' here; there are: ledger, refused"),
        ("refused", "refused is partitioned by shop string, not by one date"),
    ],
)
@pytest.mark.parametrize("yes", [[], ["--yes"]])
def test_a_dataset_that_has_no_date_or_is_not_there_is_refused(
    gristmill: Gristmill, out: Path, dataset: str, says: str, yes: list[str]
) -> None:
    done = gristmill("datasets", "expire", out, dataset, "--older-than", "90d", *yes)
    assert (done.code, done.out) == (1, "")
    assert done.err.startswith(f"gristmill: {says}")


@pytest.mark.parametrize("span", ["12h", "90", "d", "-1d", "1.5d", "90 d", "", "999999d", "٣d"])
def test_a_span_is_whole_days_or_weeks(gristmill: Gristmill, out: Path, span: str) -> None:
    done = gristmill("datasets", "expire", out, "ledger", f"--older-than={span}", "--yes")
    assert (done.code, done.out) == (2, "")
    assert "is not a number of whole days or weeks such as 90d or 13w" in done.err


def test_the_longest_span_reaches_back_before_anything(gristmill: Gristmill, out: Path) -> None:
    assert gristmill("datasets", "expire", out, "ledger", "--older-than=99999w").code == 0


@pytest.mark.parametrize(
    "words", [[], ["OUT"], ["OUT", "ledger"], ["OUT", "--older-than=90d"], ["expire", "x", "y"]]
)
def test_it_is_told_what_is_missing(gristmill: Gristmill, words: list[str]) -> None:
    done = gristmill("datasets", "expire", *words)
    assert (done.code, done.out) == (2, "")
    assert "Try: gristmill datasets expire --help" in done.err


def test_an_output_folder_of_that_name_can_be_listed(
    gristmill: Gristmill, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out.rename(out.parent / "expire")
    monkeypatch.chdir(out.parent)
    assert "ledger" in gristmill("datasets", "list", "expire").out


def test_a_writer_is_waited_for_and_then_given_up(
    gristmill: Gristmill, root: LocalStorage, out: Path
) -> None:
    writing = publication(root, "3", Work({LEDGER: []}))
    begin(writing)
    command = ("datasets", "expire", out, "ledger", "--older-than=90d", "--yes", "--wait=0s")
    done = gristmill(*command)
    assert (done.code, done.out) == (4, "")
    assert "ledger is being written by shop-keeping" in done.err
    assert len(root.names(layout.STAGING)) == 1
    writing.finish()
    assert gristmill(*command).code == 0


def test_what_goes_is_what_is_old_once_it_may_write(root: LocalStorage, out: Path) -> None:
    wider = DatasetSchema("ledger", (*LEDGER.fields, ("price", "int")), ("shop",), "batch")
    work = Work({wider: [("late", ago(95))]}, "15")
    writing = publication(root, "3", work)
    begin(writing)

    def end_it(_text: str) -> None:
        root.write(f"{writing.folder('ledger')}/shop={ago(95)}/part-0.parquet", b"late")
        writing.stage(wider, [1])
        writing.commit(1, 0)

    wait = timedelta(minutes=1)
    before = TODAY - timedelta(90)
    found = expire(root, origin(), "ledger", before, wait=wait, tell=end_it)
    assert [one.folder[-10:] for one in found.older] == [ago(100), ago(95), ago(91)]
    assert stored(root, LEDGER) == [("c", ago(90)), ("d", ago(0)), ("e", NO_DATE)]
    assert read_state(root).datasets["ledger"].schema == wider
    assert not wrong(root)


def test_an_expired_batch_was_loaded_and_comes_back_as_itself(
    root: LocalStorage, out: Path
) -> None:
    expire(root, origin(), "ledger", TODAY, wait=timedelta(), tell=print)
    assert set(read_state(root).datasets["ledger"].batches) == {"13", "14"}
    assert stored(root, LEDGER) == [("d", ago(0)), ("e", NO_DATE)]
    overlapping = publication(root, "4", Work({LEDGER: []}, "other"))
    begin(overlapping)
    with pytest.raises(InputError, match="f14 was loaded as part of"):
        overlapping.reads(["f14"])
    overlapping.finish()
    for run in ("5", "6"):
        publish(root, run, Work({LEDGER: [("f", ago(100))]}, "14", files=("f14", "f15")))
    assert stored(root, LEDGER) == [("d", ago(0)), ("e", NO_DATE), ("f", ago(100))]
    assert not wrong(root)
