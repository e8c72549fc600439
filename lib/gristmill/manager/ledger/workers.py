"""Workers in the ledger: their signs of life, and the runs that they leave behind."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from gristmill.manager.ledger.claiming import LEASE, Claimed, claimed
from gristmill.manager.ledger.database import Row, Transaction
from gristmill.manager.ledger.tables import attempts, runs, workers
from gristmill.manager.states import ACTIVE

BEAT = 10.0
"""Seconds from one sign of life to the next."""
SILENT = 600.0
"""After so many seconds without a sign of life, a machine is taken for gone."""


@dataclass(frozen=True)
class WorkerIdentity:
    """A worker: its id, its machine and what that has since it was started, and its process there,
    with the time of its start, since numbers of processes come again."""

    id: str
    host: str
    boot: str
    process: int
    process_started: str


@dataclass(frozen=True)
class Beat:
    """What a worker hears when it gives a sign of life."""

    held: frozenset[str]
    """The runs that are still its own."""
    to_cancel: frozenset[str]


def register(
    tx: Transaction,
    me: WorkerIdentity,
    *,
    slots: int,
    cores: float,
    memory: int,
    queues: Sequence[str],
) -> None:
    """Write down that a worker is there."""
    tx.run(
        workers.insert().values(
            id=me.id,
            host=me.host,
            boot=me.boot,
            process=me.process,
            process_started=me.process_started,
            slots=slots,
            cores=cores,
            memory=memory,
            queues=list(queues),
            started=tx.now,
            beat=tx.now,
            state="working",
        )
    )


def beat(
    tx: Transaction, me: WorkerIdentity, state: str, busy_seconds: float, finished: int
) -> Beat:
    """Give a sign of life: the leases of its runs begin anew."""
    tx.run(
        workers.update()
        .where(workers.c.id == me.id)
        .values(beat=tx.now, state=state, busy_seconds=busy_seconds, finished=finished)
    )
    mine = (runs.c.owner == me.id) & runs.c.state.in_(ACTIVE)
    tx.run(runs.update().where(mine).values(lease_until=tx.now + LEASE))
    found = tx.all(sa.select(runs.c.id, runs.c.cancel_asked).where(mine))
    return Beat(
        frozenset(row["id"] for row in found),
        frozenset(row["id"] for row in found if row["cancel_asked"]),
    )


def leave(tx: Transaction, worker: str) -> int:
    """Give up all that a worker holds, for others to take up at once; gives how many."""
    given_up = tx.run(
        runs.update()
        .where(runs.c.owner == worker, runs.c.state.in_(ACTIVE))
        .values(lease_until=tx.now)
    )
    tx.run(workers.update().where(workers.c.id == worker).values(state="gone", beat=tx.now))
    return given_up


def neighbours(tx: Transaction, host: str) -> list[WorkerIdentity]:
    """The workers on a machine that have not left."""
    query = sa.select(workers).where(workers.c.host == host, workers.c.state != "gone")
    return [
        WorkerIdentity(row["id"], row["host"], row["boot"], row["process"], row["process_started"])
        for row in tx.all(query)
    ]


def _under_way() -> "sa.Select[Any]":
    """Runs that workers hold, each with its attempt."""
    return (
        sa.select(
            runs,
            attempts.c.run_key,
            attempts.c.handle,
            attempts.c.started.label("attempt_started"),
        )
        .join(attempts, sa.and_(attempts.c.run == runs.c.id, attempts.c.ended.is_(None)))
        .where(runs.c.state.in_(ACTIVE))
    )


def _claimed(row: Row) -> Claimed:
    return claimed(row, row["run_key"], row["attempt_started"], row["handle"])


def adopt(tx: Transaction, me: WorkerIdentity, most: int) -> list[Claimed]:
    """Take up runs whose workers are gone, where they are: the same attempt, the same run key.

    What only another machine can see is left to its workers.
    """
    query = (
        _under_way()
        .where(
            runs.c.lease_until <= tx.now,
            sa.or_(attempts.c.host.is_(None), attempts.c.host == me.host),
        )
        .order_by(runs.c.lease_until)
        .limit(most)
        .with_for_update(of=runs, skip_locked=True)
    )
    found = tx.all(query)
    for row in found:
        tx.run(
            runs.update()
            .where(runs.c.id == row["id"])
            .values(
                owner=me.id,
                token=row["token"] + 1,
                lease_until=tx.now + LEASE,
                updated=tx.now,
                reason=f"taken up: its worker {row['owner']} has gone",
            )
        )
        tx.run(
            attempts.update()
            .where(attempts.c.run == row["id"], attempts.c.ended.is_(None))
            .values(worker=me.id)
        )
    return [_claimed({**row, "token": row["token"] + 1}) for row in found]


def of_lost_machines(tx: Transaction, most: int) -> list[Claimed]:
    """Runs that only a machine can see which has been silent for long, locked."""
    lately = (
        sa.select(workers.c.id)
        .where(workers.c.host == attempts.c.host, workers.c.beat > tx.now - SILENT)
        .exists()
    )
    query = (
        _under_way()
        .where(
            runs.c.lease_until <= tx.now - SILENT,
            attempts.c.host.is_not(None),
            ~lately,
        )
        .limit(most)
        .with_for_update(of=runs, skip_locked=True)
    )
    return [_claimed(row) for row in tx.all(query)]
