"""Hourly figures, which stay when runs and events are pruned."""

from collections import defaultdict
from typing import Any

import sqlalchemy as sa

from gristmill.manager.ledger import Ledger, Transaction
from gristmill.manager.ledger.tables import rollups
from gristmill.manager.states import RunState
from gristmill.manager.statistics.figures import ended, percentile, waited

HOUR = 3600.0


def roll_up(ledger: Ledger) -> int:
    """Sum up the hours since the last one that was, and that one again; gives how many rows."""
    with ledger.begin() as tx:
        last = tx.all(sa.select(sa.func.max(rollups.c.hour).label("hour")))[0]["hour"]
        since = float(last) if last is not None else 0.0
        return sum_up(tx, since, tx.now)


def sum_up(tx: Transaction, since: float, until: float) -> int:
    """Write the rows of the hours from one on, up to another."""
    groups: dict[tuple[float, str, str, str], list[dict[str, Any]]] = defaultdict(list)
    for row in ended(tx, since, until):
        cause = (row["cause"] or "UNKNOWN") if row["state"] == RunState.FAILED else ""
        hour = row["ended"] // HOUR * HOUR
        groups[hour, row["queue"], row["job"], cause].append(row)
    for (hour, queue, job, cause), some in groups.items():
        waits = [waited(row) for row in some]
        took = [row["ended"] - row["started"] for row in some]
        results = [row["result"] or {} for row in some]
        key = {"hour": hour, "queue": queue, "job": job, "cause": cause}
        values = {
            "runs": len(some),
            "failures": len(some) if cause else 0,
            "wait_p50": percentile(waits, 0.5),
            "wait_p95": percentile(waits, 0.95),
            "wait_max": max(waits),
            "took_p50": percentile(took, 0.5),
            "took_p95": percentile(took, 0.95),
            "took_max": max(took),
            "rows": sum(result.get("rows") or 0 for result in results),
            "bytes": sum(result.get("bytes") or 0 for result in results),
            "cost": sum(row["cost"] or 0.0 for row in some),
        }
        added = tx.insert(rollups).values(**key, **values)
        tx.run(added.on_conflict_do_update(index_elements=list(key), set_=values))
    return len(groups)
