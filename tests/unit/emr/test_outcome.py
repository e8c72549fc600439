"""The answer of a run: what cannot be found out is noted, and keeps nothing else unsaid."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gristmill.cli.emr.outcome import facts
from gristmill.emr import outcome as module
from gristmill.emr.cause import Kind
from gristmill.emr.outcome import RunOutcome, run_outcome
from gristmill.emr.prices import read_prices
from gristmill.emr.runners.steps import StepRunner
from gristmill.emr.runs import Record
from gristmill.errors import GristmillError
from gristmill.model.report import Report
from gristmill.runs import Handle, LogFile, State, Status, Submission
from tests.unit.emr.test_watch import Scripted

NOW = datetime(2026, 10, 5, 12, tzinfo=UTC)
HANDLE = Handle("step", "j-1", "s-1")
RECORD = Record(
    Submission("r1", "word-count", ()),
    *("dev", "arm64", "s3://b/logs", ("s3://b/r",), "2026-10-05T11:00:00+00:00", "me"),
)


class Logs(Scripted):
    """Logs that are there after some looks."""

    def __init__(self, after: int) -> None:
        super().__init__()
        self.after = after
        self.looks = 0

    def logs_at(self, handle: Handle) -> str:
        return "s3://b/logs/"

    def logs(self, handle: Handle) -> Sequence[LogFile]:
        self.looks += 1
        return [LogFile("s3://b/logs/stderr.gz", 1)] if self.looks > self.after else []

    def read(self, log: LogFile) -> str:
        return 'Traceback (most recent call last):\n  File "j.py", line 1\nValueError: odd\n'


class Nothing:
    """An S3 in which there is no report."""

    def read(self, uri: str) -> None:
        return None


def found(
    runner: Logs,
    state: State = State.FAILED,
    *,
    reason: str = "",
    ended: datetime | None = None,
    with_logs: bool = True,
) -> RunOutcome:
    aws: Any = Nothing()
    return run_outcome(
        aws,
        RECORD,
        runner,
        HANDLE,
        Status(state, reason=reason, ended=ended),
        prices=read_prices(),
        tell=lambda _text: None,
        pause=lambda _seconds: None,
        with_logs=with_logs,
        clock=lambda: NOW,
    )


@pytest.mark.parametrize("error", [GristmillError("may not list"), KeyError("InstanceType")])
def test_without_a_cost_logs_are_waited_for_all_the_same(
    monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def cost(*_arguments: object) -> None:
        raise error

    monkeypatch.setattr(module, "cost", cost)
    runner = Logs(after=3)
    told = found(runner)
    assert runner.looks == 4
    assert told.cause is not None
    assert told.cause.kind is Kind.PYTHON
    assert any(str(error) in note for note in told.notes)


def test_an_answer_of_aws_that_nobody_expected_does_not_hide_that_a_run_succeeded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def cost(*_arguments: object) -> None:
        raise KeyError("InstanceType")

    monkeypatch.setattr(module, "cost", cost)
    told = found(Logs(0), State.SUCCEEDED)
    assert told.status.state is State.SUCCEEDED
    assert any("InstanceType" in note for note in told.notes)


@pytest.mark.parametrize(
    ("seconds", "looks"),
    [(0, 43), (60, 37), (7 * 60 - 5, 2), (7 * 60, 1), (3 * 3600, 1), (-600, 43)],
)
def test_logs_are_waited_for_from_the_end_of_the_run(seconds: int, looks: int) -> None:
    runner = Logs(after=1000)
    found(runner, ended=NOW - timedelta(seconds=seconds))
    assert runner.looks == looks


@pytest.mark.parametrize(
    "code", ["BOOTSTRAP_FAILURE", "INSTANCE_FAILURE", "VALIDATION_ERROR", "INTERNAL_ERROR"]
)
def test_logs_that_cannot_come_are_not_waited_for(code: str) -> None:
    runner = Logs(after=1000)
    told = found(runner, reason=f"j-1 ended: {code} Something on the master", ended=NOW)
    assert runner.looks == 1
    assert told.cause is None
    (line, *_) = facts(RECORD, told)
    assert line == f"gristmill: run r1 failed: j-1 ended: {code} Something on the master"


def test_without_logs_none_is_read() -> None:
    runner = Logs(after=0)
    told = found(runner, with_logs=False)
    assert (runner.looks, told.cause, told.logs) == (0, None, ())


class Silent(Logs):
    def read(self, log: LogFile) -> str:
        return "nothing of note\n"


@pytest.mark.parametrize(("runner", "kind"), [(Logs(0), Kind.PYTHON), (Silent(0), Kind.UNKNOWN)])
def test_what_emr_says_stands_before_what_logs_tell(runner: Logs, kind: Kind) -> None:
    told = found(runner, reason="Unknown Error. exit code 137", ended=NOW - timedelta(hours=1))
    assert told.cause is not None
    assert told.cause.kind is kind
    (first, second, *_) = facts(RECORD, told)
    assert first == "gristmill: run r1 failed: Unknown Error. exit code 137"
    assert second == f"  {told.cause.lines[0]}"


class Bucket:
    """A bucket with these objects."""

    def __init__(self, *uris: str) -> None:
        self.uris = uris

    def objects(self, prefix: str) -> list[tuple[str, int]]:
        return [(uri, 1) for uri in self.uris if uri.startswith(prefix)]

    def tail(self, uri: str, size: int) -> bytes:
        return b""


def test_a_step_that_never_ran_has_the_logs_of_bootstrap_actions() -> None:
    node = "s3://b/logs/j-1/node/i-0abc"
    why = f"{node}/bootstrap-actions/1/stderr.gz"
    bucket: Any = Bucket(why, f"{node}/daemons/instance-state.gz", "s3://b/logs/j-2/node/i-1/x")
    runner = StepRunner(bucket, "s3://b/logs", None)
    assert [log.uri for log in runner.logs(HANDLE)] == [why]
    own = "s3://b/logs/j-1/steps/s-1/stderr.gz"
    both: Any = Bucket(why, own)
    assert [log.uri for log in StepRunner(both, "s3://b/logs", None).logs(HANDLE)] == [own]


REPORT = Report("r", "word-count", "succeeded", {}, (), "s3://o", "", 1.0)


class Reports:
    """An S3 with a report at each place, which ended as it is told, and began then."""

    def __init__(self, **told: str) -> None:
        self._reports = {f"s3://b/{name}": _report(text) for name, text in told.items()}

    def read(self, uri: str) -> bytes | None:
        return self._reports.get(uri)


def _report(text: str) -> bytes:
    state, _, time = text.partition(" ")
    began = replace(REPORT, started=f"2026-10-{time}:00+00:00")
    return (began if state == "well" else replace(began, state="failed", error="odd")).to_bytes()


@pytest.mark.parametrize(
    ("attempt", "reports", "seen"),
    [
        (1, {"a": "well 05T11:30"}, 1),
        (1, {"a": "badly 05T11:30"}, 1),
        # The submitter's clock is a little ahead.
        (1, {"a": "well 05T10:58"}, 1),
        # Yesterday's, at the place that a user names each day.
        (1, {"a": "well 04T11:30"}, 0),
        (1, {"a": "badly 04T11:30"}, 0),
        # What an attempt before has done is done; that it failed says nothing of this one.
        (2, {"a": "well 05T11:05", "b": "badly 05T11:06"}, 1),
        (2, {"a": "well 05T11:05", "b": "badly 05T11:40"}, 2),
    ],
)
def test_a_report_of_another_run_or_of_an_earlier_failure_is_not_this_one_s(
    attempt: int, reports: dict[str, str], seen: int
) -> None:
    gone = "j-1 ended: INSTANCE_FAILURE"
    status = Status(State.FAILED, "FAILED", gone, NOW - timedelta(minutes=25), NOW)
    submission = replace(RECORD.submission, attempt=attempt)
    record = replace(RECORD, reports=("s3://b/a", "s3://b/b"), submission=submission)
    aws: Any = Reports(**reports)
    told: dict[str, Any] = {
        "prices": read_prices(),
        "tell": print,
        "with_logs": False,
        "clock": lambda: NOW,
    }
    found = run_outcome(aws, record, Logs(0), HANDLE, status, **told)
    assert len(found.reports) == seen
