"""Publishing: what a run replaces, who may write, and what is left when a run is cut off."""

import dataclasses
import json
import os
import socket
import threading
from datetime import timedelta
from pathlib import Path

import pytest

from gristmill.errors import BusyError, LeaseLostError, OutputError, SchemaError
from gristmill.model.schema import DatasetSchema
from gristmill.publish import layout, lease, state
from gristmill.publish.log import Log
from gristmill.publish.manifest import Abandoned, Manifest
from gristmill.publish.root import open_root
from gristmill.publish.run_ids import run_id
from gristmill.publish.settle import recover, unfinished
from gristmill.publish.snapshot import settled
from gristmill.publish.state import read_state
from gristmill.storage.local import LocalStorage
from tests.support.publishing import (
    FIELDS,
    NOW,
    REFUSED,
    SALES,
    STOCK,
    Time,
    Work,
    begin,
    commit,
    publication,
    publish,
    stage,
    stored,
    wrong,
)

OLD, NEW = Work({STOCK: [("a", "x")]}), Work({STOCK: [("b", "x")]})


@pytest.fixture
def root(tmp_path: Path) -> LocalStorage:
    return LocalStorage(str(tmp_path / "out"))


@pytest.fixture
def clock() -> Time:
    return Time()


def everything(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_a_run_replaces_the_partitions_it_writes_and_no_other(root: LocalStorage) -> None:
    publish(root, "1", Work({STOCK: [("a", "x"), ("b", "x"), ("c", "y")]}))
    publish(root, "2", Work({STOCK: [("d", "x"), ("e", "z")]}))
    assert stored(root) == [("c", "y"), ("d", "x"), ("e", "z")]
    assert not wrong(root)


def test_a_partition_in_scope_that_came_out_empty_is_emptied(root: LocalStorage) -> None:
    publish(root, "1", Work({STOCK: [("a", "x%2F1"), ("b", "y")]}))
    publish(root, "2", Work({STOCK: []}, scope=("x%2F1",)))
    assert stored(root) == [("b", "y")]
    assert root.names("stock") == ["shop=y"]
    publish(root, "3", Work({STOCK: [("c", "z")]}, scope=("y", "never there")))
    assert root.names("stock") == ["shop=z"]


def test_a_batch_replaces_itself_in_every_partition_and_nothing_else(root: LocalStorage) -> None:
    publish(root, "1", Work({SALES: [("a", "x"), ("b", "y")]}, batch="13"))
    publish(root, "2", Work({SALES: [("c", "x")]}, batch="14"))
    publish(root, "3", Work({SALES: [("d", "x")]}, batch="13"))
    assert stored(root, SALES) == [("c", "x"), ("d", "x")]
    publish(root, "4", Work({SALES: []}, batch="14"))
    assert stored(root, SALES) == [("d", "x")]


def test_until_the_commit_nothing_has_changed_and_an_unfinished_run_leaves_no_trace(
    root: LocalStorage, tmp_path: Path
) -> None:
    publish(root, "1", OLD)
    before = everything(tmp_path / "out")
    publishing = publication(root, "2", NEW)
    begin(publishing)
    stage(root, publishing, NEW)
    assert stored(root) == [("a", "x")]
    assert everything(tmp_path / "out" / "stock") == {
        name.removeprefix("stock/"): data
        for name, data in before.items()
        if name.startswith("stock/")
    }
    assert not publishing.finish()
    after = everything(tmp_path / "out")
    assert {n: d for n, d in after.items() if "claims" not in n} == {
        n: d for n, d in before.items() if "claims" not in n
    }
    assert not root.names(layout.STAGING)


def test_what_is_published_carries_its_run_and_lies_beside_no_other_file(
    root: LocalStorage, tmp_path: Path
) -> None:
    publish(root, "1", OLD, Time())
    assert sorted(everything(tmp_path / "out")) == [
        "_gristmill/claims/stock/0000000001",
        "_gristmill/layout.json",
        "_gristmill/log/0000000001.json",
        f"stock/shop=x/{run_id(NOW, '1')}-00000.parquet",
    ]


def test_the_log_tells_what_a_run_did(root: LocalStorage) -> None:
    publish(root, "1", Work({STOCK: [("a", "x"), ("b", "x"), ("c", "x")]}), Time())
    publish(root, "2", Work({STOCK: [("d", "x")], REFUSED: [("e", "y")]}), Time())
    first, second = (entry for _, entry in Log(root).since(0))
    assert isinstance(first, Manifest)
    assert isinstance(second, Manifest)
    (change,) = first.changes
    assert [(file.bytes, file.rows) for file in change.files] == [(3, 2), (1, 1)]
    assert second.changes[0].removed == tuple(file.path for file in change.files)
    assert (second.run, second.lines) == (run_id(NOW, "2"), 2)
    assert [change.schema.name for change in second.changes] == ["stock", "refused"]
    assert second.touches("stock")
    assert not second.touches("sales")


def test_a_place_that_is_not_ours_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "cat.jpg").write_text("x")
    (tmp_path / "new").mkdir()
    with pytest.raises(OutputError, match="is a file"):
        open_root(LocalStorage(str(tmp_path / "file")), "me", NOW)
    with pytest.raises(OutputError, match=r"did not write \(cat.jpg"):
        open_root(LocalStorage(str(tmp_path / "photos")), "me", NOW)
    open_root(LocalStorage(str(tmp_path / "new")), "me", NOW)
    assert list((tmp_path / "new").iterdir()) == []


