"""Figures of runs over a span: waits, times, throughput, failures by cause, use of workers."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any

import sqlalchemy as sa

from gristmill.manager.ledger.claiming import LEASE
from gristmill.manager.ledger.database import Row, Transaction
from gristmill.manager.ledger.looking import dead_causes
from gristmill.manager.ledger.tables import attempts, runs, workers
from gristmill.manager.states import ACTIVE, RunState

_ENDED = (RunState.SUCCEEDED, RunState.FAILED)


@dataclass(frozen=True)
class Spread:
    """How long something took, in seconds: percentiles by the nearest rank, None of nothing."""

    p50: float | None
    p95: float | None
    p99: float | None
    longest: float | None


@dataclass(frozen=True)
class JobFigures:
    """Runs of a job that ended in a span. `wait` is from when a run was due or submitted until its
    first attempt, `took` from there to its end; `cost` is in US dollars, `rows` and `bytes` are
    what was published."""

    job: str
    queue: str
    runs: int
    succeeded: int
    failed: int
    attempts: int
    wait: Spread
    took: Spread
    rows: int
    bytes: int
    cost: float
    causes: tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class Figures:
    """All figures of a span of `seconds`. `use` is the share of workers' slots that is taken now,
    `used` that which was taken over the span, of workers while they were there."""

    seconds: float
    jobs: tuple[JobFigures, ...]
    runs_an_hour: float
    failure_rate: float | None
    waiting: int
    in_flight: int
    oldest_wait: float | None
    slots: int
    use: float | None
    used: float | None
    dead_letters: int


def percentile(values: Sequence[float], share: float) -> float | None:
    """The nearest rank: the smallest value that so large a share of all does not exceed."""
    ordered = sorted(values)
    return ordered[max(0, ceil(share * len(ordered)) - 1)] if ordered else None


def spread(values: Sequence[float]) -> Spread:
    """The percentiles of some values."""
    ordered = sorted(values)
    return Spread(*(percentile(ordered, share) for share in (0.5, 0.95, 0.99, 1.0)))


def _tried() -> sa.Subquery:
    """How often each run was tried, and what that cost."""
    tries, cost = sa.func.count().label("tries"), sa.func.sum(attempts.c.cost).label("cost")
    return sa.select(attempts.c.run, tries, cost).group_by(attempts.c.run).subquery()


def ended(tx: Transaction, since: float, until: float | None = None) -> list[Row]:
    """Runs that ended since, without the parents of arrays and what never began."""
    tried = _tried()
    columns = ("id", "job", "queue", "state", "cause", "created", "due", "started", "ended")
    query = (
        sa.select(*(runs.c[name] for name in (*columns, "result")), tried.c.tries, tried.c.cost)
        .join(tried, tried.c.run == runs.c.id)
        .where(runs.c.ended >= since, runs.c.state.in_(_ENDED), runs.c.array_size.is_(None))
    )
    if until is not None:
        query = query.where(runs.c.ended < until)
    return tx.all(query)


def of_jobs(tx: Transaction, since: float) -> list[JobFigures]:
    """The figures of each job in each queue, those with most runs first."""
    causes: dict[tuple[str, str], list[tuple[str, int]]] = defaultdict(list)
    for row in tx.all(_causes(since)):
        causes[row["job"], row["queue"]].append((row["cause"], row["n"]))
    waits, tooks = _spans(tx, since)
    found = []
    for row in tx.all(_sums(since)):
        key = row["job"], row["queue"]
        figures = JobFigures(
            *key,
            row["n"],
            row["n"] - row["failed"],
            row["failed"],
            int(row["tries"]),
            spread(waits[key]),
            spread(tooks[key]),
            int(row["rows"] or 0),
            int(row["bytes"] or 0),
            row["cost"] or 0.0,
            tuple(causes[key]),
        )
        found.append(figures)
    return found


def _lately(since: float) -> sa.ColumnElement[bool]:
    """Whether a run ended since, and had begun; of arrays, their children."""
    return sa.and_(
        *(runs.c.ended >= since, runs.c.started.is_not(None)),
        *(runs.c.state.in_(_ENDED), runs.c.array_size.is_(None)),
    )


def _causes(since: float) -> sa.Select[Any]:
    cause = sa.func.coalesce(sa.func.nullif(runs.c.cause, ""), "UNKNOWN").label("cause")
    count = sa.func.count().label("n")
    return (
        sa.select(runs.c.job, runs.c.queue, cause, count)
        .where(_lately(since), runs.c.state == RunState.FAILED)
        .group_by(runs.c.job, runs.c.queue, cause)
        .order_by(count.desc(), cause)
    )


def _sums(since: float) -> sa.Select[Any]:
    """What can be added up, which the database does: runs may be a hundred thousand."""
    tried = _tried()
    count = sa.func.count().label("n")

    def told(name: str) -> sa.Label[int]:
        return sa.func.sum(sa.cast(runs.c.result[name].as_string(), sa.BigInteger)).label(name)

    return (
        sa.select(
            *(runs.c.job, runs.c.queue, count, told("rows"), told("bytes")),
            sa.func.sum(sa.case((runs.c.state == RunState.FAILED, 1), else_=0)).label("failed"),
            sa.func.sum(tried.c.tries).label("tries"),
            sa.func.sum(tried.c.cost).label("cost"),
        )
        .join(tried, tried.c.run == runs.c.id)
        .where(_lately(since))
        .group_by(runs.c.job, runs.c.queue)
        .order_by(count.desc(), runs.c.job, runs.c.queue)
    )


Spans = dict[tuple[str, str], list[float]]


def _spans(tx: Transaction, since: float) -> tuple[Spans, Spans]:
    """How long each run waited, and took, by job and queue."""
    due = sa.case((runs.c.due > runs.c.created, runs.c.due), else_=runs.c.created)
    wait = sa.case((due < runs.c.started, runs.c.started - due), else_=0.0)
    query = sa.select(runs.c.job, runs.c.queue, wait, runs.c.ended - runs.c.started)
    waits, tooks = defaultdict(list), defaultdict(list)
    for job, queue, waited_for, took in tx.connection.execute(query.where(_lately(since))):
        waits[job, queue].append(waited_for)
        tooks[job, queue].append(took)
    return waits, tooks


def waited(row: Row) -> float:
    """How long a run waited for its first attempt. Its due time moves with later ones."""
    begun = float(row["started"])
    return max(0.0, begun - float(min(max(row["created"], row["due"]), begun)))


def figures(tx: Transaction, since: float) -> Figures:
    """The figures of all that ended since, and of what is now."""
    jobs = of_jobs(tx, since)
    count, failed = sum(one.runs for one in jobs), sum(one.failed for one in jobs)
    seconds = max(1.0, tx.now - since)
    waiting, oldest = backlog(tx)
    active = sa.select(sa.func.count().label("n")).where(runs.c.state.in_(ACTIVE))
    in_flight = tx.all(active)[0]["n"]
    slots = sa.select(sa.func.coalesce(sa.func.sum(workers.c.slots), 0).label("n")).where(
        workers.c.beat > tx.now - LEASE, workers.c.state != "gone"
    )
    total = int(tx.all(slots)[0]["n"])
    return Figures(
        seconds,
        tuple(jobs),
        count * 3600.0 / seconds,
        failed / count if count else None,
        waiting,
        in_flight,
        oldest,
        total,
        min(1.0, in_flight / total) if total else None,
        used(tx, since),
        dead(tx),
    )


def used(tx: Transaction, since: float) -> float | None:
    """The share of workers' slots that runs on their machines took since; None where there were
    no workers. What runs elsewhere takes no slot."""
    there = sa.case(
        (sa.and_(workers.c.beat > tx.now - LEASE, workers.c.state != "gone"), tx.now),
        else_=workers.c.beat,
    )
    begun = sa.case((workers.c.started > since, workers.c.started), else_=since)
    span = sa.func.sum(workers.c.slots * (there - begun)).label("seconds")
    slots = tx.all(sa.select(span).where(there > since))[0]["seconds"]
    if not slots:
        return None
    end = sa.func.coalesce(attempts.c.ended, tx.now)
    begun = sa.case((attempts.c.started > since, attempts.c.started), else_=since)
    taken = sa.func.sum(end - begun).label("seconds")
    on_slots = sa.select(taken).where(attempts.c.host.is_not(None), end > since)
    return min(1.0, float(tx.all(on_slots)[0]["seconds"] or 0.0) / float(slots))


def backlog(tx: Transaction) -> tuple[int, float | None]:
    """How many runs are ready and due, and for how many seconds the oldest has been."""
    found = tx.all(
        sa.select(sa.func.count().label("n"), sa.func.min(runs.c.due).label("oldest")).where(
            runs.c.state == RunState.READY, runs.c.due <= tx.now
        )
    )[0]
    return int(found["n"]), None if found["oldest"] is None else tx.now - found["oldest"]


def to_do(tx: Transaction) -> int:
    """How many runs wait and are due, or go on: what a group of workers scales by."""
    active = sa.select(sa.func.count().label("n")).where(runs.c.state.in_(ACTIVE))
    return backlog(tx)[0] + int(tx.all(active)[0]["n"])


def retries_to_come(tx: Transaction, queues: Sequence[str] = ()) -> bool:
    """Whether runs that failed wait for their next attempt; of some queues, none for all."""
    query = (
        sa.select(runs.c.id)
        .join(
            attempts,
            sa.and_(attempts.c.run == runs.c.id, attempts.c.number == runs.c.attempt),
        )
        .where(runs.c.state == RunState.READY, runs.c.due > tx.now)
        .where(attempts.c.outcome.in_(("failed", "lost")))
    )
    if queues:
        query = query.where(runs.c.queue.in_(queues))
    return tx.one(query.limit(1)) is not None


def dead(tx: Transaction) -> int:
    """How many dead letters there are."""
    return sum(dead_causes(tx).values())


def usual_time(tx: Transaction, job: str, definition: str | None, most: int = 20) -> float | None:
    """How long a run of a job usually takes, in seconds: the median of its newest successes, of
    those of its definition where it has one."""
    name = (definition or "").partition(":")[0]
    same = runs.c.definition.startswith(f"{name}:", autoescape=True) if name else runs.c.job == job
    query = (
        sa.select(attempts.c.started, attempts.c.ended)
        .join(runs, runs.c.id == attempts.c.run)
        .where(same, attempts.c.outcome == "succeeded")
        .order_by(attempts.c.ended.desc())
        .limit(most)
    )
    return percentile([row["ended"] - row["started"] for row in tx.all(query)], 0.5)
