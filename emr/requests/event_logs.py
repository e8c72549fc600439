"""Where the event logs of runs go, from which Spark's web pages are made again
(https://spark.apache.org/docs/4.1.1/monitoring.html#viewing-after-the-fact)."""

from gristmill.runs import Handle


def event_log_folder(home: str, run: str) -> str:
    """The folder in S3 of a run on a cluster."""
    return f"{home}/spark-events/{run}"


def event_log_marker(home: str, run: str) -> str:
    """The object for which S3 knows the folder: Spark begins no log in one that is not there."""
    return f"{event_log_folder(home, run)}/.folder"


def event_logs_at(home: str, logs: str, run: str, handle: Handle) -> str:
    """The folder in S3 of a run, wherever it runs: EMR Serverless has one of its own among its
    logs (https://docs.aws.amazon.com/emr/latest/EMR-Serverless-UserGuide/logging.html)."""
    if handle.runner == "serverless":
        return f"{logs}/applications/{handle.target}/jobs/{handle.id}/sparklogs"
    return event_log_folder(home, run)


def settings(home: str, run: str) -> dict[str, str]:
    """The settings of Spark by which a run on a cluster keeps its events in S3."""
    return {
        "spark.eventLog.enabled": "true",
        "spark.eventLog.dir": event_log_folder(home, run),
        # A file is in S3 once it is closed: a driver that dies leaves those before.
        "spark.eventLog.rolling.enabled": "true",
    }
