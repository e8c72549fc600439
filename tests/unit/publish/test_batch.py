"""Batches: what a run takes the place of, by the files that it and earlier runs have read."""

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from gristmill.errors import InputError, UsageError
from gristmill.model.job import Request
from gristmill.model.options import Options
from gristmill.publish import layout, state
from gristmill.publish.batch import Batch, batch_id, fingerprint
from gristmill.publish.log import Log
from gristmill.publish.manifest import Manifest
from gristmill.publish.state import read_state
from gristmill.storage.local import LocalStorage
from tests.support.publishing import (
    REFUSED,
    SALES,
    STOCK,
    Rows,
    Time,
    Work,
    begin,
    commit,
    publication,
    stage,
    stored,
    wrong,
)

Load = Callable[..., list[str]]


@pytest.fixture
def root(tmp_path: Path) -> LocalStorage:
    return LocalStorage(str(tmp_path / "out"))


@pytest.fixture
def load(root: LocalStorage) -> Load:
    """Load `rows` into sales as a batch: `load("13", ["f13"], [("a", "x")])`; gives the notes."""
    clock = Time()

    def run(
        batch: str,
        files: list[str],
        rows: Rows = (),
        refused: Rows = (),
        *,
        named: bool = False,
        job: str = "till",
        into: object = SALES,
    ) -> list[str]:
        clock.advance(timedelta(seconds=1))
        name = batch if named else None
        work = Work({into: rows, REFUSED: refused}, batch, (), tuple(files), name, job)  # type: ignore[dict-item]
        publishing = publication(root, job, work, clock)
        begin(publishing)
        try:
            notes = publishing.reads(work.files)
            stage(root, publishing, work)
            commit(publishing, work)
        finally:
            publishing.finish()
        assert not wrong(root)
        return list(notes)

    return run


# Names


def test_a_batch_is_named_by_its_job_and_its_inputs_in_any_order() -> None:
    one = batch_id("till", None, ["file:///a", "file:///b"])
    assert one == batch_id("till", None, ["file:///b", "file:///a"])
    others = {batch_id("till", None, ["file:///a"]), batch_id("shelf", None, ["file:///a"])}
    assert len({one} | others) == 3
    assert len(one) == 12


def test_outputs_remember_what_named_a_batch_before_there_were_names() -> None:
    # sha256 of "access-logs\nfile:///logs/13.gz"
    assert batch_id("access-logs", None, ["file:///logs/13.gz"]) == "d5593e12a3a6"


def test_a_name_stands_for_itself_and_for_no_input() -> None:
    named = batch_id("till", "13", ["file:///a"])
    assert named == batch_id("till", "13", ["file:///b", "file:///c"])
    text = json.dumps(["till", "batch", "13"])
    assert named not in {
        batch_id("till", "14", ["file:///a"]),
        batch_id("shelf", "13", ["file:///a"]),
        batch_id("till", None, ["13"]),
        batch_id("till", None, [text]),
    }
    assert batch_id("till", "a\nb", []) != batch_id("till", None, ["a", "b"])
    assert batch_id("till", "\udcff é", []) != batch_id("till", "é", [])


@pytest.mark.parametrize("name", ["", "  ", "\n"])
def test_a_name_is_not_blank(name: str) -> None:
    with pytest.raises(UsageError, match="--batch takes a name, not "):
        Request(("in",), "out", Options(), batch=name)


def test_a_file_is_the_same_under_both_names_of_s3() -> None:
    assert fingerprint("s3a://bucket/13.gz") == fingerprint("s3://bucket/13.gz")
    assert fingerprint("s3://bucket/13.gz") != fingerprint("s3://bucket/14.gz")
    assert len(fingerprint("file:///13.gz")) == 12


@pytest.mark.parametrize(
    ("name", "inputs", "says"),
    [
        ("night 1", ("in/*.gz",), "batch 'night 1'"),
        (None, ("in/*.gz", "b"), "the batch of --input 'in/*.gz' b"),
        (None, tuple("abcdef"), "the batch of --input a b c and 3 more"),
    ],
)
def test_a_batch_is_called_by_its_name_or_its_input(
    name: str | None, inputs: tuple[str, ...], says: str
) -> None:
    assert str(Batch("till", name, inputs, (), "run")) == says


# What is replaced


