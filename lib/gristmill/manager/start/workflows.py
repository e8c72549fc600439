"""Workflows that a schedule or an arrival starts: what runs them stands above the job manager, and
is handed to it."""

from pathlib import Path
from typing import Any, Protocol

from gristmill.errors import UsageError
from gristmill.manager.ledger import Transaction


class Workflows(Protocol):
    """Who starts executions, and stops them."""

    def start(self, tx: Transaction, machine: str, folder: Path, given: Any, name: str) -> str:
        """Start one of a file or name; gives its ARN. The same name with the same input is the one
        that is there. Raises `GristmillError`."""

    def stop(self, tx: Transaction, arn: str, cause: str) -> None:
        """Ask for one to be stopped."""


class NoWorkflows:
    """Where nobody drives workflows, none are started."""

    def start(self, tx: Transaction, machine: str, folder: Path, given: Any, name: str) -> str:
        """Refuse it."""
        del tx, folder, given, name
        raise UsageError(f"{machine} is a workflow, which this worker does not start")

    def stop(self, tx: Transaction, arn: str, cause: str) -> None:
        """There is none."""
