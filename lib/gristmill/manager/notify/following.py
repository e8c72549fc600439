"""What follows from the end of a run: who is told, and what is submitted next."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from gristmill.manager.ledger.database import Row, Transaction
from gristmill.manager.ledger.tables import attempts, events, runs
from gristmill.manager.notify.outbox import CHAIN, put, tell
from gristmill.manager.settings import Settings
from gristmill.manager.states import RunState

_BATCH = 1_000  # a statement takes only so many values
_TOLD = {RunState.SUCCEEDED: "succeeded", RunState.FAILED: "set_aside"}


def follow(tx: Transaction, settings: Settings, ended: Iterable[str], again: Iterable[str]) -> None:
    """Write down what is to be told and submitted, of runs that have ended for good and of those
    that are tried again."""
    ended, again = list(ended), list(again)
    known = _runs(tx, [*ended, *again], all_of_them=bool(settings.notices))
    for run in (known[name] for name in again if name in known):
        event = f"{run['id']}/{run['attempt']}/failed"
        tell(tx, settings, event, "failed", facts(tx, run))
    for run in (known[name] for name in ended if name in known):
        _follow_one(tx, settings, run)


def _follow_one(tx: Transaction, settings: Settings, run: Row) -> None:
    state = RunState(run["state"])
    if state is RunState.SUCCEEDED:
        _chain(tx, run)
    kind = _TOLD.get(state)
    if kind is None or not settings.notices or run["parent"] is not None:
        # Of an array its parent is told, not thousands of children.
        return
    told = facts(tx, run)
    event = f"{run['id']}/{run['attempt']}/{run['token']}"
    if state is RunState.FAILED:
        tell(tx, settings, f"{event}/failed", "failed", told)
    tell(tx, settings, f"{event}/{kind}", kind, told)
    if state is RunState.SUCCEEDED and _has_recovered(tx, run):
        tell(tx, settings, f"{event}/recovered", "recovered", told)


def _runs(tx: Transaction, names: Sequence[str], *, all_of_them: bool) -> dict[str, Row]:
    """Runs by their ids: all, or only those that another follows on."""
    found: dict[str, Row] = {}
    for at in range(0, len(names), _BATCH):
        query = sa.select(runs).where(runs.c.id.in_(names[at : at + _BATCH]))
        if not all_of_them:
            query = query.where(runs.c.chain.is_not(None))
        found |= {row["id"]: row for row in tx.all(query)}
    return found


def facts(tx: Transaction, run: Row) -> dict[str, Any]:
    """What a message says of a run."""
    last = tx.one(
        sa.select(attempts.c.advice, attempts.c.logs)
        .where(attempts.c.run == run["id"])
        .order_by(attempts.c.number.desc())
        .limit(1)
    )
    result: Mapping[str, Any] = run["result"] or {}
    return {
        "run": run["id"],
        "key": run["key"],
        "job": run["job"],
        "definition": run["definition"],
        "queue": run["queue"],
        "state": run["state"],
        "attempt": run["attempt"],
        "reason": run["reason"],
        "cause": run["cause"],
        "advice": last["advice"] if last else "",
        "logs": last["logs"] if last else "",
        "output": result.get("output"),
        "published": result.get("published"),
        "datasets": result.get("datasets", []),
    }


def _chain(tx: Transaction, run: Row) -> None:
    for number, step in enumerate(run["chain"] or ()):
        message = {"step": {**step, "number": number}, **facts(tx, run), "folder": run["folder"]}
        put(tx, f"{run['id']}/{CHAIN}/{number}", CHAIN, message, tx.now)


def _has_recovered(tx: Transaction, run: Row) -> bool:
    """Whether this one had failed before, or the one before it of the same kind has."""
    failed = sa.select(events.c.id).where(events.c.run == run["id"], events.c.after == "failed")
    if tx.one(failed.limit(1)) is not None:
        return True
    same = (
        runs.c.job == run["job"],
        runs.c.queue == run["queue"],
        runs.c.definition == run["definition"]
        if run["definition"]
        else runs.c.definition.is_(None),
        runs.c.scope == run["scope"] if run["scope"] else runs.c.scope.is_(None),
    )
    before = tx.one(
        sa.select(runs.c.state)
        .where(*same, runs.c.id != run["id"], runs.c.ended.is_not(None), runs.c.parent.is_(None))
        .where(runs.c.ended <= run["ended"], runs.c.state != RunState.CANCELLED)
        .order_by(runs.c.ended.desc(), runs.c.id.desc())
        .limit(1)
    )
    return before is not None and before["state"] == RunState.FAILED


def late(tx: Transaction, settings: Settings) -> int:
    """Tell of runs that ought to be over and are not, each once; gives how many there are."""
    overdue = tx.all(
        sa.select(runs).where(
            runs.c.late_after.is_not(None),
            runs.c.ended.is_(None),
            runs.c.parent.is_(None),
            runs.c.created + runs.c.late_after < tx.now,
        )
    )
    for run in overdue:
        tell(tx, settings, f"{run['id']}/late", "late", facts(tx, run))
    return len(overdue)
