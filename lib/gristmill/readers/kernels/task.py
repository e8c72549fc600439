"""What a task of Spark's does with a kernel: lines to Parquet, and the lines that are left."""

import secrets
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.compute
from pyarrow import parquet as pq

from gristmill.model.job import PLACE, ParseLines, SkipLine
from gristmill.readers.kernels.blocks import Block, lines_of
from gristmill.readers.kernels.direct import Direct
from gristmill.storage.partitions import partition_folder

REST = pa.schema(
    [
        ("value", pa.binary()),
        ("file", pa.string()),
        ("block_start", pa.int64()),
        ("line_number", pa.int64()),
    ]
)
"""The lines that are left, without their ends, and where they stand."""

_AT_ONCE = 8 * 1024 * 1024
_ROW_GROUP = 250_000
# Bytes of text whose rows wait to be written: of one partition, and of all.
_WAITING, _HELD = 64 * 1024 * 1024, 128 * 1024 * 1024
_LEVEL = 3  # of zstd: Parquet's own default in Spark


@dataclass(frozen=True)
class Targets:
    """Folders for what a task makes: of its rows, by partition, and of lines that are left.
    `columns` are those of the files with rows, in order, `by` those of the partitions; `files` is
    what reaches all of them."""

    rows: str
    rest: str
    columns: Sequence[str]
    by: Sequence[str]
    files: Direct


@dataclass(frozen=True)
class Done:
    """The lines that a task has read, the rows that it has made of them, the lines that it has
    skipped, and its files."""

    lines: int
    rows: int
    skipped: int
    files: frozenset[str]
    rest: frozenset[str]


def load(parse: ParseLines, skips: SkipLine, blocks: Sequence[Block], targets: Targets) -> Done:
    """Read the lines of blocks, write those that `parse` is sure of as rows, and the others.

    Of these, those to be skipped are only counted. Raises `DamagedError`.
    """
    name = f"kernel-{secrets.token_hex(8)}.parquet"
    files, left = _Files(targets, name), _Rest(targets, name, skips)
    lines = rows = 0
    try:
        for batch in _batches(blocks, targets.files):
            parsed = parse(batch.lines)
            places = parsed[PLACE]
            rows_of = parsed.with_columns(source_file=batch.files().gather(places))
            files.add(rows_of, batch.bytes)
            left.add(batch, places)
            lines += len(batch.lines)
            rows += parsed.height
    finally:
        files.close()
        left.close()
    return Done(lines, rows, left.skipped, frozenset(files.written), frozenset(left.written))


class _Batch:
    """Lines to be parsed together, of one block or of several."""

    def __init__(self) -> None:
        self.lines: list[bytes] = []
        self.bytes = 0
        self._parts: list[tuple[Block, int, int]] = []  # first number, how many

    def add(self, block: Block, first: int, lines: list[bytes]) -> None:
        self._parts.append((block, first, len(lines)))
        self.lines += lines
        self.bytes += sum(map(len, lines)) + len(lines)

    def files(self) -> pl.Series:
        """The file of each line."""
        return pl.concat(
            pl.repeat(block.file, count, dtype=pl.String, eager=True)
            for block, _, count in self._parts
        )

    def places(self, lines: Sequence[int]) -> Iterator[tuple[str, int, int]]:
        """File, start of the block, and number in it of lines by where they stand here."""
        ends = list(accumulate(count for _, _, count in self._parts))
        part = 0
        for line in lines:
            while line >= ends[part]:
                part += 1
            block, first, count = self._parts[part]
            yield block.file, block.start, first + line - (ends[part] - count)


def _batches(blocks: Sequence[Block], files: Direct) -> Iterator[_Batch]:
    batch = _Batch()
    for block in blocks:
        number = 1
        for lines in lines_of(block, files):
            batch.add(block, number, lines)
            number += len(lines)
            if batch.bytes >= _AT_ONCE:
                yield batch
                batch = _Batch()
    if batch.lines:
        yield batch


