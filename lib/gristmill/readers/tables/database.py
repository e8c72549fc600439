"""Tables of a database, read through JDBC: PostgreSQL and SQLite."""

import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from py4j.protocol import Py4JJavaError
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, DataFrameReader, SparkSession
from pyspark.sql import functions as F

from gristmill.errors import InputError, UsageError
from gristmill.model.checks import REASON
from gristmill.model.dataset import Field
from gristmill.model.job import Reader, Reading
from gristmill.readers import local_time
from gristmill.readers.tables.column import TableColumn
from gristmill.readers.tables.files import of_columns
from gristmill.readers.tables.typed import check_zones, typed
from gristmill.readers.text.delimited import CsvColumn, positions
from gristmill.readers.text.lines import BLOCK_START, LINE_NUMBER, RAW, SOURCE_FILE, row_number
from gristmill.spark.jdbc import DRIVERS, database_kind

USER, PASSWORD = "GRISTMILL_DATABASE_USER", "GRISTMILL_DATABASE_PASSWORD"
"""The environment variables that say who reads; a URL is written down with each run."""

_SECRET = re.compile(r"[?&;]\w*(user|password)=|//[^/@]*@", re.IGNORECASE)
_KEY = "_key"
_FETCHED = "10000"  # rows at a time; PostgreSQL's driver would hold all of them


def _sqlite_text(name: str, column: TableColumn) -> str:
    # A double is told from all others by 17 digits; the first 15 of them are those of the decimal
    # that somebody has put into it.
    number = f"printf('%!.{15 if column.digits else 17}g', {name})"
    return f"CASE typeof({name}) WHEN 'real' THEN {number} ELSE {_as_text(name, column)} END"


def _as_text(name: str, _column: TableColumn) -> str:
    return f"CAST({name} AS TEXT)"


@dataclass(frozen=True)
class _Kind:
    """A kind of database: its driver's class, and how it gives a column of a declared type as text,
    without loss."""

    driver: str
    text: Callable[[str, TableColumn], str]


_KINDS = {
    "postgresql": _Kind("org.postgresql.Driver", _as_text),
    "sqlite": _Kind("org.sqlite.JDBC", _sqlite_text),
}


@dataclass(frozen=True)
class DatabaseReader(Reader[object]):
    """A reader that gives a typed row for each row of a table in a database, or rejects it.

    `table` may name its schema, as `shop.orders`. The input is the JDBC URL of the database:
    `jdbc:postgresql://HOST/DATABASE`, or `jdbc:sqlite:/PATH`. Where a `key` is given, a column of
    whole numbers, its range is read in `parts` pieces at the same time; rows that come or change
    meanwhile may be in or not, as these are queries of their own. The run keeps what it read: no
    row is asked for twice.
    """

    columns: tuple[TableColumn, ...]
    table: str
    key: str | None = None
    parts: int = 8

    @property
    def help(self) -> str:
        """What it reads, in a line."""
        return f"the table {self.table} of a database: jdbc:postgresql://… or jdbc:sqlite:/…"

    @property
    def fields(self) -> tuple[Field, ...]:
        """Fields for a dataset that holds these columns."""
        return tuple(column.field for column in self.columns)

    @property
    def rejects(self) -> Mapping[str, str]:
        """Why a row can be rejected, as `amount.not_decimal`."""
        return of_columns(self.columns)

    def read(self, spark: SparkSession, inputs: Sequence[str], _options: object) -> Reading:
        """Rows of the columns, each of its type. Raises `InputError`."""
        check_zones(self.columns, local_time.zones(spark))
        if len(inputs) > 1:
            raise InputError(f"a run reads one database, not {', '.join(inputs)}")
        url = inputs[0]
        kind = _kind_of(url)
        query = _Query(spark, url, kind)
        held = query.names(_quote(*self.table.split(".")))
        where = f"{self.table} in {url}"
        at = positions(held, where, [column.wanted for column in self.columns])
        found = {name: held[place] for name, place in at.items()}
        key = None
        if self.key:
            wanted = CsvColumn(self.key, (self.key,), required=True)
            key = held[positions(held, where, [wanted])[self.key]]
        texts = query.rows(self, found, key)
        return Reading(typed(texts, self.columns), is_live=True)


