"""A project that `gristmill new` makes works at once: its two commands, run in it."""

import subprocess
from pathlib import Path

import pytest

from gristmill.shipping.new import new_project
from tests.support.process import BIN, TIMEOUT, environment


def make(folder: Path, *words: str) -> str:
    """What `make` prints in a folder, of its commands and of itself."""
    done = subprocess.run(
        ["make", *words],
        cwd=folder,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=4 * TIMEOUT,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def check_works(folder: Path, *words: str) -> None:
    ran = make(folder, "run", *words)
    assert "log-levels: 182 lines in, 2 rejected (no_such_day 1, not_this_format 1)" in ran
    assert "mill.log:71  Traceback (most recent call last):" in ran
    assert "1 passed" in make(folder, "test", *words)


@pytest.mark.thorough
def test_a_new_project_runs_and_tests_its_job(tmp_path: Path) -> None:
    new_project(tmp_path / "mill")
    # With what is installed here in place of what it would install.
    check_works(tmp_path / "mill", f"BIN={BIN}")
    assert not (tmp_path / "mill" / ".venv").exists()


@pytest.mark.thorough
def test_a_new_project_installs_what_it_takes(tmp_path: Path) -> None:
    new_project(tmp_path / "my mill")
    check_works(tmp_path / "my mill")
    listed = subprocess.run(
        [tmp_path / "my mill" / ".venv" / "bin" / "gristmill", "jobs"],
        cwd=tmp_path / "my mill" / "notebooks",
        capture_output=True,
        text=True,
        check=True,
    )
    assert "log-levels" in listed.stdout