def test_a_root_of_a_later_layout_is_refused(root: LocalStorage) -> None:
    root.write(layout.MARKER, json.dumps({"layout": 3}).encode())
    with pytest.raises(OutputError, match="newer Gristmill"):
        begin(publication(root, "1", OLD))


# Contracts


def test_a_new_column_may_come(root: LocalStorage) -> None:
    publish(root, "1", OLD)
    wider = dataclasses.replace(STOCK, fields=(*FIELDS, ("price", "decimal(9,2)")))
    publish(root, "2", Work({wider: [("b", "y")]}))
    assert stored(root) == [("a", "x"), ("b", "y")]
    # From then on it is part of the promise.
    with pytest.raises(SchemaError, match=r"price decimal\(9,2\) is gone"):
        begin(publication(root, "3", OLD))


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"fields": FIELDS[:1]}, "shop string is gone"),
        ({"fields": (("item", "int"), FIELDS[1])}, "item is int, was string"),
        ({"partitioned_by": ("item",)}, "partitioned by item, was by shop"),
        ({"write_mode": "batch"}, "a run replaces a batch, was a partition"),
    ],
)
def test_any_other_change_of_a_contract_is_refused_before_any_work(
    root: LocalStorage, tmp_path: Path, changed: dict[str, object], says: str
) -> None:
    publish(root, "1", OLD)
    before = everything(tmp_path / "out" / "stock")
    other = dataclasses.replace(STOCK, **changed)  # type: ignore[arg-type]
    publishing = publication(root, "2", Work({other: [("b", "x")]}))
    with pytest.raises(SchemaError, match=says):
        begin(publishing)
    publishing.finish()
    assert everything(tmp_path / "out" / "stock") == before
    assert not wrong(root)


def test_the_contract_of_a_dataset_that_is_not_claimed_is_kept_too(root: LocalStorage) -> None:
    publish(root, "1", Work({STOCK: [], REFUSED: [("a", "x")]}))
    other = DatasetSchema("refused", FIELDS[1:], ("shop",), "batch")
    publishing = publication(root, "2", OLD)
    begin(publishing)
    with pytest.raises(SchemaError, match="item string is gone"):
        publishing.stage(other, ())


# One writer


def test_a_second_run_fails_clearly_or_waits_its_turn(root: LocalStorage) -> None:
    first = publication(root, "1", OLD)
    begin(first)
    second = publication(root, "2", NEW)
    with pytest.raises(BusyError, match=r"stock is being written by shop-keeping by .*--wait"):
        begin(second)
    second.finish()
    told: list[str] = []

    def end_the_first(text: str) -> None:
        told.append(text)
        stage(root, first, OLD)
        commit(first, OLD)

    third = publication(root, "3", NEW)
    third.begin(timedelta(minutes=1), end_the_first)
    assert len(told) == 1
    assert told[0].startswith("waiting for shop-keeping by ")
    assert stored(root) == [("a", "x")]
    stage(root, third, NEW)
    commit(third, NEW)
    assert stored(root) == [("b", "x")]


def test_runs_that_write_different_datasets_do_not_wait_for_each_other(root: LocalStorage) -> None:
    sales = Work({SALES: [("s", "x")], REFUSED: [("r", "y")]})
    stock = Work({STOCK: [("a", "x")], REFUSED: [("q", "y")]}, batch="c")
    one, other = publication(root, "1", sales), publication(root, "2", stock)
    for publishing, work in ((one, sales), (other, stock)):
        begin(publishing)
        stage(root, publishing, work)
    commit(other, stock)
    commit(one, sales)
    assert stored(root, SALES) == [("s", "x")]
    assert stored(root, STOCK) == [("a", "x")]
    assert stored(root, REFUSED) == [("q", "y"), ("r", "y")]
    assert not wrong(root)


