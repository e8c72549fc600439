"""Logs followed: each line is printed once, and it ends where nothing more can come."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from gristmill.cli.emr.logs import follow
from gristmill.emr.logs import is_of_driver
from gristmill.runs import Handle, LogFile, State, Status
from tests.unit.emr.test_watch import Scripted

HANDLE = Handle("step", "j-1", "s-1")
ENDED = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
RUNNING = Status(State.RUNNING, "RUNNING")
DONE = Status(State.SUCCEEDED, "COMPLETED", ended=ENDED)


class Growing(Scripted):
    """Logs that grow from look to look."""

    def __init__(self, answers: Sequence[Status], *looks: dict[str, str]) -> None:
        super().__init__(*answers)
        self.looks = looks
        self.look = -1

    def logs(self, handle: Handle) -> Sequence[LogFile]:
        self.look = min(self.look + 1, len(self.looks) - 1)
        return [LogFile(uri, len(text)) for uri, text in self.looks[self.look].items()]

    def read(self, log: LogFile) -> str:
        return self.looks[self.look][log.uri]


def followed(runner: Growing, capsys: pytest.CaptureFixture[str]) -> tuple[str, int]:
    """What was printed, and how many seconds it took."""
    passed: list[float] = []

    def clock() -> datetime:
        return ENDED + timedelta(seconds=sum(passed))

    follow(runner, HANDLE, lambda: runner.logs(HANDLE), passed.append, clock)
    return capsys.readouterr().out, int(sum(passed))


def test_each_line_is_printed_once(capsys: pytest.CaptureFixture[str]) -> None:
    looks = [
        {},
        {"s3://a": "one\n"},
        {"s3://a": "one\ntwo\n"},
        {"s3://a": "one\ntwo\n", "s3://b": "--password hunter2"},
        {"s3://a": "one\ntwo\nthree\n", "s3://b": "--password hunter2"},
    ]
    out, seconds = followed(Growing([RUNNING, RUNNING, DONE], *looks), capsys)
    assert out.splitlines() == [
        *("==> s3://a", "one", "two"),
        *("==> s3://b", "--password ********"),
        *("==> s3://a", "three"),
    ]
    # Three looks at which nothing was new.
    assert seconds == 70


def test_of_a_long_log_the_end_goes_on_where_it_was(capsys: pytest.CaptureFixture[str]) -> None:
    lines = [f"{number:04}\n" for number in range(600)]
    looks = [{"s3://a": "".join(lines[:300])}, {"s3://a": "".join(lines[50:400])}]
    out, _ = followed(Growing([RUNNING, DONE], *looks), capsys)
    assert out == "==> s3://a\n" + "".join(lines[:400])


def test_logs_that_never_come_are_not_waited_for_longer_than_they_may_take(
    capsys: pytest.CaptureFixture[str],
) -> None:
    out, seconds = followed(Growing([DONE], {}), capsys)
    assert out == ""
    assert seconds == 420


def test_whose_log_it_is_shows_in_its_name() -> None:
    driver = "s3://b/logs/j-1/containers/application_1_0001/container_1_0001_01_000001/stdout.gz"
    executor = driver.replace("000001/std", "000002/std")
    assert is_of_driver(LogFile(driver, 1))
    assert not is_of_driver(LogFile(executor, 1))
    assert is_of_driver(LogFile("s3://b/logs/applications/a/jobs/r/SPARK_DRIVER/stderr.gz", 1))
