"""EMR Serverless: its operations, on applications that are simulated and job runs that run."""

from typing import Any

from simulator import operations
from simulator.logs import Logs
from simulator.machine import Machine
from simulator.serverless import applications, jobruns
from simulator.serverless.lifecycle import Lifecycle
from simulator.serverless.state import Account
from simulator.timing import Timing


class Serverless:
    """The service, in one region. For one thread at a time."""

    def __init__(self, region: str, machine: Machine, logs: Logs, timing: Timing) -> None:
        self._account = Account(region)
        self._lifecycle = Lifecycle(machine, logs, timing)

    def call(self, operation: str, asked: dict[str, Any]) -> dict[str, Any]:
        """Do an operation, named as AWS does. Raises `ApiError`."""
        return operations.call((applications, jobruns), operation, self._account, asked)

    def advance(self, now: float) -> None:
        """Move all applications on to `now`, an epoch."""
        for application in self._account.applications.values():
            self._lifecycle.advance(application, now)
