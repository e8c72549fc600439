"""Writing a frame as the Parquet files of a dataset, and counting what was written."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from gristmill.errors import AuditError
from gristmill.model.dataset import Dataset
from gristmill.spark.session import to_its_end
from gristmill.storage.hadoop import escaped


def write(dataset: Dataset, frame: DataFrame, uri: str) -> None:
    """Write `frame`, which conforms to `dataset`, as partitioned Parquet into the folder `uri`."""
    # Brings each partition's rows together, and splits those that are too many for one file.
    gathered = frame.hint("rebalance", *dataset.partitioned_by)
    if dataset.sorted_by:
        gathered = gathered.sortWithinPartitions(
            *dataset.partitioned_by, *(_order(name) for name in dataset.sorted_by)
        )
    writer = gathered.write.partitionBy(*dataset.partitioned_by)
    to_its_end(frame.sparkSession, lambda: writer.parquet(uri))


def rows_by_file(spark: SparkSession, dataset: Dataset, uri: str) -> Mapping[str, int]:
    """The rows of each file in the folder `uri`, by its path below it; there has to be one.

    Raises `AuditError` where the files do not have the columns of `dataset`.
    """
    written = spark.read.parquet(escaped(uri))
    found = {field.name: field.dataType.simpleString() for field in written.schema.fields}
    for field in dataset.fields:
        if field.name not in dataset.partitioned_by and found.get(field.name) != field.type:
            was = found.get(field.name, "nothing")
            raise AuditError(f"{dataset.name}: {field.name} was written as {was}")
    counted = written.groupBy(F.col("_metadata.file_path").alias("file")).count().collect()
    depth = len(dataset.partitioned_by) + 1
    return {"/".join(unquote(row["file"]).split("/")[-depth:]): row["count"] for row in counted}


def partition_folder(spark: SparkSession, values: Mapping[str, str]) -> str:
    """The folder of a partition, as Spark names it: `corpus=a%2Fb`."""
    naming: Any = spark._jvm
    naming = naming.org.apache.spark.sql.catalyst.catalog.ExternalCatalogUtils
    return "/".join(naming.getPartitionPathString(name, value) for name, value in values.items())


def _order(name: str) -> Column:
    return F.desc(name[1:]) if name.startswith("-") else F.asc(name)
