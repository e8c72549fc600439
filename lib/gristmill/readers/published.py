"""Reading datasets that earlier runs published."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Protocol

from pyspark.sql import DataFrame, SparkSession

from gristmill.errors import InputError
from gristmill.model.dataset import Dataset
from gristmill.model.job import Reader, Reading
from gristmill.publish import layout
from gristmill.publish.batch import one_spelling
from gristmill.publish.followed import Partitions, partitions
from gristmill.publish.snapshot import settled
from gristmill.publish.state import read_state
from gristmill.publish.table_format import ICEBERG, found_format
from gristmill.readers.files import rows_of
from gristmill.storage import StoredFile
from gristmill.storage.hadoop import is_literal, open_storage

View = Callable[[DataFrame], DataFrame]
"""From the rows of a dataset to the columns that several datasets have in common."""

ALL = "all"


@dataclass(frozen=True)
class DatasetReader(Reader[object]):
    """A reader of one dataset. Each input is its folder, or the output root that holds it."""

    dataset: Dataset

    @property
    def help(self) -> str:
        """What it reads, in a line."""
        return f"the dataset {self.dataset.name}: its folder, or the output root that holds it"

    def read(self, spark: SparkSession, inputs: Sequence[str], _options: object) -> Reading:
        """Rows of the dataset. Raises `InputError` where there never was one."""
        found = [_published(spark, self.dataset, uri) for uri in inputs]
        for published, uri in zip(found, inputs, strict=True):
            if not published.is_known:
                raise _missing([self.dataset], uri)
        return _reading(found, [published.rows for published in found])


class DatasetOptions(Protocol):
    """The options of a job that reads one of several datasets."""

    @property
    def dataset(self) -> str:
        """The name of one, or `ALL`."""


@dataclass(frozen=True)
class DatasetsReader(Reader[DatasetOptions]):
    """A reader of those of several datasets that are there, each through its view.

    Each input is the folder of one of them, or an output root.
    """

    views: Sequence[tuple[Dataset, View]]

    @property
    def help(self) -> str:
        """What it reads, in a line."""
        names = ", ".join(dataset.name for dataset, _ in self.views)
        return f"{names}, those that are there: their folders, or the output root that holds them"

    def read(self, spark: SparkSession, inputs: Sequence[str], options: DatasetOptions) -> Reading:
        """Their rows. Raises `InputError` where an input holds none of them."""
        wanted = [
            (dataset, view)
            for dataset, view in self.views
            if options.dataset in (ALL, dataset.name)
        ]
        found: list[Published] = []
        frames: list[DataFrame] = []
        for uri in inputs:
            # A folder that has the name of one of them is that one.
            name = uri.rstrip("/").rpartition("/")[2]
            meant = [pair for pair in wanted if pair[0].name == name] or wanted
            here = [(_published(spark, dataset, uri), view) for dataset, view in meant]
            if not any(published.is_known for published, _ in here):
                raise _missing([dataset for dataset, _ in wanted], uri)
            found += [published for published, _ in here]
            frames += [view(published.rows) for published, view in here if published.is_known]
        return _reading(found, frames)


@dataclass(frozen=True)
class Published:
    """A dataset as it was found: its rows, the URI of its folder, and fingerprints of its
    partitions. `is_known` says whether anybody has ever published it there."""

    rows: DataFrame
    uri: str
    partitions: Partitions
    is_known: bool


def _reading(found: Sequence[Published], frames: Sequence[DataFrame]) -> Reading:
    sources = {published.uri: published.partitions for published in found}
    return Reading(reduce(DataFrame.unionByName, frames), sources=sources)


def _missing(datasets: Sequence[Dataset], uri: str) -> InputError:
    names = " or ".join(dataset.name for dataset in datasets)
    return InputError(f"no dataset {names} in {uri}: run the job that writes it first")


def published_rows(spark: SparkSession, name: str, uri: str) -> DataFrame:
    """The rows of the dataset of a name in an output root, whatever its columns are.

    Raises `InputError` where there are none.
    """
    if is_literal(spark, uri) and name in open_storage(spark, uri).names(""):
        found = _found(spark, name, None, uri)
        if found.partitions:
            return found.rows
    raise InputError(f"no dataset {name} in {uri}: run the job that writes it first")


def _published(spark: SparkSession, dataset: Dataset, uri: str) -> Published:
    """A dataset in `uri`, which is its folder or a root. Raises `InputError` for a pattern."""
    return _found(spark, dataset.name, dataset.ddl, uri)


def _found(spark: SparkSession, name: str, ddl: str | None, uri: str) -> Published:
    """The dataset of a name, with columns as `ddl` has them, or as its files do."""
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

    data = open_storage(spark, folder)
    is_table = found_format(root) == ICEBERG

    def look() -> Published:
        known = read_state(root).datasets if is_table else {}
        if is_table:
            held = known[name].files if name in known else {}
            files = [StoredFile(path, file.bytes) for path, file in sorted(held.items())]
        else:
            files = [file for file in data.data_files("") if file.path.endswith(".parquet")]
        if files:
            # Spark lists the files here and now.
            paths = [file.path for file in files] if is_table else [""]
            rows = rows_of(spark, ddl, folder, paths)
        else:
            rows = spark.createDataFrame([], ddl or "_nothing string")
        is_known = bool(files) or name in (known or read_state(root).datasets)
        return Published(rows, one_spelling(folder), partitions(files), is_known)

    return settled(root, name, look)
