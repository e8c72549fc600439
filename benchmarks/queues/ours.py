"""Our ledger, with a place whose runs are over as soon as they begin."""

import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from gristmill.manager.ledger import open_ledger
from gristmill.manager.ledger.claiming import Claimed
from gristmill.manager.ledger.submitting import submit
from gristmill.manager.places import Outcome
from gristmill.manager.request import RunRequest
from gristmill.manager.settings import Settings
from gristmill.manager.worker import Worker, WorkerOptions
from gristmill.manager.worker.calls import Inline
from gristmill.manager.worker.identity import this_process
from gristmill.runs import Handle, State, Status


class Nothing:
    """A place that notes each run as it begins."""

    poll_every = 0.0

    def __init__(self, file: Path) -> None:
        self._file = file.open("a", buffering=1)

    def start(self, run: Claimed) -> Handle:
        began = float(run.argv[0]) if run.argv else 0.0
        self._file.write(f"{time.time()} {began}\n")
        return Handle("nothing", "", run.run_key)

    def poll(self, handles: Sequence[Handle]) -> Mapping[Handle, Status]:
        return {handle: Status(State.SUCCEEDED) for handle in handles}

    def cancel(self, handle: Handle) -> None:
        pass

    def outcome(self, _run: Claimed, _handle: Handle, _status: Status) -> Outcome:
        return Outcome()

    def progress(self, _run: Claimed, _handle: Handle) -> Mapping[str, Any] | None:
        return None

    def tail(self, _handle: Handle, _lines: int) -> Sequence[str]:
        return ()


def prepare(url: str) -> None:
    """Make the tables."""
    open_ledger(url).close()


def enqueue(url: str, count: int) -> None:
    """Submit many at once."""
    ledger = open_ledger(url)
    with ledger.begin() as tx:
        request = RunRequest("j", array=("",) * count, cores=0.001, memory=0)
        submit(tx, request, Settings())


def trickle(url: str, count: int, every: float) -> None:
    """Submit one after the other."""
    ledger = open_ledger(url)
    for _ in range(count):
        with ledger.begin() as tx:
            request = RunRequest("j", (str(time.time()),), cores=0.001, memory=0)
            submit(tx, request, Settings())
        time.sleep(every)


def work(url: str, file: Path) -> None:
    """Work until it is killed."""
    place = Nothing(file)
    options = WorkerOptions(10, cores=1000.0, memory=10**12, idle=0.05)
    me = this_process()
    Worker(open_ledger(url), me, options, lambda _name, _place: place, calls=Inline()).run()


if __name__ == "__main__":
    from common import main

    sys.exit(main(prepare, enqueue, trickle, work))
