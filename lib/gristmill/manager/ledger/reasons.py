"""Why a run waits: what keeps it from going on, by the same rules as a claim goes."""

from collections.abc import Iterator
from datetime import UTC, datetime

import sqlalchemy as sa

from gristmill.manager.ledger.claiming import LEASE
from gristmill.manager.ledger.database import Row, Transaction
from gristmill.manager.ledger.definitions import paused_names
from gristmill.manager.ledger.shares import usage_of
from gristmill.manager.ledger.tables import dependencies, runs, workers
from gristmill.manager.settings import Queue, Settings
from gristmill.manager.states import ACTIVE, RunState

_NAMED = 3


def why(tx: Transaction, run: Row, settings: Settings) -> list[str]:
    """What a run waits for, a line each; of one that is under way or over, how it stands."""
    state = RunState(run["state"])
    if state is RunState.BLOCKED:
        return [*_children(tx, run)] if run["array_size"] else [*_dependencies(tx, run)]
    if state is RunState.READY:
        return [*_ready(tx, run, settings)] or [*_ahead(tx, run, settings)]
    if state.is_active:
        since = "is being started" if state is RunState.STARTING else "runs"
        said = f": {run['reason']}" if run["reason"] else ""
        return [f"it {since} at {run['place']}, by worker {run['owner']}{said}"]
    said = f": {run['reason']}" if run["reason"] else ""
    return [f"it has {state}{said}" if state is RunState.SUCCEEDED else f"it is {state}{said}"]


def _children(tx: Transaction, run: Row) -> Iterator[str]:
    counted = sa.select(runs.c.state, sa.func.count().label("n")).where(runs.c.parent == run["id"])
    states = {row["state"]: row["n"] for row in tx.all(counted.group_by(runs.c.state))}
    told = ", ".join(f"{count:,} {state}" for state, count in sorted(states.items()))
    yield f"{run['deps_left']:,} of its {run['array_size']:,} children have not ended: {told}"


def _dependencies(tx: Transaction, run: Row) -> Iterator[str]:
    query = (
        sa.select(runs.c.id, runs.c.job, runs.c.state, dependencies.c.any_end)
        .join(dependencies, dependencies.c.on_run == runs.c.id)
        .where(dependencies.c.run == run["id"], dependencies.c.satisfied.is_(False))
        .order_by(runs.c.id)
    )
    for row in tx.all(query):
        until = "has ended" if row["any_end"] else "has succeeded"
        yield f"until {row['id']} ({row['job']}) {until}: it is {row['state']}"


def _ready(tx: Transaction, run: Row, settings: Settings) -> Iterator[str]:
    if run["due"] > tx.now:
        due = datetime.fromtimestamp(run["due"], UTC)
        again = " for its next attempt" if run["attempt"] else ""
        yield f"it is not due{again} until {due:%Y-%m-%dT%H:%M:%SZ}"
    if run["attempt"] and run["reason"]:
        first = str(run["reason"]).partition("\n")[0]
        yield f"what became of its last attempt: {first}"
    name = run["queue"]
    queue = settings.queue(name)
    if queue is None:
        yield f"there is no queue {name} any more: gristmill manager apply"
        return
    if stopped := paused_names(tx, "queue").get(name):
        since = datetime.fromtimestamp(stopped["since"], UTC)
        yield f"queue {name} is paused since {since:%Y-%m-%dT%H:%M:%SZ} by {stopped['by']}"
    yield from _bounds(tx, run, queue)
    yield from _places(tx, run, queue, settings)
    if run["scope"]:
        held = sa.select(runs.c.id).where(runs.c.scope == run["scope"], runs.c.state.in_(ACTIVE))
        for row in tx.all(held):
            yield f"run {row['id']} writes the same output: one at a time"
    yield from _workers(tx, run, queue, settings)


def _load(tx: Transaction, *where: sa.ColumnElement[bool]) -> Row:
    asked = sa.select(
        sa.func.count().label("runs"),
        sa.func.coalesce(sa.func.sum(runs.c.cores), 0).label("cores"),
        sa.func.coalesce(sa.func.sum(runs.c.memory), 0).label("memory"),
    ).where(runs.c.state.in_(ACTIVE), *where)
    return tx.all(asked)[0]


