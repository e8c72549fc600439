"""The database of a ledger: opened, brought up to date, and one transaction at a time."""

import contextlib
import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError

from gristmill.errors import GristmillError, OutputError, UsageError
from gristmill.manager.ledger.schema import bring_up_to_date
from gristmill.project import Project

URL = "GRISTMILL_LEDGER"
"""The environment variable that names the database, as SQLAlchemy writes it."""

# Their locks do not hold on every client (https://www.sqlite.org/faq.html#q5).
_NETWORKED = {"nfs", "nfs4", "cifs", "smb3", "smbfs", "fuse.sshfs", "9p", "efs", "afs", "ceph"}
_PATIENCE_MS = 30_000


class UnreachableError(GristmillError):
    """The database does not answer for now; nothing is lost by trying again."""

    retryable = True


Row = dict[str, Any]
"""A row, by the names of its columns."""


def _row(found: sa.RowMapping) -> Row:
    return {str(name): value for name, value in found.items()}


@dataclass(frozen=True)
class Transaction:
    """One transaction. `now` is the database's clock at its start, seconds since 1970, UTC."""

    connection: sa.Connection
    now: float

    @property
    def is_postgresql(self) -> bool:
        """Whether several may be under way at once; those of SQLite that write never are."""
        return self.connection.dialect.name == "postgresql"

    def all(self, statement: sa.Executable) -> list[Row]:
        """All rows of a query, or those that a statement returns."""
        return [_row(found) for found in self.connection.execute(statement).mappings()]

    def one(self, statement: sa.Executable) -> Row | None:
        """The first row, if there is one."""
        found = self.connection.execute(statement).mappings().first()
        return None if found is None else _row(found)

    def insert(self, table: sa.Table) -> "postgresql.Insert | sqlite.Insert":
        """An insert that may say what to do where the row is there already."""
        return postgresql.insert(table) if self.is_postgresql else sqlite.insert(table)

    def many(self, statement: sa.Executable, rows: Sequence[Row]) -> None:
        """Do it for each of several rows; nothing where there are none."""
        if rows:
            self.connection.execute(statement, list(rows))

    def run(self, statement: sa.Executable) -> int:
        """Do it; gives how many rows it was about."""
        return self.connection.execute(statement).rowcount


class Ledger:
    """A ledger that is open. `clock` stands in for the database's, in tests."""

    def __init__(self, engine: sa.Engine, clock: Callable[[], float] | None = None) -> None:
        self.engine = engine
        self._clock = clock

    @contextlib.contextmanager
    def begin(self) -> Iterator[Transaction]:
        """A transaction, which is committed at its end, or leaves nothing.

        Raises `UnreachableError` where the database does not answer.
        """
        with _reached(self.engine.url), self.engine.begin() as connection:
            yield Transaction(connection, self._now(connection))

    @contextlib.contextmanager
    def look(self) -> Iterator[Transaction]:
        """A transaction that only reads, and that no writer waits for. Raises as `begin` does."""
        with _reached(self.engine.url), self.engine.connect() as opened:
            connection = opened.execution_options(gristmill_reads=True)
            with connection.begin():
                yield Transaction(connection, self._now(connection))

    def close(self) -> None:
        """Let go of its connections."""
        self.engine.dispose()

    def _now(self, connection: sa.Connection) -> float:
        if self._clock is not None:
            return self._clock()
        if connection.dialect.name == "postgresql":
            # One clock for all machines.
            asked = "SELECT extract(epoch FROM clock_timestamp())::float8"
            return float(connection.exec_driver_sql(asked).scalar_one())
        return time.time()


def default_url(start: Path | None = None) -> str:
    """Where the ledger is: $GRISTMILL_LEDGER, else a file of the project, else of the user."""
    if url := os.environ.get(URL):
        return url
    project = Project.find(start).file
    if project is not None:
        return f"sqlite:///{project.parent / '.gristmill' / 'ledger.db'}"
    home = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share")
    return f"sqlite:///{home / 'gristmill' / 'ledger.db'}"


