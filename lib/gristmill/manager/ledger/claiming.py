"""Claiming: which of the runs that wait goes next, and to whom.

A claim is a transaction of its own. On PostgreSQL runs that another claim holds are passed over;
where bounds are counted, claims take turns, since two that count at once would both find room.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from gristmill.manager.ledger.database import Transaction
from gristmill.manager.ledger.definitions import paused_names
from gristmill.manager.ledger.loads import Loads, loads_now
from gristmill.manager.ledger.shares import by_share
from gristmill.manager.ledger.tables import attempts, runs
from gristmill.manager.settings import Queue, Settings
from gristmill.manager.states import ACTIVE, RunState

LEASE = 60.0
"""How long a run is its worker's without a sign of life, in seconds."""
_MORE = 4


@dataclass(frozen=True)
class Room:
    """What a worker has to give: `local` runs in its slots, with their cores and memory (bytes),
    and `remote` ones, which it only looks after."""

    local: int
    cores: float
    memory: int
    remote: int = 100

    @property
    def most(self) -> int:
        """How many runs there is room for. What was taken up from others may be more than fits."""
        return max(0, self.local) + max(0, self.remote)


@dataclass(frozen=True)
class Claimed:
    """A run that is a worker's, as long as nobody else has a higher token."""

    id: str
    job: str
    argv: tuple[str, ...]
    folder: str
    token: int
    attempt: int
    max_attempts: int
    run_key: str
    place: str
    timeout: float | None
    started: float
    cores: float
    memory: int
    queue: str
    index: int | None
    retry: tuple[Mapping[str, Any], ...]
    handle: Mapping[str, str] | None = None
    state: RunState = RunState.STARTING


def claim(
    tx: Transaction,
    worker: str,
    host: str,
    *,
    queues: Sequence[str],
    room: Room,
    settings: Settings,
) -> list[Claimed]:
    """Runs for a worker, at most as many as it has room for: what waits longest of what is first.

    `queues` are those it serves, none for all. `host` is written down with runs that only this
    machine can see.
    """
    if room.most == 0:
        return []
    paused = paused_names(tx, "queue")
    served = {
        name: queue
        for name, queue in settings.all_queues.items()
        if name not in paused and (not queues or name in queues)
    }
    if tx.is_postgresql and any(map(_is_bounded, served.values())):
        tx.run(sa.select(sa.func.pg_advisory_xact_lock(sa.func.hashtext("claims"))))
    bounded = any(map(_is_bounded, served.values())) or bool(settings.places)
    loads = loads_now(tx) if bounded else Loads()
    chosen: list[tuple[Mapping[str, Any], str]] = []
    scopes: set[str] = set()
    left = Room(room.local, room.cores, room.memory, room.remote)
    for name, queue in served.items():
        for row in _candidates(tx, _narrowed(name, queue, settings, left), queue, loads):
            if row["scope"] in scopes or not _queue_takes(queue, row, loads):
                continue
            place = _placed(row, queue, settings, loads, left)
            if place is None:
                continue
            chosen.append((row, place))
            loads.add(row, place)
            scopes |= {row["scope"]} if row["scope"] else set()
            left = _less(left, row, is_local=_is_local(settings, place))
            if left.most == 0:
                break
    return _take(tx, worker, host, chosen, settings)


def _is_bounded(queue: Queue) -> bool:
    bounds = (queue.max_runs, queue.max_cores, queue.max_memory)
    return any((*bounds, queue.max_runs_a_job, queue.max_runs_a_share, queue.shares))


@dataclass(frozen=True)
class _Search:
    """How many runs of a queue to look at; whether only those that name a place of their own."""

    queue: str
    most: int
    pinned_only: bool


def _narrowed(name: str, queue: Queue, settings: Settings, left: Room) -> _Search:
    """Of a queue whose places are all on this machine, no more than that has room for: what goes
    elsewhere has been asked to."""
    places = (settings.place(one) for one in queue.places)
    if any(place is not None and place.kind != "local" for place in places):
        return _Search(name, left.most, pinned_only=False)
    if left.local > 0:
        return _Search(name, left.local, pinned_only=False)
    return _Search(name, max(0, left.remote), pinned_only=True)


