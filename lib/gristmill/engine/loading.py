"""Loading by kernels: blocks of files shared out to tasks, and what these have made of them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial, reduce
from itertools import groupby
from typing import Any

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from gristmill.engine.follow import Plan
from gristmill.errors import InputError
from gristmill.model.checks import REASON
from gristmill.model.dataset import Dataset
from gristmill.model.job import ParseLines
from gristmill.readers import kernels
from gristmill.readers.kernels.blocks import Block, blocks
from gristmill.readers.kernels.direct import Direct
from gristmill.readers.text.lines import BLOCK_START, LINE_NUMBER, RAW, SOURCE_FILE, cleaned
from gristmill.spark.session import to_its_end
from gristmill.storage import Storage, StoredFile, map_concurrently
from gristmill.storage.hadoop import escaped, open_storage, stats

MOST = 256 * 1024 * 1024
_TASKS_PER_CORE = 2
_FILES_PER_DAY, _CRUMB = 8, 1024 * 1024
_JUDGED = {
    RAW: "string",
    SOURCE_FILE: "string",
    BLOCK_START: "bigint",
    LINE_NUMBER: "bigint",
    REASON: "string",
}
_REST = "value binary, file string, block_start bigint, line_number bigint"

Share = list[tuple[int, Block]]
"""Blocks for a task, each with the number of the kernel that reads it."""


@dataclass(frozen=True)
class Loaded:
    """What kernels have made of `lines`: the `rows` of them that lie in the stage, and the judged
    rows of what is still to be written: rows whose files would be too many and small, and the lines
    that are left, by the reading's own way. None where there are none."""

    lines: int
    rows: int = 0
    others: DataFrame | None = None


@dataclass(frozen=True)
class Places:
    """Folders of a run below the output `root`, by their paths in it: the `stage` of the dataset,
    and another for the `rest`."""

    root: str
    stage: str
    rest: str


def load(
    spark: SparkSession, plan: Plan, dataset: Dataset, places: Places, files: Direct
) -> Loaded:
    """Read the files of a plan's kernels, and write the rows of `dataset` into the stage."""
    found = _blocks(spark, plan)
    columns = [field.name for field in dataset.fields if field.name not in dataset.partitioned_by]
    parses = tuple(kernel.parse for kernel in plan.kernels)
    stage, rest = f"{places.root}/{places.stage}", f"{places.root}/{places.rest}"
    task = _Task(parses, stage, rest, tuple(columns), files)
    if sum(block.work for _, block in found) <= kernels.SMALL:
        done = [task(found)] if found else []
    else:
        done = _in_tasks(spark, task, _shared_out(found, spark.sparkContext.defaultParallelism))
    made = reduce(_Made.plus, done, _Made())
    storage = open_storage(spark, places.root)
    lying = _cleared(storage, places.stage, made.files)
    parts = [
        kernel.rest(_lines(spark, [f"{rest}/{name}" for name in sorted(made.rest[number])]))
        for number, kernel in enumerate(plan.kernels)
        if made.rest.get(number)
    ]
    rows = made.rows
    if _are_crumbs(lying):
        parts.append(_put_aside(spark, dataset, storage, places, lying))
        rows = 0
    return Loaded(made.lines, rows, reduce(DataFrame.unionByName, parts) if parts else None)


def _blocks(spark: SparkSession, plan: Plan) -> Share:
    size = int(spark.conf.get("spark.sql.files.maxPartitionBytes") or 0)
    found: Share = []
    for number, kernel in enumerate(plan.kernels):
        known = stats(spark, kernel.files)
        for gone in set(kernel.files) - known.keys():
            raise InputError(f"{gone} has gone since it was listed: run again")
        lengths = {file: known[file][0] for file in kernel.files}
        found += [(number, block) for block in blocks(lengths, size)]
    return found


