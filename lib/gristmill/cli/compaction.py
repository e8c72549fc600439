"""Showing which files of a dataset are small, and bringing them together."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import pyarrow as pa
import pyarrow.dataset as arrow
import pyarrow.parquet as pq

from gristmill.cli.show import Block, Table, blocks
from gristmill.errors import AuditError
from gristmill.model.report import size
from gristmill.model.schema import DatasetSchema
from gristmill.outputs.arrow import arrow_path, arrow_schema
from gristmill.publish.compaction import Merge, Together, compact, small_files
from gristmill.publish.lease import utc_now
from gristmill.publish.locations import open_output, readable
from gristmill.publish.retention import held_dataset
from gristmill.publish.state import read_state
from gristmill.storage import Storage
from gristmill.storage.local import LocalStorage

_ROW_GROUP = 1_000_000


@dataclass(frozen=True)
class SmallFiles:
    """Small files of partitions: how many there are, and how many become of them. `batches` is how
    many batches become one; 0 where a run replaces partitions."""

    partitions: tuple[str, ...]
    rows: int
    bytes: int
    files: int
    becoming: int
    batches: int


@dataclass(frozen=True)
class Compaction:
    """What of a dataset is small; where it `is_done`, what was brought together."""

    dataset: str
    is_done: bool
    small: tuple[SmallFiles, ...]


def look(output: str, dataset: str, older_than: timedelta | None) -> Compaction:
    """What of a dataset could be brought together."""
    storage = open_output(output)
    with readable(output):
        held = held_dataset(read_state(storage), dataset)
        found = small_files(held, _before(older_than))
    return Compaction(dataset, is_done=False, small=tuple(map(_told, found)))


def carry_out(
    output: str,
    dataset: str,
    older_than: timedelta | None,
    wait: timedelta,
    tell: Callable[[str], None],
) -> Compaction:
    """Bring the small files of a dataset together; gives what they were."""
    storage = open_output(output)
    with readable(output):
        schema = held_dataset(read_state(storage), dataset).schema
        merge = _merging(storage, schema)
        done = compact(storage, dataset, _before(older_than), merge, wait=wait, tell=tell)
    return Compaction(dataset, is_done=True, small=tuple(map(_told, done)))


def _before(older_than: timedelta | None) -> date | None:
    return None if older_than is None else utc_now().date() - older_than


def _told(one: Together) -> SmallFiles:
    files = one.files.values()
    return SmallFiles(
        one.folders,
        sum(file.rows for file in files),
        sum(file.bytes for file in files),
        len(files),
        len(one.targets),
        len(one.batches),
    )


def _merging(storage: Storage, schema: DatasetSchema) -> Merge:
    """Writes files as one, a row group or more for each, and reads it again."""
    inside = [one for one in schema.fields if one[0] not in schema.partitioned_by]
    columns = arrow_schema(inside)

    def rows_of(path: str) -> pa.Table:
        filesystem, place = arrow_path(storage, path)
        # A file from before may lack a column that has come since.
        found = arrow.dataset(place, schema=columns, format="parquet", filesystem=filesystem)
        return found.to_table()

    def merge(paths: Sequence[str], target: str) -> int:
        filesystem, place = arrow_path(storage, target)
        if isinstance(storage, LocalStorage):
            filesystem.create_dir(place.rpartition("/")[0], recursive=True)
        groups = []
        with pq.ParquetWriter(
            place,
            columns,
            filesystem=filesystem,
            compression="zstd",
            store_decimal_as_integer=True,
        ) as writer:
            for path in paths:
                table = rows_of(path)
                writer.write_table(table, row_group_size=_ROW_GROUP)
                groups.append(max(1, -(-table.num_rows // _ROW_GROUP)))
        with pq.ParquetFile(place, filesystem=filesystem) as written:
            first = 0
            for path, count in zip(paths, groups, strict=True):
                found = written.read_row_groups(range(first, first + count))
                if not _bits(found).equals(_bits(rows_of(path))):
                    raise AuditError(
                        f"{target} does not hold the rows of {path}; nothing is changed"
                    )
                first += count
            return int(written.metadata.num_rows)

    return merge


def _bits(rows: pa.Table) -> pa.Table:
    """Rows with the bits of floating numbers in their place, as what is not a number is unlike
    itself."""
    kinds = {pa.float32(): pa.int32(), pa.float64(): pa.int64()}
    for place, field in enumerate(rows.schema):
        if field.type in kinds:
            column = rows.column(place).combine_chunks().view(kinds[field.type])
            rows = rows.set_column(place, field.name, column)
    return rows


@blocks.register
def _(found: Compaction) -> Iterable[Block]:
    rows = [
        (
            one.partitions[0]
            + (f" and {len(one.partitions) - 1:,} more" * (len(one.partitions) > 1)),
            f"{one.batches:,}" if one.batches else "-",
            f"{one.rows:,}",
            size(one.bytes),
            f"{one.files:,}",
            f"{one.becoming:,}",
        )
        for one in found.small
    ]
    if not rows:
        yield f"{found.dataset} has no small files that could be brought together"
        return
    yield Table(("partitions", "batches", "rows", "bytes", "files", "become"), rows)
    done = f"brought the small files of {found.dataset} together"
    more = f"nothing was changed: --yes brings the small files of {found.dataset} together"
    yield done if found.is_done else more
