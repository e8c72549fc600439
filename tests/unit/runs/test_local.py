"""Runs on this machine: started once, whoever dies in between, and told how they ended."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from gristmill import failpoints
from gristmill.errors import InputError
from gristmill.runs import Handle, State, Status, Submission, keeper
from gristmill.runs.local import GRACE, Command, LocalRunner

PATIENCE = 30.0


def runner(folder: Path, script: str, clock: Callable[[], float] = time.time) -> LocalRunner:
    """One whose runs are a shell script; each says so in `starts`."""
    (folder / "work").mkdir(exist_ok=True)
    words = ["/bin/sh", "-c", f'echo started >>"$PWD/starts"; {script}', "sh"]

    def command(submission: Submission, _home: Path) -> Command:
        return Command([*words, *submission.argv], str(folder / "work"), dict(os.environ))

    return LocalRunner(folder / "runs", command, clock)


def starts(folder: Path) -> int:
    return (folder / "work" / "starts").read_text().count("started")


def until(found: Callable[[], bool]) -> None:
    limit = time.monotonic() + PATIENCE
    while not found():
        assert time.monotonic() < limit
        time.sleep(0.01)


def at_end(one: LocalRunner, handle: Handle) -> Status:
    until(lambda: one.poll([handle])[handle].state.is_final)
    return one.poll([handle])[handle]


@pytest.mark.parametrize(
    ("script", "state", "detail"),
    [
        ("echo hello", State.SUCCEEDED, "exit code 0"),
        ("exit 3", State.FAILED, "exit code 3"),
        ("exit 130", State.CANCELLED, "exit code 130"),
        ("kill -9 $$", State.FAILED, "exit code 137"),
    ],
)
def test_it_says_how_a_run_ended(tmp_path: Path, script: str, state: State, detail: str) -> None:
    one = runner(tmp_path, script)
    handle = one.submit(Submission("r-1", "job", ()))
    status = at_end(one, handle)
    assert (status.state, status.detail) == (state, detail)
    assert status.started is not None
    assert status.ended is not None
    assert status.started <= status.ended


def test_a_run_key_is_started_once(tmp_path: Path) -> None:
    one = runner(tmp_path, "sleep 0.2")
    handles = {one.submit(Submission("r-1", "job", ())) for _ in range(3)}
    assert len(handles) == 1
    at_end(one, *handles)
    one.submit(Submission("r-1", "job", ()))
    assert starts(tmp_path) == 1


class Killed(BaseException):
    pass


@pytest.mark.parametrize("where", ["a local run has its folder", "a local run has its process"])
def test_a_submitter_that_dies_leaves_a_run_that_can_be_started(
    tmp_path: Path, where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(name: str) -> None:
        if name == where:
            raise Killed

    monkeypatch.setattr(failpoints, "at", die)
    one = runner(tmp_path, "echo done")
    with pytest.raises(Killed):
        one.submit(Submission("r-1", "job", ()))
    monkeypatch.setattr(failpoints, "at", None)
    handle = one.submit(Submission("r-1", "job", ()))
    assert at_end(one, handle).state is State.SUCCEEDED
    assert starts(tmp_path) == 1


def test_many_submitters_at_once_start_one(tmp_path: Path) -> None:
    home = tmp_path / "r-1"
    home.mkdir()
    words = [sys.executable, "-I", "-S", keeper.__file__, str(home), str(tmp_path), "/bin/sh", "-c"]
    keepers = [subprocess.Popen([*words, "echo started >>starts; sleep 0.1"]) for _ in range(8)]
    assert {one.wait(PATIENCE) for one in keepers} == {0}
    assert (tmp_path / "starts").read_text().count("started") == 1
    assert (home / "code").read_text() == "0"


def test_a_run_whose_keeper_was_killed_has_failed_and_nothing_of_it_goes_on(tmp_path: Path) -> None:
    one = runner(tmp_path, 'echo $$ >"$PWD/me"; sleep 60')
    handle = one.submit(Submission("r-1", "job", ()))
    until(lambda: (tmp_path / "work" / "me").exists() and bool(_read(tmp_path / "work" / "me")))
    os.kill(int(_read(tmp_path / "runs" / "r-1" / "pid")), signal.SIGKILL)
    status = at_end(one, handle)
    assert (status.state, status.reason) == (State.FAILED, "its process was killed")
    process = int(_read(tmp_path / "work" / "me"))
    until(lambda: not _is_running(process))


def test_a_cancelled_run_ends_and_says_so(tmp_path: Path) -> None:
    one = runner(tmp_path, "sleep 60")
    handle = one.submit(Submission("r-1", "job", ()))
    one.cancel(handle)
    assert at_end(one, handle).state is State.CANCELLED


def test_one_that_minds_no_signal_is_killed_after_its_grace(tmp_path: Path) -> None:
    now = [1000.0]
    script = "trap '' TERM; touch \"$PWD/deaf\"; while true; do sleep 0.05; done"
    one = runner(tmp_path, script, lambda: now[0])
    handle = one.submit(Submission("r-1", "job", ()))
    until((tmp_path / "work" / "deaf").exists)
    one.cancel(handle)
    now[0] += GRACE - 1
    assert one.poll([handle])[handle].state is State.RUNNING
    now[0] += 2
    assert at_end(one, handle).state is State.CANCELLED


def test_what_it_printed_is_its_logs(tmp_path: Path) -> None:
    one = runner(tmp_path, "echo out; echo err >&2")
    handle = one.submit(Submission("r-1", "job", ()))
    at_end(one, handle)
    assert [one.read(log) for log in one.logs(handle)] == ["err\n", "out\n"]


def test_a_folder_that_has_gone_is_said(tmp_path: Path) -> None:
    def command(_submission: Submission, _home: Path) -> Command:
        return Command(["/bin/true"], str(tmp_path / "gone"), dict(os.environ))

    one = LocalRunner(tmp_path / "runs", command)
    handle = one.submit(Submission("r-1", "job", ()))
    assert at_end(one, handle).detail == "exit code 2"
    assert "cannot run it in" in one.read(one.logs(handle)[0])


def test_a_run_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no run r-9"):
        runner(tmp_path, "true").poll([Handle("local", str(tmp_path), "r-9")])


def _read(path: Path) -> str:
    return path.read_text().strip()


def _is_running(process: int) -> bool:
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"
