"""Submitting: a run, or an array with its children, in one transaction."""

import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from gristmill.errors import BusyError, InputError, UsageError
from gristmill.manager.ledger.database import Transaction
from gristmill.manager.ledger.tables import dependencies, runs
from gristmill.manager.request import RunRequest
from gristmill.manager.settings import Settings
from gristmill.manager.states import WAITING, RunState
from gristmill.publish.run_ids import run_id

_BAD_ENDS = (RunState.FAILED, RunState.CANCELLED, RunState.SKIPPED)


class QueueFullError(BusyError):
    """As many runs wait in the queue as it takes."""


@dataclass(frozen=True)
class Submitted:
    """A run that was submitted: now, or before under the same key."""

    run: str
    state: RunState
    is_new: bool


@dataclass(frozen=True)
class _Dependency:
    on_run: str
    any_end: bool
    state: RunState

    @property
    def is_satisfied(self) -> bool:
        return self.state is RunState.SUCCEEDED or (self.any_end and self.state.is_final)

    @property
    def is_hopeless(self) -> bool:
        return not self.any_end and self.state in _BAD_ENDS


def submit(tx: Transaction, request: RunRequest, settings: Settings) -> Submitted:
    """Write down a run that is to be done, or give the one that has its key.

    Raises `UsageError` where the key is that of another request, or it can never run; `InputError`
    where it depends on a run that is not there; `QueueFullError`.
    """
    if request.key is not None and (there := _by_key(tx, request)):
        return there
    request.check(settings)
    _check_room(tx, request, settings)
    needed = _dependencies(tx, request)
    run = run_id(datetime.fromtimestamp(tx.now, UTC), secrets.token_hex(4))
    if request.array is not None:
        return _submit_array(tx, run, request, needed)
    row = _row(tx, run, request, request.argv) | _standing(needed, tx.now)
    tx.run(runs.insert().values(row))
    _depend(tx, [(run, one) for one in needed])
    return Submitted(run, RunState(row["state"]), is_new=True)


def _by_key(tx: Transaction, request: RunRequest) -> Submitted | None:
    if tx.is_postgresql:
        # Two submits with one key at once: the second waits for the first, and finds it.
        tx.run(sa.select(sa.func.pg_advisory_xact_lock(sa.func.hashtext(f"key:{request.key}"))))
    found = tx.one(
        sa.select(runs.c.id, runs.c.state, runs.c.request).where(runs.c.key == request.key)
    )
    if found is None:
        return None
    if found["request"] != request.digest:
        raise UsageError(
            f"run {found['id']} has the key {request.key!r}, and asks for something else: "
            "take another key, or submit the same"
        )
    return Submitted(found["id"], RunState(found["state"]), is_new=False)


def _check_room(tx: Transaction, request: RunRequest, settings: Settings) -> None:
    queue = settings.queue(request.queue)
    if queue is None or queue.max_waiting is None:
        return
    if tx.is_postgresql:
        locked = sa.func.pg_advisory_xact_lock(sa.func.hashtext(f"waiting:{request.queue}"))
        tx.run(sa.select(locked))
    found = tx.one(
        sa.select(sa.func.count().label("waiting")).where(
            runs.c.queue == request.queue, runs.c.state.in_(WAITING), runs.c.array_size.is_(None)
        )
    )
    waiting = int(found["waiting"]) if found else 0
    asked = len(request.array or ("",))
    if waiting + asked > queue.max_waiting:
        raise QueueFullError(
            f"queue {request.queue} takes {queue.max_waiting:,} runs that wait, and has "
            f"{waiting:,}: submit {asked:,} more once some have gone"
        )


def _dependencies(tx: Transaction, request: RunRequest) -> list[_Dependency]:
    """What a request depends on, locked: none of it ends before this is written down."""
    asked = {_known(tx, name): True for name in request.after_any}
    # What has to succeed has to, also where its end alone was asked for.
    asked |= {_known(tx, name): False for name in request.after}
    return [_Dependency(run, asked[run], state) for run, state in _locked(tx, asked).items()]


def _known(tx: Transaction, name: str) -> str:
    found = tx.one(sa.select(runs.c.id).where(sa.or_(runs.c.id == name, runs.c.key == name)))
    if found is None:
        raise InputError(f"no run {name}: it cannot be waited for (gristmill runs lists them)")
    return str(found["id"])


def _locked(tx: Transaction, asked: Iterable[str]) -> dict[str, RunState]:
    query = sa.select(runs.c.id, runs.c.state).where(runs.c.id.in_(list(asked)))
    locked = query.order_by(runs.c.id).with_for_update(read=True)
    return {row["id"]: RunState(row["state"]) for row in tx.all(locked)}


