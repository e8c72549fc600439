"""Loading by kernels: tasks that parse lines with a vectorised library, and write the rows.

That is for a job which passes on what it reads, on this machine, from its disk to its disk. What a
kernel is not sure of goes the way of all other rows, and so do all lines where there is none.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from gristmill.engine.follow import Plan
from gristmill.model.checks import REASON
from gristmill.model.dataset import Dataset
from gristmill.model.job import AnyJob, Kernel, ParseLines, Request
from gristmill.readers import kernels
from gristmill.readers.text.blocks import Block, blocks, is_here
from gristmill.readers.text.lines import BLOCK_START, LINE_NUMBER, RAW, SOURCE_FILE, cleaned
from gristmill.spark.session import to_its_end
from gristmill.storage.hadoop import escaped

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


@dataclass(frozen=True)
class Loaded:
    """What kernels have made of `lines`: the rows of them that lie in the stage; judged rows that
    are still to be written, as they would be too many small files; and the lines that are left,
    with the columns of `ORIGIN`. None where there are none."""

    lines: int
    rows: int = 0
    unwritten: DataFrame | None = None
    left: DataFrame | None = None


def serves(spark: SparkSession, job: AnyJob, request: Request, plan: Plan, root: str) -> bool:
    """Whether a run, into the output `root`, loads by kernels."""
    return _suits(spark, job, request, plan, root) and not kernels.missing()


def lacking(spark: SparkSession, job: AnyJob, request: Request, plan: Plan, root: str) -> str:
    """What to tell the user of a run that would load by kernels if all that they need were there;
    empty where there is nothing to tell."""
    library = kernels.missing()
    if not (library and _suits(spark, job, request, plan, root) and plan.kernel):
        return ""
    if sum(block.work for block in blocks(plan.kernel.files, MOST)) <= kernels.SMALL:
        return ""
    return f"{library} is not installed, which parses lines much faster (gristmill[native])"


def _suits(spark: SparkSession, job: AnyJob, request: Request, plan: Plan, root: str) -> bool:
    kernel = plan.kernel
    if kernel is None or plan.targets is not None or not kernels.are_wanted(spark):
        return False
    here = all(map(is_here, (*kernel.files, f"{root}/")))
    return here and _passes_on(job, request, plan.rows, kernel)


def _passes_on(job: AnyJob, request: Request, rows: DataFrame, kernel: Kernel) -> bool:
    """Whether what a job makes of rows are those rows, by day, in columns that a kernel gives."""
    if job.checks or job.shared or job.audit or job.costs or job.part(request.options) is not None:
        return False
    datasets = job.datasets(request.options)
    if len(datasets) != 1 or job.scope(request.options):
        return False
    (dataset,) = datasets
    is_loaded = dataset.partitioned_by == ("date",) and dataset.write_mode == "batch"
    as_it_comes = not (dataset.sorted_by or dataset.is_final or dataset.extent)
    columns = {(field.name, field.type) for field in dataset.fields}
    same = job.transform(rows, request.options).get(dataset.name) is rows
    return is_loaded and as_it_comes and same and columns <= set(kernel.columns.items())


def load(spark: SparkSession, plan: Plan, dataset: Dataset, stage: str, rest: str) -> Loaded:
    """Read the files of a plan's kernel, and write the rows of `dataset` into the folder `stage`.

    Both folders are URIs; lines that are left are kept in `rest`.
    """
    kernel = plan.kernel
    if kernel is None:
        raise ValueError("a plan without a kernel")
    size = int(spark.conf.get("spark.sql.files.maxPartitionBytes") or 0)
    found = list(blocks(kernel.files, size))
    columns = [field.name for field in dataset.fields if field.name not in dataset.partitioned_by]
    task = _Task(kernel.parse, _folder(stage), _folder(rest), tuple(columns))
    if sum(block.work for block in found) <= kernels.SMALL:
        done = [task(found)] if found else []
    else:
        done = _in_tasks(spark, task, _shared_out(found, spark.sparkContext.defaultParallelism))
    written = {f"{stage}/{file}" for one in done for file in one.files}
    _clear(_folder(stage), written)
    names = [f"{rest}/{file}" for one in done for file in one.rest]
    left = _lines(spark, names) if names else None
    lines, rows = sum(one.lines for one in done), sum(one.rows for one in done)
    if not _are_crumbs(_folder(stage)):
        return Loaded(lines, rows, left=left)
    aside = f"{rest}/rows"
    Path(_folder(aside)).parent.mkdir(exist_ok=True)
    Path(_folder(stage)).rename(_folder(aside))
    unwritten = spark.read.schema(dataset.ddl).parquet(escaped(aside))
    nothing = [F.lit(None).cast(kind).alias(name) for name, kind in _JUDGED.items()]
    return Loaded(lines, unwritten=unwritten.select("*", *nothing), left=left)


@dataclass(frozen=True)
class _Task:
    parse: ParseLines
    rows: str
    rest: str
    columns: tuple[str, ...]

    def __call__(self, found: Sequence[Block]) -> Any:
        from gristmill.readers.kernels import task  # noqa: PLC0415 - for whoever has polars

        targets = task.Targets(self.rows, self.rest, self.columns)
        return task.load(self.parse, found, targets)

    def alone(self, found: Sequence[Block]) -> Any:
        """The same where others do likewise on other cores."""
        kernels.on_one_core()
        return self(found)


def _in_tasks(spark: SparkSession, task: _Task, shares: Sequence[Sequence[Block]]) -> list[Any]:
    done: list[Any] = []
    given = spark.sparkContext.parallelize(shares, len(shares))
    to_its_end(spark, lambda: done.extend(given.map(task.alone).collect()))
    return done


def _shared_out(found: Sequence[Block], cores: int) -> list[list[Block]]:
    """Blocks by task, in order: neighbours together, so that small files cost little."""
    total = sum(block.work for block in found)
    share = min(MOST, total // (cores * _TASKS_PER_CORE) + 1)
    shares: list[list[Block]] = [[]]
    taken = 0
    for block in found:
        if taken >= share:
            shares.append([])
            taken = 0
        shares[-1].append(block)
        taken += block.work
    return shares


def _clear(folder: str, written: set[str]) -> None:
    """Delete what tasks have written that were tried again."""
    for path in Path(folder).glob("*/*"):
        if f"file://{path}" not in written:
            path.unlink()


def _are_crumbs(folder: str) -> bool:
    """Whether the files of a folder's partitions are many, and small."""
    sizes = [path.stat().st_size for path in Path(folder).glob("*/*")]
    days = sum(1 for _ in Path(folder).glob("*"))
    return len(sizes) > _FILES_PER_DAY * days and sum(sizes) < _CRUMB * len(sizes)


def _lines(spark: SparkSession, files: Sequence[str]) -> DataFrame:
    read = spark.read.schema(_REST).parquet(*map(escaped, files))
    text = read.withColumn("value", F.col("value").cast("string"))
    return text.select(
        cleaned("value").alias(RAW),
        F.col("file").alias(SOURCE_FILE),
        F.col("block_start").alias(BLOCK_START),
        F.col("line_number").alias(LINE_NUMBER),
    )


def _folder(uri: str) -> str:
    return uri.removeprefix("file://")
