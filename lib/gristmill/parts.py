"""Loads that are a part of the partitions that they replace: what else was there stays."""

from collections.abc import Iterable
from functools import reduce
from operator import and_

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from gristmill.dataset import Dataset
from gristmill.publish.publication import Publication
from gristmill.write import partition_folder

_PART = "_part"


def with_rest(
    spark: SparkSession,
    dataset: Dataset,
    publication: Publication,
    root: str,
    rows: DataFrame,
    *,
    part: Column,
) -> DataFrame:
    """`rows`, and of the partitions that they fall into the published rows of other parts.

    Rows are of one part where they have the same `part`, null included. `root` is the URI of the
    output root, of which the run has to have its claim on the dataset.
    """
    by = dataset.partitioned_by
    fitting = dataset.conform(rows)
    places = [F.col(name).cast("string").alias(name) for name in by]
    loaded = fitting.select(*places, part.cast("string").alias(_PART)).distinct().collect()
    folders = {partition_folder(spark, {name: row[name] for name in by}) for row in loaded}
    there = held_rows(spark, dataset, publication, root, folders)
    if there is None:
        return fitting
    schema = ", ".join(f"`{name}` string" for name in (*by, _PART))
    new = spark.createDataFrame(loaded, schema).alias("new")
    same = [there[name].cast("string").eqNullSafe(F.col(f"new.{name}")) for name in by]
    same.append(part.cast("string").eqNullSafe(F.col(f"new.{_PART}")))
    rest = there.join(F.broadcast(new), reduce(and_, same), "left_anti")
    return fitting.unionByName(rest)


def held_rows(
    spark: SparkSession,
    dataset: Dataset,
    publication: Publication,
    root: str,
    folders: Iterable[str],
) -> DataFrame | None:
    """The published rows of the partitions that are in `folders`; None where they hold no files."""
    base = f"{root}/{dataset.name}"
    files = [
        f"{base}/{path}" for folder in folders for path in publication.held(dataset.name, folder)
    ]
    if not files:
        return None
    return spark.read.schema(dataset.ddl).option("basePath", base).parquet(*files)