class _Files:
    """Parquet files for rows, one for each partition, which take them in groups of some size."""

    def __init__(self, targets: Targets, name: str) -> None:
        self._targets, self._name = targets, name
        self._open: dict[str, _File] = {}
        self._waiting: dict[str, list[pl.DataFrame]] = defaultdict(list)
        self._sizes: dict[str, int] = defaultdict(int)
        self.written: list[str] = []

    def add(self, rows: pl.DataFrame, size: int) -> None:
        """Take rows, with the columns of partitions, that were `size` bytes of text."""
        by = self._targets.by
        for values, part in rows.partition_by(by, as_dict=True, maintain_order=True).items():
            named = zip(by, values, strict=True)
            partition = partition_folder(
                {name: None if value is None else str(value) for name, value in named}
            )
            self._waiting[partition].append(part.select(self._targets.columns))
            self._sizes[partition] += size * part.height // rows.height
            waiting = sum(one.height for one in self._waiting[partition])
            if waiting >= _ROW_GROUP or self._sizes[partition] >= _WAITING:
                self._write(partition)
        if sum(self._sizes.values()) >= _HELD:
            self._write_all()

    def close(self) -> None:
        self._write_all()
        for writer in self._open.values():
            writer.close()

    def _write_all(self) -> None:
        for partition in list(self._waiting):
            self._write(partition)

    def _write(self, partition: str) -> None:
        table = _with_maps(pl.concat(self._waiting.pop(partition)).to_arrow())
        del self._sizes[partition]
        if partition not in self._open:
            file = f"{partition}/{self._name}"
            uri = f"{self._targets.rows}/{file}"
            self._open[partition] = _File(self._targets.files, uri, table.schema)
            self.written.append(file)
        self._open[partition].write(table)


def _with_maps(table: pa.Table) -> pa.Table:
    """A table in which lists of structs, which are how polars has maps, are maps."""
    for at, field in enumerate(table.schema):
        if pa.types.is_large_list(field.type):
            column = pa.chunked_array([_map(chunk) for chunk in table.column(at).chunks])
            table = table.set_column(at, field.name, column)
    return table


def _map(lists: pa.LargeListArray) -> pa.MapArray:
    of, values = pa.list_(lists.type.value_type), lists.type.value_type.field("value").type
    found = lists.cast(of)
    keys, items = found.values.flatten()
    whole = pa.map_(pa.string(), values if pa.types.is_decimal(values) else pa.string())
    # The offset of what is null is null.
    is_null = pa.concat_arrays([found.is_null(), pa.array([False])])
    offsets = pa.compute.if_else(is_null, None, found.offsets)
    return pa.MapArray.from_arrays(
        offsets, keys.cast(whole.key_type), items.cast(whole.item_type), whole
    )


class _Rest:
    """The file for the lines that are left and not to be skipped, if there are any."""

    def __init__(self, targets: Targets, name: str, skips: SkipLine) -> None:
        self._targets, self._name, self._skips = targets, name, skips
        self.skipped = 0
        self._file: _File | None = None
        self.written: list[str] = []

    def add(self, batch: _Batch, rows: pl.Series) -> None:
        is_left = pl.repeat(True, len(batch.lines), dtype=pl.Boolean, eager=True)
        others = is_left.scatter(rows, False).arg_true().to_list()
        left = [line for line in others if not self._skips(batch.lines[line])]
        self.skipped += len(others) - len(left)
        if not left:
            return
        if self._file is None:
            uri = f"{self._targets.rest}/{self._name}"
            self._file = _File(self._targets.files, uri, REST)
            self.written.append(self._name)
        values = [batch.lines[line] for line in left]
        files, starts, numbers = zip(*batch.places(left), strict=True)
        self._file.write(pa.table([values, files, starts, numbers], schema=REST))

    def close(self) -> None:
        if self._file is not None:
            self._file.close()


class _File:
    """A Parquet file that is being written."""

    def __init__(self, files: Direct, uri: str, schema: Any) -> None:
        self._sink = files.created(uri)
        # Without Arrow's own schema in them they are as Spark writes them.
        self._writer = pq.ParquetWriter(
            self._sink, schema, compression="zstd", compression_level=_LEVEL, store_schema=False
        )

    def write(self, table: pa.Table) -> None:
        self._writer.write_table(table)

    def close(self) -> None:
        with self._sink:
            self._writer.close()
