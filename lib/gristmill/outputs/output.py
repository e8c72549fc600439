"""Reading what was published: an output root, and the datasets in it, with whatever you like."""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from os import PathLike, fspath
from typing import TYPE_CHECKING, Any, TypeVar

from gristmill.errors import BusyError, GristmillError, InputError, UsageError
from gristmill.model.report import size
from gristmill.model.schema import DatasetSchema
from gristmill.nearest import nearest
from gristmill.outputs.arrow import arrow_path, arrow_schema
from gristmill.publish import layout
from gristmill.publish.as_of import AsOf, check_kept, state_as_of
from gristmill.publish.locations import open_output
from gristmill.publish.snapshot import settled
from gristmill.publish.state import DatasetState, RootState, read_state
from gristmill.publish.table_format import PARQUET, found_format, newest_metadata
from gristmill.script.console import render
from gristmill.storage import Storage

if TYPE_CHECKING:
    import pyarrow
    import pyarrow.dataset
    from pyspark.sql import DataFrame, SparkSession

T = TypeVar("T")
_TRIES = 5


def open(  # noqa: A001  as gristmill.open is called
    output: str | PathLike[str], as_of: AsOf | None = None
) -> "Output":
    """An output root, to list and read its datasets. Raises `InputError` where it is none.

    `as_of` asks for an earlier state of tables of Iceberg: the number of an entry in its history,
    the id of the run that published it, or a moment, as a `datetime` or in ISO 8601 (without a
    zone: UTC). Raises `UsageError` for plain Parquet, and `InputError` where it is not kept any
    more.
    """
    storage = open_output(fspath(output))
    return Output(storage, None if as_of is None else (as_of, state_as_of(storage, as_of)))


@dataclass(frozen=True)
class Output(Mapping[str, "Table"]):
    """An output root: its datasets by name, each as it is when it is asked for."""

    _storage: Storage
    _earlier: tuple[AsOf, RootState] | None = None

    @property
    def uri(self) -> str:
        """The root as a URI."""
        return self._storage.root

    @property
    def table_format(self) -> str:
        """What it is made of: `parquet`, in folders, or tables of `iceberg`."""
        return found_format(self._storage) or PARQUET

    def table_metadata(self, name: str) -> str:
        """The URI of the file that holds the newest state of a table of Iceberg; empty where it
        has none, as in plain Parquet."""
        return newest_metadata(self._storage, name)

    def __getitem__(self, name: str) -> "Table":
        known = self._datasets()
        if name not in known:
            raise InputError(f"{self.uri} has no dataset {name!r}: {nearest(name, known)}")
        if self._earlier is None:
            return Table(self._storage, name, _state(self._storage, name))
        when = self._earlier[0]
        check_kept(self._storage, name, known[name], when)
        return Table(self._storage, name, known[name], when)

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self._datasets()))

    def __len__(self) -> int:
        return len(self._datasets())

    def __contains__(self, name: object) -> bool:
        return name in self._datasets()

    def _datasets(self) -> Mapping[str, DatasetState]:
        return self._earlier[1].datasets if self._earlier else read_state(self._storage).datasets

    def __repr__(self) -> str:
        return "\n".join([f"output {self.uri}", *render(*self._table())])

    def _repr_html_(self) -> str:
        return f"<p><b>output {escape(self.uri)}</b></p>" + _html(*self._table())

    def _table(self) -> tuple[Sequence[str], list[tuple[str, ...]]]:
        heading = ("dataset", "rows", "partitions", "files", "bytes", "last run")
        return heading, [self[name]._summary() for name in self]


