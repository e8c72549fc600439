"""Fair shares: what each has used of a queue, and whose turn it is.

What a share has used is in core-seconds, of which half is forgotten after the queue's half-life;
with what runs now it is divided by the share's weight, and the lowest goes first (AWS Batch calls
it fair-share scheduling: https://docs.aws.amazon.com/batch/latest/userguide/fair-share-scheduling.html;
there a weight is the other way round, the lower the more).
"""

from collections.abc import Iterator, Mapping
from typing import Any

import sqlalchemy as sa

from gristmill.manager.ledger.database import Transaction
from gristmill.manager.ledger.tables import attempts, runs, usage
from gristmill.manager.settings import Queue
from gristmill.manager.states import ACTIVE

# Nobody knows yet how long a run takes: a minute, as a guess, of each of its cores.
_GUESS = 60.0


def by_share(
    tx: Transaction, name: str, queue: Queue, query: "sa.Select[Any]"
) -> Iterator[Mapping[str, Any]]:
    """The runs of a query, one at a time of the share whose turn it is.

    Each that is given counts as if it ran, so that a claim of many is as fair as many of one.
    """
    used = usage_of(tx, name, queue)
    waiting = {share: iter(tx.all(query.where(runs.c.share == share))) for share in queue.shares}
    while waiting:
        share = min(waiting, key=lambda one: (used.get(one, 0.0) / queue.shares[one], one))
        row = next(waiting[share], None)
        if row is None:
            del waiting[share]
            continue
        used[share] = used.get(share, 0.0) + row["cores"] * _GUESS
        yield row


def usage_of(tx: Transaction, name: str, queue: Queue) -> dict[str, float]:
    """Core-seconds of each share, with those of what runs now."""
    found = {
        row["share"]: decayed(row["amount"], tx.now - row["at"], queue.share_half_life)
        for row in tx.all(sa.select(usage).where(usage.c.queue == name))
    }
    active = (
        sa.select(
            runs.c.share,
            sa.func.sum(runs.c.cores * (tx.now - attempts.c.started)).label("amount"),
            sa.func.sum(runs.c.cores * _GUESS).label("guess"),
        )
        .join(attempts, sa.and_(attempts.c.run == runs.c.id, attempts.c.ended.is_(None)))
        .where(runs.c.queue == name, runs.c.state.in_(ACTIVE))
    )
    for row in tx.all(active.group_by(runs.c.share)):
        now = max(float(row["amount"]), float(row["guess"]))
        found[row["share"]] = found.get(row["share"], 0.0) + now
    return found


def decayed(amount: float, seconds: float, half_life: float) -> float:
    """What is left of it after so many seconds."""
    if half_life <= 0:
        return 0.0
    return float(amount * 0.5 ** (max(0.0, seconds) / half_life))


def add_usage(tx: Transaction, name: str, share: str, amount: float, half_life: float) -> None:
    """Count core-seconds that a run took."""
    before = tx.one(
        sa.select(usage).where(usage.c.queue == name, usage.c.share == share).with_for_update()
    )
    left = decayed(before["amount"], tx.now - before["at"], half_life) if before else 0.0
    values = {"amount": left + amount, "at": tx.now}
    added = tx.insert(usage).values(queue=name, share=share, **values)
    tx.run(added.on_conflict_do_update(index_elements=["queue", "share"], set_=values))