def _standing(needed: Sequence[_Dependency], now: float) -> dict[str, Any]:
    """How a run begins, given what it depends on."""
    hopeless = [one for one in needed if one.is_hopeless]
    if hopeless:
        state, left = RunState.SKIPPED, 0
    else:
        left = sum(not one.is_satisfied for one in needed)
        state = RunState.BLOCKED if left else RunState.READY
    reason = f"{hopeless[0].on_run} {hopeless[0].state}" if hopeless else ""
    ended = now if hopeless else None
    return {"state": state, "deps_left": left, "reason": reason, "ended": ended}


def _row(tx: Transaction, run: str, request: RunRequest, argv: Sequence[str]) -> dict[str, Any]:
    return {
        "id": run,
        "key": request.key,
        "request": request.digest,
        "job": request.job,
        # Where interim results go has to be a run's own.
        "argv": [word.replace("{run}", run) for word in argv],
        "folder": request.folder,
        "definition": request.definition,
        "queue": request.queue,
        "priority": request.priority,
        "share": request.share,
        "pinned": request.on,
        "cores": request.cores,
        "memory": request.memory,
        "timeout": request.timeout,
        "retry": [rule.model_dump() for rule in request.retry],
        "late_after": request.late_after,
        "scope": request.scope,
        "chain": [step.model_dump() for step in request.then] or None,
        "submitter": request.submitter,
        "max_attempts": request.attempts,
        "due": max(tx.now, request.due),
        "created": tx.now,
        "updated": tx.now,
        "ended": None,
    }


def _submit_array(
    tx: Transaction, run: str, request: RunRequest, needed: Sequence[_Dependency]
) -> Submitted:
    """An array: the parent is blocked until all of its children are final."""
    size = len(request.array or ())
    partners = _partners(tx, request, size)
    common = _row(tx, run, request, request.argv)
    children: list[dict[str, Any]] = []
    links: list[tuple[str, _Dependency]] = []
    for index in range(size):
        child = f"{run}:{index}"
        own = list(needed) + ([partners[index]] if partners else [])
        if request.sequential and index:
            own.append(_Dependency(f"{run}:{index - 1}", any_end=False, state=RunState.BLOCKED))
        own = list({one.on_run: one for one in own}.values())
        standing = _standing(own, tx.now)
        if request.sequential and index and children[-1]["state"] is RunState.SKIPPED:
            standing = {name: children[-1][name] for name in standing}
        links += [(child, one) for one in own]
        made = {"id": child, "key": None, "parent": run, "index": index, "chain": None}
        argv = [word.replace("{run}", run) for word in request.argv_of(index)]
        made |= {"argv": argv, "scope": request.scope_of(index)} | standing
        children.append(common | made)
    open_ones = sum(not child["state"].is_final for child in children)
    parent: dict[str, Any] = {"array_size": size, "fail_fast": request.fail_fast, "scope": None}
    if open_ones:
        parent |= {"state": RunState.BLOCKED, "deps_left": open_ones}
    else:
        parent |= {name: children[0][name] for name in ("state", "deps_left", "reason", "ended")}
    tx.run(runs.insert().values(common | parent))
    tx.connection.execute(runs.insert(), children)
    _depend(tx, links)
    return Submitted(run, RunState(parent["state"]), is_new=True)


def _partners(tx: Transaction, request: RunRequest, size: int) -> list[_Dependency]:
    """The children of another array that the children of this one wait for, each for its own."""
    if request.n_to_n is None:
        return []
    other = _known(tx, request.n_to_n)
    found = tx.one(sa.select(runs.c.array_size).where(runs.c.id == other))
    theirs = found["array_size"] if found else None
    if theirs != size:
        told = f"an array of {theirs:,}" if theirs else "no array"
        raise UsageError(f"--n-to-n {request.n_to_n}: it is {told}, and this is one of {size:,}")
    children = (
        sa.select(runs.c.id, runs.c.state)
        .where(runs.c.parent == other)
        .order_by(runs.c.id)
        .with_for_update(read=True)
    )
    states = {row["id"]: RunState(row["state"]) for row in tx.all(children)}
    named = [f"{other}:{index}" for index in range(size)]
    return [_Dependency(name, any_end=False, state=states[name]) for name in named]


def _depend(tx: Transaction, links: Sequence[tuple[str, _Dependency]]) -> None:
    rows: list[Mapping[str, Any]] = [
        {
            "run": run,
            "on_run": one.on_run,
            "any_end": one.any_end,
            "satisfied": one.is_satisfied,
        }
        for run, one in links
    ]
    if rows:
        tx.connection.execute(dependencies.insert(), rows)