def test_a_run_whose_process_has_gone_is_not_waited_for(
    root: LocalStorage, clock: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = os.fork()
    if gone == 0:
        os._exit(0)
    os.waitpid(gone, 0)
    with monkeypatch.context() as patched:
        patched.setattr(os, "getpid", lambda: gone)
        begin(publication(root, "1", OLD, clock))
    publish(root, "2", NEW, clock)
    assert stored(root) == [("b", "x")]
    assert not wrong(root)


def test_a_run_elsewhere_holds_its_datasets_until_its_lease_runs_out(
    root: LocalStorage, clock: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(socket, "gethostname", lambda: "elsewhere")
        patched.setattr(os, "getpid", lambda: 2**30)
        begin(publication(root, "1", OLD, clock))
    clock.advance(lease.EXPIRY - timedelta(seconds=1))
    busy = publication(root, "2", NEW, clock)
    with pytest.raises(BusyError, match="@elsewhere"):
        begin(busy)
    busy.finish()
    clock.advance(timedelta(seconds=1))
    publish(root, "3", NEW, clock)
    assert stored(root) == [("b", "x")]


def test_a_run_that_was_taken_for_dead_cannot_commit(root: LocalStorage, clock: Time) -> None:
    zombie = publication(root, "1", OLD, clock)
    begin(zombie)
    stage(root, zombie, OLD)
    clock.advance(lease.EXPIRY)
    other = publication(root, "2", NEW, clock)
    begin(other)
    stage(root, other, NEW)
    # Before the other has committed, when nothing but the log stands in the way.
    with pytest.raises(LeaseLostError, match="another run took over stock"):
        commit(zombie, OLD)
    assert not zombie.finish()
    assert stored(root) == []
    commit(other, NEW)
    assert stored(root) == [("b", "x")]
    assert not wrong(root)


def test_a_run_that_slept_past_its_lease_and_was_not_missed_goes_on(
    root: LocalStorage, clock: Time
) -> None:
    sleeper = publication(root, "1", OLD, clock)
    begin(sleeper)
    stage(root, sleeper, OLD)
    clock.advance(timedelta(hours=5))
    commit(sleeper, OLD)
    assert stored(root) == [("a", "x")]


def test_a_lease_is_renewed_while_its_run_works(
    root: LocalStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lease, "_RENEWED_EVERY", timedelta(milliseconds=10))
    publishing = publication(root, "1", OLD)
    begin(publishing)
    (run,) = root.names(layout.STAGING)
    first = lease.find(root, run)
    assert first is not None
    renewed = threading.Event()
    for _ in range(1000):
        now = lease.find(root, run)
        if now is not None and now.expires > first.expires:
            renewed.set()
            break
        renewed.wait(0.01)
    assert renewed.is_set()
    publishing.finish()
    assert not root.names(layout.STAGING)


def test_of_many_that_claim_at_once_one_gets_it(root: LocalStorage) -> None:
    runs = [f"run-{number}" for number in range(24)]
    for run in runs:
        root.create(layout.lease(run), b"{}")
    start = threading.Barrier(len(runs))
    holders: dict[str, str | None] = {}

    def try_it(run: str) -> None:
        start.wait()
        holders[run] = lease.claim(root, "stock", run)

    threads = [threading.Thread(target=try_it, args=(run,)) for run in runs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (winner,) = [run for run, holder in holders.items() if holder is None]
    assert {holder for holder in holders.values() if holder} <= {winner}


# What is left by runs that were cut off: every single point is in tests/crash.


def test_recovery_tells_what_it_settled(root: LocalStorage, clock: Time) -> None:
    publish(root, "0", Work({SALES: [("z", "x")]}), clock)
    staged = publication(root, "1", OLD, clock)
    begin(staged)
    stage(root, staged, OLD)
    alive = publication(root, "2", Work({SALES: [("y", "x")]}), clock)
    begin(alive)
    assert [(found.run, found.dead) for found in unfinished(root, clock())] == [
        (run_id(NOW, "1"), False),
        (run_id(NOW, "2"), False),
    ]
    assert recover(root, "me", clock()) == []
    clock.advance(lease.EXPIRY)
    settled_now = recover(root, "me", clock())
    assert [(found.run, manifest) for found, manifest in settled_now] == [
        (run_id(NOW, "1"), None),
        (run_id(NOW, "2"), None),
    ]
    entries = [entry for _, entry in Log(root).since(1)]
    assert entries == [
        Abandoned(run_id(NOW, "1"), "me", clock().isoformat()),
        Abandoned(run_id(NOW, "2"), "me", clock().isoformat()),
    ]
    assert not wrong(root)


def test_leftovers_without_a_lease_are_dropped_once_they_are_old(
    root: LocalStorage, clock: Time
) -> None:
    publish(root, "1", OLD, clock)
    path = f"{layout.stage(run_id(NOW, 'x'))}/stock/shop=x/part-0.parquet"
    root.write(path, b"late")
    clock.advance(timedelta(hours=23))
    recover(root, "me", clock())
    assert root.is_file(path)
    clock.advance(timedelta(hours=2))
    recover(root, "me", clock())
    assert not root.names(layout.STAGING)


def test_a_stage_that_somebody_deleted_after_the_commit_replaces_nothing(
    root: LocalStorage, clock: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(root, "1", OLD, clock)
    publishing = publication(root, "2", NEW, clock)
    begin(publishing)
    stage(root, publishing, NEW)
    append = Log.append

    def then_lose(self: Log, *arguments: object) -> bool:
        appended = append(self, *arguments)  # type: ignore[arg-type]
        root.delete(publishing.folder("stock"))
        return appended

    monkeypatch.setattr(Log, "append", then_lose)
    with pytest.raises(OutputError, match="still there: run shop-keeping again"):
        commit(publishing, NEW)
    monkeypatch.undo()
    with pytest.raises(OutputError, match="still there"):
        publishing.finish()
    assert recover(root, "me", clock()) == []
    assert stored(root) == [("a", "x")]
    publish(root, "3", NEW, clock)
    assert stored(root) == [("b", "x")]
    assert not wrong(root)


def test_a_commit_whose_answer_got_lost_counts(
    root: LocalStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    publishing = publication(root, "1", OLD)
    begin(publishing)
    stage(root, publishing, OLD)
    append = Log.append

    def lose_the_answer(self: Log, *arguments: object) -> bool:
        append(self, *arguments)  # type: ignore[arg-type]
        raise ConnectionError

    with monkeypatch.context() as patched:
        patched.setattr(Log, "append", lose_the_answer)
        with pytest.raises(ConnectionError):
            commit(publishing, OLD)
    assert publishing.finish()
    assert stored(root) == [("a", "x")]
    assert not wrong(root)


def test_a_commit_that_failed_and_may_yet_arrive_is_barred(
    root: LocalStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    publishing = publication(root, "1", OLD)
    begin(publishing)
    stage(root, publishing, OLD)
    late = []
    append = Log.append

    def delay(self: Log, *arguments: object) -> bool:
        late.append(lambda: append(self, *arguments))  # type: ignore[arg-type]
        raise ConnectionError

    with monkeypatch.context() as patched:
        patched.setattr(Log, "append", delay)
        with pytest.raises(ConnectionError):
            commit(publishing, OLD)
    assert not publishing.finish()
    assert not late[0]()
    publish(root, "2", NEW)
    assert stored(root) == [("b", "x")]


# The log as it grows


def test_checkpoints_stand_for_the_log_and_let_old_entries_go(
    root: LocalStorage, clock: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(state, "_CHECKPOINT_EVERY", 5)
    for number in range(23):
        shop = f"s{number % 3}"
        publish(root, f"{number:02d}", Work({STOCK: [(f"i{number}", shop)]}), clock)
        clock.advance(timedelta(days=10))
    expected = [("i20", "s2"), ("i21", "s0"), ("i22", "s1")]
    assert stored(root) == expected
    # Checkpoints at 5, 10, 15, 20 on days 40, 90, 140, 190: the first is over 90 days old.
    assert layout.numbers(root.names(layout.CHECKPOINTS)) == [10, 15, 20]
    assert Log(root).numbers() == list(range(10, 24))
    found = read_state(root)
    files = {path: (file.bytes, file.rows) for path, file in found.datasets["stock"].files.items()}
    there = {file.path: (file.size, 1) for file in root.data_files("stock")}
    assert (found.number, files) == (23, there)
    assert found.datasets["stock"].schema == STOCK


# Readers of our own


def test_a_reader_waits_for_a_publish_that_is_being_applied(
    root: LocalStorage, clock: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(root, "1", OLD, clock)
    publishing = publication(root, "2", NEW, clock)
    begin(publishing)
    stage(root, publishing, NEW)
    # Staged is not committed: nobody waits for that.
    assert settled(root, "stock", lambda: stored(root), clock) == [("a", "x")]
    monkeypatch.setattr("gristmill.publish.publication.apply", lambda *_arguments: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        commit(publishing, NEW)
    looks = 0

    def sleep(_seconds: float) -> None:
        nonlocal looks
        looks += 1
        clock.advance(timedelta(seconds=50))

    monkeypatch.setattr("gristmill.publish.snapshot.time.sleep", sleep)
    assert settled(root, "stock", lambda: stored(root), clock) == [("b", "x")]
    assert looks == 4
    assert not wrong(root)


def test_a_reader_looks_again_when_a_publish_came_between(root: LocalStorage) -> None:
    publish(root, "1", OLD)
    works = iter([NEW, Work({SALES: [("s", "x")]})])

    def look() -> list[tuple[str, str]]:
        found = stored(root)
        publish(root, f"n{len(Log(root).numbers())}", next(works))
        return found

    assert settled(root, "stock", look) == [("b", "x")]
