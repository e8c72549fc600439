"""What is done once, however often it is asked for: its effect and a note of it are one."""

from collections.abc import Callable

import sqlalchemy as sa

from gristmill.manager.ledger import Ledger, Transaction
from gristmill.manager.ledger.workflow_tables import effects
from gristmill.workflow.values import Json


def once(ledger: Ledger, key: str, do: Callable[[Transaction], Json]) -> Json:
    """What was done for a key; done now, where it was not yet."""
    with ledger.begin() as tx:
        found = tx.one(sa.select(effects.c.result).where(effects.c.key == key))
        if found is not None:
            return found["result"]
        result = do(tx)
        tx.run(sa.insert(effects).values(key=key, result=result, at=tx.now))
        return result
