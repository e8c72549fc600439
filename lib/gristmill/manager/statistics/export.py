"""The ledger as Parquet, for analysis; and what is old taken out of it."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from gristmill.errors import OutputError
from gristmill.manager.ledger import Ledger, Transaction
from gristmill.manager.ledger.tables import (
    attempts,
    dependencies,
    events,
    fires,
    outbox,
    pruning,
    rollups,
    runs,
)
from gristmill.manager.states import FINAL

_BATCH = 5_000
_TIMES = {"created", "due", "started", "ended", "updated", "at", "hour", "looked_at", "sent"}
_COLUMNS: Mapping[str, tuple[sa.Table, str, tuple[str, ...]]] = {
    "manager_runs": (
        runs,
        "created",
        (
            *("id", "key", "job", "definition", "queue", "share", "priority", "state", "cause"),
            *("reason", "parent", "index", "attempt", "place", "cores", "memory", "submitter"),
            *("created", "due", "started", "ended"),
        ),
    ),
    "manager_attempts": (
        attempts,
        "started",
        (
            *("run", "number", "place", "worker", "started", "ended", "outcome", "exit_code"),
            *("cause", "reason", "cost"),
        ),
    ),
    "manager_events": (
        events,
        "at",
        ("id", "run", "at", "before", "after", "attempt", "token", "worker", "reason"),
    ),
    "manager_hours": (rollups, "hour", tuple(column.name for column in rollups.c)),
}


def export(ledger: Ledger, folder: Path) -> dict[str, int]:
    """Write the tables of a ledger as Parquet below a folder: one file for each table, in a folder
    of its name; times are timestamps in UTC. Gives the rows of each. Raises `OutputError`."""
    import pyarrow as pa  # noqa: PLC0415
    import pyarrow.parquet as pq  # noqa: PLC0415

    counted = {}
    try:
        for name, (table, _, columns) in _COLUMNS.items():
            with ledger.look() as tx:
                rows = tx.all(sa.select(*(table.c[one] for one in columns)))
            schema = pa.schema([(one, _type(pa, table.c[one])) for one in columns])
            content = {one: [_value(one, row[one]) for row in rows] for one in columns}
            path = folder / name / "part-00000.parquet"
            path.parent.mkdir(parents=True, exist_ok=True)
            new = path.with_name(f".{path.name}.new")
            pq.write_table(pa.table(content, schema=schema), new, compression="zstd")
            new.replace(path)
            counted[name] = len(rows)
    except OSError as error:
        raise OutputError(f"cannot write to {folder}: {error}") from error
    return counted


def _type(pa: Any, column: "sa.Column[Any]") -> Any:
    if column.name in _TIMES and isinstance(column.type, sa.Float):
        return pa.timestamp("us", tz="UTC")
    if isinstance(column.type, sa.Float):
        return pa.float64()
    if isinstance(column.type, sa.Integer):
        return pa.int64()
    return pa.string()


def _value(name: str, value: Any) -> Any:
    if name in _TIMES and isinstance(value, float):
        return datetime.fromtimestamp(value, UTC)
    return value


def prune(ledger: Ledger, before: float) -> dict[str, int]:
    """Take runs out of a ledger that ended before a moment (seconds since 1970), with all that
    belongs to them; gives how many of each. What others still wait for stays, and arrays go as a
    whole. Hourly figures stay, and which files have arrived: they would come again."""
    gone: dict[str, int] = {"runs": 0, "events": 0, "messages": 0}
    while True:
        with ledger.begin() as tx:
            some = _prunable(tx, before)
            if not some:
                break
            tx.run(pruning.insert().values(since=tx.now))
            gone["events"] += _delete(tx, events, events.c.run, some)
            for table, column in (
                (attempts, attempts.c.run),
                (dependencies, dependencies.c.run),
                (dependencies, dependencies.c.on_run),
                (fires, fires.c.run),
            ):
                _delete(tx, table, column, some)
            children = [one for one in some if ":" in one]
            _delete(tx, runs, runs.c.id, children)
            _delete(tx, runs, runs.c.id, [one for one in some if ":" not in one])
            gone["runs"] += len(some)
            tx.run(pruning.delete())
    with ledger.begin() as tx:
        gone["messages"] = tx.run(outbox.delete().where(outbox.c.sent < before))
    return gone


def _prunable(tx: Transaction, before: float) -> list[str]:
    """Some runs that may go, whole arrays at a time."""
    other = runs.alias("other")
    waited_for = (
        sa.exists()
        .where(dependencies.c.on_run == runs.c.id)
        .where(dependencies.c.run == other.c.id, other.c.ended.is_(None))
    )
    tops = (
        sa.select(runs.c.id)
        .where(runs.c.parent.is_(None), runs.c.ended < before, runs.c.state.in_(FINAL))
        .where(~waited_for)
        .limit(_BATCH // 10)
    )
    found = [row["id"] for row in tx.all(tops)]
    if not found:
        return []
    below = tx.all(sa.select(runs.c.id).where(runs.c.parent.in_(found)))
    return [*found, *(row["id"] for row in below)]


def _delete(tx: Transaction, table: sa.Table, column: Any, names: Iterable[str]) -> int:
    count, left = 0, list(names)
    while left:
        some, left = left[:_BATCH], left[_BATCH:]
        count += tx.run(table.delete().where(column.in_(some)))
    return count
