"""Where a run writes of itself: its report, how far it is, Spark's events."""

import argparse
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from pyspark.sql import SparkSession

from gristmill.diagnosis.explain import explain
from gristmill.engine.run import Run
from gristmill.errors import InputError, OutputError, UsageError
from gristmill.model.job import AnyJob, Request
from gristmill.model.report import Report
from gristmill.publish.layout import HOME
from gristmill.publish.locations import local_path
from gristmill.storage.hadoop import open_storage

SPARK_EVENTS = f"{HOME}/spark-events"
"""Where below an output the event logs of its runs are kept."""


@dataclass(frozen=True)
class Told:
    """Where a run writes of itself. What is elsewhere only Spark reaches, and so only as long as it
    runs."""

    report: str | None
    progress: str | None
    events: str | None = None
    since: datetime | None = None

    @property
    def elsewhere(self) -> "Told":
        """Those that only Spark reaches."""
        report, progress = (
            one if one and "://" in one else None for one in (self.report, self.progress)
        )
        return Told(report, progress, self.events, self.since)


def event_log_folder(output: str) -> str:
    """The folder for event logs of an output. Raises `UsageError` where Spark could not begin
    one."""
    here = local_path(output)
    if here is None:
        raise UsageError(
            "--event-log takes an output on this disk: Spark begins its log before it reaches any "
            "other (on EMR every run keeps one)"
        )
    folder = Path(here, SPARK_EVENTS).absolute()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"cannot make {folder}: {error.strerror}") from error
    return folder.as_uri()


def done_before(spark: SparkSession, job: AnyJob, told: Told) -> Report | None:
    """The report of a run of the job that was done since; None where it is not there, is of another
    run, or of a failure."""
    place, since = told.report or "", told.since
    if told.elsewhere.report:
        data = read_small(spark, place)
    else:
        file = Path(place)
        data = file.read_bytes() if file.is_file() else None
    try:
        found = Report.from_bytes(data) if data else None
    except ValueError:
        # It may have been cut off.
        return None
    if found is None or since is None or (found.job, found.state) != (job.name, "succeeded"):
        return None
    return found if datetime.fromisoformat(found.started) >= since else None


def read_small(spark: SparkSession, uri: str) -> bytes | None:
    """A small file where only Spark reaches. Raises `InputError`."""
    folder, _, name = uri.rpartition("/")
    try:
        return open_storage(spark, folder).read(name)
    except Exception as error:
        raise InputError(f"cannot read the list of inputs {uri}: {explain(error)}") from error


def write_report(spark: SparkSession, report: Report, uri: str) -> None:
    """Write a report as JSON to where only Spark reaches. Raises `OutputError`."""
    folder, _, name = uri.rpartition("/")
    try:
        open_storage(spark, folder).write(name, report.to_bytes())
    except Exception as error:
        raise OutputError(f"cannot write the report to {uri}: {explain(error)}") from error


def failed(job: AnyJob, request: Request, run: Run, cause: str) -> Report:
    """The report of a run that published nothing."""
    return Report(
        run=run.id,
        job=job.name,
        state="failed",
        options=request.options.to_json(),
        inputs=request.inputs,
        output=request.output,
        started=run.started.isoformat(timespec="seconds"),
        seconds=run.seconds,
        phases=run.phase.spans,
        error=cause,
    )


def moment(text: str) -> datetime:
    """A time of ISO 8601, in UTC where it says no zone."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is no time of ISO 8601") from error
    return found if found.tzinfo else found.replace(tzinfo=UTC)
