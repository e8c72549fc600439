"""Looking at runs: lists by what they are, and all of one."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from gristmill.manager.ledger.database import Row, Transaction
from gristmill.manager.ledger.tables import attempts, events, runs, workers
from gristmill.manager.states import RunState

LISTED = (
    *("id", "key", "job", "definition", "queue", "share", "state", "reason", "cause", "parent"),
    *("index", "array_size", "attempt", "max_attempts", "priority", "place", "owner"),
    *("created", "due", "started", "ended", "submitter", "progress", "argv", "looked_at"),
)


@dataclass(frozen=True)
class Filter:
    """Which runs to list; what is None leaves all. Children of arrays are passed over unless their
    `parent` is named or `children` are asked for."""

    states: Sequence[RunState] = ()
    job: str | None = None
    queue: str | None = None
    parent: str | None = None
    children: bool = False
    since: float | None = None


def listed(tx: Transaction, which: Filter, most: int) -> list[Row]:
    """Runs, the newest first."""
    query = sa.select(*(runs.c[name] for name in LISTED)).where(*_where(which))
    return tx.all(query.order_by(runs.c.created.desc(), runs.c.id.desc()).limit(most))


def _where(which: Filter) -> list[sa.ColumnElement[bool]]:
    found: list[sa.ColumnElement[bool]] = []
    if which.states:
        found.append(runs.c.state.in_(which.states))
    if which.job is not None:
        found.append(sa.or_(runs.c.job == which.job, runs.c.definition.startswith(f"{which.job}:")))
    if which.queue is not None:
        found.append(runs.c.queue == which.queue)
    if which.since is not None:
        found.append(runs.c.created >= which.since)
    if which.parent is not None:
        found.append(runs.c.parent == which.parent)
    elif not which.children:
        found.append(runs.c.parent.is_(None))
    return found


def attempts_of(tx: Transaction, run: str) -> list[Row]:
    """The attempts of a run, the first one first."""
    return tx.all(sa.select(attempts).where(attempts.c.run == run).order_by(attempts.c.number))


def events_of(tx: Transaction, run: str) -> list[Row]:
    """What happened to a run, in its order."""
    return tx.all(sa.select(events).where(events.c.run == run).order_by(events.c.id))


def changed_since(tx: Transaction, last: int, most: int = 500) -> list[Row]:
    """The events after the one of that number, with the jobs of their runs."""
    query = (
        sa.select(events, runs.c.job, runs.c.parent)
        .join(runs, runs.c.id == events.c.run)
        .where(events.c.id > last)
        .order_by(events.c.id)
        .limit(most)
    )
    return tx.all(query)


def last_event(tx: Transaction) -> int:
    """The number of the newest event."""
    return int(tx.all(sa.select(sa.func.coalesce(sa.func.max(events.c.id), 0).label("n")))[0]["n"])


_DEAD = sa.and_(
    runs.c.state == RunState.FAILED, runs.c.looked_at.is_(None), runs.c.array_size.is_(None)
)


def dead_letters(
    tx: Transaction, cause: str | None = None, job: str | None = None, most: int | None = None
) -> list[Row]:
    """Failed runs that nobody has looked at, the oldest first; of arrays, their children."""
    query = sa.select(*(runs.c[name] for name in LISTED)).where(_DEAD)
    if cause is not None:
        query = query.where(runs.c.cause == cause)
    if job is not None:
        query = query.where(runs.c.job == job)
    return tx.all(query.order_by(runs.c.ended, runs.c.id).limit(most))


def dead_causes(tx: Transaction) -> dict[str, int]:
    """How many dead letters there are for each cause, most first."""
    count = sa.func.count().label("n")
    query = (
        sa.select(runs.c.cause, count)
        .where(_DEAD)
        .group_by(runs.c.cause)
        .order_by(count.desc(), runs.c.cause)
    )
    return {row["cause"]: row["n"] for row in tx.all(query)}


def counts(tx: Transaction) -> dict[tuple[str, str], int]:
    """How many runs there are by queue and state, without the parents of arrays."""
    query = (
        sa.select(runs.c.queue, runs.c.state, sa.func.count().label("n"))
        .where(runs.c.array_size.is_(None))
        .group_by(runs.c.queue, runs.c.state)
    )
    return {(row["queue"], row["state"]): row["n"] for row in tx.all(query)}


def worker_list(tx: Transaction, silent: float) -> list[dict[str, Any]]:
    """The workers that are there, and how many runs each holds; `is_silent` after so many seconds
    without a sign of life."""
    held = (
        sa.select(runs.c.owner, sa.func.count().label("n"))
        .where(runs.c.owner.is_not(None))
        .group_by(runs.c.owner)
    )
    holding = {row["owner"]: row["n"] for row in tx.all(held)}
    there = sa.select(workers).where(workers.c.state != "gone").order_by(workers.c.started)
    return [
        {**row, "runs": holding.get(row["id"], 0), "is_silent": tx.now - row["beat"] > silent}
        for row in tx.all(there)
    ]
