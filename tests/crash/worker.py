"""Runs of the publish harness, each in a process of its own.

    python -m tests.crash.worker publish FOLDER NAME SHOPS STOP…
    python -m tests.crash.worker sleep-in-renewal FOLDER NAME SHOPS
    python -m tests.crash.worker contend FOLDER NAME
    python -m tests.crash.worker generations FOLDER FILES PAUSE KIND STOP…

`publish` is one run. It stops itself with SIGSTOP at each STOP, `POINT` or `POINT:N` for its Nth
time from 0, and ends with the exit code of its failure. `sleep-in-renewal` is one that stops when
it has committed and renews its lease. `contend` is a run for every line that comes in, which says
how long to wait for others; without waiting, whoever gets its turn says so and goes on at the next
line. `generations` replaces the same Parquet files again and again, PAUSE seconds apart, until its
input ends, in an output of KIND, `parquet` or `iceberg`; it stops itself likewise, and in the end
says how many milliseconds each apply took.
"""

import argparse
import json
import select
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from gristmill import failpoints as faults
from gristmill.errors import GristmillError
from gristmill.model.schema import DatasetSchema
from gristmill.publish import claims as claims_module
from gristmill.publish import lease
from gristmill.publish.publication import Publication
from gristmill.storage.local import LocalStorage
from tests.support.publishing import REFUSED, SALES, STOCK, Work, begin, commit, publication, stage

GENERATIONS = DatasetSchema(
    "stock",
    (("generation", "bigint"), ("item", "bigint"), ("shop", "string")),
    ("shop",),
    "partition",
)
PARTITIONS = 2
ROWS = 3
"""Of each Parquet file."""

EXPIRY = timedelta(seconds=0.3)
_GIVEN_UP_AFTER = 100


def some_work(name: str, shops: str) -> Work:
    """What the run called `name` publishes to each of the shops."""
    rows = [(f"{name}{number}", shop) for shop in shops for number in range(3)]
    return Work({STOCK: rows, REFUSED: [(f"{name}!", "x")]}, batch=name)


def pause() -> None:
    """Stop this process until it gets SIGCONT."""
    # To this very thread: it goes no further, whichever threads there are.
    signal.pthread_kill(threading.get_ident(), signal.SIGSTOP)


def stopping_at(stops: list[str]) -> Callable[[str], None]:
    """Stops this process at each of `stops`."""
    # Renewed never, so that where it is stopped depends on its main thread alone.
    lease._RENEWED_EVERY = timedelta(hours=1)
    seen: Counter[str] = Counter()

    def stop(point: str) -> None:
        reached = {f"{point}:{seen[point]}", *([] if seen[point] else [point])}
        seen[point] += 1
        if reached & set(stops):
            pause()

    return stop


class Drowsy(LocalStorage):
    """Once `committed`, stops this process as it is about to write a lease anew."""

    def __init__(self, folder: str) -> None:
        super().__init__(folder)
        self.committed, self.renewed = threading.Event(), threading.Event()

    def write(self, path: str, data: bytes) -> None:
        sleeps = self.committed.is_set() and not self.renewed.is_set()
        if sleeps:
            pause()
        super().write(path, data)
        if sleeps:
            self.renewed.set()


def sleep_in_renewal(folder: str, name: str, shops: str) -> None:
    """One run, which applies what it has committed after its lease was written late."""
    lease._RENEWED_EVERY = timedelta(seconds=0.01)
    storage = Drowsy(folder)

    def wait(point: str) -> None:
        if point == "commit.after":
            storage.committed.set()
            storage.renewed.wait()

    publish_once(storage, name, shops, wait)


def publish_once(storage: LocalStorage, name: str, shops: str, at: Callable[[str], None]) -> None:
    """One run, with something done at each of its points."""
    lease.EXPIRY = EXPIRY
    faults.at = at
    work = some_work(name, shops)
    publishing = publication(storage, name, work)
    try:
        begin(publishing)
        stage(storage, publishing, work)
        commit(publishing, work)
    finally:
        publishing.finish()


