"""The ledger: runs, their attempts, and an event for each transition, in one database.

SQLite is the default, PostgreSQL serves several machines; nothing else differs between them.
"""

import gristmill.manager.ledger.workflow_tables  # noqa: F401  they belong to the same database
from gristmill.manager.ledger.database import (
    Ledger,
    Row,
    Transaction,
    default_url,
    open_ledger,
)

__all__ = ["Ledger", "Row", "Transaction", "default_url", "open_ledger"]
