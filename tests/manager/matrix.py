"""Workers that are killed and stopped at random, all the while: `python -m tests.manager.matrix`.

Runs outlive their workers: each is a file that is made once a run key. At the end every run is
final, and there are as many files as attempts: nothing was lost, nothing was done twice.
"""

import argparse
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import sqlalchemy as sa

from gristmill.manager.ledger import Ledger, open_ledger
from gristmill.manager.ledger.submitting import submit
from gristmill.manager.ledger.tables import attempts, events, runs
from gristmill.manager.request import RunRequest
from gristmill.manager.settings import Settings
from gristmill.manager.states import FINAL
from tests.support.ledgers import Databases
from tests.support.postgres import postgres

_ARRAY = 1_000


@dataclass(frozen=True)
class Trial:
    """What is tried: how many runs, workers and their slots, how long a run takes, in seconds; and
    for how long at most."""

    runs: int
    workers: int = 8
    slots: int = 20
    seconds: float = 0.2
    limit: float = 600.0
    seed: int = 1


@dataclass(frozen=True)
class Tried:
    """What came of it: runs by state, attempts, what was started, and what was done to workers."""

    states: dict[str, int]
    attempts: int
    started: int
    kills: int
    stops: int
    took: float


def try_out(url: str, folder: Path, trial: Trial) -> Tried:
    """Do it on a new ledger. Raises `AssertionError` where anything was lost or done twice."""
    ledger = open_ledger(url)
    _submit(ledger, trial)
    rng = random.Random(trial.seed)
    kills = stops = 0
    began = time.monotonic()
    workers = [_worker(url, folder, trial) for _ in range(trial.workers)]
    stopped: dict[int, float] = {}
    try:
        while not _is_over(ledger):
            assert time.monotonic() - began < trial.limit, _counted(ledger)
            time.sleep(rng.uniform(0.05, 0.4))
            for index, one in enumerate(workers):
                now = time.monotonic()
                if one.poll() is not None:
                    workers[index] = _worker(url, folder, trial)
                elif one.pid in stopped:
                    if now > stopped[one.pid]:
                        del stopped[one.pid]
                        one.send_signal(signal.SIGCONT)
                elif rng.random() < 0.04:
                    kills += 1
                    one.kill()
                elif rng.random() < 0.03:
                    stops += 1
                    # Longer than a lease: another takes up what it holds.
                    stopped[one.pid] = now + rng.uniform(1.0, 8.0)
                    one.send_signal(signal.SIGSTOP)
    finally:
        for one in workers:
            one.kill()
            one.wait()
    found = _check(ledger, folder, kills, stops, time.monotonic() - began)
    ledger.close()
    return found


def _submit(ledger: Ledger, trial: Trial) -> None:
    left = trial.runs
    while left:
        size = min(_ARRAY, left)
        left -= size
        request = RunRequest("word-count", array=("",) * size, cores=0.001, memory=0, attempts=10)
        with ledger.begin() as tx:
            submit(tx, request, Settings())


def _worker(url: str, folder: Path, trial: Trial) -> "subprocess.Popen[bytes]":
    words = [url, str(folder), str(trial.seconds), str(trial.slots)]
    return subprocess.Popen([sys.executable, "-m", "tests.manager.one_worker", *words])


def _is_over(ledger: Ledger) -> bool:
    with ledger.look() as tx:
        left = sa.select(runs.c.id).where(runs.c.state.not_in(FINAL)).limit(1)
        return tx.one(left) is None


def _counted(ledger: Ledger) -> dict[str, int]:
    with ledger.look() as tx:
        counted = sa.select(runs.c.state, sa.func.count().label("n")).group_by(runs.c.state)
        return {row["state"]: row["n"] for row in tx.all(counted)}


def _check(ledger: Ledger, folder: Path, kills: int, stops: int, took: float) -> Tried:
    with ledger.look() as tx:
        keys = Counter(row["run_key"] for row in tx.all(sa.select(attempts.c.run_key)))
        done = tx.all(sa.select(events.c.run).where(events.c.after == "succeeded"))
        open_ones = tx.all(sa.select(attempts.c.run).where(attempts.c.ended.is_(None)))
    started = {path.name for path in folder.iterdir()}
    assert set(keys) == started, set(keys) ^ started
    assert set(keys.values()) <= {1}
    assert set(Counter(row["run"] for row in done).values()) <= {1}
    assert open_ones == []
    states = _counted(ledger)
    assert set(states) == {"succeeded"}, states
    return Tried(states, len(keys), len(started), kills, stops, took)


@contextmanager
def new_ledger(kind: str, folder: Path) -> Iterator[str]:
    """The URL of a new ledger of a kind, as long as its server is there."""
    if kind == "sqlite":
        yield Databases("sqlite", folder).url()
        return
    with postgres() as server:
        yield Databases("postgresql", folder, server.uri).url()


def main(words: Sequence[str] | None = None) -> int:
    """Try it on both databases; gives the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=10_000)
    parser.add_argument("--workers", type=int, default=8)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--limit", type=float, default=3600.0)
    parser.add_argument("--on", nargs="+", default=["sqlite", "postgresql"])
    arguments = parser.parse_args(words)
    trial = Trial(arguments.runs, arguments.workers, seed=arguments.seed, limit=arguments.limit)
    for kind in arguments.on:
        with TemporaryDirectory(prefix="gristmill-") as folder:
            started = Path(folder) / "started"
            started.mkdir()
            (Path(folder) / "ledger").mkdir()
            with new_ledger(kind, Path(folder) / "ledger") as url:
                found = try_out(url, started, trial)
            print(f"{kind}: {found}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
