"""Runs in processes of their own that write the same datasets: at once, and after a sleep."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gristmill.publish import layout, lease
from gristmill.publish.lease import utc_now
from gristmill.publish.log import Log
from gristmill.publish.manifest import Manifest
from gristmill.storage.local import LocalStorage
from tests.crash.worker import some_work
from tests.support.process import ROOT, TIMEOUT
from tests.support.publishing import REFUSED, SALES, STOCK, Rows, publish, stored, wrong

Worker = subprocess.Popen[str]

_BEFORE_THE_COMMIT = (
    "begin.lease",
    "begin.claim",
    "commit.before",
)
_FROM_THE_COMMIT_ON = (
    "commit.after",
    "apply.move:1",
    "apply.moved",
    "apply.delete:1",
    "apply.deleted",
    "put_away.dataset",
    "put_away.lease",
)


@pytest.fixture
def root(tmp_path: Path) -> LocalStorage:
    return LocalStorage(str(tmp_path / "out"))


@contextlib.contextmanager
def worker(*arguments: str | Path) -> Iterator[Worker]:
    """A process of `tests.crash.worker`, killed at the end if it is still there."""
    with subprocess.Popen(
        [sys.executable, "-m", "tests.crash.worker", *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def say(process: Worker, line: str) -> None:
    assert process.stdin is not None
    process.stdin.write(f"{line}\n")
    process.stdin.flush()


def hear(process: Worker) -> Any:
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line, process.communicate()[1]
    return json.loads(line)


def await_stop(process: Worker) -> None:
    """Wait until a process has stopped itself."""
    state = os.waitid(os.P_PID, process.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)
    assert state is not None
    assert state.si_code == os.CLD_STOPPED, process.communicate()[1]


def go_on(process: Worker) -> tuple[int, str]:
    """Have a stopped process go on to its end; gives its exit code and what it said."""
    process.send_signal(signal.SIGCONT)
    _, err = process.communicate(timeout=TIMEOUT)
    return process.returncode, err


def rows_of(published: list[list[str]]) -> list[tuple[str, str]]:
    return [(item, shop) for item, shop in published]


# At once


@pytest.mark.parametrize(
    ("count", "rounds"), [(2, 40), pytest.param(6, 15, marks=pytest.mark.thorough)]
)
def test_of_runs_that_do_not_wait_one_gets_its_turn_and_names_itself_to_the_others(
    root: LocalStorage, tmp_path: Path, count: int, rounds: int
) -> None:
    everything: Rows = []
    with contextlib.ExitStack() as stack:
        workers = [
            stack.enter_context(worker("contend", tmp_path / "out", f"w{number}"))
            for number in range(count)
        ]
        for _ in range(rounds):
            for each in workers:
                say(each, "0")
            answers = [hear(each) for each in workers]
            ((winner, begun),) = [
                (each, answer["begun"])
                for each, answer in zip(workers, answers, strict=True)
                if "begun" in answer
            ]
            losers = [answer for answer in answers if "begun" not in answer]
            assert {(loser["failed"], loser["code"]) for loser in losers} == {("BusyError", 4)}
            assert all(f"(run {begun}, process {winner.pid})" in loser["said"] for loser in losers)
            say(winner, "go")
            published = rows_of(hear(winner)["published"])
            everything = [*everything, *published]
            assert stored(root) == published
            assert stored(root, SALES) == sorted(everything)
            assert not wrong(root)


@pytest.mark.parametrize(
    ("count", "rounds"), [(6, 10), pytest.param(2, 40, marks=pytest.mark.thorough)]
)
def test_of_runs_that_wait_for_each_other_all_get_their_turn_and_nothing_is_lost(
    root: LocalStorage, tmp_path: Path, count: int, rounds: int
) -> None:
    everything: Rows = []
    with contextlib.ExitStack() as stack:
        workers = [
            stack.enter_context(worker("contend", tmp_path / "out", f"w{number}"))
            for number in range(count)
        ]
        for _ in range(rounds):
            for each in workers:
                say(each, "60")
            published = [rows_of(hear(each)["published"]) for each in workers]
            everything = [*everything, *(row for rows in published for row in rows)]
            assert stored(root) in published
            assert stored(root, SALES) == sorted(everything)
            assert not wrong(root)
    manifests = [entry for _, entry in Log(root).since(0) if isinstance(entry, Manifest)]
    assert len(manifests) == count * rounds


# Back from sleep: a run is stopped for longer than its lease, and another one takes over.


def outlive(root: LocalStorage) -> None:
    """Wait until the lease of the only run that is not finished has run out."""
    (run,) = root.names(layout.STAGING)
    left = lease.find(root, run)
    # Where it is being deleted there is nothing to wait for.
    if left is not None:
        time.sleep(max(0.0, (left.expires - utc_now()).total_seconds()))


def of(name: str, shops: str) -> list[tuple[str, str]]:
    """The rows of a run."""
    return sorted(some_work(name, shops).rows[STOCK])


@pytest.mark.parametrize(
    ("kind", "stop"),
    [*(("parquet", stop) for stop in _BEFORE_THE_COMMIT), ("iceberg", _BEFORE_THE_COMMIT[-1])],
)
def test_a_run_that_slept_before_its_commit_and_was_replaced_publishes_nothing(
    root: LocalStorage, tmp_path: Path, kind: str, stop: str
) -> None:
    publish(root, "old", some_work("old", "xyz"), table_format=kind)
    with worker("publish", tmp_path / "out", "zombie", "xyz", stop) as zombie:
        await_stop(zombie)
        outlive(root)
        publish(root, "heir", some_work("heir", "xy"))
        code, err = go_on(zombie)
    assert (code, err.partition(":")[0]) == (4, "LeaseLostError"), err
    assert stored(root) == sorted(of("heir", "xy") + of("old", "z"))
    assert stored(root, REFUSED) == [("heir!", "x"), ("old!", "x")]
    assert not wrong(root)


@pytest.mark.parametrize(
    ("kind", "stop"),
    [
        *(("parquet", stop) for stop in _FROM_THE_COMMIT_ON),
        ("iceberg", "table.commit:1"),
        *(
            pytest.param("iceberg", stop, marks=pytest.mark.thorough)
            for stop in ("commit.after", "table.committed")
        ),
    ],
)
def test_a_run_that_slept_after_its_commit_is_finished_by_the_next_and_does_no_harm(
    root: LocalStorage, tmp_path: Path, kind: str, stop: str
) -> None:
    publish(root, "old", some_work("old", "xyz"), table_format=kind)
    with worker("publish", tmp_path / "out", "zombie", "xyz", stop) as zombie:
        await_stop(zombie)
        outlive(root)
        publish(root, "heir", some_work("heir", "xy"))
        code, err = go_on(zombie)
    assert code == 0, err
    assert stored(root) == sorted(of("heir", "xy") + of("zombie", "z"))
    assert stored(root, REFUSED) == [("heir!", "x"), ("old!", "x"), ("zombie!", "x")]
    assert not wrong(root)


@pytest.mark.parametrize(
    ("kind", "stop"),
    [
        pytest.param("parquet", "settle.concluded", marks=pytest.mark.thorough),
        ("parquet", "apply.move:1"),
        pytest.param("parquet", "apply.delete:1", marks=pytest.mark.thorough),
        ("iceberg", "table.commit:1"),
        *(
            pytest.param("iceberg", stop, marks=pytest.mark.thorough)
            for stop in ("settle.concluded", "table.committed:1")
        ),
    ],
)
def test_a_run_that_slept_while_it_finished_another_does_no_harm(
    root: LocalStorage, tmp_path: Path, kind: str, stop: str
) -> None:
    publish(root, "old", some_work("old", "xyz"), table_format=kind)
    with worker("publish", tmp_path / "out", "dead", "xyz", "commit.after") as dead:
        await_stop(dead)
    with worker("publish", tmp_path / "out", "helper", "x", stop) as helper:
        await_stop(helper)
        publish(root, "heir", some_work("heir", "xy"))
        code, err = go_on(helper)
    assert code == 0, err
    assert stored(root) == sorted(of("helper", "x") + of("heir", "y") + of("dead", "z"))
    assert not wrong(root)


def test_a_sign_of_life_that_comes_late_does_no_harm(root: LocalStorage, tmp_path: Path) -> None:
    publish(root, "old", some_work("old", "xyz"))
    with worker("sleep-in-renewal", tmp_path / "out", "zombie", "xyz") as zombie:
        await_stop(zombie)
        outlive(root)
        publish(root, "heir", some_work("heir", "xy"))
        code, err = go_on(zombie)
    assert code == 0, err
    assert stored(root) == sorted(of("heir", "xy") + of("zombie", "z"))
    assert not wrong(root)


def test_a_run_that_slept_and_was_replaced_holds_nobody_up_and_stores_nothing_twice(
    root: LocalStorage, tmp_path: Path
) -> None:
    publish(root, "old", some_work("old", "xyz"))
    stops = ("begin.claim", "apply.move")
    with worker("publish", tmp_path / "out", "zombie", "xyz", *stops) as zombie:
        await_stop(zombie)
        outlive(root)
        publish(root, "heir", some_work("heir", "xy"))
        zombie.send_signal(signal.SIGCONT)
        # It is through, or about to bring in what it may not.
        state = os.waitid(os.P_PID, zombie.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)
        assert state is not None
        publish(root, "next", some_work("next", "xy"))
        go_on(zombie)
    assert stored(root) == sorted(of("next", "xy") + of("old", "z"))
    assert not wrong(root)
