"""The answer of a run: what cannot be found out is noted, and keeps nothing else unsaid."""

from collections.abc import Sequence
from typing import Any

import pytest

from emr import answer as module
from emr.answer import Answer, answer
from emr.cause import Kind
from emr.cost import read_prices
from emr.runs import Record
from gristmill.errors import GristmillError
from gristmill.runners import Handle, LogFile, State, Status, Submission
from tests.unit.test_emr_watch import Scripted

HANDLE = Handle("step", "j-1", "s-1")
RECORD = Record(
    Submission("r1", "word-count", ()), "dev", "arm64", "s3://b/logs", "s3://b/r", "2026", "me"
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


def found(runner: Logs, state: State = State.FAILED) -> Answer:
    aws: Any = Nothing()
    return answer(
        aws,
        RECORD,
        runner,
        HANDLE,
        Status(state),
        prices=read_prices(),
        tell=lambda _text: None,
        pause=lambda _seconds: None,
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
