"""The ledger: runs, their attempts, and an event for each transition, in one database.

SQLite is the default, PostgreSQL serves several machines; nothing else differs between them.
"""

from gristmill.manager.ledger.database import Ledger, Transaction, default_url, open_ledger

__all__ = ["Ledger", "Transaction", "default_url", "open_ledger"]
