"""A pool: as many workers on this machine as the backlog needs, between a least and a most."""

import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from math import ceil

import sqlalchemy as sa

from gristmill.manager.ledger import Ledger
from gristmill.manager.ledger.database import UnreachableError
from gristmill.manager.ledger.tables import runs
from gristmill.manager.states import ACTIVE, RunState
from gristmill.manager.worker.loop import WorkerOptions

_LOOK = 1.0
_GRACE = 30.0


def wanted(waiting: int, in_flight: int, slots: int, *, least: int, most: int) -> int:
    """How many workers a backlog needs. What is in flight counts, or the pool swings: it would
    shrink as soon as runs have been taken up."""
    return max(least, min(most, ceil((waiting + in_flight) / max(1, slots))))


class Pool:
    """Starts workers that end by themselves when nothing waits any more."""

    def __init__(  # noqa: PLR0917
        self,
        ledger: Ledger,
        options: WorkerOptions,
        url: str | None,
        least: int,
        most: int,
        tell: Callable[[str], None],
    ) -> None:
        self._ledger = ledger
        self._options = options
        self._url = url
        self._least, self._most = least, most
        self._tell = tell
        self._stopped = threading.Event()
        self._workers: list[subprocess.Popen[bytes]] = []

    def stop(self) -> None:
        """End the workers, which let go of their runs, and then the pool."""
        self._stopped.set()

    def run(self) -> None:
        """Keep the pool until it is stopped."""
        while not self._stopped.is_set():
            try:
                self._fit()
            except UnreachableError as error:
                self._tell(f"{error}; waiting for it")
            self._stopped.wait(_LOOK)
        for one in self._workers:
            one.terminate()
        for one in self._workers:
            try:
                one.wait(_GRACE)
            except subprocess.TimeoutExpired:
                one.kill()

    def _fit(self) -> None:
        self._workers = [one for one in self._workers if one.poll() is None]
        waiting, in_flight = self._backlog()
        slots = self._options.slots
        count = wanted(waiting, in_flight, slots, least=self._least, most=self._most)
        while len(self._workers) < count:
            # Those above the least end by themselves once nothing waits.
            keeps = len(self._workers) < self._least
            self._workers.append(subprocess.Popen(self._command(keeps=keeps)))
            self._tell(f"started a worker: {waiting:,} runs wait, {in_flight:,} go on")

    def _backlog(self) -> tuple[int, int]:
        due = sa.and_(runs.c.state == RunState.READY, runs.c.array_size.is_(None))
        served = runs.c.queue.in_(self._options.queues) if self._options.queues else sa.true()
        with self._ledger.look() as tx:
            count = sa.select(sa.func.count().label("n")).where(served)
            waiting = tx.all(count.where(due, runs.c.due <= tx.now))[0]["n"]
            in_flight = tx.all(count.where(runs.c.state.in_(ACTIVE)))[0]["n"]
        return int(waiting), int(in_flight)

    def _command(self, *, keeps: bool) -> Sequence[str]:
        options = self._options
        words = [sys.executable, "-m", "gristmill", "worker", "--slots", str(options.slots)]
        words += ["--cores", f"{options.cores:g}", "--memory", f"{options.memory}B"]
        words += ["--queues", *options.queues] if options.queues else []
        words += ["--ledger", self._url] if self._url else []
        return words if keeps else [*words, "--burst"]
