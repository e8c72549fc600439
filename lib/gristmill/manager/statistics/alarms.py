"""Alarms: rules over the ledger, told once when they begin to hold and once when they end."""

import operator
from collections.abc import Callable, Mapping
from fnmatch import fnmatchcase

import sqlalchemy as sa

from gristmill.manager.ledger import Ledger, Transaction
from gristmill.manager.ledger.definitions import load_settings
from gristmill.manager.ledger.tables import alarms, runs
from gristmill.manager.notify.outbox import tell
from gristmill.manager.settings import Alarm, Settings
from gristmill.manager.states import RunState
from gristmill.model.options import duration

_COMPARE: Mapping[str, Callable[[float, float], bool]] = {
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
}
_SPAN = 3600.0


def watch_alarms(ledger: Ledger) -> list[str]:
    """Look at all rules; gives the alarms that hold."""
    with ledger.begin() as tx:
        settings = load_settings(tx)
        holding = {row["name"]: row for row in tx.all(sa.select(alarms).with_for_update())}
        found = []
        for name, alarm in settings.alarms.items():
            figure, compare, bound, span = alarm.parts
            seconds = duration(span).total_seconds() if span else _SPAN
            value = measure(tx, figure, alarm, seconds)
            holds = _COMPARE[compare](value, bound)
            if holds:
                found.append(name)
            if holds and name not in holding:
                tx.run(alarms.insert().values(name=name, since=tx.now, value=value))
                _tell(tx, settings, name, alarm, f"{alarm.rule}: it is {value:g}")
            elif not holds and name in holding:
                tx.run(alarms.delete().where(alarms.c.name == name))
                _tell(tx, settings, name, alarm, f"{alarm.rule} is over: it is {value:g}")
        for name in holding.keys() - settings.alarms.keys():
            tx.run(alarms.delete().where(alarms.c.name == name))
        return found


def _tell(tx: Transaction, settings: Settings, name: str, alarm: Alarm, reason: str) -> None:
    # Who is told goes by its notices' jobs and queues: a rule for all is everybody's.
    facts = {"job": name, "queue": alarm.queue, "reason": reason, "run": ""}
    tell(tx, settings, f"alarm/{name}/{tx.now}", "alarm", facts)


def measure(tx: Transaction, figure: str, alarm: Alarm, seconds: float) -> float:
    """What a rule counts, now or over its span."""
    ready = runs.c.state == RunState.READY
    failed = runs.c.state == RunState.FAILED
    where: Mapping[str, tuple[sa.ColumnElement[bool], ...]] = {
        "failures": (failed, runs.c.ended >= tx.now - seconds),
        "late": (
            runs.c.late_after.is_not(None),
            runs.c.ended.is_(None),
            runs.c.created + runs.c.late_after < tx.now,
        ),
        "waiting": (ready, runs.c.due <= tx.now),
        "oldest_wait": (ready, runs.c.due <= tx.now),
        "dead_letters": (failed, runs.c.looked_at.is_(None)),
        "rejects": (runs.c.state == RunState.SUCCEEDED, runs.c.ended >= tx.now - seconds),
    }
    columns = (runs.c.job, runs.c.queue, runs.c.due, runs.c.result)
    query = sa.select(*columns).where(runs.c.array_size.is_(None), *where[figure])
    rows = [
        row
        for row in tx.all(query)
        if fnmatchcase(row["job"], alarm.job) and fnmatchcase(row["queue"], alarm.queue)
    ]
    if figure == "oldest_wait":
        return max((tx.now - row["due"] for row in rows), default=0.0)
    if figure == "rejects":
        return float(sum((row["result"] or {}).get("rejected") or 0 for row in rows))
    return float(len(rows))