def _bounds(tx: Transaction, run: Row, queue: Queue) -> Iterator[str]:
    here = runs.c.queue == run["queue"]
    load = _load(tx, here)
    name = f"queue {run['queue']}"
    if queue.max_runs is not None and load["runs"] >= queue.max_runs:
        yield f"{name} has {load['runs']:,} of {queue.max_runs:,} runs"
    if queue.max_cores is not None and load["cores"] + run["cores"] > queue.max_cores:
        yield f"{name} has {load['cores']:g} of {queue.max_cores:g} cores taken"
    if queue.max_memory is not None and load["memory"] + run["memory"] > queue.max_memory:
        yield f"{name} has {load['memory']:,} of {queue.max_memory:,} bytes of memory taken"
    if queue.max_runs_a_job is not None:
        count = _load(tx, here, runs.c.job == run["job"])["runs"]
        if count >= queue.max_runs_a_job:
            yield f"{name} has {count:,} of {queue.max_runs_a_job:,} runs of {run['job']}"
    if queue.max_runs_a_share is not None:
        count = _load(tx, here, runs.c.share == run["share"])["runs"]
        if count >= queue.max_runs_a_share:
            yield f"{name} has {count:,} of {queue.max_runs_a_share:,} runs of share {run['share']}"


def _places(tx: Transaction, run: Row, queue: Queue, settings: Settings) -> Iterator[str]:
    full = []
    names = (run["pinned"],) if run["pinned"] else queue.places
    for name in names:
        place = settings.place(name)
        if place is None:
            full.append(f"there is no place {name} any more")
            continue
        load = _load(tx, runs.c.place == name)
        if place.max_runs is not None and load["runs"] >= place.max_runs:
            full.append(f"place {name} has {load['runs']:,} of {place.max_runs:,} runs")
        elif place.cores is not None and load["cores"] + run["cores"] > place.cores:
            full.append(f"place {name} has {load['cores']:g} of {place.cores:g} cores taken")
        elif place.memory is not None and load["memory"] + run["memory"] > place.memory:
            taken = f"{load['memory']:,} of {place.memory:,} bytes of memory"
            full.append(f"place {name} has {taken} taken")
    if len(full) == len(names):
        yield from full


def _workers(tx: Transaction, run: Row, queue: Queue, settings: Settings) -> Iterator[str]:
    living = tx.all(
        sa.select(workers).where(workers.c.beat > tx.now - LEASE, workers.c.state == "working")
    )
    serving = [row for row in living if not row["queues"] or run["queue"] in row["queues"]]
    if not serving:
        yield f"no worker serves queue {run['queue']}: gristmill worker"
        return
    names = (run["pinned"],) if run["pinned"] else queue.places
    kinds = {place.kind for name in names if (place := settings.place(name))}
    if kinds != {"local"}:
        return
    if not any(row["cores"] >= run["cores"] and row["memory"] >= run["memory"] for row in serving):
        yield (
            f"no worker has {run['cores']:g} cores and {run['memory']:,} bytes of memory: start "
            "one on a larger machine"
        )
        return
    busy = [_load(tx, runs.c.owner == row["id"])["runs"] for row in serving]
    if all(count >= row["slots"] for count, row in zip(busy, serving, strict=True)):
        yield f"all {sum(row['slots'] for row in serving):,} slots of workers are taken"


def _ahead(tx: Transaction, run: Row, settings: Settings) -> Iterator[str]:
    queue = settings.queue(run["queue"])
    if queue is not None and queue.shares:
        used = usage_of(tx, run["queue"], queue)
        turn = {share: used.get(share, 0.0) / weight for share, weight in queue.shares.items()}
        first = [share for share in turn if turn[share] < turn.get(run["share"], 0.0)]
        if first:
            yield f"share {', '.join(first[:_NAMED])} is ahead of share {run['share']}"
    sooner = sa.or_(
        runs.c.priority > run["priority"],
        sa.and_(runs.c.priority == run["priority"], runs.c.due < run["due"]),
    )
    count = sa.select(sa.func.count().label("n")).where(
        runs.c.state == RunState.READY, runs.c.queue == run["queue"], sooner
    )
    ahead = tx.all(count)[0]["n"]
    yield f"{ahead:,} runs are ahead of it" if ahead else "a worker takes it up in a moment"
