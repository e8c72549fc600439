"""The job manager as a user has it: runs of Spark, workers that end and that are killed."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow.dataset as arrow
import pytest

from tests.support.process import BIN, ROOT, TIMEOUT, Finished, environment, finish

Manager = Callable[..., Finished]
TEXT = str(ROOT / "data" / "sample" / "text")


class Ledger:
    """A new ledger, and commands on it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environ = {
            "GRISTMILL_LEDGER": f"sqlite:///{folder}/ledger.db",
            "GRISTMILL_RUNS": str(folder / "runs"),
            "GRISTMILL_WARM": "0",
        }

    def do(self, *words: str) -> Finished:
        return finish([BIN / "gristmill", *words], self.folder, **self.environ)

    def submit(self, *words: str) -> str:
        done = self.do("submit", *words)
        assert done.code == 0, done.err
        return done.out.strip()

    def shown(self, run: str) -> Any:
        return json.loads(self.do("runs", "show", run, "--json").out)

    def until(self, run: str, state: str) -> None:
        limit = time.monotonic() + TIMEOUT
        while self.shown(run)["state"] != state:
            assert time.monotonic() < limit
            time.sleep(0.2)

    @contextmanager
    def worker(self, *words: str) -> Iterator[subprocess.Popen[str]]:
        with subprocess.Popen(
            [BIN / "gristmill", "worker", *words],
            env=environment(**self.environ),
            cwd=self.folder,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            try:
                yield process
            finally:
                process.kill()


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(tmp_path)


def test_a_run_is_done_and_what_fails_is_set_aside_with_its_cause(ledger: Ledger) -> None:
    good = ledger.submit("word-count", "--input", TEXT, "--output", "out")
    bad = ledger.submit("word-count", "--input", "nothing", "--output", "other")
    after = ledger.submit("--after", bad, "word-count", "--input", TEXT, "--output", "third")
    done = ledger.do("worker", "--burst", "--slots", "2")
    assert done.code == 0, done.err
    found = ledger.shown(good)
    assert found["state"] == "succeeded"
    rows = arrow.dataset(ledger.folder / "out" / "word_counts").count_rows()
    assert [one["rows"] for one in found["result"]["datasets"]] == [rows]
    (letter,) = json.loads(ledger.do("dead-letter", "--json").out)["runs"]
    assert (letter["run"], letter["cause"]) == (bad, "SAID")
    assert letter["reason"].startswith("no such input: ")
    assert ledger.shown(after)["state"] == "skipped"
    explained = ledger.do("runs", "explain", bad).out
    assert "what to do: see what the job says" in explained


@pytest.mark.thorough
def test_a_worker_gives_its_runs_up_and_another_takes_them_up(ledger: Ledger) -> None:
    run = ledger.submit("word-count", "--input", TEXT, "--output", "out")
    with ledger.worker() as first:
        ledger.until(run, "running")
        first.send_signal(signal.SIGTERM)
        began = time.monotonic()
        _, err = first.communicate(timeout=TIMEOUT)
        assert time.monotonic() - began < 10
        assert "gave up 1 runs, which go on" in err
    assert ledger.shown(run)["state"] == "running"
    assert ledger.do("worker", "--burst").code == 0
    found = ledger.shown(run)
    assert found["state"] == "succeeded"
    assert [one["outcome"] for one in found["attempts"]] == ["succeeded"]
    assert len(list((ledger.folder / "runs").iterdir())) == 1


@pytest.mark.thorough
def test_what_is_killed_with_its_worker_is_tried_again(ledger: Ledger) -> None:
    run = ledger.submit("word-count", "--input", TEXT, "--output", "out")
    with ledger.worker() as first:
        ledger.until(run, "running")
        (home,) = (ledger.folder / "runs").iterdir()
        os.kill(int((home / "pid").read_text()), signal.SIGKILL)
        first.kill()
        first.wait()
    with ledger.worker() as second:
        ledger.until(run, "succeeded")
        second.send_signal(signal.SIGTERM)
        second.communicate(timeout=TIMEOUT)
    outcomes = [(one["outcome"], one["cause"]) for one in ledger.shown(run)["attempts"]]
    assert outcomes == [("failed", "KILLED_PROCESS"), ("succeeded", "")]


@pytest.mark.thorough
def test_a_pool_starts_workers_for_what_waits_and_ends_with_them(ledger: Ledger) -> None:
    run = ledger.submit("word-count", "--input", TEXT, "--output", "out")
    with ledger.worker("--pool", "0..2") as pool:
        ledger.until(run, "succeeded")
        pool.send_signal(signal.SIGTERM)
        _, err = pool.communicate(timeout=TIMEOUT)
    assert "started a worker: 1 runs wait, 0 go on" in err
    assert json.loads(ledger.do("workers", "--json").out)["workers"] == []
