"""Keeping what is final from being replaced by what is not."""

from collections.abc import Sequence

from pyspark.sql import SparkSession

from gristmill.dataset import Dataset
from gristmill.errors import FinalError
from gristmill.publish.publication import Publication
from gristmill.write import partition_folder


def keep_final(
    spark: SparkSession, dataset: Dataset, publication: Publication, root: str, staged: str
) -> None:
    """See that no partition that is staged takes the place of a final one without being final.

    `root` and `staged` are URIs: of the output root, and of the folder that the dataset was staged
    into. Raises `FinalError`.
    """
    if dataset.is_final is None:
        return
    finality = dataset.is_final().alias("is_final")
    read = spark.read.schema(dataset.ddl)
    partitions = read.parquet(staged).groupBy(*dataset.partitioned_by).agg(finality).collect()
    for row in partitions:
        if row["is_final"]:
            continue
        values = {name: str(row[name]) for name in dataset.partitioned_by}
        folder = partition_folder(spark, values)
        if _is_final(spark, dataset, root, publication.held(dataset.name, folder)):
            raise FinalError(
                f"{dataset.name}/{folder} is final, and what was read for it is not; nothing was "
                "published: load the final export, or replace it all the same with --force"
            )


def _is_final(spark: SparkSession, dataset: Dataset, root: str, files: Sequence[str]) -> bool:
    if not files or dataset.is_final is None:
        return False
    places = [f"{root}/{dataset.name}/{path}" for path in files]
    read = spark.read.schema(dataset.ddl).option("basePath", f"{root}/{dataset.name}")
    found = read.parquet(*places).agg(dataset.is_final().alias("is_final")).first()
    return bool(found and found["is_final"])