@dataclass(frozen=True)
class _Query:
    spark: SparkSession
    url: str
    kind: _Kind

    def names(self, table: str) -> list[str]:
        """The columns of a table."""
        return self._load(self._reader("*", f"{table} WHERE 1 = 0")).columns

    def bounds(self, table: str, key: str) -> tuple[int, int] | None:
        """The least and the largest key; None where there is no row."""
        name = _quote(key)
        reader = self._reader(f"min({name}) AS a, max({name}) AS b", table)
        reader = reader.option("customSchema", "a string, b string")
        least, most = self._load(reader).collect()[0]
        try:
            return None if least is None else (int(least), int(most))
        except ValueError as error:
            raise InputError(f"the key {key} is not a whole number: {least!r}, {most!r}") from error

    def rows(self, reader: DatabaseReader, found: Mapping[str, str], key: str | None) -> DataFrame:
        """The rows as text, with the columns of `ORIGIN`, and `REASON`."""
        table = _quote(*reader.table.split("."))
        declared = {column.name: column for column in reader.columns}
        texts = [
            f"{self.kind.text(_quote(at), declared[name])} AS {_quote(name)}"
            for name, at in found.items()
        ]
        names = [f"`{name}` string" for name in found]
        if key:
            texts.append(f"{_quote(key)} AS {_quote(_KEY)}")
            names.append(f"`{_KEY}` bigint")
        read = self._reader(", ".join(texts), table)
        read = read.option("customSchema", ", ".join(names))
        bounds = self.bounds(table, key) if key else None
        if bounds:
            least, most = bounds
            read = read.options(
                partitionColumn=_KEY,
                lowerBound=str(least),
                upperBound=str(most + 1),
                numPartitions=str(max(1, min(reader.parts, most + 1 - least))),
            )
        frame = self._load(read)
        nothing = F.lit(None).cast("string")
        raw = F.to_json(F.struct(*found), {"ignoreNullFields": "false"}).alias(RAW)
        return frame.select(
            raw,
            F.lit(f"{self.url}#{reader.table}").alias(SOURCE_FILE),
            F.spark_partition_id().cast("bigint").alias(BLOCK_START),
            row_number().alias(LINE_NUMBER),
            nothing.alias(REASON),
            *(F.col(name) if name in found else nothing.alias(name) for name in declared),
        )

    def _reader(self, chosen: str, table: str) -> DataFrameReader:
        query = f"(SELECT {chosen} FROM {table}) AS t"  # noqa: S608  names are quoted
        reader = self.spark.read.format("jdbc").options(
            url=self.url, driver=self.kind.driver, dbtable=query, fetchsize=_FETCHED
        )
        for option, name in (("user", USER), ("password", PASSWORD)):
            if os.environ.get(name):
                reader = reader.option(option, os.environ[name])
        return reader

    def _load(self, reader: DataFrameReader) -> DataFrame:
        try:
            return reader.load()
        except (Py4JJavaError, PySparkException) as error:
            if "ClassNotFoundException" in str(error):
                (driver,) = DRIVERS[database_kind(self.url) or ""].coordinates
                raise InputError(
                    f"{self.url} needs the driver {self.kind.driver}, which this Spark has not: "
                    f"--packages {driver} brings it"
                ) from error
            raise InputError(f"cannot read {self.url}: {_why(error)}") from error


def _why(error: Exception) -> str:
    if isinstance(error, Py4JJavaError):
        thrown: Any = error.java_exception
        return str(thrown.getMessage() or thrown).splitlines()[0]
    return str(error).splitlines()[0]


def _kind_of(url: str) -> _Kind:
    """The kind of database at a URL. Raises `InputError` or `UsageError`."""
    name = database_kind(url)
    if name not in _KINDS:
        known = " or ".join(f"jdbc:{name}:…" for name in _KINDS)
        raise InputError(f"{url} is not the JDBC URL of a database that is read: {known}")
    if _SECRET.search(url):
        raise UsageError(
            f"the URL of a database is written down with each run, so who reads is none of it: "
            f"set {USER} and {PASSWORD}"
        )
    if name == "sqlite":
        path = Path(url.removeprefix("jdbc:sqlite:").partition("?")[0])
        if not path.is_absolute() or not path.is_file():
            raise InputError(f"no SQLite database at {path}: give the whole path of the file")
    return _KINDS[name]


def _quote(*names: str) -> str:
    return ".".join('"' + name.replace('"', '""') + '"' for name in names)
