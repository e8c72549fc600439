"""What a run that has ended comes back with: its report, what it cost, and why it failed."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TypeVar

from gristmill.emr.aws import Aws
from gristmill.emr.cause import Cause, Kind, probable_cause
from gristmill.emr.cost import Cost, cost
from gristmill.emr.logs import is_of_driver
from gristmill.emr.prices import Prices
from gristmill.emr.runs import Record
from gristmill.errors import GristmillError
from gristmill.model.report import Report
from gristmill.runs import Handle, LogFile, Runner, State, Status

T = TypeVar("T")

# EMR puts logs into S3 every five minutes
# (https://docs.aws.amazon.com/emr/latest/ManagementGuide/emr-plan-debugging.html).
PATIENCE = timedelta(minutes=7)
# The clock of who submits may be ahead of that of the driver.
_CLOCKS = timedelta(minutes=5)
_LOOK, _READ = 10.0, 24
# Why a cluster ended that puts no more logs into S3, as EMR's ClusterStateChangeReasonCode has it
# (https://docs.aws.amazon.com/emr/latest/APIReference/API_ClusterStateChangeReason.html).
_NO_LOGS_AFTER = (
    *("BOOTSTRAP_FAILURE", "INSTANCE_FAILURE", "INSTANCE_FLEET_TIMEOUT"),
    *("INTERNAL_ERROR", "VALIDATION_ERROR"),
)


@dataclass(frozen=True)
class RunOutcome:
    """What is known of a run at its end.

    `reports` are those of its jobs that have ended, in their order. `logs_at` is where its logs are
    or, as EMR takes minutes to bring them, will be; `notes` are what could not be found out, and
    why.
    """

    status: Status
    logs_at: str
    reports: tuple[Report, ...] = ()
    cost: Cost | None = None
    cause: Cause | None = None
    logs: tuple[LogFile, ...] = ()
    notes: tuple[str, ...] = ()


def run_outcome(
    aws: Aws,
    record: Record,
    runner: Runner,
    handle: Handle,
    status: Status,
    *,
    prices: Prices,
    tell: Callable[[str], None],
    patience: timedelta = PATIENCE,
    with_logs: bool = True,
    pause: Callable[[float], None] = time.sleep,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> RunOutcome:
    """All that is there of a run that has ended. What cannot be read changes nothing about it.

    Of a run that failed without a report, logs are waited for until `patience` after its end, where
    they can come at all: those of a cluster that was lost, or never ready, do not. Unless
    `with_logs`, none are read.
    """
    notes: list[str] = []
    reports = _reports(aws, record, status, notes)
    report = reports[-1] if reports else None
    amount = _tried(notes, lambda: cost(aws, record, handle, status, prices))
    logs: Sequence[LogFile] = ()
    cause = None
    if status.state is State.FAILED:
        if with_logs:
            told = report is not None and report.error is not None
            waits = 0.0 if told else still(status, patience, clock())
            logs, cause = _cause(runner, handle, notes, tell=tell, waits=waits, pause=pause)
        if report is not None and report.error is not None:
            where = record.reports[len(reports) - 1]
            cause = Cause(Kind.SAID, tuple(report.error.splitlines()), where)
    logs_at = runner.logs_at(handle)
    return RunOutcome(status, logs_at, reports, amount, cause, tuple(logs), tuple(notes))


def still(status: Status, patience: timedelta, now: datetime) -> float:
    """For how many seconds logs of a run may yet come."""
    if any(code in status.reason for code in _NO_LOGS_AFTER):
        return 0.0
    since = now - status.ended if status.ended else timedelta()
    return max(0.0, (patience - max(timedelta(), since)).total_seconds())


def _cause(
    runner: Runner,
    handle: Handle,
    notes: list[str],
    *,
    tell: Callable[[str], None],
    waits: float,
    pause: Callable[[float], None],
) -> tuple[Sequence[LogFile], Cause | None]:
    waited, said, before = 0.0, False, len(notes)
    while True:
        logs = _tried(notes, lambda: runner.logs(handle)) or ()
        texts = {}
        for log in sorted(logs, key=_interest)[:_READ]:
            text = _tried(notes, partial(runner.read, log))
            if text is not None:
                texts[log.uri] = text
        cause = probable_cause(texts) if texts else None
        is_known = cause is not None and cause.kind is not Kind.UNKNOWN
        # What may not be read now may not be read later.
        if is_known or waited >= waits or len(notes) > before:
            return logs, cause
        if not said:
            said = True
            tell("waiting for its logs, which EMR puts into S3 every five minutes")
        pause(_LOOK)
        waited += _LOOK


def _interest(log: LogFile) -> tuple[bool, bool, str]:
    """The driver's logs first, then what the others printed as errors."""
    return not is_of_driver(log), "stderr" not in log.uri, log.uri


def _reports(aws: Aws, record: Record, status: Status, notes: list[str]) -> tuple[Report, ...]:
    """The reports of the jobs that have ended, as far as one follows the other.

    At their places may be those of runs from before, and of an attempt that failed.
    """
    found: list[Report] = []
    since = datetime.fromisoformat(record.created) - _CLOCKS
    for uri in record.reports:
        report = _tried(notes, partial(_report, aws, uri))
        if report is None:
            break
        began = datetime.fromisoformat(report.started)
        is_earlier_failure = (
            record.submission.attempt > 1
            and report.state == "failed"
            and status.started is not None
            and began < status.started.replace(microsecond=0)
        )
        if began < since or is_earlier_failure:
            break
        found.append(report)
    return tuple(found)


def _report(aws: Aws, uri: str) -> Report | None:
    if not uri.startswith("s3"):
        return None
    data = aws.read(uri)
    try:
        return None if data is None else Report.from_bytes(data)
    except ValueError as error:
        raise GristmillError(f"{uri} is not a report: {error}") from error


def _tried(notes: list[str], work: Callable[[], T | None]) -> T | None:
    try:
        return work()
    except GristmillError as error:
        notes.append(str(error))
    except Exception as error:
        # An answer of AWS that nobody expected must not hide how the run ended.
        notes.append(f"{type(error).__name__}: {error}")
    return None
