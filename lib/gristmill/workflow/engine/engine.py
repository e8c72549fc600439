"""Driving many executions: taken up by token and lease, as runs are, and given up when it ends."""

import contextlib
import threading
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from gristmill.manager.ledger import Ledger, Transaction
from gristmill.manager.ledger.database import UnreachableError
from gristmill.manager.ledger.workflow_tables import executions
from gristmill.workflow.bindings.nested import NoSuchMachineError
from gristmill.workflow.engine import service
from gristmill.workflow.engine.clocks import RealClock
from gristmill.workflow.engine.driver import Bindings, Clock, Driver
from gristmill.workflow.engine.ledger_store import (
    LEASE,
    LedgerStore,
    TakenOverError,
    from_document,
)
from gristmill.workflow.errors import DefinitionError
from gristmill.workflow.interpreter import steps
from gristmill.workflow.interpreter.branch import Status
from gristmill.workflow.interpreter.run import Limits, Run
from gristmill.workflow.lint import machine_of

_BEAT = 5.0
_IDLE = 0.5
_MOST_AT_ONCE = 64


@dataclass(frozen=True)
class Taken:
    """An execution that a worker holds, and by what."""

    arn: str
    token: int
    folder: str


def _free(tx: Transaction) -> "sa.Select[tuple[Any, ...]]":
    running = executions.c.status == str(Status.RUNNING)
    free = sa.or_(executions.c.owner.is_(None), executions.c.lease_until < tx.now)
    return sa.select(executions).where(running, free).order_by(executions.c.started)


def claim(tx: Transaction, owner: str, arn: str | None = None, most: int = 1) -> list[Taken]:
    """Take up executions that nobody drives: new ones, and those whose worker has gone."""
    asked = _free(tx).limit(most)
    if arn is not None:
        asked = asked.where(executions.c.arn == arn)
    if tx.is_postgresql:
        asked = asked.with_for_update(skip_locked=True)
    taken = []
    for row in tx.all(asked):
        token = row["token"] + 1
        tx.run(
            sa.update(executions)
            .where(executions.c.arn == row["arn"])
            .values(owner=owner, token=token, lease_until=tx.now + LEASE)
        )
        taken.append(Taken(row["arn"], token, row["folder"]))
    return taken


def release(tx: Transaction, owner: str) -> int:
    """Let go of all that a worker holds; gives how many."""
    mine = sa.update(executions).where(executions.c.owner == owner)
    return tx.run(mine.values(owner=None, lease_until=None))


class Engine:
    """Drives the executions of a ledger. `open_bindings` gives what tasks are bound to, for the
    folder that an execution was started in."""

    def __init__(
        self,
        ledger: Ledger,
        open_bindings: Callable[[str], Bindings],
        *,
        limits: Limits | None = None,
        clock: Clock | None = None,
        threads: int = 8,
        tell: Callable[[Run], None] = lambda _run: None,
        scratch: Path | None = None,
    ) -> None:
        self.owner = f"workflow-{uuid.uuid4()}"
        self._ledger = ledger
        self._open = open_bindings
        self._limits = limits or Limits()
        self._clock = clock or RealClock()
        self._tell = tell
        self._scratch = scratch
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="task")
        self._bindings: dict[str, Bindings] = {}
        self._drivers: dict[str, tuple[Driver, LedgerStore]] = {}
        self._stopped = threading.Event()
        self._woken = threading.Event()
        self._beaten = float("-inf")

    # One round

    def tick(self) -> bool:
        """Take up what there is, and move on what is held; gives whether anything is held."""
        self._take_up()
        now = self._clock.now()
        beats = now - self._beaten >= _BEAT
        if beats:
            self._beaten = now
        for arn, (driver, store) in list(self._drivers.items()):
            try:
                if beats or driver.waits_for_others:
                    store.refresh(driver.run)
                driver.tick_if_due()
            except TakenOverError:
                del self._drivers[arn]
                continue
            if driver.run.is_over:
                del self._drivers[arn]
        return bool(self._drivers)

    def has_more(self) -> bool:
        """Whether executions are under way, here or elsewhere."""
        running = executions.c.status == str(Status.RUNNING)
        with self._ledger.look() as tx:
            return bool(tx.all(sa.select(executions.c.arn).where(running).limit(1)))

    def _take_up(self) -> None:
        room = _MOST_AT_ONCE - len(self._drivers)
        if room <= 0:
            return
        with self._ledger.look() as tx:
            # Who only looks keeps nobody from writing.
            if not tx.all(_free(tx).limit(1)):
                return
        with self._ledger.begin() as tx:
            taken = claim(tx, self.owner, most=room)
        for one in taken:
            self._open_one(one)

    def _open_one(self, taken: Taken) -> None:
        with self._ledger.look() as tx:
            row = service.find(tx, taken.arn)
            try:
                machine = service.machine_of(tx, row["machine"], row["revision"])
            except NoSuchMachineError as error:
                raise DefinitionError(str(error)) from error
        execution = from_document(row["document"])
        definition = machine_of(machine.text)
        run = Run(
            definition, execution, self._clock.now, self._limits, is_express=machine.is_express
        )
        store = LedgerStore(self._ledger, taken.arn, self.owner, taken.token)
        store.load(run)
        driver = Driver(
            run,
            store,
            self._bindings_of(taken.folder),
            self._pool,
            self._clock,
            self._scratch_of(taken),
            self._woken,
            self._tell,
        )
        if not run.branches:
            steps.start(run)
        self._drivers[taken.arn] = (driver, store)

    def _bindings_of(self, folder: str) -> Bindings:
        if folder not in self._bindings:
            self._bindings[folder] = self._open(folder)
        return self._bindings[folder]

    def _scratch_of(self, taken: Taken) -> Path:
        base = self._scratch or Path(taken.folder) / ".gristmill" / "workflows"
        return base / taken.arn.rpartition(":")[2]

    # Many rounds

    def run_one(self, arn: str) -> None:
        """Drive one execution to its end, or until another worker has taken it over."""
        with self._ledger.begin() as tx:
            taken = claim(tx, self.owner, arn)
        for one in taken:
            self._open_one(one)
        while arn in self._drivers and not self._stopped.is_set():
            if self.tick():
                self._pause()

    def run(self, *, is_burst: bool = False) -> None:
        """Drive what there is until it is stopped; with `is_burst` until nothing is left."""
        while not self._stopped.is_set():
            try:
                is_busy = self.tick()
            except UnreachableError:
                self._stopped.wait(_IDLE)
                continue
            if is_burst and not is_busy:
                return
            self._pause()

    def _pause(self) -> None:
        drivers = [driver for driver, _ in self._drivers.values()]
        if any(driver.has_news for driver in drivers):
            return
        left = min((driver.seconds_left for driver in drivers), default=float("inf"))
        is_busy = any(driver.is_busy for driver in drivers)
        self._clock.wait(self._woken, max(0.0, left), is_busy=is_busy, most=_IDLE)
        self._woken.clear()

    def look_on(self) -> None:
        """Wait a little, while another drives."""
        self._stopped.wait(_IDLE)

    @property
    def is_stopped(self) -> bool:
        """Whether it was told to end."""
        return self._stopped.is_set()

    def stop(self) -> None:
        """Let go of all, for others to take up."""
        self._stopped.set()
        self._woken.set()

    def close(self) -> None:
        """Give up what is held, and end the threads."""
        self.stop()
        with contextlib.suppress(UnreachableError), self._ledger.begin() as tx:
            release(tx, self.owner)
        self._pool.shutdown(wait=False, cancel_futures=True)
