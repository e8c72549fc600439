"""Watching a run: what is told of it, and what a failure to ask says of it, which is nothing."""

from collections.abc import Mapping, Sequence
from datetime import timedelta

import pytest

from gristmill.emr.watch import StillRunningError, watch
from gristmill.errors import GristmillError
from gristmill.runs import Handle, LogFile, Runner, State, Status, Submission

HANDLE = Handle("step", "j-1", "s-1")
PENDING, RUNNING = Status(State.PENDING, "PENDING"), Status(State.RUNNING, "RUNNING")
DONE = Status(State.SUCCEEDED, "COMPLETED")
BROKEN = GristmillError("throttled")


class Scripted(Runner):
    """Answers polls as it was told to, the last answer for ever."""

    def __init__(self, *answers: Status | GristmillError) -> None:
        self.answers = list(answers)
        self.polls = 0

    def poll(self, handles: Sequence[Handle]) -> Mapping[Handle, Status]:
        answer = self.answers[min(self.polls, len(self.answers) - 1)]
        self.polls += 1
        if isinstance(answer, GristmillError):
            raise answer
        return dict.fromkeys(handles, answer)

    def submit(self, submission: Submission) -> Handle:
        raise NotImplementedError

    def cancel(self, handle: Handle) -> None:
        raise NotImplementedError

    def logs_at(self, handle: Handle) -> str:
        raise NotImplementedError

    def logs(self, handle: Handle) -> Sequence[LogFile]:
        raise NotImplementedError

    def read(self, log: LogFile) -> str:
        raise NotImplementedError


class Time:
    """A clock that moves by what it is told to wait."""

    def __init__(self) -> None:
        self.now = 0.0
        self.pauses: list[float] = []

    def clock(self) -> float:
        return self.now

    def pause(self, seconds: float) -> None:
        self.now += seconds
        self.pauses.append(seconds)


def seen(runner: Runner, time: Time, deadline: timedelta | None = None) -> list[Status]:
    told: list[Status] = []
    watch(runner, HANDLE, told.append, deadline=deadline, pause=time.pause, clock=time.clock)
    return told


def test_each_state_is_told_once() -> None:
    runner = Scripted(PENDING, PENDING, RUNNING, RUNNING, RUNNING, DONE)
    assert seen(runner, Time()) == [PENDING, RUNNING, DONE]


def test_it_asks_less_often_the_longer_nothing_happens_and_never_in_step() -> None:
    time = Time()
    seen(Scripted(*[RUNNING] * 40, DONE), time)
    assert time.pauses[0] < 1.3
    assert all(16 <= pause <= 24 for pause in time.pauses[20:])
    assert len(set(time.pauses[20:])) > 10


def test_a_time_out_of_ours_is_no_failure_of_the_run() -> None:
    with pytest.raises(StillRunningError, match="not at its end after 0:10:00") as caught:
        seen(Scripted(RUNNING), Time(), timedelta(minutes=10))
    assert caught.value.exit_code == 5


def test_failures_to_ask_are_sat_out() -> None:
    assert seen(Scripted(RUNNING, *[BROKEN] * 9, DONE), Time()) == [RUNNING, DONE]


def test_where_aws_cannot_be_asked_for_long_it_says_that_the_run_goes_on() -> None:
    time = Time()
    with pytest.raises(GristmillError, match="lost sight of the run, which goes on: throttled"):
        seen(Scripted(RUNNING, BROKEN), time)
    assert time.now > 30