@dataclass(frozen=True, repr=False)
class Table:
    """A dataset in the state in which it was asked for: no publish is half done in it.

    What reads at once (`arrow`, `pandas`, `polars`) reads that state or, where a later publish
    has taken files of it away, a later one, whole. What reads later (`spark`, `duckdb`, `dataset`)
    fails then, and has to be asked for again. An earlier state, which was asked for by `as_of`, is
    read as it is or not at all.
    """

    _storage: Storage
    name: str
    _state: DatasetState
    _as_of: AsOf | None = None

    @property
    def uri(self) -> str:
        """Its folder as a URI."""
        return f"{self._storage.root}/{self.name}"

    @property
    def rows(self) -> int:
        """How many rows it has."""
        return sum(file.rows for file in self._state.files.values())

    @property
    def bytes(self) -> int:
        """How many bytes of Parquet it has."""
        return sum(file.bytes for file in self._state.files.values())

    @property
    def files(self) -> tuple[str, ...]:
        """The URIs of its files."""
        return tuple(f"{self.uri}/{path}" for path in sorted(self._state.files))

    @property
    def partitions(self) -> tuple[str, ...]:
        """The folders of its partitions, such as `date=2026-11-27`."""
        return tuple(sorted({layout.partition(path) for path in self._state.files}))

    @property
    def partition_rows(self) -> dict[str, int]:
        """How many rows each of its partitions has."""
        found: dict[str, int] = {}
        for path, file in self._state.files.items():
            folder = layout.partition(path)
            found[folder] = found.get(folder, 0) + file.rows
        return found

    def run_of(self, file: str) -> str | None:
        """The id of the run that published a file, by its path, whatever that begins with."""
        parts = file.split("/")
        found = (self._state.files.get("/".join(parts[at:])) for at in range(len(parts)))
        return next((one.run for one in found if one is not None), None)

    @property
    def last_run(self) -> str | None:
        """The id of the newest run that has files in it."""
        return max((file.run for file in self._state.files.values()), default=None)

    @property
    def schema(self) -> "pyarrow.Schema":
        """Its columns, with those that it is partitioned by."""
        return arrow_schema(self._state.schema.fields)

    @property
    def dataset_schema(self) -> DatasetSchema:
        """Its columns, types and partitions, as the output remembers them."""
        return self._state.schema

    def dataset(self) -> "pyarrow.dataset.Dataset":
        """It as a dataset of Arrow, of which nothing is read yet."""
        import pyarrow.dataset as arrow  # noqa: PLC0415  slow to load

        by = arrow_schema([one for one in self._state.schema.fields if one[0] in self._by])
        filesystem, base = arrow_path(self._storage, self.name)
        return arrow.dataset(
            [f"{base}/{path}" for path in sorted(self._state.files)],
            schema=self.schema,
            format="parquet",
            filesystem=filesystem,
            partitioning=arrow.HivePartitioning(by, segment_encoding="uri"),
            partition_base_dir=base,
        )

    def file_columns(self) -> list[tuple[str, ...]]:
        """The columns that each of its files has, in their order; one from before may lack some."""
        return [tuple(one.physical_schema.names) for one in self.dataset().get_fragments()]

    def arrow(
        self,
        columns: Sequence[str] | None = None,
        where: "pyarrow.dataset.Expression | None" = None,
    ) -> "pyarrow.Table":
        """Its rows as a table of Arrow: those `columns`, and those rows `where` that holds."""
        if unknown := set(columns or ()) - set(self.schema.names):
            told = "; ".join(f"{one}: {nearest(one, self.schema.names)}" for one in sorted(unknown))
            raise UsageError(f"{self.name} has no column {told}")
        found = self
        for _ in range(_TRIES):
            with contextlib.suppress(FileNotFoundError):
                chosen = list(columns) if columns is not None else None
                return found.dataset().to_table(columns=chosen, filter=where)
            if self._as_of is not None:
                check_kept(self._storage, self.name, self._state, self._as_of)
            found = Table(self._storage, self.name, _state(self._storage, self.name))
        raise BusyError(f"{self.uri} is being written all the time: read it again later")

    def pandas(self, columns: Sequence[str] | None = None, where: Any = None) -> Any:
        """Its rows as a pandas DataFrame."""
        return self.arrow(columns, where).to_pandas()

    def polars(self, columns: Sequence[str] | None = None, where: Any = None) -> Any:
        """Its rows as a Polars DataFrame. Raises `GristmillError` where Polars is not installed."""
        polars = installed("polars")
        return polars.from_arrow(self.arrow(columns, where))

    def duckdb(self, connection: Any = None) -> Any:
        """It as a relation of DuckDB. Raises `GristmillError` where DuckDB is not installed."""
        duckdb = installed("duckdb")
        return (connection or duckdb.default_connection()).from_arrow(self.dataset())

    def spark(self, session: "SparkSession | None" = None) -> "DataFrame":
        """It as a frame of Spark, in a session of the caller's or the one that runs."""
        from pyspark.sql import SparkSession  # noqa: PLC0415  slow to load

        from gristmill.readers.files import rows_of  # noqa: PLC0415

        running = session or SparkSession.getActiveSession()
        if running is None:
            raise UsageError("no session of Spark runs in this thread: give one, .spark(session)")
        fields = self._state.schema.fields
        ddl = ", ".join(f"`{name}` {kind}" for name, kind in fields)
        if not self._state.files:
            return running.createDataFrame([], ddl)
        return rows_of(running, ddl, self.uri, sorted(self._state.files))

    @property
    def _by(self) -> tuple[str, ...]:
        return self._state.schema.partitioned_by

    def _summary(self) -> tuple[str, ...]:
        counts = (self.rows, len(self.partitions), len(self.files))
        numbers = (f"{count:,}" for count in counts)
        return (self.name, *numbers, size(self.bytes), self.last_run or "-")

    def __repr__(self) -> str:
        name, rows, partitions, files, held, run = self._summary()
        heading = f"{name}: {rows} rows, {partitions} partitions, {files} files, {held}, last {run}"
        return "\n".join([heading, *render(("column", "type", ""), self._columns())])

    def _repr_html_(self) -> str:
        heading, *_ = repr(self).splitlines()
        return f"<p><b>{escape(heading)}</b></p>" + _html(("column", "type", ""), self._columns())

    def _columns(self) -> list[tuple[str, ...]]:
        return [
            (name, kind, "partition" if name in self._by else "")
            for name, kind in self._state.schema.fields
        ]


def _state(storage: Storage, name: str) -> DatasetState:
    return settled(storage, name, lambda: read_state(storage).datasets[name])


def installed(name: str) -> Any:
    """A library that not everybody has. Raises `GristmillError` where it is not there."""
    import importlib  # noqa: PLC0415

    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        raise GristmillError(f"{name} is not installed: pip install {name}") from error


def _html(heading: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    head = "".join(f"<th>{escape(name)}</th>" for name in heading)
    body = "".join(
        "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows
    )
    return f"<table><tr>{head}</tr>{body}</table>"
