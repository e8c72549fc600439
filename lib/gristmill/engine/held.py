"""What an output root holds of a dataset that a run has claimed, as rows."""

from collections.abc import Iterable

from pyspark.sql import DataFrame, SparkSession

from gristmill.model.dataset import Dataset
from gristmill.publish.publication import Publication
from gristmill.readers.files import rows_of


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
    files = (
        publication.all_held(dataset.name)
        if folders is None
        else [path for folder in folders for path in publication.held(dataset.name, folder)]
    )
    return rows_of(spark, dataset.ddl, base, files) if files else None
