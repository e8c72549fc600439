"""Questions in SQL, answered by DuckDB over the datasets of an output: each is a table."""

from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Any, Self, TypeVar

from gristmill.api.output import Output, Table, installed
from gristmill.errors import BusyError, UsageError
from gristmill.nearest import near

T = TypeVar("T")
_TRIES = 5
_BATCH = 65_536


class Questions:
    """Answers questions over datasets in the state in which they were opened. Times are UTC.

    Raises `FileNotFoundError` where a publish has taken files away since.
    """

    def __init__(self, tables: Mapping[str, Table]) -> None:
        self._duckdb = installed("duckdb")
        self._names = list(tables)
        self._connection = self._duckdb.connect()
        self._connection.execute("SET TimeZone = 'UTC'")
        for name in tables:
            self._connection.register(name, tables[name].dataset())

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

    return consistently(found, answered)


def consistently(found: Output, ask: Callable[[Questions], T]) -> T:
    """Ask questions of one state of an output; all again where a publish took files of it away.
    Raises `BusyError` where that goes on and on."""
    for _ in range(_TRIES):
        try:
            with Questions({name: found[name] for name in found}) as questions:
                return ask(questions)
        except FileNotFoundError:
            continue
    raise BusyError(f"{found.uri} is being written all the time: ask again later")


def _said(text: str, names: Sequence[str]) -> str:
    first = text.partition("\n\nLINE")[0]
    if "Table with name" in first:
        missing = first.partition("Table with name ")[2].partition(" ")[0]
        there = ", ".join(names) or "none yet"
        return f"no dataset {missing}{near(missing, names)}; there are: {there}"
    return text
