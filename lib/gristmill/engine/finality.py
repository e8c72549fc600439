"""Keeping what is final, or is more, from being replaced by what is not, or is less."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from pyspark.sql import DataFrame, Row, SparkSession
from pyspark.sql import functions as F

from gristmill.engine.held import held_rows
from gristmill.errors import FinalError, ShrinkError
from gristmill.model.dataset import Dataset, Extent
from gristmill.model.report import plain
from gristmill.publish.publication import Publication
from gristmill.storage.hadoop import escaped
from gristmill.storage.partitions import partition_folder

_SHOWN = 3
_ROWS, _BY = "rows", "_by"

Held = Mapping[str, Mapping[str | None, Row]]
"""What was measured of a dataset: by partition, and in it by the extent's `by`."""


def keep_what_is_more(
    spark: SparkSession, dataset: Dataset, publication: Publication, staged: str
) -> None:
    """See that no partition that is staged takes the place of a final one without being final, or
    of one that holds more.

    `staged` is the URI of the folder that the dataset was staged into. Raises `FinalError`,
    or `ShrinkError` with the differences.
    """
    if dataset.is_final is None and dataset.extent is None:
        return
    rows = spark.read.schema(dataset.ddl).parquet(escaped(staged))
    new = _measured(dataset, rows)
    there = held_rows(spark, dataset, publication, new)
    if there is None:
        return
    for folder in sorted(_final(dataset, there) - _final(dataset, rows)):
        raise FinalError(
            f"{dataset.name}/{folder} is final, and what was read for it is not; nothing was "
            "published: load the final export, or replace it all the same with --force"
        )
    for folder, held in sorted(_measured(dataset, there).items()):
        where = f"{dataset.name}/{folder}"
        less = list(_less(dataset.extent, held, new[folder])) if dataset.extent else []
        if less:
            raise ShrinkError(
                f"{where} would shrink: {'; '.join(less)}; nothing was published: load all of it, "
                "say with --scope what the load is a part of, or replace it all the same with "
                "--force"
            )


def _measured(dataset: Dataset, rows: DataFrame) -> Held:
    extent = dataset.extent
    by = (F.col(extent.by) if extent else F.lit(None)).cast("string").alias(_BY)
    sets = extent.sets.items() if extent else ()
    sums = extent.sums.items() if extent else ()
    measures = [
        F.count(F.lit(1)).alias(_ROWS),
        *(F.collect_set(column().cast("string")).alias(name) for name, column in sets),
        *(F.coalesce(F.sum(column()), F.lit(0)).alias(name) for name, column in sums),
    ]
    found: dict[str, dict[str | None, Row]] = {}
    for row in rows.groupBy(*dataset.partitioned_by, by).agg(*measures).collect():
        found.setdefault(_folder(dataset, row), {})[row[_BY]] = row
    return found


def _final(dataset: Dataset, rows: DataFrame) -> set[str]:
    """The folders of the partitions that are final."""
    if dataset.is_final is None:
        return set()
    found = rows.groupBy(*dataset.partitioned_by).agg(dataset.is_final().alias("is_final"))
    return {_folder(dataset, row) for row in found.where("is_final").collect()}


def _folder(dataset: Dataset, row: Row) -> str:
    return partition_folder({name: str(row[name]) for name in dataset.partitioned_by})


def _less(
    extent: Extent, held: Mapping[str | None, Row], new: Mapping[str | None, Row]
) -> Iterator[str]:
    """What there is less of, in words."""
    for by, before in sorted(held.items(), key=lambda pair: str(pair[0])):
        after: Mapping[str, Any] = new[by].asDict() if by in new else {}
        told = f"{by}: " if by is not None else ""
        for name in extent.sets:
            gone = set(before[name]) - set(after.get(name, ()))
            if gone:
                yield f"{told}{_some(gone)} of {len(before[name]):,} {name} would go"
        for name in (_ROWS, *extent.sums):
            if after.get(name, 0) < before[name]:
                yield f"{told}{name} {plain(before[name])}, now {plain(after.get(name, 0))}"


def _some(values: Collection[str]) -> str:
    shown: Sequence[str] = sorted(values)[:_SHOWN]
    more = f" and {len(values) - _SHOWN:,} more" if len(values) > _SHOWN else ""
    return f"{', '.join(shown)}{more}"
