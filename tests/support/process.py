"""Commands as a user starts them, in a process of their own or in this one, and what they leave."""

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pyarrow.dataset as arrow
import pytest

BIN = Path(sys.executable).parent
ROOT = Path(__file__).parents[2]
TIMEOUT = 300  # seconds: what hangs, hangs for longer than a slow machine that is shared takes


@dataclass(frozen=True)
class Finished:
    """A command that has ended."""

    code: int
    out: str
    err: str


Gristmill = Callable[..., Finished]


def environment(**changes: str) -> dict[str, str]:
    """This process's environment, without what a developer may have set for Spark.

    Java compiles quickly rather than well: what is run here is over before more would pay.
    """
    theirs = ("SPARK_", "PYSPARK_", "PYTEST_", "GRISTMILL_WARM")
    kept = {k: v for k, v in os.environ.items() if not k.startswith(theirs)}
    return {**kept, "JAVA_TOOL_OPTIONS": "-XX:TieredStopAtLevel=1", **changes}


def finish(command: list[str | Path], folder: Path = ROOT, /, **changes: str) -> Finished:
    """Run a command as a process, in a folder, and wait for its end."""
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        cwd=folder,
        env=environment(**changes),
        check=False,
    )
    return Finished(done.returncode, done.stdout, done.stderr)


@contextmanager
def started(command: list[str | Path]) -> Iterator[subprocess.Popen[str]]:
    """A command as a process that leads a group of its own, with pipes for what it says."""
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env=environment(),
        start_new_session=True,
    ) as process:
        yield process


def failure(err: str) -> str:
    """What was said of a failure, which must be two lines at most and no stack."""
    told = [line for line in err.splitlines() if not re.match(r"\d\d:\d\d:\d\dZ  ", line)]
    assert len(told) <= 2, err
    assert "Traceback" not in err
    assert "\tat " not in err
    return "\n".join(told)


def shared_folder(factory: pytest.TempPathFactory) -> Path:
    """The folder for temporary files that all workers of these tests have in common."""
    base = factory.getbasetemp()
    return base.parent if "PYTEST_XDIST_WORKER" in os.environ else base


def rows(dataset: Path) -> int:
    """How many rows a plain reader finds."""
    return int(arrow.dataset(str(dataset), format="parquet", partitioning="hive").count_rows())


def snapshot(folder: Path) -> dict[str, bytes]:
    """All files below a folder, without those that Gristmill keeps for itself."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and "_gristmill" not in path.parts
    }


def staged(output: Path) -> list[Path]:
    """What runs that are not finished have left below an output root."""
    return sorted((output / "_gristmill" / "staging").glob("*/*"))