@dataclass(frozen=True)
class _Made:
    """What tasks have made: lines read, rows of them, files in the stage, and files with lines that
    are left, by the number of the kernel."""

    lines: int = 0
    rows: int = 0
    files: frozenset[str] = frozenset()
    rest: dict[int, frozenset[str]] = field(default_factory=dict)

    def plus(self, other: "_Made") -> "_Made":
        rest = {
            number: self.rest.get(number, frozenset()) | other.rest.get(number, frozenset())
            for number in self.rest.keys() | other.rest.keys()
        }
        files = self.files | other.files
        return _Made(self.lines + other.lines, self.rows + other.rows, files, rest)


@dataclass(frozen=True)
class _Task:
    parses: tuple[ParseLines, ...]
    rows: str
    rest: str
    columns: tuple[str, ...]
    files: Direct

    def __call__(self, share: Share) -> _Made:
        from gristmill.readers.kernels import task  # noqa: PLC0415 - for whoever has polars

        targets = task.Targets(self.rows, self.rest, self.columns, self.files)
        made = _Made()
        for number, some in groupby(share, key=lambda one: one[0]):
            done = task.load(self.parses[number], [block for _, block in some], targets)
            made = made.plus(_Made(done.lines, done.rows, done.files, {number: done.rest}))
        return made

    def alone(self, share: Share) -> _Made:
        """The same where others do likewise on other cores."""
        kernels.on_one_core()
        return self(share)


def _in_tasks(spark: SparkSession, task: _Task, shares: Sequence[Share]) -> list[_Made]:
    done: list[Any] = []
    given = spark.sparkContext.parallelize(shares, len(shares))
    to_its_end(spark, lambda: done.extend(given.map(task.alone).collect()))
    return done


def _shared_out(found: Share, cores: int) -> list[Share]:
    """Blocks by task, in order: neighbours together, so that small files cost little."""
    total = sum(block.work for _, block in found)
    most = min(MOST, total // (cores * _TASKS_PER_CORE) + 1)
    shares: list[Share] = [[]]
    taken = 0
    for number, block in found:
        if taken >= most:
            shares.append([])
            taken = 0
        shares[-1].append((number, block))
        taken += block.work
    return shares


def _cleared(storage: Storage, folder: str, written: frozenset[str]) -> list[StoredFile]:
    """The files in a folder, without what tasks have written that were tried again."""
    found = storage.data_files(folder)
    for file in found:
        if file.path not in written:
            storage.delete(f"{folder}/{file.path}")
    return [file for file in found if file.path in written]


def _are_crumbs(files: Sequence[StoredFile]) -> bool:
    """Whether the files of partitions are many, and small."""
    days = {file.path.rpartition("/")[0] for file in files}
    size = sum(file.size for file in files)
    return len(files) > _FILES_PER_DAY * len(days) and size < _CRUMB * len(files)


def _put_aside(
    spark: SparkSession,
    dataset: Dataset,
    storage: Storage,
    places: Places,
    files: Sequence[StoredFile],
) -> DataFrame:
    """The rows of files, which are taken out of the stage, as judged rows."""
    aside = f"{places.rest}/rows"
    move: Callable[[StoredFile], None] = partial(_move, storage, places.stage, aside)
    map_concurrently(storage, move, files)
    rows = spark.read.schema(dataset.ddl).parquet(escaped(f"{places.root}/{aside}"))
    nothing = [F.lit(None).cast(kind).alias(name) for name, kind in _JUDGED.items()]
    return rows.select("*", *nothing)


def _move(storage: Storage, source: str, target: str, file: StoredFile) -> None:
    storage.move(f"{source}/{file.path}", f"{target}/{file.path}")


def _lines(spark: SparkSession, files: Sequence[str]) -> DataFrame:
    read = spark.read.schema(_REST).parquet(*map(escaped, files))
    text = read.withColumn("value", F.col("value").cast("string"))
    return text.select(
        cleaned("value").alias(RAW),
        F.col("file").alias(SOURCE_FILE),
        F.col("block_start").alias(BLOCK_START),
        F.col("line_number").alias(LINE_NUMBER),
    )
