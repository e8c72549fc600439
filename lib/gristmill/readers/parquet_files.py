"""Parquet files: those with the same columns together, and their cells as text."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from py4j.protocol import Py4JJavaError
from pyspark.errors import PySparkException
from pyspark.sql import Column, DataFrame, DataFrameReader, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import StructField, StructType

from gristmill.errors import InputError
from gristmill.readers.text.lines import (
    BLOCK_START,
    LINE_NUMBER,
    RAW,
    SOURCE_FILE,
    literal,
    source_file,
)
from gristmill.storage.footers import footer_reader
from gristmill.storage.hadoop import path_of

CELLS = "_cells"
"""The column that holds the cells of a row, a struct of strings."""

_AT_ONCE = 16
_EXACT = 2**53  # up to here a double means one whole number
_LEAST_NANOS = 10**17  # of 1973; as milliseconds or microseconds it would be long after us


def alike(spark: SparkSession, files: Sequence[str]) -> Iterator[tuple[DataFrame, str]]:
    """The rows of files that declare the same columns, and one of the files.

    Files are never merged into one with all of their columns: a column that one of them lacks
    would be null there without a word. Raises `InputError` for columns that Spark does not read.
    """
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        kinds = list(pool.map(_declared(spark), files))
    by_kind: dict[str, list[str]] = defaultdict(list)
    for file, kind in zip(files, kinds, strict=True):
        by_kind[kind].append(file)
    for some in by_kind.values():
        schema = _schema(spark, some[0])
        yield _reader(spark).schema(schema).parquet(*map(literal, some)), some[0]


def _declared(spark: SparkSession) -> Callable[[str], str]:
    """What gives the columns that a file declares, for which Spark would take a job."""
    read = footer_reader(spark)

    def declared(file: str) -> str:
        try:
            return read(path_of(spark._jvm, file)).columns
        except Py4JJavaError as error:
            thrown: Any = error.java_exception
            why = str(thrown.getMessage()).splitlines()[0]
            raise InputError(f"{file} cannot be read as Parquet: {why}") from error

    return declared


def _reader(spark: SparkSession) -> DataFrameReader:
    # Looked up recursively, folders such as `year=2026` add no columns.
    return spark.read.option("recursiveFileLookup", value=True)


def _schema(spark: SparkSession, file: str) -> StructType:
    try:
        return _reader(spark).parquet(literal(file)).schema
    except PySparkException as error:
        why = str(error).splitlines()[0]
        raise InputError(f"{file} has columns that cannot be read: {why}") from error


def as_text(read: DataFrame, is_time: Callable[[str], bool]) -> DataFrame:
    """Rows with the columns of `text.lines.ORIGIN`, and `CELLS`: each cell as text.

    So a number is a decimal of the digits it is written with, like any other. `is_time` says of a
    column, by name, whether it holds times.
    """
    texts = [text_of(field, is_time).alias(field.name) for field in read.schema.fields]
    return read.select(*origin(), F.struct(*texts).alias(CELLS))


def origin() -> list[Column]:
    """The columns of `text.lines.ORIGIN` of rows that are read from Parquet files."""
    return [
        F.to_json(F.struct("*")).alias(RAW),
        source_file().alias(SOURCE_FILE),
        F.lit(0).cast("bigint").alias(BLOCK_START),
        (F.col("_metadata.row_index") + 1).alias(LINE_NUMBER),
    ]


def columns(read: DataFrame) -> Mapping[str, Column]:
    """The cells of the rows that `as_text` gives, by name."""
    return {name: F.col(f"{CELLS}.{quoted(name)}") for name in read.columns}


def text_of(field: StructField, is_time: Callable[[str], bool]) -> Column:
    """The cells of a column as text: numbers as their digits, times as ISO 8601 has them, others
    as JSON. `is_time` as in `as_text`."""
    column = F.col(quoted(field.name))
    kind = field.dataType.typeName()
    if kind in ("map", "struct", "array"):
        return F.to_json(column)
    if kind == "long" and is_time(field.name):
        # Nanoseconds, as pandas writes times, come as the whole numbers that they are.
        time = F.timestamp_micros(F.call_function("div", column, F.lit(1000))).cast("string")
        return F.when(column >= _LEAST_NANOS, time).otherwise(column.cast("string"))
    if kind in ("float", "double"):
        # An account id of which something has made a number is not to be 1.23456789012E11.
        whole = column.try_cast("bigint")
        is_whole = (whole.cast("double") == column) & (F.abs(whole) <= _EXACT)
        return F.when(is_whole, whole.cast("string")).otherwise(column.cast("string"))
    return column.cast("string")


def quoted(name: str) -> str:
    """A name as Spark takes it where it may have dots in it."""
    return "`" + name.replace("`", "``") + "`"
