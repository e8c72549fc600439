"""Hundreds of kills: see `matrix`."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.process import ROOT


@pytest.mark.parametrize(
    ("kind", "seed", "rounds"),
    [
        ("parquet", 0, 4),
        ("iceberg", 0, 1),
        *(
            pytest.param(kind, seed, 6, marks=pytest.mark.thorough)
            for kind in ("parquet", "iceberg")
            for seed in (1, 2)
        ),
    ],
)
def test_a_run_that_is_killed_anywhere_leaves_the_old_or_the_new(
    tmp_path: Path, kind: str, seed: int, rounds: int
) -> None:
    told = [str(tmp_path), str(seed), str(rounds), kind]
    command = [sys.executable, "-m", "tests.crash.matrix", *told]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert int(done.stdout.split()[0]) > rounds * 30
