"""What a process does that has forked from the warm one: it becomes the client's command."""

import contextlib
import os
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from gristmill.errors import GristmillError
from gristmill.spark import kept
from gristmill.spark.kept import Kept
from gristmill.start import main
from gristmill.warm.archive import make_aside
from gristmill.warm.client import connect
from gristmill.warm.folder import runtime_path
from gristmill.warm.messages import receive, send


class ServerKeeper:
    """Has the warm process at a socket keep what this one starts."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.has_started = False

    def find(self, key: str) -> Kept | None:
        """What is kept under a key, once whoever is starting it has done so."""
        found = self._ask("find", key)["spark"]
        return None if found is None else Kept(**found)

    def keep(self, key: str, spark: Kept, alive: int) -> None:
        """Have a Spark kept for as long as the open file `alive` is, which is handed over."""
        self.has_started = True
        self._ask("keep", key, (alive,), spark=asdict(spark))

    def give_up(self, key: str) -> None:
        """Say that nothing was started."""
        self._ask("give_up", key)

    def retire(self, key: str) -> None:
        """Have what this process uses given to no other run."""
        self._ask("retire", key)

    def _ask(
        self, what: str, key: str, files: tuple[int, ...] = (), **more: object
    ) -> dict[str, Any]:
        server = connect(self._path)
        if server is not None:
            with contextlib.suppress(OSError), server:
                send(server, {"ask": what, "key": key, "process": os.getpid(), **more}, files)
                return receive(server)[0]
        # Without the warm process this one does for itself what it can.
        return {"spark": None}


def do(request: dict[str, Any], files: list[int], path: Path) -> None:
    """Be the command that a client has handed over, with its terminal. Ends this process."""
    for stream, file in enumerate(files):
        os.dup2(file, stream)
        os.close(file)
    os.chdir(request["folder"])
    os.umask(request["umask"])
    os.environ.clear()
    os.environ.update(request["environment"])
    time.tzset()
    sys.argv = [request["program"], *request["argv"]]
    sys.path[:] = request["path"]
    for stream, (name, settings) in enumerate(
        zip(("stdin", "stdout", "stderr"), request["streams"], strict=True)
    ):
        encoding, errors, by_line = settings
        opened = os.fdopen(stream, "w" if stream else "r", -1, encoding, errors, closefd=False)
        opened.reconfigure(line_buffering=by_line)
        setattr(sys, name, opened)
        setattr(sys, f"__{name}__", opened)
    keeper = ServerKeeper(path)
    kept.keep_with(keeper)
    code = main(at_once=True)
    if keeper.has_started and path.parent == runtime_path():
        with contextlib.suppress(GristmillError, OSError):
            make_aside()
    sys.exit(code)
