"""Files of a dataset as rows, with the values that the names of their folders hold."""

from collections.abc import Iterable

from pyspark.sql import DataFrame, SparkSession

from gristmill.publish import layout
from gristmill.storage.hadoop import escaped


def rows_of(spark: SparkSession, ddl: str | None, base: str, paths: Iterable[str]) -> DataFrame:
    """The rows of files or folders, at least one, by their paths below the dataset at `base`.

    The columns are those of `ddl`, or those that the files have.
    """
    reader = spark.read.schema(ddl) if ddl else spark.read
    places = [escaped(f"{base}/{path}" if path else base) for path in paths]
    return reader.option("basePath", base).parquet(*places).drop(layout.WRITER)
