"""Loading by kernels: blocks of files shared out to tasks, and what these have made of them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial, reduce
from itertools import groupby

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from gristmill.engine.follow import Plan
from gristmill.model.checks import REASON
from gristmill.model.dataset import Dataset
from gristmill.model.job import ParseLines, SkipLine
from gristmill.readers.kernels.blocks import DamagedError
from gristmill.readers.kernels.direct import Direct
from gristmill.readers.kernels.shares import Share, done, share_of
from gristmill.readers.text.lines import BLOCK_START, LINE_NUMBER, RAW, SOURCE_FILE, cleaned
from gristmill.storage import Storage, StoredFile, map_concurrently
from gristmill.storage.hadoop import escaped, open_storage

_FILES_PER_DAY, _CRUMB = 8, 1024 * 1024
_JUDGED = {
    RAW: "string",
    SOURCE_FILE: "string",
    BLOCK_START: "bigint",
    LINE_NUMBER: "bigint",
    REASON: "string",
}
_REST = "value binary, file string, block_start bigint, line_number bigint"


@dataclass(frozen=True)
class Loaded:
    """What kernels have made of `lines`: the `rows` of them that lie in the stage, those that are
    `skipped`, and the judged rows of what is still to be written: rows whose files would be too
    many and small, and the lines that are left, by the reading's own way. None where there are
    none."""

    lines: int
    rows: int = 0
    skipped: int = 0
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
) -> Loaded | None:
    """Read the files of a plan's kernels, and write the rows of `dataset` into the stage.

    None where a file is damaged; nothing is written then.
    """
    columns = [field.name for field in dataset.fields if field.name not in dataset.partitioned_by]
    ways = tuple((kernel.parse, kernel.skips) for kernel in plan.reading.kernels)
    stage, rest = f"{places.root}/{places.stage}", f"{places.root}/{places.rest}"
    task = _Task(ways, stage, rest, tuple(columns), dataset.partitioned_by, files)
    whole = share_of(spark, [kernel.files for kernel in plan.reading.kernels])
    made = reduce(_Made.plus, done(spark, whole, task), _Made())
    storage = open_storage(spark, places.root)
    if made.is_damaged:
        storage.delete(places.stage)
        storage.delete(places.rest)
        return None
    lying = _cleared(storage, places.stage, made.files)
    parts = [
        kernel.rest(_lines(spark, [f"{rest}/{name}" for name in sorted(made.rest[number])]))
        for number, kernel in enumerate(plan.reading.kernels)
        if made.rest.get(number)
    ]
    rows = made.rows
    if _are_crumbs(lying):
        parts.append(_put_aside(spark, dataset, storage, places, lying))
        rows = 0
    return Loaded(
        made.lines, rows, made.skipped, reduce(DataFrame.unionByName, parts) if parts else None
    )


@dataclass(frozen=True)
class _Made:
    """What tasks have made: lines read, rows of them, lines to be skipped, files in the stage, and
    files with lines that are left, by the number of the kernel. Nothing counts where a file
    `is_damaged`."""

    lines: int = 0
    rows: int = 0
    skipped: int = 0
    files: frozenset[str] = frozenset()
    rest: dict[int, frozenset[str]] = field(default_factory=dict)
    is_damaged: bool = False

    def plus(self, other: "_Made") -> "_Made":
        rest = {
            number: self.rest.get(number, frozenset()) | other.rest.get(number, frozenset())
            for number in self.rest.keys() | other.rest.keys()
        }
        return _Made(
            self.lines + other.lines,
            self.rows + other.rows,
            self.skipped + other.skipped,
            self.files | other.files,
            rest,
            self.is_damaged or other.is_damaged,
        )


@dataclass(frozen=True)
class _Task:
    ways: tuple[tuple[ParseLines, SkipLine], ...]
    rows: str
    rest: str
    columns: tuple[str, ...]
    by: tuple[str, ...]
    files: Direct

    def __call__(self, share: Share) -> _Made:
        from gristmill.readers.kernels import task  # noqa: PLC0415 - for whoever has polars

        targets = task.Targets(self.rows, self.rest, self.columns, self.by, self.files)
        made = _Made()
        for number, some in groupby(share, key=lambda one: one[0]):
            parse, skips = self.ways[number]
            try:
                loaded = task.load(parse, skips, [block for _, block in some], targets)
            except DamagedError:
                return _Made(is_damaged=True)
            rest = {number: loaded.rest}
            made = made.plus(_Made(loaded.lines, loaded.rows, loaded.skipped, loaded.files, rest))
        return made


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
