"""Keeps a run on this machine: starts its command once, and writes down how it ended.

It is run as a file, by whatever Python is there: `keeper.py FOLDER WORKING-FOLDER COMMAND…`. As
long as it lives it holds a lock on FOLDER/lock; who gets that and finds no `pid` is the first.
"""

import contextlib
import fcntl
import os
import signal
import subprocess
import sys
from pathlib import Path


def main() -> int:
    """Run the command, unless somebody has before; gives 0 whatever came of it."""
    folder, where, command = Path(sys.argv[1]), sys.argv[2], sys.argv[3:]
    # The run is told to end; that it did is for this one to write down.
    signal.signal(signal.SIGTERM, lambda _number, _frame: None)
    signal.signal(signal.SIGINT, lambda _number, _frame: None)
    with (folder / "lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return 0
        if (folder / "pid").exists():
            return 0
        _write(folder, "pid", str(os.getpid()))
        _write(folder, "code", str(_run(folder, where, command)))
    return 0


def _run(folder: Path, where: str, command: list[str]) -> int:
    with (folder / "stdout").open("wb") as out, (folder / "stderr").open("wb") as err:
        try:
            process = subprocess.Popen(command, cwd=where, stdout=out, stderr=err)
        except OSError as error:
            err.write(f"gristmill: cannot run it in {where}: {error}\n".encode())
            return 2
        code = process.wait()
    # As a shell has it: 143 for one that SIGTERM ended.
    return 128 - code if code < 0 else code


def _write(folder: Path, name: str, text: str) -> None:
    """A file that appears whole or not at all."""
    new = folder / f"{name}.new"
    with new.open("w") as file:
        file.write(text)
        file.flush()
        with contextlib.suppress(OSError):
            os.fsync(file.fileno())
    new.replace(folder / name)


if __name__ == "__main__":
    sys.exit(main())
