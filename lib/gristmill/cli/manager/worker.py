"""`gristmill worker`: a worker, or a pool of them, until it is told to end."""

import argparse
import os
import re
import signal
import sys
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from gristmill.cli.manager.context import bytes_of, moment, opened, when
from gristmill.cli.show import Block, Table, blocks, show
from gristmill.cli.voice import tell
from gristmill.errors import ExitCode, UsageError
from gristmill.manager.duties import Duties
from gristmill.manager.ledger import Ledger, Transaction
from gristmill.manager.ledger.claiming import LEASE
from gristmill.manager.ledger.looking import worker_list
from gristmill.manager.places.opening import open_place
from gristmill.manager.statistics.figures import to_do
from gristmill.manager.worker import Worker, WorkerOptions
from gristmill.manager.worker.fleet import Fleet
from gristmill.manager.worker.identity import this_process
from gristmill.manager.worker.pool import Pool
from gristmill.workflow.api import LedgerWorkflows
from gristmill.workflow.engine.engine import Engine
from gristmill.workflow.opening import open_bindings


@dataclass(frozen=True)
class WorkerLine:
    """A worker: how many runs it holds, how many it has finished, its last sign of life (UTC)."""

    worker: str
    state: str
    runs: int
    slots: int
    finished: int
    queues: tuple[str, ...]
    beat: datetime | None


@dataclass(frozen=True)
class WorkerList:
    """The workers that are there."""

    workers: tuple[WorkerLine, ...]

    @staticmethod
    def of(tx: Transaction) -> "WorkerList":
        """The workers of a ledger."""
        return WorkerList(
            tuple(
                WorkerLine(
                    one["id"],
                    "silent" if one["is_silent"] else one["state"],
                    one["runs"],
                    one["slots"],
                    one["finished"],
                    tuple(one["queues"]),
                    moment(one["beat"]),
                )
                for one in worker_list(tx, LEASE)
            )
        )


def work(arguments: argparse.Namespace) -> int:
    """Work until it is told to end, or there is no more to do; gives the exit code."""
    options = _options(arguments)
    if arguments.pool is not None:
        return _keep_pool(arguments, options)
    with opened(arguments) as ledger:
        me = this_process()
        engine = None if options.drain else Engine(ledger, open_bindings(ledger))
        is_wanted = engine.has_more if engine is not None else _no_more
        worker = Worker(
            ledger,
            me,
            options,
            partial(open_place, tell=tell),
            tell=tell,
            duties=Duties(tell, workflows=LedgerWorkflows()),
            is_wanted=is_wanted,
        )
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda _number, _frame: worker.stop())
        fleet = _in_fleet(arguments.fleet, ledger, worker) if arguments.fleet else None
        tell(f"worker {me.id}: {options.slots} slots, {options.cores:g} cores")
        if engine is not None:
            threading.Thread(target=engine.run, name="workflows", daemon=True).start()
        finished = worker.run()
        if engine is not None:
            engine.close()
        if fleet is not None:
            fleet.ended()
    tell(f"worker {me.id} finished {finished:,} attempts")
    sys.stdout.flush()
    # Calls to places that hang are left to it.
    os._exit(ExitCode.DONE)


def _no_more() -> bool:
    return False


def _in_fleet(group: str, ledger: Ledger, worker: Worker) -> Fleet:
    """Look after the instance that this worker runs on, in a thread that ends with it."""
    from gristmill.emr.fleet import Instance  # noqa: PLC0415  it needs boto3

    def backlog() -> int:
        with ledger.look() as tx:
            return to_do(tx)

    fleet = Fleet(Instance(group), worker, backlog, tell)

    def look() -> None:
        while True:
            fleet.look(time.monotonic())
            time.sleep(1.0)

    threading.Thread(target=look, name="gristmill-fleet", daemon=True).start()
    return fleet


def _options(arguments: argparse.Namespace) -> WorkerOptions:
    if arguments.slots < 0:
        raise UsageError(f"--slots takes 0 or more, not {arguments.slots}")
    plain = WorkerOptions()
    memory = bytes_of(arguments.memory)
    return WorkerOptions(
        slots=arguments.slots,
        cores=plain.cores if arguments.cores is None else arguments.cores,
        memory=plain.memory if memory is None else memory,
        queues=tuple(arguments.queues),
        burst=arguments.burst,
        drain=arguments.drain,
    )


def _keep_pool(arguments: argparse.Namespace, options: WorkerOptions) -> int:
    found = re.fullmatch(r"(\d+)\.\.(\d+)", arguments.pool)
    if not found or int(found[1]) > int(found[2]) or int(found[2]) < 1:
        raise UsageError(f"--pool takes MIN..MAX, as 0..4, not {arguments.pool!r}")
    with opened(arguments) as ledger:
        pool = Pool(ledger, options, arguments.ledger, int(found[1]), int(found[2]), tell)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda _number, _frame: pool.stop())
        pool.run()
    return ExitCode.DONE


def list_workers(arguments: argparse.Namespace) -> int:
    """List the workers; gives the exit code."""
    with opened(arguments) as ledger, ledger.look() as tx:
        found = WorkerList.of(tx)
    show(found, as_json=arguments.json)
    return ExitCode.DONE


@blocks.register
def _(found: WorkerList) -> Iterable[Block]:
    rows = [
        (
            one.worker,
            one.state,
            f"{one.runs:,} of {one.slots:,}",
            f"{one.finished:,}",
            ", ".join(one.queues) or "all",
            when(one.beat),
        )
        for one in found.workers
    ]
    heading = ("worker", "is", "runs", "finished", "queues", "last sign of life")
    yield Table(heading, rows) if rows else "no workers: gristmill worker starts one"
