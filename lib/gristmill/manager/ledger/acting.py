"""What people do about runs: cancel them, try them again, look at those that failed."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from gristmill.errors import InputError, UsageError
from gristmill.manager.ledger.database import Row, Transaction
from gristmill.manager.ledger.releasing import cancel_children, release
from gristmill.manager.ledger.tables import dependencies, runs
from gristmill.manager.states import ACTIVE, WAITING, RunState

_RETRIED = (RunState.FAILED, RunState.CANCELLED)


def find(tx: Transaction, name: str) -> Row:
    """A run by its id, its key, or the beginning of its id. Raises `InputError`."""
    found = tx.one(sa.select(runs).where(sa.or_(runs.c.id == name, runs.c.key == name)))
    if found is not None:
        return found
    if len(name) >= 4:
        begun = sa.select(runs).where(
            runs.c.id.startswith(name, autoescape=True), runs.c.parent.is_(None)
        )
        several = tx.all(begun.limit(2))
        if len(several) == 1:
            return several[0]
        if several:
            raise InputError(f"several runs begin with {name}: name more of it")
    raise InputError(f"no run {name}: gristmill runs lists them")


def cancel(tx: Transaction, name: str, by: str) -> RunState:
    """Cancel a run: at once where it waits; where it runs, its worker is asked to end it.

    Gives the state that it is in now. Raises `InputError`.
    """
    run = _locked(tx, find(tx, name)["id"])
    state, reason = RunState(run["state"]), f"cancelled by {by}"
    if run["array_size"] is not None and not state.is_final:
        cancel_children(tx, run["id"], reason)
        return RunState(_locked(tx, run["id"])["state"])
    if state in WAITING:
        _set(tx, run["id"], RunState.CANCELLED, deps_left=0, ended=tx.now, reason=reason)
        release(tx, [run["id"]])
        return RunState.CANCELLED
    if state in ACTIVE:
        tx.run(runs.update().where(runs.c.id == run["id"]).values(cancel_asked=True, reason=reason))
    return state


def retry(tx: Transaction, name: str, by: str, attempts: int = 3) -> list[str]:
    """Try a run again that failed or was cancelled, and bring back what was skipped for it.

    Of an array, all children that did not succeed. Gives the runs that go again. Raises
    `InputError`, and `UsageError` where there is nothing to try again.
    """
    run = _locked(tx, find(tx, name)["id"])
    if run["array_size"] is not None:
        children = sa.select(runs.c.id).where(
            runs.c.parent == run["id"], runs.c.state.in_(_RETRIED)
        )
        again = [row["id"] for row in tx.all(children.order_by(runs.c.index))]
    else:
        again = [run["id"]] if RunState(run["state"]) in _RETRIED else []
    if not again:
        raise UsageError(f"run {run['id']} is {run['state']}: only what failed is tried again")
    for one in again:
        _again(tx, one, by, attempts)
    _bring_back(tx, again, by)
    return again


def _again(tx: Transaction, run: str, by: str, attempts: int) -> None:
    found = _locked(tx, run)
    values: dict[str, Any] = {
        "max_attempts": found["attempt"] + attempts,
        "due": tx.now,
        "ended": None,
        "cancel_asked": False,
        "looked_at": None,
        "cause": "",
        "reason": f"tried again by {by}",
        "place": None,
        "result": None,
    }
    _set(tx, run, RunState.READY, **values)
    _reopen_parent(tx, found["parent"], by)


def _reopen_parent(tx: Transaction, parent: str | None, by: str) -> None:
    """Let the parent of a child that goes again wait for one more."""
    if parent is None:
        return
    found = _locked(tx, parent)
    state = RunState(found["state"])
    values = {"deps_left": found["deps_left"] + 1, "ended": None, "looked_at": None}
    reason = f"a child is tried again by {by}" if state.is_final else found["reason"]
    _set(tx, parent, RunState.BLOCKED, reason=reason, **values)
    if state.is_final:
        _bring_back(tx, [parent], by)


def _bring_back(tx: Transaction, again: Sequence[str], by: str) -> None:
    """Let what was skipped because of these runs wait for them again, and what waits for that."""
    for on_run in again:
        dependents = (
            sa.select(runs.c.id, runs.c.parent)
            .join(dependencies, dependencies.c.run == runs.c.id)
            .where(dependencies.c.on_run == on_run, runs.c.state == RunState.SKIPPED)
            .order_by(runs.c.id)
        )
        for row in tx.all(dependents):
            if _locked(tx, row["id"])["state"] != RunState.SKIPPED:
                continue  # it has come back with another, a moment ago
            open_ones, hopeless = _needs(tx, row["id"])
            if hopeless:
                # Another that it needs has failed, too: it comes back with that.
                continue
            reason = f"{on_run} is tried again by {by}"
            _set(tx, row["id"], RunState.BLOCKED, deps_left=open_ones, ended=None, reason=reason)
            _reopen_parent(tx, row["parent"], by)
            _bring_back(tx, [row["id"]], by)


def _needs(tx: Transaction, run: str) -> tuple[int, int]:
    """How many dependencies of a run are open, and how many of them have ended badly.

    What ended well while the run was skipped is written down now.
    """
    query = (
        sa.select(runs.c.id, runs.c.state, dependencies.c.any_end)
        .join(dependencies, dependencies.c.on_run == runs.c.id)
        .where(dependencies.c.run == run, dependencies.c.satisfied.is_(False))
    )
    left = bad = 0
    for row in tx.all(query):
        state = RunState(row["state"])
        if state is RunState.SUCCEEDED or (row["any_end"] and state.is_final):
            mine = (dependencies.c.run == run) & (dependencies.c.on_run == row["id"])
            tx.run(dependencies.update().where(mine).values(satisfied=True))
        else:
            left += 1
            bad += state.is_final
    return left, bad


def look_at(tx: Transaction, name: str) -> None:
    """Take a failed run off the dead letters: somebody has looked at it. Raises `InputError`."""
    run = find(tx, name)
    tx.run(runs.update().where(runs.c.id == run["id"]).values(looked_at=tx.now))


def _locked(tx: Transaction, run: str) -> Row:
    found = tx.one(sa.select(runs).where(runs.c.id == run).with_for_update())
    if found is None:
        raise InputError(f"no run {run}")
    return found


def _set(tx: Transaction, run: str, state: RunState, **values: Any) -> None:
    tx.run(runs.update().where(runs.c.id == run).values(state=state, updated=tx.now, **values))
