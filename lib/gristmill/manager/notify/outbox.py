"""The outbox: messages that are to be sent, written with what they tell."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

import sqlalchemy as sa

from gristmill.manager.ledger.database import Row, Transaction
from gristmill.manager.ledger.tables import outbox
from gristmill.manager.notify.quiet import after_quiet
from gristmill.manager.settings import Settings

LEASE = 120.0
"""Seconds that a sender has for a message before another takes it."""
FIRST, LONGEST = 30.0, 3600.0
DEAD_AFTER = 86_400.0
CHAIN = "chain"


@dataclass(frozen=True)
class Message:
    """A message that a sender has taken. Its id stays the same however often it is sent."""

    id: str
    sink: str
    facts: Mapping[str, Any]
    created: float
    tries: int


def tell(
    tx: Transaction, settings: Settings, event: str, kind: str, facts: Mapping[str, Any]
) -> None:
    """Write down what is to be told of an event, once for each notice that asks for it."""
    for name, notice in settings.notices.items():
        wanted = kind in notice.on
        fits = _fits(notice.jobs, facts) and _fits_queue(notice.queues, facts)
        if wanted and fits:
            put(tx, event, name, {**facts, "kind": kind}, after_quiet(notice.quiet, tx.now))


def _fits(patterns: Sequence[str], facts: Mapping[str, Any]) -> bool:
    names = (facts.get("job") or "", (facts.get("definition") or "").partition(":")[0])
    return any(fnmatchcase(name, pattern) for pattern in patterns for name in names)


def _fits_queue(patterns: Sequence[str], facts: Mapping[str, Any]) -> bool:
    return any(fnmatchcase(facts.get("queue") or "", pattern) for pattern in patterns)


def put(tx: Transaction, event: str, sink: str, message: Mapping[str, Any], due: float) -> None:
    """Write down a message, unless there is one of that event for that sink."""
    added = tx.insert(outbox).values(
        id=secrets.token_hex(16),
        event=event,
        sink=sink,
        message=dict(message),
        created=tx.now,
        due=due,
    )
    tx.run(added.on_conflict_do_nothing())


def has_due(tx: Transaction) -> bool:
    """Whether there is a message to be sent now."""
    due = (outbox.c.sent.is_(None), outbox.c.dead.is_(None), outbox.c.due <= tx.now)
    return tx.one(sa.select(outbox.c.id).where(*due).limit(1)) is not None


def take(tx: Transaction, most: int) -> list[Message]:
    """Messages that are due, which nobody else takes for a while."""
    query = (
        sa.select(outbox)
        .where(outbox.c.sent.is_(None), outbox.c.dead.is_(None), outbox.c.due <= tx.now)
        .order_by(outbox.c.due, outbox.c.id)
        .limit(most)
        .with_for_update(skip_locked=True)
    )
    found = tx.all(query)
    for row in found:
        _change(tx, row["id"], due=tx.now + LEASE, tries=row["tries"] + 1)
    return [
        Message(row["id"], row["sink"], row["message"], row["created"], row["tries"] + 1)
        for row in found
    ]


def sent(tx: Transaction, message: Message) -> None:
    """Write down that a message has gone out."""
    _change(tx, message.id, sent=tx.now, error="")


def not_sent(tx: Transaction, message: Message, error: str, *, for_good: bool) -> None:
    """Write down that a message did not go out: it is tried again, for a day."""
    if for_good or tx.now - message.created > DEAD_AFTER:
        _change(tx, message.id, dead=tx.now, error=error)
    else:
        wait = min(LONGEST, FIRST * 2.0 ** (message.tries - 1))
        _change(tx, message.id, due=tx.now + wait, error=error)


def _change(tx: Transaction, name: str, **values: Any) -> None:
    tx.run(outbox.update().where(outbox.c.id == name).values(**values))


def unsent(tx: Transaction, most: int = 100) -> list[Row]:
    """Messages that have not gone out, the oldest first: those that wait, and those given up."""
    query = sa.select(outbox).where(outbox.c.sent.is_(None)).order_by(outbox.c.created)
    return tx.all(query.limit(most))
