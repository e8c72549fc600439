"""Writing a frame as the Parquet files of a dataset, and counting what was written."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from gristmill.errors import AuditError
from gristmill.jvm import java_class
from gristmill.model.dataset import Dataset
from gristmill.spark.session import to_its_end
from gristmill.storage import StoredFile
from gristmill.storage.footers import footer_reader, types
from gristmill.storage.hadoop import PATH

_AT_ONCE = 16


def write(dataset: Dataset, frame: DataFrame, uri: str) -> None:
    """Write `frame`, which conforms to `dataset`, as partitioned Parquet into the folder `uri`,
    beside what lies there."""
    # Brings each partition's rows together, and splits those that are too many for one file.
    gathered = frame.hint("rebalance", *dataset.partitioned_by)
    if dataset.sorted_by:
        gathered = gathered.sortWithinPartitions(
            *dataset.partitioned_by, *(_order(name) for name in dataset.sorted_by)
        )
    writer = gathered.write.mode("append").partitionBy(*dataset.partitioned_by)
    to_its_end(frame.sparkSession, lambda: writer.parquet(uri))


def rows_of_files(
    spark: SparkSession, dataset: Dataset, uri: str, files: Sequence[StoredFile]
) -> list[int]:
    """The rows of each of the files in the folder `uri`, as their footers have them.

    `uri` is as `Storage.root` is, not escaped. Raises `AuditError` where the files do not have the
    columns of `dataset`.
    """
    if not files:
        return []
    read, path = footer_reader(spark), java_class(spark._jvm, PATH)
    with ThreadPoolExecutor(min(len(files), _AT_ONCE)) as pool:
        footers = list(pool.map(lambda file: read(path(f"{uri}/{file.path}")), files))
    for footer in {footer.columns: footer for footer in footers}.values():
        found = types(spark, footer)
        for field in dataset.fields:
            if field.name not in dataset.partitioned_by and found.get(field.name) != field.type:
                was = found.get(field.name, "nothing")
                raise AuditError(f"{dataset.name}: {field.name} was written as {was}")
    return [footer.rows for footer in footers]


def _order(name: str) -> Column:
    return F.desc(name[1:]) if name.startswith("-") else F.asc(name)
