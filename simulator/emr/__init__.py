"""EMR on EC2: its operations, on clusters that are simulated and steps that run for real."""

import time
from typing import Any

from botocore import xform_name

from simulator.emr import catalogue, clusters, instances, settings, steps
from simulator.emr.state import Account
from simulator.errors import ApiError

_MODULES = (clusters, steps, instances, settings, catalogue)


class Emr:
    """The service. For one thread at a time."""

    def __init__(self, account: Account) -> None:
        self._account = account

    def call(self, operation: str, asked: dict[str, Any]) -> dict[str, Any]:
        """Do an operation, named as AWS does. Raises `ApiError`."""
        for module in _MODULES:
            found = getattr(module, xform_name(operation), None)
            if found:
                answer: dict[str, Any] = found(self._account, asked)
                return answer
        raise ApiError("NotImplementedException", f"{operation} is not simulated", 501)

    def advance(self, now: float) -> None:
        """Move all clusters on to `now`, an epoch."""
        for cluster in self._account.clusters.values():
            if not cluster.ended:
                self._account.lifecycle.advance(cluster, now)

    def kill(self, cluster_id: str, code: str, message: str) -> None:
        """Have a cluster end with errors at once, for one of EMR's reasons."""
        cluster = self._account.cluster(cluster_id)
        self._account.lifecycle.kill(cluster, time.time(), code, message)
