"""Looking at what was published, without starting a JVM."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.dataset as arrow
import pyarrow.parquet as pq

from gristmill.cli.place import arrow_path, local_path, open_output, open_place, readable
from gristmill.console import render
from gristmill.dataset import REJECTS
from gristmill.errors import InputError, UsageError
from gristmill.storage import Storage

_CELL = 60
_LINE = 200
_CHUNK = 1 << 20
_STAMP = re.compile(r"\d{8}T\d{6}Z")


def head(folder: str, count: int) -> list[str]:
    """The first rows of a dataset as a table. Raises `InputError`."""
    if count < 1:
        raise UsageError(f"-n takes 1 or more, not {count}")
    with readable(folder):
        found = _open(open_place(folder), "")
        rows = found.head(count).to_pylist()
    names = tuple(found.schema.names)
    return render(names, [tuple(_cell(row[name]) for name in names) for row in rows])


def rejects(output: str, examples: int) -> list[str]:
    """Rejects by job and reason, with some of each. Raises `InputError`."""
    place = open_output(output)
    counts: dict[tuple[str, str], int] = {}
    kept: dict[tuple[str, str], list[dict[str, Any]]] = {}
    with readable(output):
        if not place.data_files(REJECTS.name):
            return ["no rejects"]
        found = _open(place, REJECTS.name)
        if missing := {field.name for field in REJECTS.fields} - set(found.schema.names):
            raise InputError(f"{output}: rejects has no column {', '.join(sorted(missing))}")
        for batch in found.to_batches():
            for row in batch.to_pylist():
                kind = (row["job"], row["reason"])
                counts[kind] = counts.get(kind, 0) + 1
                if len(kept.setdefault(kind, [])) < examples:
                    kept[kind].append(row)
    lines: list[str] = []
    for (job, reason), count in sorted(counts.items()):
        lines.append(f"{job}: {reason}: {count:,}")
        lines += [f"  {_where(row)}  {_shown(row['raw'])}" for row in kept[job, reason]]
    return lines or ["no rejects"]


def file_line(source_file: str, block_start: int, line_number: int) -> int | None:
    """A line's number in its file, from its number in the block that starts at `block_start`.

    A block begins with the first line that starts after its first byte; the line before, which it
    cuts, belongs to the block before. None where the file cannot be read here any more.
    """
    if block_start == 0:
        return line_number
    try:
        path = local_path(source_file)
        if path is None:
            return None
        with Path(path).open("rb") as file:
            return sum(_newlines(file, block_start)) + 1 + line_number
    except OSError:
        return None


def _newlines(file: Any, size: int) -> Iterator[int]:
    while size > 0:
        data = file.read(min(_CHUNK, size))
        if not data:
            raise OSError("the file is shorter than it was")
        size -= len(data)
        yield data.count(b"\n")


def _where(row: dict[str, Any]) -> str:
    number = file_line(row["source_file"], row["block_start"], row["line_number"])
    if number is None:
        return f"{row['source_file']} (line {row['line_number']} after byte {row['block_start']})"
    return f"{row['source_file']}:{number}"


def _open(place: Storage, folder: str) -> Any:
    """A dataset in `folder` of a place, for Arrow. Raises `InputError` where it has no files."""
    paths = [file.path for file in place.data_files(folder) if file.path.endswith(".parquet")]
    if not paths:
        raise InputError(f"no dataset in {place.root}/{folder}".rstrip("/"))
    filesystem, base = arrow_path(place, folder)
    base = base.rstrip("/")
    # As strings: left to guess, Arrow makes a 7 of the corpus 007.
    columns = [part.partition("=")[0] for part in paths[0].split("/")[:-1]]
    partitions = pa.schema([(name, pa.string()) for name in columns])
    # Columns may have come since the oldest files were written; none ever goes.
    newest = max(paths, key=lambda path: _STAMP.findall(path)[-1:])
    schema = pq.read_schema(f"{base}/{newest}", filesystem=filesystem)
    return arrow.dataset(
        [f"{base}/{path}" for path in paths],
        schema=pa.unify_schemas([schema, partitions]),
        format="parquet",
        filesystem=filesystem,
        partitioning=arrow.partitioning(partitions, flavor="hive"),
        partition_base_dir=base,
    )


def _cell(value: object) -> str:
    return "" if value is None else _shown(str(value), _CELL)


def _shown(raw: str, width: int = _LINE) -> str:
    """`raw` on one line, cut, and with what a terminal would take for a command spelled out."""
    text = raw[:width] if len(raw) <= width else raw[: width - 1] + "…"
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode() for char in text
    )
