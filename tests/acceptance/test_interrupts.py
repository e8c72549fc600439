"""Ctrl-C at any moment of a run: everything ends, and what was there stays whole."""

import os
import re
import signal
import subprocess
import time
from pathlib import Path

import pytest

from gristmill.jobs import word_count
from tests.conftest import RunJob
from tests.support.process import BIN, ROOT, TIMEOUT, finish, rows, snapshot, staged, started

MOMENTS = 60
_GONE_SECONDS = 30


def command(samples: Path, output: Path) -> list[str | Path]:
    words: list[str | Path] = [BIN / "gristmill", "run", "word-count", "--input"]
    return [*words, samples / "text", "--output", output]


def interrupted(words: list[str | Path], after: float, *, group: bool) -> tuple[int, str, str]:
    """The exit code, as shells give it, output and errors of a command that gets Ctrl-C `after` so
    many seconds, as a terminal's whole `group` does, or alone."""
    with started(words) as process:
        try:
            process.wait(after)
        except subprocess.TimeoutExpired:
            (os.killpg if group else os.kill)(process.pid, signal.SIGINT)
        # Whoever holds the pipes, a JVM that was left too, keeps this from its end.
        out, err = process.communicate(timeout=TIMEOUT)
        code = process.returncode
    check_group_ends(process.pid)
    return (code if code >= 0 else 128 - code), out, err


def check_group_ends(leader: int) -> None:
    deadline = time.monotonic() + _GONE_SECONDS
    while time.monotonic() < deadline:
        try:
            os.killpg(leader, 0)
        except ProcessLookupError:
            return
        time.sleep(0.05)
    os.killpg(leader, signal.SIGKILL)
    pytest.fail("something of the run goes on")


def check_run_ends(samples: Path, output: Path, after: float, *, group: bool) -> None:
    before, count = snapshot(output), rows(output / "word_counts")
    code, out, err = interrupted(command(samples, output), after, group=group)
    told = err.splitlines()
    if code == 0:  # it came too late
        assert "word_counts" in out, (after, err)
    else:
        assert code == 130, (after, err)
        assert str(ROOT / "lib") not in err, (after, err)
        assert "py4j" not in err.lower(), (after, err)
        if told and "Traceback" not in err:  # of Python itself, while it starts
            assert told[-1].startswith("gristmill: interrupted"), (after, err)
            in_passing = re.compile(r"\d\d:\d\d:\d\dZ  ")
            assert len([line for line in told if not in_passing.match(line)]) == 1, (after, err)
        if "what it made is published" not in err:
            assert snapshot(output) == before, after
    assert rows(output / "word_counts") == count
    assert not staged(output)


def whole_run(samples: Path, output: Path) -> float:
    """How long a run takes that nobody interrupts."""
    began = time.monotonic()
    done = finish(command(samples, output))
    assert done.code == 0, done.err
    return time.monotonic() - began


@pytest.mark.parametrize(
    "share",
    [0.25, *(pytest.param(share, marks=pytest.mark.thorough) for share in (0.05, 0.5, 0.85))],
)
def test_a_run_ends_where_it_is_interrupted(
    run_job: RunJob, samples: Path, tmp_path: Path, share: float
) -> None:
    run_job(word_count.JOB, samples / "text")
    # A machine that is faster or slower is interrupted elsewhere, which is as good.
    check_run_ends(samples, tmp_path / "out", share * 8, group=share != 0.5)


@pytest.mark.thorough
def test_a_run_ends_at_any_moment(samples: Path, tmp_path: Path) -> None:
    output = tmp_path / "out"
    length = max(whole_run(samples, output) for _ in range(2))
    for moment in range(MOMENTS):
        after = length * (moment + 0.5) / MOMENTS
        check_run_ends(samples, output, after, group=moment % 2 == 0)
    assert finish([BIN / "gristmill", "verify", output]).code == 0
