"""Compaction: no row changes, whatever is killed, and what was loaded is known as before."""

import shutil
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path

import pytest

from gristmill.errors import AuditError, InputError
from gristmill.publish import compaction
from gristmill.publish.compaction import Merge, compact, small_files
from gristmill.publish.log import Log
from gristmill.publish.manifest import Manifest
from gristmill.publish.state import read_state
from gristmill.storage.local import LocalStorage
from tests.crash.matrix import killed, settle
from tests.support.publishing import (
    LEDGER,
    REFUSED,
    STOCK,
    Work,
    begin,
    files_of,
    publication,
    publish,
    stored,
    wrong,
)

DAY, NEXT = "2026-11-20", "2026-11-21"


@pytest.fixture
def root(tmp_path: Path) -> LocalStorage:
    return LocalStorage(str(tmp_path / "out"))


def joined(root: LocalStorage) -> Merge:
    """Files of lines as one file of lines."""

    def merge(paths: Sequence[str], target: str) -> int:
        lines = [line for path in paths for line in (root.read(path) or b"").splitlines()]
        root.write(target, b"\n".join(lines))
        return len(lines)

    return merge


def bring_together(
    root: LocalStorage, name: str, before: date | None = None, merge: Merge | None = None
) -> int:
    wait = timedelta()
    done = compact(root, name, before, merge or joined(root), wait=wait, tell=lambda _text: None)
    return len(done)


def hours(root: LocalStorage, kind: str) -> None:
    """Three hours of a day, one that goes over midnight, and one that was named."""
    for number in range(3):
        rows = {LEDGER: [(f"h{number}", DAY)], REFUSED: [(f"r{number}", "x")]}
        publish(
            root, f"{number}", Work(rows, f"b{number}", files=(f"f{number}",)), table_format=kind
        )
    publish(root, "3", Work({LEDGER: [("m", DAY), ("n", NEXT)]}, "b3", files=("f3",)))
    publish(root, "4", Work({LEDGER: [("s", DAY)]}, "b4", files=("f4",), name="special"))


@pytest.mark.parametrize("kind", ["parquet", "iceberg"])
def test_the_hours_of_a_day_become_one_batch_that_is_known_as_all_of_them(
    root: LocalStorage, kind: str
) -> None:
    hours(root, kind)
    before = stored(root, LEDGER)
    assert bring_together(root, "ledger") == 1
    assert stored(root, LEDGER) == before
    assert not wrong(root)
    assert len(files_of(root, "ledger")) == 4
    # Again there is nothing to do.
    assert bring_together(root, "ledger") == 0
    # One hour alone would take the others with it.
    again = Work({LEDGER: [("new", DAY)]}, "b1", files=("f1",))
    one = publication(root, "5", again)
    begin(one)
    with pytest.raises(InputError, match="holds other files too"):
        one.reads(again.files)
    assert not one.finish()
    # All of them together, the named one by its name, and the one over midnight are replaced.
    publish(root, "6", Work({LEDGER: [("day", DAY)]}, "all", files=("f0", "f1", "f2")))
    publish(root, "7", Work({LEDGER: [("S", DAY)]}, "b4", files=("f4",), name="special"))
    publish(root, "8", Work({LEDGER: [("M", NEXT)]}, "b3", files=("f3",)))
    assert stored(root, LEDGER) == [("M", NEXT), ("S", DAY), ("day", DAY)]
    assert not wrong(root)


@pytest.mark.parametrize("kind", ["parquet", "iceberg"])
def test_a_partition_becomes_one_file(root: LocalStorage, kind: str) -> None:
    rows = [(f"i{number}", shop) for shop in "xy" for number in range(4)]
    publish(root, "1", Work({STOCK: [*rows, ("alone", "z")]}), table_format=kind)
    assert len(files_of(root, "stock")) == 5
    assert bring_together(root, "stock") == 1
    assert len(files_of(root, "stock")) == 3
    assert stored(root) == sorted([*rows, ("alone", "z")])
    assert not wrong(root)
    publish(root, "2", Work({STOCK: [("new", "x")]}))
    assert [item for item, shop in stored(root) if shop == "x"] == ["new"]
    assert not wrong(root)


def test_days_that_are_not_old_and_files_that_are_not_small_stay(
    root: LocalStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    hours(root, "parquet")
    assert bring_together(root, "ledger", date.fromisoformat(DAY)) == 0
    monkeypatch.setattr(compaction, "SMALL", 2)
    assert small_files(read_state(root).datasets["ledger"]) == []
    monkeypatch.undo()
    assert bring_together(root, "ledger", date.fromisoformat(NEXT)) == 1
    with pytest.raises(InputError, match="not by one date"):
        bring_together(root, "refused", date.fromisoformat(NEXT))


def test_what_comes_out_is_of_a_sensible_size(
    root: LocalStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compaction, "LARGEST", 4)
    hours(root, "parquet")
    # Each hour has two bytes.
    (found,) = small_files(read_state(root).datasets["ledger"])
    assert [len(paths) for _, paths in found.targets] == [2, 1]


def test_rows_that_would_be_lost_are_noticed_and_nothing_changes(root: LocalStorage) -> None:
    hours(root, "parquet")
    before = stored(root, LEDGER)

    def lossy(paths: Sequence[str], target: str) -> int:
        return joined(root)(paths[1:], target)

    with pytest.raises(AuditError, match="2 rows, not 3"):
        bring_together(root, "ledger", merge=lossy)
    assert stored(root, LEDGER) == before
    assert not wrong(root)


@pytest.mark.parametrize("kind", ["parquet", pytest.param("iceberg", marks=pytest.mark.thorough)])
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_compaction_that_is_killed_anywhere_changes_no_row(tmp_path: Path, kind: str) -> None:
    place, saved = tmp_path / "out", tmp_path / "saved"
    root = LocalStorage(str(place))
    hours(root, kind)
    shutil.copytree(place, saved)
    before = stored(root, LEDGER)
    seen = set()
    for at in range(200):
        shutil.rmtree(place)
        shutil.copytree(saved, place)
        if not killed(at, lambda: bring_together(root, "ledger")):
            break
        settle(root)
        assert stored(root, LEDGER) == before, at
        assert not wrong(root), (at, wrong(root))
        entries = [entry for _, entry in Log(root).since(0) if isinstance(entry, Manifest)]
        seen.add(len(entries))
        bring_together(root, "ledger")
        assert stored(root, LEDGER) == before, at
        assert not wrong(root), (at, wrong(root))
        assert len(files_of(root, "ledger")) == 4
    assert at > 15
    assert len(seen) == 2, "none was killed after its commit, or none before"
