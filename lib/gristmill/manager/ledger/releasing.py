"""What the end of runs means for those that wait for them: dependents, and parents of arrays."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

import sqlalchemy as sa

from gristmill.manager.ledger.database import Row, Transaction
from gristmill.manager.ledger.tables import dependencies, runs
from gristmill.manager.states import ACTIVE, RunState

_BAD = (RunState.FAILED, RunState.CANCELLED, RunState.SKIPPED)
_BATCH = 1_000  # a statement takes only so many values


def release(tx: Transaction, ended: Sequence[str]) -> list[str]:
    """Tell those that wait for runs which have ended: dependents, then parents, and on.

    Gives the runs that are final by it.
    """
    left, final = list(ended), list[str]()
    while left:
        some, left = left[:_BATCH], left[_BATCH:]
        more = [*_release_dependents(tx, some), *_release_parents(tx, some)]
        left += more
        final += more
    return final


def _release_dependents(tx: Transaction, ended: Sequence[str]) -> list[str]:
    """Bring dependents nearer to their start, or skip them; gives those that are final by it."""
    query = (
        sa.select(
            dependencies.c.run,
            dependencies.c.on_run,
            dependencies.c.any_end,
            runs.c.state.label("ended_as"),
            runs.c.reason,
        )
        .join(runs, runs.c.id == dependencies.c.on_run)
        .where(dependencies.c.on_run.in_(ended), dependencies.c.satisfied.is_(False))
    )
    waiting: dict[str, list[Row]] = defaultdict(list)
    for row in tx.all(query):
        waiting[row["run"]].append(row)
    final = []
    for run in _lock(tx, waiting):
        if RunState(run["state"]) is not RunState.BLOCKED:
            continue
        rows = waiting[run["id"]]
        bad = [row for row in rows if not row["any_end"] and row["ended_as"] in _BAD]
        if bad:
            # The one that failed first is the root of all that is skipped.
            said = bad[0]["reason"] if bad[0]["ended_as"] == RunState.SKIPPED else ""
            reason = said or f"{bad[0]['on_run']} {bad[0]['ended_as']}"
            _become(tx, run["id"], RunState.SKIPPED, deps_left=0, ended=tx.now, reason=reason)
            final.append(run["id"])
            continue
        left = run["deps_left"] - len(rows)
        tx.run(
            dependencies.update()
            .where(
                dependencies.c.run == run["id"],
                dependencies.c.on_run.in_([row["on_run"] for row in rows]),
            )
            .values(satisfied=True)
        )
        state = RunState.BLOCKED if left else RunState.READY
        _become(tx, run["id"], state, deps_left=left, due=max(run["due"], tx.now))
    return final


def _release_parents(tx: Transaction, ended: Sequence[str]) -> list[str]:
    """Bring the parents of children that have ended nearer to their end; gives those at it."""
    query = sa.select(runs.c.parent, sa.func.count().label("n")).where(
        runs.c.id.in_(ended), runs.c.parent.is_not(None)
    )
    counts = {row["parent"]: row["n"] for row in tx.all(query.group_by(runs.c.parent))}
    final = []
    for parent in _lock(tx, counts):
        if RunState(parent["state"]) is not RunState.BLOCKED:
            continue
        left = parent["deps_left"] - counts[parent["id"]]
        # Of thousands of children, each end must not count them all.
        counted = _ends(tx, parent["id"]) if parent["fail_fast"] or not left else {}
        bad = sum(counted.get(one, 0) for one in _BAD)
        if left:
            _become(tx, parent["id"], RunState.BLOCKED, deps_left=left)
            if bad and parent["fail_fast"]:
                cancel_children(tx, parent["id"], f"a child of {parent['id']} failed")
            continue
        # The worst of its children's ends is its own.
        state = next((one for one in _BAD if counted.get(one)), RunState.SUCCEEDED)
        reason = f"{bad:,} of {parent['array_size']:,} children did not succeed" if bad else ""
        _become(tx, parent["id"], state, deps_left=0, ended=tx.now, reason=reason)
        final.append(parent["id"])
    return final


def cancel_children(tx: Transaction, parent: str, reason: str) -> None:
    """Cancel those children that have not begun, and ask for the end of those that have."""
    children = (runs.c.parent == parent) & runs.c.array_size.is_(None)
    waiting = tx.all(
        sa.select(runs.c.id)
        .where(children, runs.c.state.in_((RunState.BLOCKED, RunState.READY)))
        .order_by(runs.c.id)
        .with_for_update()
    )
    for row in waiting:
        values = {"deps_left": 0, "ended": tx.now, "reason": reason}
        _become(tx, row["id"], RunState.CANCELLED, **values)
    tx.run(runs.update().where(children, runs.c.state.in_(ACTIVE)).values(cancel_asked=True))
    release(tx, [row["id"] for row in waiting])


def _ends(tx: Transaction, parent: str) -> dict[RunState, int]:
    """How many children of an array are in each state."""
    counted = sa.select(runs.c.state, sa.func.count().label("n")).where(runs.c.parent == parent)
    return {RunState(row["state"]): row["n"] for row in tx.all(counted.group_by(runs.c.state))}


def _lock(tx: Transaction, names: Iterable[str]) -> list[Row]:
    """Rows, locked in the one order that keeps two from waiting for each other."""
    wanted = sorted(names)
    if not wanted:
        return []
    query = sa.select(runs).where(runs.c.id.in_(wanted)).order_by(runs.c.id)
    return tx.all(query.with_for_update())


def _become(tx: Transaction, run: str, state: RunState, **values: Any) -> None:
    tx.run(runs.update().where(runs.c.id == run).values(state=state, updated=tx.now, **values))
