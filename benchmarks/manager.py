"""The job manager's queue beside others: `make bench-manager`.

Each runs jobs that do nothing, with four worker processes of ten at once, on a new database; every
job notes that it began. Figures: enqueued a second in bulk; begun a second, from the start of the
workers (their own start included) and after the first job; and how long a job waits for an idle
worker, enqueued one by one. SQLite syncs each commit, as PostgreSQL does.
"""

import argparse
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import sqlalchemy as sa

from tests.support.postgres import postgres

_QUEUES = Path(__file__).parent / "queues"
_WORKERS = 4
_LIMIT = 300.0


@dataclass(frozen=True)
class Contestant:
    """A queue: its script, the database, and the Python that has it."""

    name: str
    script: str
    database: str
    python: str


@dataclass(frozen=True)
class Figures:
    """What came of it; None where it did not get done."""

    enqueued: float
    begun: float | None
    begun_warm: float | None
    wait_p50: float | None
    wait_p99: float | None


def main(words: Sequence[str] | None = None) -> int:
    """Run all; gives the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--only", nargs="+", default=[], help="scripts, as ours")
    parser.add_argument("--peers", default=sys.executable, help="a Python that has the others")
    arguments = parser.parse_args(words)
    ours, peers = sys.executable, arguments.peers
    contestants = [
        Contestant("ours, SQLite", "ours", "sqlite", ours),
        Contestant("huey, SQLite", "huey_", "sqlite", peers),
        Contestant("dbos, SQLite", "dbos_", "sqlite", peers),
        Contestant("ours, PostgreSQL", "ours", "postgresql", ours),
        Contestant("procrastinate", "procrastinate_", "postgresql", peers),
        Contestant("pgqueuer", "pgqueuer_", "postgresql", peers),
        Contestant("dbos, PostgreSQL", "dbos_", "postgresql", peers),
    ]
    contestants = [one for one in contestants if not arguments.only or one.script in arguments.only]
    print("| queue | enqueued/s | begun/s | after the first | wait p50 ms | p99 ms |")
    print("|---|---|---|---|---|---|")
    with TemporaryDirectory(prefix="gristmill-bench-") as name, postgres(Path(name) / "pg") as pg:
        for number in range(arguments.rounds):
            for one in contestants:
                folder = Path(name) / f"{one.script}-{one.database}-{number}"
                folder.mkdir()
                found = measure(one, folder, pg.uri, arguments.jobs)
                cells = [found.enqueued, found.begun, found.begun_warm]
                waits = [wait and wait * 1000 for wait in (found.wait_p50, found.wait_p99)]
                print(f"| {one.name} | {' | '.join(map(_cell, [*cells, *waits]))} |", flush=True)
    return 0


def _cell(value: float | None) -> str:
    return "not done" if value is None else f"{value:,.0f}"


def measure(one: Contestant, folder: Path, server: str, jobs: int) -> Figures:
    """Let one run: all at once, then one by one."""
    url = _database(one, folder / "bulk.db", server, f"{one.script}_bulk_{folder.name[-1]}")
    _do(one, "prepare", url)
    began = time.perf_counter()
    told = _do(one, "enqueue", url, str(jobs)).split()
    enqueued = jobs / (float(told[-1]) if told else time.perf_counter() - began)
    start = time.time()
    times = _worked(one, url, folder / "bulk", jobs)
    first, last = (min(times)[0], max(times)[0]) if times else (0.0, 0.0)
    is_done = len(times) >= jobs
    url = _database(one, folder / "one.db", server, f"{one.script}_one_{folder.name[-1]}")
    _do(one, "prepare", url)
    waits = sorted(at - since for at, since in _trickled(one, url, folder / "one", 200))
    return Figures(
        enqueued,
        jobs / (last - start) if is_done else None,
        jobs / max(0.001, last - first) if is_done else None,
        statistics.median(waits) if waits else None,
        waits[int(len(waits) * 0.99) - 1] if waits else None,
    )


def _database(one: Contestant, file: Path, server: str, name: str) -> str:
    if one.database == "sqlite":
        return f"sqlite:///{file}"
    made = sa.make_url(server)
    engine = sa.create_engine(
        made.set(drivername="postgresql+psycopg"), isolation_level="AUTOCOMMIT"
    )
    with engine.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
    engine.dispose()
    return made.set(database=name).render_as_string(hide_password=False)


def _do(one: Contestant, *words: str) -> str:
    done = subprocess.run(
        [one.python, str(_QUEUES / f"{one.script}.py"), *words],
        capture_output=True,
        text=True,
        timeout=_LIMIT,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"{one.name}: {words[0]}: {done.stderr[-2000:]}")
    return done.stdout


def _workers(one: Contestant, url: str, folder: Path) -> "list[subprocess.Popen[bytes]]":
    folder.mkdir()
    return [
        subprocess.Popen(
            [one.python, str(_QUEUES / f"{one.script}.py"), "work", url, str(folder / str(number))],
            env={**os.environ, "QUEUE_FILE": str(folder / str(number))},
            stdout=subprocess.DEVNULL,
            stderr=(folder / f"{number}.err").open("wb"),
        )
        for number in range(_WORKERS)
    ]


def _end(workers: "list[subprocess.Popen[bytes]]") -> None:
    for one in workers:
        one.kill()
    for one in workers:
        one.wait()


def _times(folder: Path) -> list[tuple[float, float]]:
    lines = [
        line.split()
        for path in folder.iterdir()
        if not path.suffix
        for line in path.read_text().splitlines()
    ]
    return [(float(words[0]), float(words[1])) for words in lines if len(words) == 2]


def _worked(one: Contestant, url: str, folder: Path, jobs: int) -> list[tuple[float, float]]:
    workers = _workers(one, url, folder)
    try:
        return _until(folder, jobs)
    finally:
        _end(workers)


def _until(folder: Path, jobs: int) -> list[tuple[float, float]]:
    until = time.monotonic() + _LIMIT
    times: list[tuple[float, float]] = []
    while len(times) < jobs and time.monotonic() < until:
        time.sleep(0.2)
        times = _times(folder)
    return times


def _trickled(one: Contestant, url: str, folder: Path, jobs: int) -> list[tuple[float, float]]:
    workers = _workers(one, url, folder)
    try:
        # They are to be idle by then.
        time.sleep(15)
        _do(one, "trickle", url, str(jobs), "0.05")
        return _until(folder, jobs)
    finally:
        _end(workers)


if __name__ == "__main__":
    sys.exit(main())