def _candidates(
    tx: Transaction, search: _Search, queue: Queue, loads: Loads
) -> Iterator[Mapping[str, Any]]:
    """Runs of a queue in the order in which they should go, without those that cannot go now."""
    name = search.queue
    other = runs.alias("other")
    held = sa.exists().where(other.c.scope == runs.c.scope, other.c.state.in_(ACTIVE))
    query = (
        sa.select(runs)
        .where(
            runs.c.state == RunState.READY,
            runs.c.queue == name,
            runs.c.due <= tx.now,
            sa.or_(runs.c.scope.is_(None), ~held),
        )
        .order_by(runs.c.priority.desc(), runs.c.due, runs.c.index, runs.c.id)
        .limit(search.most * _MORE)
        .with_for_update(skip_locked=True)
    )
    if search.pinned_only:
        query = query.where(runs.c.pinned.is_not(None))
    if queue.max_runs_a_job is not None:
        full = [
            job
            for (one, job), count in loads.jobs.items()
            if one == name and count >= queue.max_runs_a_job
        ]
        query = query.where(runs.c.job.not_in(full))
    if queue.max_runs_a_share is not None:
        full = [
            share
            for (one, share), count in loads.shares.items()
            if one == name and count >= queue.max_runs_a_share
        ]
        query = query.where(runs.c.share.not_in(full))
    if queue.shares:
        yield from by_share(tx, name, queue, query)
    else:
        yield from tx.all(query)


def _queue_takes(queue: Queue, row: Mapping[str, Any], loads: Loads) -> bool:
    key_of_job, key_of_share = (row["queue"], row["job"]), (row["queue"], row["share"])
    by_job, by_share_ = queue.max_runs_a_job, queue.max_runs_a_share
    return (
        loads.queues[row["queue"]].takes(
            row["cores"], row["memory"], queue.max_runs, queue.max_cores, queue.max_memory
        )
        and (by_job is None or loads.jobs[key_of_job] < by_job)
        and (by_share_ is None or loads.shares[key_of_share] < by_share_)
    )


def _placed(
    row: Mapping[str, Any], queue: Queue, settings: Settings, loads: Loads, left: Room
) -> str | None:
    """The first of the places of a run that has room for it."""
    for name in (row["pinned"],) if row["pinned"] else queue.places:
        place = settings.place(name)
        if place is None:
            continue
        fits = loads.places[name].takes(
            row["cores"], row["memory"], place.max_runs, place.cores, place.memory
        )
        if fits and _has_room(left, row, is_local=place.kind == "local"):
            return str(name)
    return None


def _is_local(settings: Settings, name: str) -> bool:
    place = settings.place(name)
    return place is not None and place.kind == "local"


def _has_room(left: Room, row: Mapping[str, Any], *, is_local: bool) -> bool:
    if not is_local:
        return left.remote > 0
    return left.local > 0 and row["cores"] <= left.cores and row["memory"] <= left.memory


def _less(left: Room, row: Mapping[str, Any], *, is_local: bool) -> Room:
    if not is_local:
        return Room(left.local, left.cores, left.memory, left.remote - 1)
    memory = left.memory - int(row["memory"])
    return Room(left.local - 1, left.cores - row["cores"], memory, left.remote)


def _take(
    tx: Transaction,
    worker: str,
    host: str,
    chosen: Sequence[tuple[Mapping[str, Any], str]],
    settings: Settings,
) -> list[Claimed]:
    """Write down who has them now. Nobody else can have changed them: they are locked."""
    taken = [
        {**row, "token": row["token"] + 1, "attempt": row["attempt"] + 1, "place": place}
        for row, place in chosen
    ]
    if not taken:
        return []
    update = (
        runs.update()
        .where(runs.c.id == sa.bindparam("of_run"))
        .values(
            state=RunState.STARTING,
            owner=worker,
            token=runs.c.token + 1,
            attempt=runs.c.attempt + 1,
            lease_until=tx.now + LEASE,
            place=sa.bindparam("at_place"),
            started=sa.func.coalesce(runs.c.started, tx.now),
            updated=tx.now,
            reason="",
            cause="",
            progress=None,
        )
    )
    placed = [{"of_run": row["id"], "at_place": row["place"]} for row in taken]
    tx.connection.execute(update, placed)
    begun = [
        {
            "run": row["id"],
            "number": row["attempt"],
            "run_key": run_key(row["id"], row["attempt"]),
            "place": row["place"],
            "host": host if _is_local(settings, row["place"]) else None,
            "worker": worker,
            "started": tx.now,
        }
        for row in taken
    ]
    tx.connection.execute(attempts.insert(), begun)
    return [claimed(row, run_key(row["id"], row["attempt"]), tx.now, None) for row in taken]


def run_key(run: str, attempt: int) -> str:
    """Under what an attempt is known at its place."""
    return f"{run.replace(':', '.')}-{attempt}"


def claimed(
    row: Mapping[str, Any], key: str, started: float, handle: Mapping[str, str] | None
) -> Claimed:
    """A row of `runs`, as its worker sees it."""
    state = RunState.STARTING if row["state"] == RunState.READY else RunState(row["state"])
    return Claimed(
        row["id"],
        row["job"],
        tuple(row["argv"]),
        row["folder"],
        row["token"],
        row["attempt"],
        row["max_attempts"],
        key,
        row["place"],
        row["timeout"],
        started,
        row["cores"],
        row["memory"],
        row["queue"],
        row["index"],
        tuple(row["retry"]),
        handle,
        state,
    )
