"""The warm process: it imports what runs need, forks for each run, and keeps what they start.

It has one thread, and no connection to a JVM: what forks from it shares neither.
"""

import contextlib
import gc
import os
import selectors
import signal
import socket
import sys
import time
import traceback
from pathlib import Path
from typing import Any

from gristmill.errors import ExitCode
from gristmill.warm import child, modules
from gristmill.warm.client import stop
from gristmill.warm.folder import installation
from gristmill.warm.messages import receive, send
from gristmill.warm.sparks import Sparks

_LOOK_EVERY = 5.0  # seconds


class Server:
    """What one warm process does, on the socket at `path`."""

    def __init__(self, path: Path, listening: socket.socket) -> None:
        self._path = path
        self._listening = listening
        self._inode = path.stat().st_ino
        self._selector = selectors.DefaultSelector()
        self._runs: dict[int, Run] = {}
        self._sparks = Sparks(time.monotonic)
        self._since = time.time()
        self._terminals: set[str] = set()
        self._is_open = True

    def serve(self) -> None:
        """Serve until nothing has been asked for in a while, or somebody says so."""
        awake, wakes = socket.socketpair()
        for end in (awake, wakes):
            end.setblocking(False)
        signal.set_wakeup_fd(wakes.fileno(), warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.signal(signal.SIGTERM, lambda *_: self.close())
        self._selector.register(self._listening, selectors.EVENT_READ, self._greet)
        self._selector.register(awake, selectors.EVENT_READ, lambda: self._reap(awake))
        while self._is_open or self._runs:
            for key, _ in self._selector.select(_LOOK_EVERY):
                with contextlib.suppress(OSError, ValueError, KeyError):
                    key.data()
            self._look()
        self._sparks.close()

    def close(self) -> None:
        """Take no more runs; end once those under way have."""
        if self._is_open:
            self._is_open = False
            self._selector.unregister(self._listening)
            self._listening.close()
            if self._is_reachable():
                self._path.unlink()
            self._sparks.close_idle()

    def _look(self) -> None:
        if self._sparks.look() or not self._is_reachable() or self._is_left():
            self.close()

    def _is_reachable(self) -> bool:
        try:
            return self._path.stat().st_ino == self._inode
        except OSError:
            return False

    def _is_left(self) -> bool:
        """Whether the terminals of all who sat at one have gone."""
        return bool(self._terminals) and not any(map(os.path.exists, self._terminals))

    def _greet(self) -> None:
        connection, _ = self._listening.accept()
        if _user_of(connection) != os.getuid():
            connection.close()
            return
        send(connection, {"process": os.getpid()})
        self._selector.register(connection, selectors.EVENT_READ, lambda: self._answer(connection))

    def _answer(self, connection: socket.socket) -> None:
        self._selector.unregister(connection)
        try:
            request, descriptors = receive(connection)
            getattr(self, f"_on_{request['ask']}")(connection, request, descriptors)
        except (OSError, ValueError):
            connection.close()

    def _on_run(self, client: socket.socket, request: dict[str, Any], files: list[int]) -> None:
        if not self._is_open:
            for one in files:
                os.close(one)
            send(client, {"refused": True})
            client.close()
            return
        terminal = _terminal(files[2])
        process = os.fork()
        if not process:
            try:
                self._become(request, files)
            except Exception:
                # Whatever it is, this must not go on as a second warm process.
                traceback.print_exc()
                os._exit(ExitCode.FAILED)
        for one in files:
            os.close(one)
        if terminal:
            self._terminals.add(terminal)
        self._runs[process] = Run(client, request["argv"])
        self._sparks.touch()
        self._selector.register(client, selectors.EVENT_READ, lambda: self._heed(process))

    def _become(self, request: dict[str, Any], files: list[int]) -> None:
        """Do a run, in the process that has forked for it. It does not come back."""
        signal.set_wakeup_fd(-1)
        for number in (signal.SIGCHLD, signal.SIGTERM):
            signal.signal(number, signal.SIG_DFL)
        self._selector.close()
        self._listening.close()
        self._sparks.close()
        for run in self._runs.values():
            run.client.close()
        child.do(request, files, self._path)

    def _heed(self, process: int) -> None:
        """Pass on what a client's terminal says to its run; without the client it is to end."""
        run = self._runs[process]
        try:
            message, _ = receive(run.client)
            number = int(message["signal"])
        except (OSError, ValueError):
            self._selector.unregister(run.client)
            number = signal.SIGTERM
        os.kill(process, number)

    def _reap(self, awake: socket.socket) -> None:
        awake.recv(4096)
        for process in list(self._runs):
            ended, status = os.waitpid(process, os.WNOHANG)
            if ended:
                self._ended(process, status)

    def _ended(self, process: int, status: int) -> None:
        run = self._runs.pop(process)
        with contextlib.suppress(KeyError):
            self._selector.unregister(run.client)
        code = os.waitstatus_to_exitcode(status)
        # What it was doing in Spark goes on there.
        self._sparks.leave(process, retire=code < 0)
        with contextlib.suppress(OSError):
            send(run.client, {"exit": code} if code >= 0 else {"signal": -code})
        run.client.close()

    def _on_status(self, client: socket.socket, _request: object, _files: object) -> None:
        send(
            client,
            {
                "process": os.getpid(),
                "since": self._since,
                "runs": [
                    {"process": process, "command": run.command, "since": run.since}
                    for process, run in self._runs.items()
                ],
                "sparks": self._sparks.status(),
                "ends_in": self._sparks.ends_in(),
            },
        )
        client.close()

    def _on_stop(self, client: socket.socket, _request: object, _files: object) -> None:
        self.close()
        send(client, {"runs": len(self._runs)})
        client.close()

    def _on_find(self, client: socket.socket, request: dict[str, Any], _files: object) -> None:
        self._sparks.find(request["key"], request["process"], client)

    def _on_keep(self, client: socket.socket, request: dict[str, Any], files: list[int]) -> None:
        self._sparks.keep(request["key"], request["process"], request["spark"], files[0])
        send(client, {})
        client.close()

    def _on_give_up(self, client: socket.socket, request: dict[str, Any], _files: object) -> None:
        self._sparks.give_up(request["process"])
        send(client, {})
        client.close()

    def _on_retire(self, client: socket.socket, request: dict[str, Any], _files: object) -> None:
        self._sparks.leave(request["process"], retire=True)
        send(client, {})
        client.close()


class Run:
    """A run that was handed over, and the client that waits for it."""

    def __init__(self, client: socket.socket, argv: list[str]) -> None:
        self.client = client
        self.command = " ".join(["gristmill", *argv])
        self.since = time.time()


def _user_of(connection: socket.socket) -> int:
    """The user at the other end of a socket. Where the system does not tell, the folder that the
    socket lies in lets nobody else in."""
    if not hasattr(socket, "SO_PEERCRED"):
        return os.getuid()
    told = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
    return int.from_bytes(told[4:8], sys.byteorder)


def _terminal(stream: int) -> str | None:
    try:
        return os.ttyname(stream)
    except OSError:
        return None


def _listening(path: Path) -> socket.socket | None:
    """A socket at a path; None where another process has it."""
    listening = socket.socket(socket.AF_UNIX)
    with contextlib.suppress(OSError):
        listening.bind(str(path))
        path.chmod(0o600)
        return listening
    with socket.socket(socket.AF_UNIX) as other:
        try:
            other.connect(str(path))
        except OSError:
            # It has died.
            path.unlink(missing_ok=True)
            return _listening(path)
    listening.close()
    return None


def main(path: Path) -> None:
    """Be the warm process at `path`, unless there is one."""
    import fcntl  # noqa: PLC0415  not everywhere, as warm processes are not

    modules.load()
    gc.collect()
    gc.freeze()
    os.umask(0o077)
    with path.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        listening = _listening(path)
        if listening is None:
            return
        listening.listen(64)
    _end_older(path)
    Server(path, listening).serve()


def _end_older(path: Path) -> None:
    """End what is warm of an earlier state of this installation, which nothing would ask again."""
    for other in path.parent.glob(f"{installation()}-*"):
        if other.stem != path.stem:
            stop(other)
            other.unlink(missing_ok=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
