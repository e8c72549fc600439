"""Blocks of files, shared out to tasks of Spark's."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

from pyspark.sql import SparkSession

from gristmill.errors import InputError
from gristmill.readers import kernels
from gristmill.readers.kernels.blocks import Block, blocks
from gristmill.spark.session import to_its_end
from gristmill.storage.hadoop import stats

MOST = 256 * 1024 * 1024
_TASKS_PER_CORE = 2

Result = TypeVar("Result")
Share = list[tuple[int, Block]]
"""Blocks for a task, each with the number of the group of files that it is of."""


def share_of(spark: SparkSession, groups: Iterable[Sequence[str]]) -> Share:
    """All blocks of groups of files, by their URIs. Raises `InputError` where a file has gone."""
    size = int(spark.conf.get("spark.sql.files.maxPartitionBytes") or 0)
    found: Share = []
    for number, files in enumerate(groups):
        known = stats(spark, files)
        for gone in set(files) - known.keys():
            raise InputError(f"{gone} has gone since it was listed: run again")
        lengths = {file: known[file][0] for file in files}
        found += [(number, block) for block in blocks(lengths, size)]
    return found


def done(spark: SparkSession, whole: Share, work: Callable[[Share], Result]) -> list[Result]:
    """What `work` gives for shares of the whole: in tasks, or by this process where it is small."""
    if sum(block.work for _, block in whole) <= kernels.SMALL:
        return [work(whole)] if whole else []
    results: list[Any] = []
    shares = _shared_out(whole, spark.sparkContext.defaultParallelism)
    given = spark.sparkContext.parallelize(shares, len(shares))

    def alone(share: Share) -> Result:
        kernels.on_one_core()
        return work(share)

    to_its_end(spark, lambda: results.extend(given.map(alone).collect()))
    return results


def _shared_out(whole: Share, cores: int) -> list[Share]:
    """Blocks by task, in order: neighbours together, so that small files cost little."""
    total = sum(block.work for _, block in whole)
    most = min(MOST, total // (cores * _TASKS_PER_CORE) + 1)
    shares: list[Share] = [[]]
    taken = 0
    for number, block in whole:
        if taken >= most:
            shares.append([])
            taken = 0
        shares[-1].append((number, block))
        taken += block.work
    return shares
