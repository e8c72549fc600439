"""What becomes of runs: recorded as started, ended, put back to be tried again."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from gristmill.manager.ledger.claiming import Claimed
from gristmill.manager.ledger.database import Transaction
from gristmill.manager.ledger.releasing import release
from gristmill.manager.ledger.shares import add_usage
from gristmill.manager.ledger.tables import attempts, runs
from gristmill.manager.settings import Settings
from gristmill.manager.states import ACTIVE, RunState

_TRIED = {"failed", "lost"}


@dataclass(frozen=True)
class Ending:
    """How an attempt ended, and what its run becomes: final, or ready again after `delay` seconds.

    `outcome` is what the attempt's was: succeeded, failed, lost, cancelled, refused. One that was
    refused counts for nothing: the run may be tried once more. `result` is what it published.
    """

    run: Claimed
    state: RunState
    outcome: str
    reason: str = ""
    cause: str = ""
    exit_code: int | None = None
    advice: str = ""
    logs: str = ""
    cost: float | None = None
    result: Mapping[str, Any] | None = None
    delay: float = 0.0


def record(tx: Transaction, started: Iterable[tuple[Claimed, Mapping[str, str]]]) -> set[str]:
    """Write down where runs are that have started; gives those that were no longer their
    worker's."""
    known = {run.id: (run, handle) for run, handle in started}
    held = _still_held(tx, [run for run, _ in known.values()])
    begun = (
        runs.update()
        .where(runs.c.id == sa.bindparam("of_run"), runs.c.state == RunState.STARTING)
        .values(state=RunState.RUNNING, updated=tx.now, reason="")
    )
    _do_many(tx, begun, [{"of_run": name} for name in held])
    found = _attempt_of_many().values(handle=sa.bindparam("at"))
    rows = [{**_of(known[name][0]), "at": dict(known[name][1])} for name in held]
    _do_many(tx, found, rows)
    return known.keys() - held


def note(tx: Transaction, run: Claimed, **values: Any) -> bool:
    """Change what is said of a run that goes on (`reason`, `progress`); whether it is still its
    worker's."""
    return tx.run(_held(run).values(**values)) > 0


@dataclass(frozen=True)
class Ended:
    """What came of endings: runs that were no longer their worker's, of which nothing was touched;
    runs that are final by it, parents of arrays and what was skipped among them; runs that are
    tried again."""

    lost: frozenset[str]
    final: tuple[str, ...]
    again: tuple[str, ...]


def end(tx: Transaction, endings: Iterable[Ending], settings: Settings) -> Ended:
    """Write down how attempts ended, and let go on who waited for them."""
    known = {ending.run.id: ending for ending in endings}
    held = _still_held(tx, [ending.run for ending in known.values()])
    ended = [known[name] for name in held]
    lost = known.keys() - held
    _end_runs(tx, [one for one in ended if one.state.is_final])
    _put_back(tx, [one for one in ended if not one.state.is_final])
    _end_attempts(tx, ended)
    for ending in ended:
        _count_usage(tx, ending, settings)
    final = [one.run.id for one in ended if one.state.is_final]
    again = [one.run.id for one in ended if one.outcome in _TRIED and not one.state.is_final]
    return Ended(frozenset(lost), (*final, *release(tx, final)), tuple(again))


def _held(run: Claimed) -> sa.Update:
    return runs.update().where(
        runs.c.id == run.id, runs.c.token == run.token, runs.c.state.in_(ACTIVE)
    )


def _still_held(tx: Transaction, some: Sequence[Claimed]) -> list[str]:
    """Those of some runs that nobody else has taken up, locked in the order of their ids."""
    if not some:
        return []
    tokens = {run.id: run.token for run in some}
    query = sa.select(runs.c.id, runs.c.token).where(
        runs.c.id.in_(list(tokens)), runs.c.state.in_(ACTIVE)
    )
    found = tx.all(query.order_by(runs.c.id).with_for_update())
    return [row["id"] for row in found if row["token"] == tokens[row["id"]]]


def _do_many(tx: Transaction, statement: sa.Executable, rows: Sequence[dict[str, Any]]) -> None:
    """Do a statement for each row of values, in one go."""
    if rows:
        tx.connection.execute(statement, rows)


def _of(run: Claimed) -> dict[str, Any]:
    return {"of_run": run.id, "of_number": run.attempt}


def _attempt_of_many() -> sa.Update:
    return attempts.update().where(
        attempts.c.run == sa.bindparam("of_run"), attempts.c.number == sa.bindparam("of_number")
    )


def _let_go(tx: Transaction, **values: Any) -> sa.Update:
    """Ends that a worker has runs, locked as they are."""
    return (
        runs.update()
        .where(runs.c.id == sa.bindparam("of_run"))
        .values(
            reason=sa.bindparam("why"),
            cause=sa.bindparam("caused"),
            owner=None,
            lease_until=None,
            updated=tx.now,
            **values,
        )
    )


def _told(ending: Ending) -> dict[str, Any]:
    return {"of_run": ending.run.id, "why": ending.reason, "caused": ending.cause}


def _end_runs(tx: Transaction, endings: Sequence[Ending]) -> None:
    final = _let_go(
        tx,
        state=sa.bindparam("becomes"),
        ended=tx.now,
        result=sa.bindparam("made"),
        progress=None,
    )
    rows = [
        {**_told(one), "becomes": one.state, "made": one.result and dict(one.result)}
        for one in endings
    ]
    _do_many(tx, final, rows)


def _put_back(tx: Transaction, endings: Sequence[Ending]) -> None:
    again = _let_go(
        tx,
        state=RunState.READY,
        place=None,
        due=sa.bindparam("is_due"),
        max_attempts=runs.c.max_attempts + sa.bindparam("more"),
    )
    rows = [
        {**_told(one), "is_due": tx.now + one.delay, "more": int(one.outcome == "refused")}
        for one in endings
    ]
    _do_many(tx, again, rows)


def _end_attempts(tx: Transaction, endings: Sequence[Ending]) -> None:
    names = ("outcome", "exit_code", "cause", "reason", "advice", "logs", "cost")
    ended = _attempt_of_many().values(
        ended=tx.now, **{name: sa.bindparam(f"its_{name}") for name in names}
    )
    rows = [
        {**_of(one.run), **{f"its_{name}": getattr(one, name) for name in names}} for one in endings
    ]
    _do_many(tx, ended, rows)


def _count_usage(tx: Transaction, ending: Ending, settings: Settings) -> None:
    queue = settings.queue(ending.run.queue)
    if queue is None or not queue.shares:
        return
    found = tx.one(sa.select(runs.c.share).where(runs.c.id == ending.run.id))
    if found is not None:
        took = max(0.0, tx.now - ending.run.started) * ending.run.cores
        add_usage(tx, ending.run.queue, found["share"], took, queue.share_half_life)
