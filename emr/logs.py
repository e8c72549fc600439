"""Which logs of a run are whose
(https://docs.aws.amazon.com/emr/latest/ManagementGuide/emr-plan-debugging.html)."""

from collections.abc import Sequence

from gristmill.emr.aws import Aws
from gristmill.emr.runners.serverless import ServerlessRunner
from gristmill.errors import UsageError
from gristmill.runs import Handle, LogFile


def is_of_driver(log: LogFile) -> bool:
    """Whether it is of the driver: the first container of an application, or a worker that EMR
    Serverless calls so; of one in deploy mode "client", the step itself."""
    return any(sign in log.uri for sign in ("_000001/", "SPARK_DRIVER", "/steps/"))


def bootstrap_logs(aws: Aws, logs: str, handle: Handle) -> Sequence[LogFile]:
    """The logs of the bootstrap actions of a run's cluster, of all its nodes.

    Raises `UsageError` for EMR Serverless, which has none.
    """
    if handle.runner == ServerlessRunner.name:
        raise UsageError("--bootstrap: EMR Serverless runs no bootstrap actions")
    of_nodes = [LogFile(*one) for one in aws.objects(f"{logs}/{handle.target}/node/")]
    return [log for log in of_nodes if "/bootstrap-actions/" in log.uri]
