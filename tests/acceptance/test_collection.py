"""Tests are named alike whenever they are collected: workers that differ would run none."""

import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from tests.support.process import ROOT, TIMEOUT, environment

COLLECT = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-o"]


def collecting(seed: str, cache: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*COLLECT, f"cache_dir={cache / seed}"],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env=environment(PYTHONHASHSEED=seed, TZ="UTC" if seed == "1" else "Asia/Kolkata"),
    )


def collected(process: subprocess.Popen[str]) -> list[str]:
    out, _ = process.communicate(timeout=TIMEOUT)
    assert process.returncode == 0, out
    return [line for line in out.splitlines() if "::" in line]


@pytest.mark.thorough
def test_two_collections_some_seconds_apart_are_the_same(tmp_path: Path) -> None:
    first = collecting("1", tmp_path)
    time.sleep(2.5)  # what gzip writes of the time are whole seconds
    second = collecting("2", tmp_path)
    names = collected(first)
    assert collected(second) == names
    assert [name for name, count in Counter(names).items() if count > 1] == []
