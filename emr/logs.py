"""Which logs of a run are whose
(https://docs.aws.amazon.com/emr/latest/ManagementGuide/emr-plan-debugging.html)."""

from gristmill.runs import LogFile


def is_of_driver(log: LogFile) -> bool:
    """Whether it is of the driver: the first container of an application, or a worker that EMR
    Serverless calls so; of one in deploy mode "client", the step itself."""
    return any(sign in log.uri for sign in ("_000001/", "SPARK_DRIVER", "/steps/"))
