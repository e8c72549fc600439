"""Questions in SQL, answered by DuckDB over the datasets of an output: each is a table."""

from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar

from gristmill.ddl.dialects import Described, duckdb_columns, duckdb_comments
from gristmill.errors import BusyError, GristmillError, UsageError
from gristmill.nearest import near
from gristmill.outputs.output import Output, Table, installed

if TYPE_CHECKING:
    from gristmill.model.dataset import Dataset

T = TypeVar("T")
_TRIES = 5
_BATCH = 65_536
_UNKNOWN: "Mapping[str, Dataset]" = {}


class Questions:
    """Answers questions over datasets in the state in which they were opened. Times are UTC.

    Each is the view that `gristmill ddl` has of it, over the files of that state alone. `known` are
    the datasets whose descriptions the views carry as comments.

    Raises `FileNotFoundError` where a publish has taken files away since.
    """

    def __init__(self, tables: Mapping[str, Table], known: "Mapping[str, Dataset]") -> None:
        self._duckdb = installed("duckdb")
        self._names = list(tables)
        self._connection = self._duckdb.connect()
        self._connection.execute("SET TimeZone = 'UTC'")
        for name, table in tables.items():
            self._view(name, table, known.get(name))

    def _view(self, name: str, table: Table, known: "Dataset | None") -> None:
        said, comments = (known.help, known.comments) if known else ("", {})
        found = Described(table.dataset_schema, table.uri, help=said, comments=comments)
        rows = self._connection.from_arrow(table.dataset())
        rows.project(", ".join(duckdb_columns(found))).create_view(name)
        for statement in duckdb_comments(found, f'"{name}"'):
            self._connection.execute(statement)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self._connection.close()

    def reader(self, statement: str) -> Any:
        """The rows of a statement, as a reader of Arrow. Raises `UsageError` for what is none that
        gives rows."""
        try:
            statements = self._connection.extract_statements(statement)
            if len(statements) != 1 or statements[0].type.name not in {"SELECT", "EXPLAIN"}:
                raise UsageError("ask with one SELECT: nothing else gives rows")
            return self._connection.sql(statement).to_arrow_reader(_BATCH)
        except self._duckdb.Error as error:
            raise self.explained(error) from error

    def rows(self, statement: str) -> list[dict[str, Any]]:
        """The rows of a statement."""
        found: list[dict[str, Any]] = self.reader(statement).read_all().to_pylist()
        return found

    def explained(self, error: Exception) -> Exception:
        """An error of DuckDB, with what there is."""
        if "No such file" in str(error) or "FileNotFoundError" in str(error):
            return FileNotFoundError(str(error))
        return UsageError(_said(str(error), self._names))


def asked(found: Output, statement: str, read: Callable[[Any], T]) -> T:
    """Answer one question, again where a publish took files away meanwhile. `read` is given a
    reader of Arrow. Raises `UsageError`, `BusyError`."""

    def answered(questions: Questions) -> T:
        reader = questions.reader(statement)
        try:
            return read(reader)
        except OSError:
            raise
        except Exception as error:
            if type(error).__module__.startswith(("duckdb", "_duckdb", "pyarrow")):
                raise questions.explained(error) from error
            raise

    # To find the jobs takes a second, and only who asks for comments sees any.
    asks = "comment" in statement.casefold()
    return consistently(found, answered, _described() if asks else _UNKNOWN)


def consistently(
    found: Output, ask: Callable[[Questions], T], known: "Mapping[str, Dataset]" = _UNKNOWN
) -> T:
    """Ask questions of one state of an output; all again where a publish took files of it away.
    Raises `BusyError` where that goes on and on."""
    for _ in range(_TRIES):
        try:
            with Questions({name: found[name] for name in found}, known) as questions:
                return ask(questions)
        except FileNotFoundError:
            continue
    raise BusyError(f"{found.uri} is being written all the time: ask again later")


def _described() -> "Mapping[str, Dataset]":
    from gristmill.catalogue import known_datasets  # noqa: PLC0415  slow to load

    try:
        return known_datasets()
    except GristmillError:
        # An answer without comments is better than none.
        return _UNKNOWN


def _said(text: str, names: Sequence[str]) -> str:
    first = text.partition("\n\nLINE")[0]
    if "Table with name" in first:
        missing = first.partition("Table with name ")[2].partition(" ")[0]
        there = ", ".join(names) or "none yet"
        return f"no dataset {missing}{near(missing, names)}; there are: {there}"
    return text