def test_an_input_under_another_spelling_is_not_doubled(root: LocalStorage, load: Load) -> None:
    load("logs", ["f13", "f14"], [("a", "x"), ("b", "y")], [("r", "x")])
    (note,) = load("logs-gz", ["f14", "f13"], [("a", "x"), ("b", "y")], [("r", "x")])
    assert note.startswith("replaces also the batch of --input in/logs, loaded by run 2026")
    assert note.endswith("-till: all its files (2) belong to this one")
    assert stored(root, SALES) == [("a", "x"), ("b", "y")]
    assert stored(root, REFUSED) == [("r", "x")]
    # And back again: the first spelling is not remembered as loaded.
    assert len(load("logs", ["f13", "f14"], [("c", "x")])) == 1
    assert stored(root, SALES) == [("c", "x")]
    assert stored(root, REFUSED) == []


def test_a_day_takes_the_place_of_its_hours_and_of_no_other(root: LocalStorage, load: Load) -> None:
    for hour in ("12", "13", "14"):
        load(hour, [f"f{hour}"], [(f"a{hour}", "x")])
    notes = load("day", ["f13", "f14", "f15"], [("day", "y")])
    assert [note.split(",")[0] for note in notes] == [
        "replaces also the batch of --input in/13",
        "replaces also the batch of --input in/14",
    ]
    assert stored(root, SALES) == [("a12", "x"), ("day", "y")]


def test_the_log_tells_which_batches_went(root: LocalStorage, load: Load) -> None:
    load("13", ["f13"], [("a", "x")])
    load("day", ["f13", "f14"], [("b", "x")], named=True)
    *_, last = (entry for _, entry in Log(root).since(0))
    assert isinstance(last, Manifest)
    assert last.origin.batch_name == "day"
    assert set(last.origin.files) == {fingerprint("f13"), fingerprint("f14")}
    assert [change.superseded for change in last.changes] == [("13",), ("13",)]
    assert list(read_state(root).datasets["sales"].batches) == ["day"]


def test_an_overlap_in_part_is_refused_before_any_work(root: LocalStorage, load: Load) -> None:
    load("day", ["f13", "f14"], [("a", "x"), ("b", "x")])
    before = (stored(root, SALES), Log(root).numbers())
    for files in (["f14"], ["f14", "f15"]):
        with pytest.raises(InputError) as refused:
            load("14", files, [("c", "x")])
        told = str(refused.value)
        assert told.startswith("f14 was loaded as part of the batch of --input in/day, by run 2026")
        assert told.endswith(
            "nothing was published: load --input in/day again as then, or all its files together"
        )
    assert (stored(root, SALES), Log(root).numbers()) == before


def test_a_named_batch_in_the_way_may_be_replaced_by_its_name(
    root: LocalStorage, load: Load
) -> None:
    load("night", ["f1", "f2"], [("a", "x")], named=True)
    with pytest.raises(InputError, match=r"batch 'night'.* or replace it with --batch night"):
        load("other", ["f2", "f3"], [("b", "x")])
    (note,) = load("night", ["f2", "f3"], [("b", "x")], named=True)
    assert note == (
        "batch 'night' held files that are not in this input (1): their rows are replaced too"
    )
    assert stored(root, SALES) == [("b", "x")]


def test_a_batch_replaces_itself_whatever_its_files(root: LocalStorage, load: Load) -> None:
    load("14", ["f14"], [("a", "x")], named=True)
    (note,) = load("14", ["corrected"], [("b", "y")], named=True)
    assert "held files that are not in this input (1)" in note
    assert load("14", ["corrected"], [("c", "y")], named=True) == []
    # Its first file belongs to nobody now.
    assert load("other", ["f14"], [("d", "x")]) == []
    assert stored(root, SALES) == [("c", "y"), ("d", "x")]


def test_a_name_whose_files_came_with_another_batch_does_not_bring_them_back(
    root: LocalStorage, load: Load
) -> None:
    load("13", ["f13"], [("a", "x")], named=True)
    load("day", ["f13", "f14"], [("a", "x"), ("b", "x")])
    says = "batch '13' was loaded again as part of the batch of --input in/day, by run "
    with pytest.raises(InputError, match=says):
        load("13", ["corrected"], [("c", "x")], named=True)
    assert stored(root, SALES) == [("a", "x"), ("b", "x")]
    # Once the day has been loaded without that file, there is nothing to come back beside.
    load("day", ["f14"], [("b", "x")])
    assert load("13", ["corrected"], [("c", "x")], named=True) == []
    assert stored(root, SALES) == [("b", "x"), ("c", "x")]


