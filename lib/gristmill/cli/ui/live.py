"""Telling pages that something has changed, by server-sent events.

https://html.spec.whatwg.org/multipage/server-sent-events.html.
"""

import asyncio
from collections.abc import AsyncIterator

import sqlalchemy as sa
from starlette.concurrency import run_in_threadpool

from gristmill.manager.ledger import Ledger
from gristmill.manager.ledger.database import UnreachableError
from gristmill.manager.ledger.looking import last_event
from gristmill.manager.ledger.workflow_tables import history

_EVERY, _BREATH = 1.0, 15.0


def mark(ledger: Ledger) -> str:
    """What changes whenever a run or an execution does."""
    with ledger.look() as tx:
        count = tx.all(sa.select(sa.func.count().label("n")).select_from(history))[0]["n"]
        return f"{last_event(tx)}-{count}"


async def changes(ledger: Ledger, every: float = _EVERY) -> AsyncIterator[bytes]:
    """A line for each change, and one now and then, so that nobody takes it for dead."""
    before: str | None = None
    silent = 0.0
    while True:
        try:
            now: str | None = await run_in_threadpool(mark, ledger)
        except UnreachableError:
            now = before
        if now != before and before is not None:
            yield f"event: changed\ndata: {now}\n\n".encode()
            silent = 0.0
        elif silent >= _BREATH or before is None:
            yield b"event: here\ndata:\n\n"
            silent = 0.0
        before = now
        await asyncio.sleep(every)
        silent += every
