"""A dataset in the stage: written, counted on the way, and audited."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from pyspark.sql import Column, DataFrame, Observation, SparkSession
from pyspark.sql import functions as F

from gristmill.engine.audit import audit
from gristmill.engine.loading import Loaded
from gristmill.engine.parquet import rows_of_files, write
from gristmill.model.dataset import Dataset
from gristmill.model.progress import Phase
from gristmill.publish.publication import Publication
from gristmill.storage import StoredFile
from gristmill.storage.hadoop import escaped


@dataclass(frozen=True)
class Staging:
    """Where a run's datasets are staged: `root` is the output root, as a URI, and `phase`
    what the run is doing."""

    spark: SparkSession
    publication: Publication
    root: str
    phase: Phase = field(default_factory=Phase)

    def uri(self, dataset: Dataset) -> str:
        """The folder of a dataset in the stage."""
        return f"{self.root}/{self.publication.folder(dataset.name)}"


@dataclass(frozen=True)
class Staged:
    """A staged dataset, its files, the rows of each, and what was observed while they were
    written."""

    dataset: Dataset
    files: Sequence[StoredFile]
    rows: Sequence[int]
    observed: Mapping[str, int]


def rows_in_stage(staging: Staging, stage: Staged) -> DataFrame:
    """The rows of a dataset that lie in the stage."""
    if not stage.files:
        return staging.spark.createDataFrame([], stage.dataset.ddl)
    folder = staging.uri(stage.dataset)
    return staging.spark.read.schema(stage.dataset.ddl).parquet(escaped(folder))


def staged(
    staging: Staging,
    dataset: Dataset,
    frame: DataFrame,
    extra: Sequence[Column] = (),
    loaded: Loaded | None = None,
) -> Staged:
    """Write the rows of a dataset, beside those that kernels have `loaded`, and audit them; `extra`
    is counted on the way."""
    observation = Observation()
    before = _of_kernels(staging, dataset, loaded) if loaded else {}
    observed = dataset.conform(frame).observe(observation, *_promises(dataset), *extra)
    write(dataset, observed, staging.uri(dataset))
    counts = {name: count + before.get(name, 0) for name, count in observation.get.items()}
    return _audited(staging, dataset, counts)


def staged_by_kernels(staging: Staging, dataset: Dataset, loaded: Loaded) -> Staged:
    """A dataset all of which kernels have written."""
    return _audited(staging, dataset, _of_kernels(staging, dataset, loaded))


def _promises(dataset: Dataset) -> list[Column]:
    """What is counted of a dataset's rows: all of them, and those that break a check."""
    broken = [F.count_if(~check.holds()).alias(check.code) for check in dataset.checks]
    return [F.count(F.lit(1)).alias("rows"), *broken]


def _of_kernels(staging: Staging, dataset: Dataset, loaded: Loaded) -> dict[str, int]:
    """The same of the rows that kernels have written, of which the number is what they say."""
    uri = staging.uri(dataset)
    if not loaded.rows:
        return {"rows": 0, **{check.code: 0 for check in dataset.checks}}
    lying = staging.spark.read.schema(dataset.ddl).parquet(escaped(uri))
    counts = lying.agg(*_promises(dataset)).first()
    return {**(counts.asDict() if counts else {}), "rows": loaded.rows}


def _audited(staging: Staging, dataset: Dataset, counts: Mapping[str, int]) -> Staged:
    uri = staging.uri(dataset)
    files = staging.publication.staged(dataset.name)
    rows = rows_of_files(staging.spark, dataset, uri, files)
    audit(staging.spark, dataset, uri, sum(rows), counts)
    return Staged(dataset, files, rows, counts)