def contend(folder: str, name: str) -> None:
    """A run for each line of standard input."""
    claims_module._POLL_SECONDS = 0.005
    storage = LocalStorage(folder)
    for number, line in enumerate(sys.stdin):
        wait = timedelta(seconds=float(line))
        # A run's identifier counts in seconds, and rounds are faster than that.
        run = f"{name}-{number}"
        rows = [(f"{run}-{item}", "x") for item in range(3)]
        work = Work({STOCK: rows, SALES: rows}, batch=run)
        publishing = publication(storage, run, work)
        try:
            begin(publishing, wait)
        except GristmillError as error:
            publishing.finish()
            tell(failed=type(error).__name__, code=error.exit_code, said=str(error))
            continue
        if not wait:
            tell(begun=publishing._origin.run)
            sys.stdin.readline()
        stage(storage, publishing, work)
        commit(publishing, work)
        tell(published=rows)


def generations(folder: str, files: int, seconds: float, kind: str, stops: list[str]) -> None:
    """Publish generation after generation of the same partitions, with some seconds between."""
    storage = LocalStorage(folder)
    stop = stopping_at(stops)
    began = 0.0
    took: list[float] = []

    def watch(point: str) -> None:
        nonlocal began
        if point in ("apply.move", "commit.after"):
            began = began or time.perf_counter()
        elif point in ("apply.deleted", "table.committed"):
            took.append((time.perf_counter() - began) * 1000)
            began = 0.0
        stop(point)

    faults.at = watch
    number = 0
    while number < 2 or not select.select([sys.stdin], [], [], seconds)[0]:
        number += 1
        publish_generation(storage, Path(folder), number, files, kind)
        if number == 1:
            tell(ready=True)
    # The first one replaced nothing.
    tell(took=took[1:])


def publish_generation(
    storage: LocalStorage, folder: Path, number: int, files: int, kind: str
) -> None:
    """Replace all partitions by `files` files each, whose rows tell their generation."""
    work = Work({GENERATIONS: []})
    publishing = publication(storage, f"g{number}", work, table_format=kind)
    begin(publishing)
    write_generation(publishing, folder, number, files)
    rows = [ROWS] * (PARTITIONS * files)
    publishing.stage(GENERATIONS, rows)
    publishing.commit(sum(rows), 0)


def write_generation(publishing: Publication, folder: Path, number: int, files: int) -> None:
    table = pa.table({"generation": [number] * ROWS, "item": list(range(ROWS))})
    for shop in range(PARTITIONS):
        place = folder / publishing.folder("stock") / f"shop={shop}"
        place.mkdir(parents=True)
        for file in range(files):
            pq.write_table(table, place / f"part-{file:03d}.parquet")


def tell(**said: object) -> None:
    print(json.dumps(said), flush=True)


def main() -> int:
    """Do what the command line says; gives the exit code."""
    parser = argparse.ArgumentParser()
    parser.add_argument("what", choices=("publish", "sleep-in-renewal", "contend", "generations"))
    parser.add_argument("folder")
    parser.add_argument("rest", nargs="*")
    chosen = parser.parse_args()
    # Whatever the test that started it has come to.
    signal.alarm(_GIVEN_UP_AFTER)
    try:
        if chosen.what == "publish":
            name, shops, *stops = chosen.rest
            publish_once(LocalStorage(chosen.folder), name, shops, stopping_at(stops))
        elif chosen.what == "sleep-in-renewal":
            sleep_in_renewal(chosen.folder, *chosen.rest)
        elif chosen.what == "contend":
            contend(chosen.folder, chosen.rest[0])
        else:
            files, seconds, kind, *stops = chosen.rest
            generations(chosen.folder, int(files), float(seconds), kind, stops)
    except GristmillError as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
