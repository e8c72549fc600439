"""What stands at the beginning: how many runs there are of each kind, what failed, who works."""

from dataclasses import dataclass

import sqlalchemy as sa

from gristmill.cli.manager.queues import QueueList
from gristmill.cli.manager.runs import RunLine
from gristmill.cli.manager.worker import WorkerList
from gristmill.manager.ledger import Transaction
from gristmill.manager.ledger.looking import Filter, listed
from gristmill.manager.ledger.tables import runs
from gristmill.manager.ledger.workflow_tables import executions
from gristmill.manager.states import ACTIVE, RunState
from gristmill.manager.statistics.figures import dead, used

_DAY = 86_400.0


@dataclass(frozen=True)
class Overview:
    """How it stands now, and what ended within a day."""

    waiting: int
    active: int
    succeeded: int
    failed: int
    dead_letters: int
    executions: int
    use: float | None
    queues: QueueList
    workers: WorkerList
    running: tuple[RunLine, ...]
    failures: tuple[RunLine, ...]

    @staticmethod
    def of(tx: Transaction) -> "Overview":
        """That of a ledger."""
        queues = QueueList.of(tx)
        ended = (
            sa.select(runs.c.state, sa.func.count().label("n"))
            .where(runs.c.ended >= tx.now - _DAY, runs.c.array_size.is_(None))
            .group_by(runs.c.state)
        )
        counts = {row["state"]: row["n"] for row in tx.all(ended)}
        going = sa.select(sa.func.count().label("n")).where(executions.c.status == "RUNNING")
        active = listed(tx, Filter(tuple(ACTIVE), children=True), 10)
        failed = listed(tx, Filter((RunState.FAILED,), children=True), 10)
        return Overview(
            sum(one.ready + one.blocked for one in queues.queues),
            sum(one.running for one in queues.queues),
            counts.get(RunState.SUCCEEDED, 0),
            counts.get(RunState.FAILED, 0),
            dead(tx),
            int(tx.all(going)[0]["n"]),
            used(tx, tx.now - _DAY),
            queues,
            WorkerList.of(tx),
            tuple(map(RunLine.of, active)),
            tuple(map(RunLine.of, failed)),
        )
