"""Reading a dataset that an earlier run published."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pyspark.sql import DataFrame, SparkSession

from gristmill.dataset import Dataset
from gristmill.errors import InputError
from gristmill.job import Reader, Reading
from gristmill.publish import layout
from gristmill.publish.snapshot import settled
from gristmill.storage.hadoop import is_literal, open_storage


@dataclass(frozen=True)
class DatasetReader(Reader):
    """A reader of one dataset. Each input is its folder, or the output root that holds it."""

    dataset: Dataset

    @property
    def help(self) -> str:
        """What it reads, in a line."""
        return f"the dataset {self.dataset.name}: its folder, or the output root that holds it"

    def read(self, spark: SparkSession, inputs: Sequence[str], _options: Any) -> Reading:
        """Rows of the dataset. Raises `InputError` where it is not there or holds no files."""
        frames = [self._read(spark, uri) for uri in inputs]
        rows = frames[0]
        for frame in frames[1:]:
            rows = rows.unionByName(frame)
        return Reading(rows)

    def _read(self, spark: SparkSession, uri: str) -> DataFrame:
        name = self.dataset.name
        if not is_literal(spark, uri):
            raise InputError(f"no such input: {uri}")
        place = open_storage(spark, uri)
        if place.is_file(layout.MARKER) or name in place.names(""):
            root, folder = place, f"{place.root}/{name}"
        else:
            # The folder of the dataset itself, which may lie in an output root; a bucket does not.
            parent = place.root.rpartition("/")[0]
            root = place if parent.endswith("/") else open_storage(spark, parent)
            folder = place.root

        def look() -> DataFrame:
            if not any(file.path.endswith(".parquet") for file in data.data_files("")):
                raise InputError(f"no dataset {name} in {uri}: run the job that writes it first")
            # Spark lists the files here and now.
            reader = spark.read.schema(self.dataset.ddl)
            return reader.option("basePath", folder).parquet(folder)

        data = open_storage(spark, folder)
        return settled(root, name, look)
