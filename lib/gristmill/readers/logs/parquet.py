"""Logs that AWS delivers as Parquet: rows of named columns in place of lines."""

from collections.abc import Sequence
from functools import reduce

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from gristmill.errors import InputError
from gristmill.readers.logs import formats
from gristmill.readers.logs.format import Header, LogFormat
from gristmill.readers.parquet_files import CELLS, alike, as_text, quoted
from gristmill.readers.text.lines import ORIGIN


def are_parquet(files: Sequence[str]) -> bool:
    """Whether files are Parquet, by their names. Raises `InputError` where only some are."""
    named = [file for file in files if file.lower().endswith(".parquet")]
    if not named:
        return False
    if len(named) < len(files):
        other = next(file for file in files if file not in set(named))
        raise InputError(
            f"{named[0]} is Parquet and {other} is not: load them one after the other, each by a "
            "glob such as '*.parquet'"
        )
    return True


def recognised(spark: SparkSession, files: Sequence[str]) -> str:
    """The name of the format that all files are in, by their columns. Raises `InputError`."""
    found: dict[str, str] = {}
    for read, file in alike(spark, files):
        names = [one.name for one in formats().values() if _header(one, read.columns)]
        if not names:
            shown = ", ".join(read.columns[:6])
            raise InputError(
                f"{file} has not the columns of a log that is known as Parquet ({shown} …), which "
                "those of VPCs, transit gateways and CloudFront are: leave it out"
            )
        found[names[0]] = file
    if len(found) > 1:
        told = ", ".join(f"{file} is {name}" for name, file in sorted(found.items()))
        raise InputError(f"the input mixes formats ({told}): run each by itself, with --format")
    return next(iter(found))


def rows(spark: SparkSession, files: Sequence[str], chosen: LogFormat) -> DataFrame:
    """Rows of the dataset of a format that has `cells`. Raises `InputError`."""
    found = []
    for read, file in alike(spark, files):
        header = _header(chosen, read.columns)
        if header is None or chosen.cells is None:
            raise InputError(f"{file} has not the columns of {chosen.name}")
        cells = as_text(read, lambda _name: False)
        pieces = F.array(*(_cell(name) for name in read.columns)).alias("_pieces")
        found.append(chosen.cells.rows(cells.select(*ORIGIN, pieces), header))
    return reduce(DataFrame.unionByName, found)


def _cell(name: str) -> Column:
    return F.col(f"{CELLS}.{quoted(name)}")


def _header(found: LogFormat, names: Sequence[str]) -> Header | None:
    return found.cells.header(names) if found.cells else None
