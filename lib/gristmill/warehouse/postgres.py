"""A dataset loaded into PostgreSQL: in one transaction, what changed, however often it is run.

The target remembers which files of the dataset its rows are of, and up to which entry of the
output's log. A file never changes once it is published, so what has to go are the rows of files
that are gone, and what has to come are those of new ones. A crash leaves the transaction undone.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from gristmill.errors import BusyError, DamagedError, GristmillError, UsageError
from gristmill.failpoints import point
from gristmill.model.schema import DatasetSchema
from gristmill.outputs.output import Table, installed
from gristmill.publish.state import DatasetState, read_state
from gristmill.storage import Storage
from gristmill.warehouse.columns import FILE, copied, postgres_type

if TYPE_CHECKING:
    from psycopg import Cursor

_TRIES = 5
_LONGEST_NAME = 63  # bytes: PostgreSQL cuts off the rest
_LOADS, _FILES = "gristmill_loads", "gristmill_files"


@dataclass(frozen=True)
class Loaded:
    """What a load has done: the `table`, up to which entry of the log it holds the dataset now, and
    what came and went, in files and rows."""

    dataset: str
    table: str
    log_number: int
    files_added: int = 0
    rows_added: int = 0
    files_removed: int = 0
    rows_removed: int = 0


@dataclass(frozen=True)
class Target:
    """A table: its schema and its name."""

    schema: str
    name: str

    @staticmethod
    def of(text: str) -> "Target":
        """`NAME` or `SCHEMA.NAME`. Raises `UsageError`."""
        schema, _, name = text.rpartition(".")
        found = Target(schema or "public", name)
        for one in (found.schema, found.name):
            if not one or "." in one or len(one.encode()) > _LONGEST_NAME:
                raise UsageError(f"{text!r} names no table: NAME or SCHEMA.NAME, 63 bytes each")
        return found

    def __str__(self) -> str:
        return f"{self.schema}.{self.name}"


def load(
    storage: Storage, dataset: str, uri: str, target: Target, tell: Callable[[str], None]
) -> Loaded:
    """Have a table hold what a dataset holds now; gives what that took.

    Raises `UsageError` where the table is another's or has other columns, `GristmillError` where
    PostgreSQL refuses, and then all is as it was.
    """
    psycopg = installed("psycopg")
    for _ in range(_TRIES):
        state = read_state(storage)
        if dataset not in state.datasets:
            raise UsageError(f"{storage.root} has no dataset {dataset}")
        work = _Load(storage, state.number, state.datasets[dataset], target)
        try:
            with psycopg.connect(uri) as connection, connection.cursor() as cursor:
                found = work.run(cursor, tell)
                point("load.committing")
        except psycopg.Error as error:
            said = str(error).strip().partition("\n")[0]
            raise GristmillError(f"PostgreSQL: {said or type(error).__name__}") from error
        except FileNotFoundError:
            # A publish took it away: what is there now is to be loaded.
            continue
        return found
    raise BusyError(f"{storage.root} is being written all the time: load it again later")


class _Load:
    """A load, inside its transaction."""

    def __init__(self, storage: Storage, number: int, state: DatasetState, target: Target) -> None:
        sql = installed("psycopg.sql")
        self._sql = sql
        self._storage = storage
        self._number = number
        self._state = state
        self._target = target
        self._table = sql.Identifier(target.schema, target.name)
        self._loads = sql.Identifier(target.schema, _LOADS)
        self._files = sql.Identifier(target.schema, _FILES)

    @property
    def _schema(self) -> DatasetSchema:
        return self._state.schema

    def run(self, cursor: "Cursor[Any]", tell: Callable[[str], None]) -> Loaded:
        """Do it."""
        self._begin(cursor)
        done = Loaded(self._schema.name, str(self._target), self._number)
        there_is = bool(self._columns(cursor))
        if self._up_to(cursor) == self._number and there_is:
            return done
        self._make(cursor)
        there = self._loaded_files(cursor)
        now = self._state.files
        gone = [number for path, (number, _) in there.items() if path not in now]
        new = sorted(now.keys() - there.keys())
        removed = self._remove(cursor, gone)
        rows = 0
        for place, path in enumerate(new, start=1):
            tell(f"loading {place:,} of {len(new):,} files")
            rows += self._add(cursor, path)
        self._remember(cursor)
        return replace(
            done,
            files_added=len(new),
            rows_added=rows,
            files_removed=len(gone),
            rows_removed=removed,
        )

    def _do(self, cursor: "Cursor[Any]", text: str, *values: object) -> None:
        point("load.statement")
        named = {"table": self._table, "loads": self._loads, "files": self._files}
        cursor.execute(self._sql.SQL(text).format(**named), values or None)

    def _begin(self, cursor: "Cursor[Any]") -> None:
        # Two that load into one schema do so one after the other.
        self._do(
            cursor,
            "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))",
            f"gristmill {self._target.schema}",
        )
        self._do(
            cursor,
            "CREATE TABLE IF NOT EXISTS {loads} (table_name text PRIMARY KEY, output text NOT NULL,"
            " dataset text NOT NULL, log_number bigint NOT NULL, loaded timestamptz NOT NULL)",
        )
        self._do(
            cursor,
            "CREATE TABLE IF NOT EXISTS {files} (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY "
            "KEY, table_name text NOT NULL, path text NOT NULL, rows bigint NOT NULL,"
            " UNIQUE (table_name, path))",
        )

    def _up_to(self, cursor: "Cursor[Any]") -> int | None:
        """Up to which entry of the log the table holds the dataset; None where it holds nothing.

        Raises `UsageError` where it holds another, `BusyError` where it is ahead.
        """
        self._do(
            cursor,
            "SELECT output, dataset, log_number FROM {loads} WHERE table_name = %s",
            self._target.name,
        )
        found = cursor.fetchone()
        if found is None:
            return None
        output, dataset, number = found
        if (output, dataset) != (self._storage.root, self._schema.name):
            raise UsageError(
                f"{self._target} holds {dataset} of {output}: --table names another one"
            )
        if number > self._number:
            raise BusyError(f"{self._target} was loaded up to a later publish meanwhile")
        return int(number)

    def _make(self, cursor: "Cursor[Any]") -> None:
        """Make the table, or see that it is the dataset's, and add columns that have come."""
        wanted = {FILE: "bigint"} | {name: postgres_type(t) for name, t in self._schema.fields}
        if long := [name for name in wanted if len(name.encode()) > _LONGEST_NAME]:
            raise UsageError(f"column {long[0]} has a name that PostgreSQL would cut off")
        there = self._columns(cursor)
        if not there:
            columns = ", ".join(f"{{}} {kind}" for kind in wanted.values())
            names = list(map(self._sql.Identifier, wanted))
            self._make_by(cursor, f"CREATE TABLE {{table}} ({columns})", names)
            self._make_by(cursor, "CREATE INDEX ON {table} ({})", [self._sql.Identifier(FILE)])
            # Somebody may have dropped the table that they were of.
            self._do(cursor, "DELETE FROM {files} WHERE table_name = %s", self._target.name)
            return
        if FILE not in there:
            raise UsageError(
                f"{self._target} is a table of somebody else's: --table names another one"
            )
        wrong = [
            f"{name} is {there[name]} and not {kind}"
            for name, kind in wanted.items()
            if there.get(name, kind) != kind
        ]
        if wrong:
            raise UsageError(
                f"{self._target} has other columns than {self._schema.name}: {'; '.join(wrong)}"
            )
        for name in wanted.keys() - there.keys():
            text = f"ALTER TABLE {{table}} ADD COLUMN {{}} {wanted[name]}"
            self._make_by(cursor, text, [self._sql.Identifier(name)])

    def _make_by(self, cursor: "Cursor[Any]", text: str, names: Sequence[Any]) -> None:
        point("load.statement")
        cursor.execute(self._sql.SQL(text).format(*names, table=self._table))

    def _columns(self, cursor: "Cursor[Any]") -> Mapping[str, str]:
        """The columns that the table has, with their types; none where there is no table."""
        self._do(
            cursor,
            "SELECT a.attname, format_type(a.atttypid, a.atttypmod) FROM pg_attribute a"
            " JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace"
            " WHERE n.nspname = %s AND c.relname = %s AND a.attnum > 0 AND NOT a.attisdropped",
            self._target.schema,
            self._target.name,
        )
        return dict(cursor.fetchall())

    def _loaded_files(self, cursor: "Cursor[Any]") -> Mapping[str, tuple[int, int]]:
        """The files whose rows the table has: the number and the rows of each."""
        self._do(
            cursor,
            "SELECT path, id, rows FROM {files} WHERE table_name = %s",
            self._target.name,
        )
        return {path: (number, rows) for path, number, rows in cursor.fetchall()}

    def _remove(self, cursor: "Cursor[Any]", gone: list[int]) -> int:
        if not gone:
            return 0
        self._do(cursor, "DELETE FROM {table} WHERE gristmill_file = ANY(%s)", gone)
        rows = cursor.rowcount
        self._do(cursor, "DELETE FROM {files} WHERE id = ANY(%s)", gone)
        return rows

    def _add(self, cursor: "Cursor[Any]", path: str) -> int:
        """Load the rows of a file. Raises `DamagedError` where it has not as many as it should."""
        promised = self._state.files[path].rows
        self._do(
            cursor,
            "INSERT INTO {files} (table_name, path, rows) VALUES (%s, %s, %s) RETURNING id",
            *(self._target.name, path, promised),
        )
        returned = cursor.fetchone()
        number = int(returned[0]) if returned else 0
        only = replace(self._state, files={path: self._state.files[path]})
        rows = Table(self._storage, self._schema.name, only).dataset()
        names = [self._sql.Identifier(name) for name in (FILE, *rows.schema.names)]
        listed = self._sql.SQL(", ").join(names)
        text = "COPY {table} ({names}) FROM STDIN (FORMAT csv)"
        point("load.statement")
        statement = self._sql.SQL(text).format(table=self._table, names=listed)
        with cursor.copy(statement) as copy:
            for data in copied(rows.to_batches(), number):
                copy.write(data)
        if cursor.rowcount != promised:
            raise DamagedError(
                f"{path} has {cursor.rowcount:,} rows and was published with {promised:,}: "
                "gristmill verify looks through the output"
            )
        return promised

    def _remember(self, cursor: "Cursor[Any]") -> None:
        self._do(
            cursor,
            "INSERT INTO {loads} VALUES (%s, %s, %s, %s, now()) ON CONFLICT (table_name) DO UPDATE"
            " SET log_number = EXCLUDED.log_number, loaded = EXCLUDED.loaded",
            *(self._target.name, self._storage.root, self._schema.name, self._number),
        )
