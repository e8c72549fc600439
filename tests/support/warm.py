"""A warm process of tests: in a folder of its own, and ended with them."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from tests.support.process import BIN, ROOT, Finished, environment, finish


class Warm:
    """Commands that are handed over to the warm process of a folder."""

    def __init__(self, folder: Path) -> None:
        self.changes = {"GRISTMILL_WARM": "1", "XDG_RUNTIME_DIR": str(folder)}

    def run(self, *arguments: str | Path, **changes: str) -> Finished:
        """Run `gristmill` and wait for its end."""
        return finish([BIN / "gristmill", *arguments], **self.changes | changes)

    def start(self, *arguments: str | Path) -> subprocess.Popen[str]:
        """Start `gristmill`."""
        return subprocess.Popen(
            [BIN / "gristmill", *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env=environment(**self.changes),
        )

    def processes(self) -> list[dict[str, Any]]:
        """What is warm."""
        found = json.loads(self.run("warm", "status", "--json").out)
        return list(found["processes"])

    def sparks(self) -> list[int]:
        """The processes of the Sparks that are kept."""
        return [spark["process"] for one in self.processes() for spark in one["sparks"]]


@contextmanager
def warm() -> Iterator[Warm]:
    """A warm process, which is ended afterwards."""
    # A socket's path may not be long.
    folder = Path(mkdtemp(prefix="warm-"))
    made = Warm(folder)
    try:
        yield made
    finally:
        made.run("warm", "stop")
        shutil.rmtree(folder)
