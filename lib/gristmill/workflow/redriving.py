"""Going on with an execution that ended badly."""

import time

import sqlalchemy as sa

from gristmill.errors import UsageError
from gristmill.manager.ledger import Ledger
from gristmill.manager.ledger.workflow_tables import executions
from gristmill.workflow.engine import service
from gristmill.workflow.engine.ledger_store import LedgerStore, from_document
from gristmill.workflow.interpreter import steps
from gristmill.workflow.interpreter.branch import Status
from gristmill.workflow.interpreter.run import Run
from gristmill.workflow.lint import machine_of

_REDRIVEN = {Status.FAILED, Status.TIMED_OUT, Status.ABORTED}


def redrive(ledger: Ledger, name: str) -> str:
    """Make an execution go on where it ended badly, for a worker to drive; gives its ARN.

    What has succeeded stays; of a Parallel or Map only what has not is done again. Raises
    `UsageError` for one that goes on or has succeeded.
    """
    with ledger.begin() as tx:
        row = service.find(tx, name)
        execution = from_document(row["document"])
        if execution.status not in _REDRIVEN:
            raise UsageError(f"{name} is {execution.status}: only what ended badly is redriven")
        machine = service.machine_of(tx, row["machine"], row["revision"])
        token = row["token"] + 1
        values = {"status": str(Status.RUNNING), "token": token, "ended": None, "stop": None}
        tx.run(sa.update(executions).where(executions.c.arn == row["arn"]).values(values))
    definition = machine_of(machine.text)
    run = Run(definition, execution, time.time, is_express=machine.is_express)
    store = LedgerStore(ledger, row["arn"], "redrive", token)
    store.load(run)
    run.ready.clear()
    run.calls.clear()
    steps.redrive(run)
    store.commit(run)
    with ledger.begin() as tx:
        free = sa.update(executions).where(executions.c.arn == row["arn"])
        tx.run(free.values(owner=None, lease_until=None))
    arn: str = row["arn"]
    return arn
