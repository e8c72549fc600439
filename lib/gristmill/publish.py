"""Publishing: stage, audit, commit, apply, recover.

    <output>/_gristmill.json                         marks an output root as ours
    <output>/<dataset>/<partition>/<run>-….parquet   what readers see
    <output>/_staging/<run>/<dataset>/…              what a run has written and not yet published
    <output>/_staging/<run>/commit.json              which files come in and which go out

A run is done once its `commit.json` is there; for all its datasets at once. Applying it moves the
files in and then deletes those that they replace; every step may be repeated, so any later run
finishes what a crash cut off. Until the commit nothing outside `_staging` has changed. While an
apply is under way a reader may see both the old and the new files of a partition.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from gristmill.dataset import Dataset
from gristmill.errors import OutputError
from gristmill.storage import Storage, StoredFile

MARKER = "_gristmill.json"
STAGING = "_staging"
_LAYOUT = 1
_COMMIT = "commit.json"
_ABANDONED_AFTER = timedelta(days=1)
_STAMP = "%Y%m%dT%H%M%SZ"


@dataclass(frozen=True)
class Staged:
    """A dataset's part of a run: the files it wrote, by their path below its stage, and the
    folders of the partitions that they replace."""

    dataset: Dataset
    files: tuple[StoredFile, ...]
    scope: frozenset[str]

    @property
    def partitions(self) -> int:
        """How many partitions were written."""
        return len({_folder(file.path) for file in self.files})


def run_id(now: datetime, salt: str) -> str:
    """An identifier that sorts by time: `20261121T134200Z-1f0c`."""
    return f"{now.astimezone(UTC).strftime(_STAMP)}-{salt}"


def open_root(storage: Storage, now: datetime) -> None:
    """See that `storage` can be an output root, and settle what earlier runs left unfinished.

    Raises `OutputError` where it is a file, or a folder with files that are not ours.
    """
    if storage.exists("") and not storage.is_folder(""):
        raise OutputError(f"{storage.root} is a file: name a folder as the output")
    foreign = [] if storage.exists(MARKER) else storage.names("")
    if foreign:
        raise OutputError(
            f"{storage.root} holds files that Gristmill did not write ({foreign[0]}, …): "
            "name an empty or a new folder as the output"
        )
    recover(storage, now)


def recover(storage: Storage, now: datetime) -> None:
    """Finish every committed run that was cut off, and drop stages that were left behind.

    A stage without a commit is dropped once it is a day old: a younger one may be a running run.
    """
    for run in storage.names(STAGING):
        if storage.exists(f"{STAGING}/{run}/{_COMMIT}"):
            apply(storage, run)
        elif _started(run) < now - _ABANDONED_AFTER:
            storage.delete(f"{STAGING}/{run}")
    storage.delete_empty_folder(STAGING)


class Publication:
    """What one run publishes: staged dataset by dataset, committed as a whole."""

    def __init__(self, storage: Storage, run: str, batch: str) -> None:
        self._storage = storage
        self._run = run
        self._batch = batch
        self._staged: list[Staged] = []

    def stage(self, dataset: Dataset, frame: DataFrame, scope: Mapping[str, str]) -> Staged:
        """Write `frame`, which conforms to `dataset`, beside the datasets.

        `scope` names a partition that the run replaces even where it has no row for it.
        """
        if not self._storage.exists(MARKER):
            self._storage.write_json(MARKER, {"layout": _LAYOUT})
        # Brings each partition's rows together, and splits those that are too many for one file.
        gathered = frame.hint("rebalance", *dataset.partitioned_by)
        if dataset.sorted_by:
            gathered = gathered.sortWithinPartitions(
                *dataset.partitioned_by, *(_order(name) for name in dataset.sorted_by)
            )
        folder = f"{STAGING}/{self._run}/{dataset.name}"
        gathered.write.partitionBy(*dataset.partitioned_by).parquet(self._storage.uri(folder))
        files = tuple(self._storage.data_files(folder))
        folders = {_folder(file.path) for file in files}
        if scope:
            folders.add(partition_folder(frame.sparkSession, scope))
        staged = Staged(dataset, files, frozenset(folders))
        self._staged.append(staged)
        return staged

    def stage_nothing(self, dataset: Dataset) -> None:
        """Take out what an earlier run of the same batch put into `dataset`."""
        self._staged.append(Staged(dataset, (), frozenset()))

    def uri(self, dataset: Dataset) -> str:
        """Where the rows of `dataset` are staged."""
        return self._storage.uri(f"{STAGING}/{self._run}/{dataset.name}")

    def commit(self) -> None:
        """Publish everything that was staged."""
        moves, deletes = [], []
        for staged in self._staged:
            name = staged.dataset.name
            prefix = f"{self._batch}-" if staged.dataset.replaces == "batch" else ""
            for number, file in enumerate(staged.files):
                target = f"{_folder(file.path)}/{prefix}{self._run}-{number:05d}.parquet"
                moves.append([f"{STAGING}/{self._run}/{name}/{file.path}", f"{name}/{target}"])
            deletes += [f"{name}/{file.path}" for file in self._replaced(staged)]
        document = {"run": self._run, "moves": moves, "deletes": deletes}
        self._storage.write_json(f"{STAGING}/{self._run}/{_COMMIT}", document)
        apply(self._storage, self._run)

    def finish(self) -> bool:
        """Carry out the commit, if it was made; gives whether it was."""
        committed = self._storage.exists(f"{STAGING}/{self._run}/{_COMMIT}")
        if committed:
            apply(self._storage, self._run)
        return committed

    def discard(self) -> bool:
        """Drop what was staged and never committed; gives whether there was anything."""
        staged = self._storage.exists(f"{STAGING}/{self._run}")
        self._storage.delete(f"{STAGING}/{self._run}")
        self._storage.delete_empty_folder(STAGING)
        return staged

    def _replaced(self, staged: Staged) -> list[StoredFile]:
        files = self._storage.data_files(staged.dataset.name)
        if staged.dataset.replaces == "batch":
            return [file for file in files if _name(file.path).startswith(f"{self._batch}-")]
        return [file for file in files if _folder(file.path) in staged.scope]


def apply(storage: Storage, run: str) -> None:
    """Carry out a run's commit. May be repeated, from any point."""
    commit = storage.read_json(f"{STAGING}/{run}/{_COMMIT}")
    for source, target in commit["moves"]:
        if storage.exists(source):
            storage.move(source, target)
    for path in commit["deletes"]:
        storage.delete(path)
        storage.delete_empty_folder(_folder(path))
    storage.delete(f"{STAGING}/{run}")
    storage.delete_empty_folder(STAGING)


def partition_folder(spark: SparkSession, values: Mapping[str, str]) -> str:
    """The folder of a partition, as Spark names it: `corpus=a%2Fb`."""
    naming: Any = spark._jvm
    naming = naming.org.apache.spark.sql.catalyst.catalog.ExternalCatalogUtils
    return "/".join(naming.getPartitionPathString(name, value) for name, value in values.items())


def _order(name: str) -> Column:
    return F.desc(name[1:]) if name.startswith("-") else F.asc(name)


def _folder(path: str) -> str:
    return path.rpartition("/")[0]


def _name(path: str) -> str:
    return path.rpartition("/")[2]


def _started(run: str) -> datetime:
    return datetime.strptime(run.partition("-")[0], _STAMP).replace(tzinfo=UTC)
