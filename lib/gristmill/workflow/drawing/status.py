"""How the states of an execution are, for a drawing."""

from collections.abc import Mapping

import sqlalchemy as sa

from gristmill.manager.ledger import Transaction
from gristmill.manager.ledger.workflow_tables import branches
from gristmill.workflow.definition.states import Machine
from gristmill.workflow.engine import service
from gristmill.workflow.interpreter.branch import Branch, Phase
from gristmill.workflow.lint.walking import machines_of


def status_of(tx: Transaction, arn: str, machine: Machine) -> Mapping[str, str]:
    """For each state that was come to, by its path: succeeded, running or failed."""
    paths = {
        state.name: state.path for one in machines_of(machine) for state in one.states.values()
    }
    found: dict[str, str] = {}
    for event in service.history_of(tx, arn):
        name = event.details.get("name")
        if event.type.endswith("StateEntered") and name in paths:
            found[paths[name]] = "running"
        elif event.type.endswith("StateExited") and name in paths:
            found[paths[name]] = "succeeded"
    rows = tx.all(sa.select(branches.c.document).where(branches.c.execution == arn))
    for row in rows:
        branch = Branch.from_json(row["document"])
        path = paths.get(branch.state)
        if path is not None and branch.phase in {Phase.FAILED, Phase.ABORTED}:
            found[path] = "failed"
        elif path is not None and branch.phase is not Phase.DONE and branch.is_entered:
            found[path] = "running"
    return found
