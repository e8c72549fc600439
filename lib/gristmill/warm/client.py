"""Handing a command over to the warm process, which is started where there is none.

Little is imported here: this is what a second run takes.
"""

import os
import signal
import socket
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from types import FrameType
from typing import Any

from gristmill.errors import ExitCode
from gristmill.warm.folder import runtime_folder, socket_of, temporary_folder
from gristmill.warm.messages import receive, send

NO_WARM, CHECK_FLAGS = "--no-warm", "--check-flags"
# An event log is of one Spark, and whole once that has ended.
_ALONE = ("-h", "--help", "--debug", "--event-log", NO_WARM)
_ANSWER_SECONDS, _START_SECONDS, _PAUSE = 5.0, 60.0, 0.02


def is_wanted(argv: Sequence[str], environ: Mapping[str, str], *, at_terminal: bool) -> bool:
    """Whether a command is for the warm process.

    It is a run; at a terminal, but in CI, or wherever GRISTMILL_WARM is 1. Elsewhere than on Linux
    it has to be asked for.
    """
    if argv[:1] != ["run"] or len(argv) == 1 or any(flag in argv for flag in _ALONE):
        return False
    if "PYSPARK_GATEWAY_PORT" in environ or not hasattr(os, "fork"):
        return False
    asked = environ.get("GRISTMILL_WARM")
    if asked:
        return asked.lower() not in {"0", "no", "false", "off"}
    return at_terminal and not environ.get("CI") and sys.platform == "linux"


def hand_over(argv: Sequence[str]) -> int | None:
    """Have a command done by the warm process; gives its exit code.

    None where it has to be done here, as nothing is warm and nothing can be.
    """
    steps = steps_of(argv)
    if ["run"] in steps[1:]:
        print("gristmill: which job is to be run after 'then'?", file=sys.stderr)  # noqa: T201
        return ExitCode.USAGE
    is_warm = is_wanted(argv, os.environ, at_terminal=os.isatty(2)) and _is_whole()
    folder = runtime_folder() if is_warm else None
    if folder is not None:
        return _all_done(folder, steps)
    if len(steps) == 1 or not hasattr(os, "fork") or not _is_whole():
        return None
    # What is warm for these runs alone ends with them.
    with TemporaryDirectory(prefix="gristmill-", dir=temporary_folder()) as own:
        try:
            return _all_done(Path(own), steps)
        finally:
            stop(socket_of(Path(own)))


def steps_of(argv: Sequence[str]) -> list[list[str]]:
    """The commands of `run A … then B …`; of any other command that one."""
    steps: list[list[str]] = [[]]
    for word in argv:
        if word == "then" and argv[0] == "run":
            steps.append(["run"])
        else:
            steps[-1].append(word)
    return steps


def stop(path: Path) -> int | None:
    """End the warm process at a socket, once what it runs has ended; gives how many runs that are,
    None where nothing answers."""
    server = connect(path)
    if server is None:
        return None
    try:
        with server:
            send(server, {"ask": "stop"})
            return int(receive(server)[0]["runs"])
    except OSError:
        return None


def _all_done(folder: Path, steps: Sequence[Sequence[str]]) -> int | None:
    """Have commands done one after the other, as long as they do well.

    Of several, the flags of all are looked at before the first is done.
    """
    code: int | None = None
    checks = [[*step, CHECK_FLAGS] for step in steps] if len(steps) > 1 else []
    for step in (*checks, *steps):
        code = None
        while code is None:
            server = connect(socket_of(folder)) or _started(folder)
            if server is None:
                return None
            with server:
                code = _done(server, step)
        if code:
            break
    return code


def _is_whole() -> bool:
    """Whether this process has all that is handed over: a folder, and what it reads and writes."""
    try:
        Path.cwd()
    except OSError:
        return False
    return None not in (sys.stdin, sys.stdout, sys.stderr)


def connect(path: Path) -> socket.socket | None:
    """A connection to the warm process at a socket; None where none answers."""
    server = socket.socket(socket.AF_UNIX)
    server.settimeout(_ANSWER_SECONDS)
    try:
        server.connect(str(path))
        receive(server)
    except (OSError, ValueError):
        server.close()
        return None
    server.settimeout(None)
    return server


def _started(folder: Path) -> socket.socket | None:
    import subprocess  # noqa: PLC0415  for the first run alone

    path = socket_of(folder)
    with path.with_suffix(".log").open("wb") as log:
        process = subprocess.Popen(
            # -P: what lies in this folder is not what is meant.
            [sys.executable, "-P", "-m", "gristmill.warm.server", path],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd="/",
            start_new_session=True,
        )
    end = time.monotonic() + _START_SECONDS
    while time.monotonic() < end:
        if server := connect(path):
            # It goes on without this process.
            process.returncode = 0
            return server
        if process.poll():
            return None
        time.sleep(_PAUSE)
    return None


def _done(server: socket.socket, argv: Sequence[str]) -> int | None:
    """Have a command done; gives its exit code, None where the warm process is just ending."""

    def forward(number: int, _frame: FrameType | None) -> None:
        send(server, {"signal": number})

    mask = os.umask(0o077)
    os.umask(mask)
    streams: list[Any] = [sys.stdin, sys.stdout, sys.stderr]
    request = {
        "ask": "run",
        "argv": list(argv),
        "program": sys.argv[0],
        "path": sys.path,
        "folder": str(Path.cwd()),
        "environment": dict(os.environ),
        "umask": mask,
        "streams": [(one.encoding, one.errors, one.line_buffering) for one in streams],
    }
    # The process that runs is in no terminal: what is meant for it is sent on.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, forward)
    try:
        send(server, request, (0, 1, 2))
        answer, _ = receive(server)
    except OSError:
        answer = {}
    if "refused" in answer:
        return None
    if "exit" in answer:
        return int(answer["exit"])
    how = f"was ended by signal {answer['signal']}" if answer else "has gone"
    print(  # noqa: T201
        f"gristmill: the process that ran this {how}, so whether it published is not known: "
        "run it again, which never doubles anything",
        file=sys.stderr,
    )
    return ExitCode.FAILED
