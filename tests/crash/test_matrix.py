"""Hundreds of kills: see `matrix`."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.process import ROOT


@pytest.mark.parametrize(
    "seed", [0, *(pytest.param(seed, marks=pytest.mark.thorough) for seed in (1, 2))]
)
def test_a_run_that_is_killed_anywhere_leaves_the_old_or_the_new(tmp_path: Path, seed: int) -> None:
    command = [sys.executable, "-m", "tests.crash.matrix", str(tmp_path), str(seed), "6"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert int(done.stdout.split()[0]) > 200
