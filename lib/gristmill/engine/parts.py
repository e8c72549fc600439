"""Loads that are a part of the partitions that they replace: what else was there stays."""

from functools import reduce
from operator import and_

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from gristmill.engine.held import held_rows
from gristmill.model.dataset import Dataset
from gristmill.publish.publication import Publication
from gristmill.storage.partitions import partition_folder

_PART = "_part"


def with_rest(
    spark: SparkSession,
    dataset: Dataset,
    publication: Publication,
    rows: DataFrame,
    *,
    part: Column,
) -> DataFrame:
    """`rows`, and of the partitions that they fall into the published rows of other parts.

    Rows are of one part where they have the same `part`, null included. The run has to have
    its claim on the dataset.
    """
    by = dataset.partitioned_by
    fitting = dataset.conform(rows)
    places = [F.col(name).cast("string").alias(name) for name in by]
    loaded = fitting.select(*places, part.cast("string").alias(_PART)).distinct().collect()
    folders = {partition_folder({name: row[name] for name in by}) for row in loaded}
    there = held_rows(spark, dataset, publication, folders)
    if there is None:
        return fitting
    schema = ", ".join(f"`{name}` string" for name in (*by, _PART))
    new = spark.createDataFrame(loaded, schema).alias("new")
    same = [there[name].cast("string").eqNullSafe(F.col(f"new.{name}")) for name in by]
    same.append(part.cast("string").eqNullSafe(F.col(f"new.{_PART}")))
    rest = there.join(F.broadcast(new), reduce(and_, same), "left_anti")
    return fitting.unionByName(rest)
