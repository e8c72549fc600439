"""What an output root holds of a dataset that a run has claimed, as rows."""

from collections.abc import Iterable

from pyspark.sql import DataFrame, SparkSession

from gristmill.model.dataset import Dataset
from gristmill.publish.publication import Publication
from gristmill.storage.hadoop import escaped


def held_rows(
    spark: SparkSession,
    dataset: Dataset,
    publication: Publication,
    folders: Iterable[str] | None = None,
) -> DataFrame | None:
    """The published rows of the partitions in `folders`, or of all; None where there is no file."""
    base = publication.dataset_uri(dataset.name)
    if base is None:
        return None
    read = spark.read.schema(dataset.ddl).option("basePath", base)
    if folders is None:
        return read.parquet(escaped(base))
    files = [
        f"{base}/{path}" for folder in folders for path in publication.held(dataset.name, folder)
    ]
    return read.parquet(*map(escaped, files)) if files else None
