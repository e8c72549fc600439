"""Settings in the ledger: each table with its revisions, and what is paused."""

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from gristmill.errors import BusyError, UsageError
from gristmill.manager.ledger.database import Transaction
from gristmill.manager.ledger.tables import definitions, paused, runs
from gristmill.manager.settings import KINDS, Settings, documents
from gristmill.manager.states import ACTIVE, WAITING
from gristmill.nearest import nearest


def load_settings(tx: Transaction) -> Settings:
    """The settings as they are now."""
    found = tx.all(sa.select(definitions).where(definitions.c.retired.is_(None)))
    raw: dict[str, dict[str, Any]] = {kind: {} for kind in KINDS}
    for row in found:
        raw.setdefault(row["kind"], {})[row["name"]] = row["document"]
    return Settings.model_validate(raw)


def revision_of(tx: Transaction, kind: str, name: str) -> int:
    """The revision of what is there now. Raises `UsageError` where nothing is."""
    found = tx.one(
        sa.select(definitions.c.revision).where(
            definitions.c.kind == kind, definitions.c.name == name, definitions.c.retired.is_(None)
        )
    )
    if found is None:
        raise UsageError(f"no {kind} {name!r}")
    return int(found["revision"])


def apply(tx: Transaction, settings: Settings) -> list[str]:
    """Make the settings those of the ledger; gives a line for each that changed."""
    wanted = documents(settings)
    now = {
        (row["kind"], row["name"]): row
        for row in tx.all(sa.select(definitions).where(definitions.c.retired.is_(None)))
    }
    changes = []
    for (kind, name), row in now.items():
        if (kind, name) not in wanted:
            _check_unused(tx, kind, name)
            _retire(tx, row)
            changes.append(f"retired {kind}.{name} (revision {row['revision']})")
    for (kind, name), document in wanted.items():
        before = now.get((kind, name))
        if before is not None and before["document"] == document:
            continue
        if before is not None:
            _retire(tx, before)
        last = tx.one(
            sa.select(sa.func.max(definitions.c.revision).label("last")).where(
                definitions.c.kind == kind, definitions.c.name == name
            )
        )
        revision = (last["last"] or 0) + 1 if last else 1
        tx.run(
            definitions.insert().values(
                kind=kind, name=name, revision=revision, document=document, created=tx.now
            )
        )
        changes.append(f"{'changed' if before else 'added'} {kind}.{name} (revision {revision})")
    return changes


def _check_unused(tx: Transaction, kind: str, name: str) -> None:
    """See that no run needs it. Raises `BusyError`."""
    column = {"places": runs.c.place, "queues": runs.c.queue}.get(kind)
    if column is None:
        return
    states = ACTIVE if kind == "places" else (*ACTIVE, *WAITING)
    found = tx.one(sa.select(runs.c.id).where(column == name, runs.c.state.in_(states)).limit(1))
    if found is not None:
        raise BusyError(f"{kind}.{name} has runs, as {found['id']}: keep it until they have ended")


def _retire(tx: Transaction, row: Mapping[str, Any]) -> None:
    tx.run(
        definitions.update()
        .where(
            definitions.c.kind == row["kind"],
            definitions.c.name == row["name"],
            definitions.c.revision == row["revision"],
        )
        .values(retired=tx.now)
    )


def pause(tx: Transaction, kind: str, name: str, by: str) -> bool:
    """Pause a queue or a schedule; gives whether it was not."""
    added = tx.insert(paused).values(kind=kind, name=name, since=tx.now, by=by)
    return tx.one(added.on_conflict_do_nothing().returning(paused.c.name)) is not None


def resume(tx: Transaction, kind: str, name: str) -> bool:
    """Go on with it; gives whether it was paused."""
    return tx.run(paused.delete().where(paused.c.kind == kind, paused.c.name == name)) > 0


def paused_names(tx: Transaction, kind: str) -> dict[str, Mapping[str, Any]]:
    """What of a kind is paused, by name."""
    return {row["name"]: row for row in tx.all(sa.select(paused).where(paused.c.kind == kind))}


def check_queue(settings: Settings, name: str) -> None:
    """See that there is such a queue. Raises `UsageError`."""
    if settings.queue(name) is None:
        raise UsageError(f"no queue {name!r}: {nearest(name, settings.all_queues)}")
