"""Parquet files as tables: by the name and type of each column, whatever type it has there."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import StructField

from gristmill.model.checks import REASON
from gristmill.readers.parquet_files import alike, origin, quoted, text_of
from gristmill.readers.tables.column import TableColumn
from gristmill.readers.tables.typed import typed
from gristmill.readers.text.delimited import positions


@dataclass(frozen=True)
class Rows:
    """Typed rows, and the columns that some of the files have and nobody asked for."""

    frame: DataFrame
    unused: tuple[str, ...]


def rows(spark: SparkSession, files: Sequence[str], columns: Sequence[TableColumn]) -> Rows:
    """The rows of files, each of which has all columns that are required.

    Raises `InputError`, naming all that are missing or there twice.
    """
    frames, unused = [], dict[str, None]()
    for read, file in alike(spark, files):
        at = positions(read.columns, file, [column.wanted for column in columns])
        fields = {name: read.schema.fields[place] for name, place in at.items()}
        used = {field.name for field in fields.values()}
        unused |= dict.fromkeys(name for name in read.columns if name not in used)
        cells = [_cell(column, fields.get(column.name)) for column in columns]
        reason = F.lit(None).cast("string").alias(REASON)
        frames.append(typed(read.select(*origin(), reason, *cells), columns))
    return Rows(reduce(DataFrame.unionByName, frames), tuple(unused))


def _cell(column: TableColumn, field: StructField | None) -> Column:
    if field is None:
        return F.lit(None).cast("string").alias(column.name)
    if field.dataType.simpleString() == column.type:
        return F.col(quoted(field.name)).alias(column.name)
    return text_of(field, lambda _name: column.type == "timestamp").alias(column.name)
