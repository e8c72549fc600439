"""EMR on EC2: its operations, on clusters that are simulated and steps that run for real."""

import time
from typing import Any

from simulator import operations
from simulator.emr import catalogue, clusters, instances, pages, steps
from simulator.emr.lifecycle import Lifecycle
from simulator.emr.state import Account
from simulator.logs import Logs
from simulator.machine import Machine
from simulator.timing import Timing

_MODULES = (clusters, steps, instances, catalogue, pages)


class Emr:
    """The service, in one region. For one thread at a time."""

    def __init__(self, region: str, machine: Machine, logs: Logs, timing: Timing) -> None:
        self._account = Account(region, Lifecycle(machine, logs, timing))

    def call(self, operation: str, asked: dict[str, Any]) -> dict[str, Any]:
        """Do an operation, named as AWS does. Raises `ApiError`."""
        return operations.call(_MODULES, operation, self._account, asked)

    def advance(self, now: float) -> None:
        """Move all clusters on to `now`, an epoch."""
        for cluster in self._account.clusters.values():
            if not cluster.ended:
                self._account.lifecycle.advance(cluster, now)

    def kill(self, cluster_id: str, code: str, message: str) -> None:
        """Have a cluster end with errors at once, for one of EMR's reasons."""
        cluster = self._account.cluster(cluster_id)
        self._account.lifecycle.kill(cluster, time.time(), code, message)