def open_ledger(url: str | None = None, clock: Callable[[], float] | None = None) -> Ledger:
    """Open a ledger, which is made or brought up to date where that is needed.

    Raises `UsageError` for a URL that is none of SQLite or PostgreSQL, or a file on a network's
    file system; `OutputError` for a place that cannot be written; `UnreachableError`.
    """
    asked = url or default_url()
    try:
        made = sa.make_url(asked)
    except ArgumentError as error:
        raise UsageError(_how(asked)) from error
    if made.drivername in {"postgresql", "postgres"}:
        made = made.set(drivername="postgresql+psycopg")
    if made.drivername == "sqlite":
        engine = _sqlite(made)
    elif made.drivername == "postgresql+psycopg":
        try:
            engine = sa.create_engine(made, pool_pre_ping=True, pool_size=2, max_overflow=8)
        except (NoSuchModuleError, ModuleNotFoundError) as error:
            raise UsageError(f"PostgreSQL needs psycopg: pip install psycopg ({error})") from error
    else:
        raise UsageError(_how(asked))
    try:
        with _reached(made):
            bring_up_to_date(engine)
    except BaseException:
        engine.dispose()
        raise
    return Ledger(engine, clock)


def _how(url: str) -> str:
    shown = url if "@" not in url else "it"
    return (
        f"{shown} names no ledger: sqlite:///FILE, or postgresql://USER@HOST/DATABASE, "
        f"by --ledger or {URL}"
    )


def _sqlite(url: sa.URL) -> sa.Engine:
    if not url.database or url.database == ":memory:":
        raise UsageError("a ledger in memory would be lost: name a file, sqlite:///FILE")
    file = Path(url.database).absolute()
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"cannot make {file.parent}: {error.strerror}") from error
    if kind := networked(file.parent):
        raise UsageError(
            f"{file.parent} is on {kind}, where locks do not hold and SQLite loses data: name a "
            f"file on this machine's disk, or a PostgreSQL, by --ledger or {URL}"
        )
    engine = sa.create_engine(url.set(database=str(file)), connect_args={"timeout": 30})

    @event.listens_for(engine, "connect")
    def _connected(connection: object, _record: object) -> None:
        # Transactions begin as `_begun` says, not as Python's module would.
        connection.isolation_level = None  # type: ignore[attr-defined]
        cursor = connection.cursor()  # type: ignore[attr-defined]
        cursor.execute(f"PRAGMA busy_timeout = {_PATIENCE_MS}")
        cursor.execute("PRAGMA journal_mode = WAL")
        # What was accepted is there after the power has failed, too.
        cursor.execute("PRAGMA synchronous = FULL")
        cursor.execute("PRAGMA foreign_keys = ON")
        cursor.close()

    @event.listens_for(engine, "begin")
    def _begun(connection: sa.Connection) -> None:
        # A transaction that reads first and writes then would fail where another has written.
        reads = connection.get_execution_options().get("gristmill_reads")
        connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")

    return engine


def networked(folder: Path, mounts: Path = Path("/proc/self/mounts")) -> str | None:
    """The network's file system that a folder is on; None where it is on none, or none tells."""
    try:
        lines = mounts.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return None
    real = folder.resolve()
    best, kind = -1, ""
    for line in lines:
        words = line.split(" ")
        point = Path(words[1].encode().decode("unicode_escape"))
        if real.is_relative_to(point) and len(point.parts) > best:
            best, kind = len(point.parts), words[2]
    return kind if kind in _NETWORKED else None


@contextlib.contextmanager
def _reached(url: sa.URL) -> Iterator[None]:
    try:
        yield
    except DBAPIError as error:
        if isinstance(error, sa.exc.OperationalError | sa.exc.InterfaceError) or (
            error.connection_invalidated
        ):
            where = url.render_as_string(hide_password=True)
            said = str(error.orig).strip().splitlines()
            raise UnreachableError(
                f"the ledger {where} does not answer: {said[0] if said else 'no reason given'}"
            ) from error
        raise
