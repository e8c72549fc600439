"""Reading a dataset that an earlier run published."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pyspark.sql import DataFrame, SparkSession

from gristmill.dataset import Dataset
from gristmill.errors import InputError
from gristmill.job import Reading
from gristmill.storage import Storage


@dataclass(frozen=True)
class DatasetReader:
    """A reader of one dataset. Each input is its folder, or the output root that holds it."""

    dataset: Dataset
    rejects: Mapping[str, str] = field(default_factory=dict)

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
        place = Storage(spark, uri)
        folder = name if place.is_folder(name) else ""
        if not place.exists(folder):
            raise InputError(f"no such input: {uri}")
        if not any(file.path.endswith(".parquet") for file in place.data_files(folder)):
            raise InputError(f"no dataset {name} in {uri}: run the job that writes it first")
        reader = spark.read.schema(self.dataset.ddl)
        base = place.uri(folder) if folder else place.root
        return reader.option("basePath", base).parquet(base)