def test_a_name_takes_the_place_of_its_files_under_whatever_input_they_came_again(
    root: LocalStorage, load: Load
) -> None:
    load("13", ["f13"], [("a", "x")], [("r", "x")], named=True)
    load("logs", ["f13"], [("b", "x")], [("q", "x")])
    (note,) = load("13", ["corrected"], [("c", "x")], named=True)
    assert note.startswith("replaces also the batch of --input in/logs")
    assert stored(root, SALES) == [("c", "x")]
    assert stored(root, REFUSED) == []


def test_a_batch_that_came_out_empty_was_loaded(root: LocalStorage, load: Load) -> None:
    load("13", ["f13", "f14"], [], [("r", "x")])
    assert stored(root, SALES) == []
    with pytest.raises(InputError, match="f13 was loaded as part of the batch of --input in/13"):
        load("other", ["f13"], [("a", "x")])
    (note,) = load("day", ["f13", "f14", "f15"], [("a", "x")])
    assert note.startswith("replaces also the batch of --input in/13")
    assert stored(root, REFUSED) == []


def test_jobs_that_read_the_same_files_do_not_disturb_each_other(
    root: LocalStorage, load: Load
) -> None:
    load("13", ["f13", "f14"], [("a", "x")], [("r", "x")])
    # Another job with a dataset of its own; what it refuses goes to the same place.
    assert load("shelf", ["f14"], [("s", "x")], [("q", "x")], job="shelf", into=STOCK) == []
    assert load("more", ["f13", "f14"], [("t", "x")], [("p", "x")], job="shelf", into=STOCK) == []
    assert stored(root, REFUSED) == [("p", "x"), ("r", "x")]
    assert load("13", ["f13", "f14"], [("b", "x")]) == []
    assert stored(root, REFUSED) == [("p", "x")]
    assert stored(root, SALES) == [("b", "x")]


def test_what_replaces_by_partition_takes_any_files(root: LocalStorage, load: Load) -> None:
    load("one", ["f1", "f2"], [("a", "x")], [("r", "x")], into=STOCK)
    assert load("two", ["f2"], [("b", "y")], [("q", "x")], into=STOCK) == []
    assert stored(root, STOCK) == [("a", "x"), ("b", "y")]


def test_a_run_without_files_is_as_it_always_was(root: LocalStorage, load: Load) -> None:
    load("13", [], [("a", "x")])
    load("14", ["f14"], [("b", "x")])
    assert load("15", [], [("c", "x")]) == []
    assert load("13", [], [("d", "x")]) == []
    assert stored(root, SALES) == [("b", "x"), ("c", "x"), ("d", "x")]


# What is remembered


def test_batches_are_remembered_by_checkpoints(
    root: LocalStorage, load: Load, monkeypatch: pytest.MonkeyPatch
) -> None:
    load("12", ["f12"], [("z", "x")], named=True)
    load("13", ["f13", "f12"], [("a", "x")])
    log = read_state(root)
    monkeypatch.setattr(state, "_CHECKPOINT_EVERY", 1)
    load("14", ["f14"], [("b", "x")])
    log.apply(3, next(e for n, e in Log(root).since(2) if isinstance(e, Manifest)))
    assert root.names(layout.CHECKPOINTS) == ["0000000003.json"]
    assert read_state(root) == log
    assert log.datasets["sales"].batches["12"].superseded
    with pytest.raises(InputError, match="f13 was loaded"):
        load("other", ["f13", "f15"])
    with pytest.raises(InputError, match="batch '12' was loaded again"):
        load("12", ["f16"], named=True)


def test_what_was_written_before_files_were_known_is_read(
    root: LocalStorage, load: Load, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(state, "_CHECKPOINT_EVERY", 2)
    for number in ("13", "14", "15"):
        load(number, [f"f{number}"], [(f"a{number}", "x")])
    # As they were then.
    for folder in (layout.LOG, layout.CHECKPOINTS):
        for name in root.names(folder):
            told = json.loads(root.read(f"{folder}/{name}") or b"")
            for dataset in told.get("datasets", {}).values():
                del dataset["batches"]
            for change in told.get("changes", ()):
                del change["superseded"]
            for new in ("batch_name", "files"):
                told.get("origin", {}).pop(new, None)
            root.write(f"{folder}/{name}", json.dumps(told).encode())
    assert set(read_state(root).datasets["sales"].batches) == {"15"}
    # The same input replaces itself; under another spelling it is not known again.
    assert load("14", ["f14"], [("b", "x")]) == []
    assert load("day", ["f15", "f16"], [("c", "x")]) == []
    assert stored(root, SALES) == [("a13", "x"), ("a15", "x"), ("b", "x"), ("c", "x")]
