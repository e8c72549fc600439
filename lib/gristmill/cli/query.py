"""`gristmill sql`: a question in SQL, by DuckDB, over the datasets of an output."""

import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from gristmill.cli.show import Block, Table, blocks
from gristmill.errors import InputError, UsageError
from gristmill.outputs.asking import asked
from gristmill.outputs.output import open as open_datasets

_CELL = 60


@dataclass(frozen=True)
class Column:
    """A column of an answer. `type` is Arrow's."""

    name: str
    type: str


@dataclass(frozen=True)
class Answer:
    """What a statement gave. `more` says whether there are rows beyond those that are shown."""

    columns: tuple[Column, ...]
    rows: tuple[tuple[Any, ...], ...]
    more: bool


@dataclass(frozen=True)
class Written:
    """An answer that was written into a file."""

    file: str
    rows: int


def ask(output: str, statement: str, most: int | None, as_of: str | None = None) -> Answer:
    """Answer a statement, of the state `as_of` where that is asked for: at most so many rows, all
    where None. Raises `GristmillError`."""

    def read(reader: pa.RecordBatchReader) -> Answer:
        columns = tuple(Column(field.name, str(field.type)) for field in reader.schema)
        rows: list[tuple[Any, ...]] = []
        for batch in reader:
            rows += zip(*(one.to_pylist() for one in batch.columns), strict=True)
            if most is not None and len(rows) > most:
                return Answer(columns, tuple(rows[:most]), more=True)
        return Answer(columns, tuple(rows), more=False)

    return asked(open_datasets(output, as_of), statement, read)


def write(output: str, statement: str, file: str, as_of: str | None = None) -> Written:
    """Write an answer, of the state `as_of` where that is asked for, into a file, as its name says:
    .csv, .parquet, .json for JSON lines.

    The file is there as a whole or not at all. Raises `GristmillError`.
    """
    path = Path(file)
    writers = {".csv": _to_csv, ".parquet": _to_parquet, ".json": _to_lines, ".jsonl": _to_lines}
    writer = writers.get(path.suffix)
    if writer is None:
        raise UsageError(f"{file} ends in none of {', '.join(writers)}")
    if not path.parent.is_dir():
        raise InputError(f"{file} cannot be written: there is no folder {path.parent}")
    beside = path.with_name(f".{path.name}.part")
    try:
        rows = asked(open_datasets(output, as_of), statement, lambda reader: writer(reader, beside))
        beside.replace(path)
    except OSError as error:
        raise InputError(f"{file} cannot be written: {error}") from error
    finally:
        beside.unlink(missing_ok=True)
    return Written(file, rows)


def print_csv(output: str, statement: str, as_of: str | None = None) -> None:
    """Print an answer, of the state `as_of` where that is asked for, as CSV."""

    def printed(reader: pa.RecordBatchReader) -> None:
        with pa_csv.CSVWriter(sys.stdout.buffer, _plain(reader.schema)) as csv:
            for batch in reader:
                csv.write_batch(_cells(batch))

    asked(open_datasets(output, as_of), statement, printed)
    sys.stdout.buffer.flush()


def _cells(batch: pa.RecordBatch) -> pa.RecordBatch:
    """What CSV cannot hold, lists and maps, as JSON would have it."""
    schema = _plain(batch.schema)
    columns = [
        column
        if field.type == schema.field(place).type
        else pa.array([None if one is None else str(one) for one in column.to_pylist()])
        for place, (field, column) in enumerate(zip(batch.schema, batch.columns, strict=True))
    ]
    return pa.record_batch(columns, schema=schema)


def _plain(schema: pa.Schema) -> pa.Schema:
    return pa.schema(
        [
            pa.field(one.name, pa.string() if pa.types.is_nested(one.type) else one.type)
            for one in schema
        ]
    )


def _to_csv(reader: pa.RecordBatchReader, path: Path) -> int:
    count = 0
    with pa_csv.CSVWriter(path, _plain(reader.schema)) as csv:
        for batch in reader:
            csv.write_batch(_cells(batch))
            count += batch.num_rows
    return count


def _to_parquet(reader: pa.RecordBatchReader, path: Path) -> int:
    count = 0
    with pq.ParquetWriter(path, reader.schema, compression="zstd") as parquet:
        for batch in reader:
            parquet.write_batch(batch)
            count += batch.num_rows
    return count


def _to_lines(reader: pa.RecordBatchReader, path: Path) -> int:
    from gristmill.cli.show import json_line  # noqa: PLC0415

    count = 0
    with path.open("w", encoding="utf-8") as file:
        for batch in reader:
            file.writelines(f"{json_line(row)}\n" for row in batch.to_pylist())
            count += batch.num_rows
    return count


def cell(value: Any) -> str:
    """A value as a table shows it: on one line, and not too long."""
    if value is None:
        return "-"
    text = f"{value:g}" if isinstance(value, float) else str(value)
    text = "".join(char if char.isprintable() else "·" for char in text)
    return text if len(text) <= _CELL else f"{text[: _CELL - 1]}…"


@blocks.register
def _(found: Answer) -> Iterable[Block]:
    return _blocks(found)


def _blocks(found: Answer) -> Iterator[Block]:
    heading = tuple(one.name for one in found.columns)
    yield Table(heading, [tuple(map(cell, row)) for row in found.rows])
    if found.more:
        yield f"… and more: -n shows more than {len(found.rows):,}, --csv or --to FILE gives all"
    elif not found.rows:
        yield "no rows"


@blocks.register
def _(found: Written) -> Iterable[Block]:
    yield f"{found.rows:,} rows are in {found.file}"
