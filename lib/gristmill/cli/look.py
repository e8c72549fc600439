"""Looking at what was published, without starting a JVM."""

import contextlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pyarrow as pa
import pyarrow.dataset as arrow
from pyarrow import ArrowException

from gristmill.console import render
from gristmill.dataset import REJECTS
from gristmill.errors import InputError, UsageError

_CELL = 60
_LINE = 200
_CHUNK = 1 << 20


def head(folder: str, count: int) -> list[str]:
    """The first rows of a dataset as a table. Raises `InputError`."""
    if count < 1:
        raise UsageError(f"-n takes 1 or more, not {count}")
    found = _open(folder)
    with _readable(folder):
        rows = found.head(count).to_pylist()
    names = tuple(found.schema.names)
    return render(names, [tuple(_cell(row[name]) for name in names) for row in rows])


def rejects(output: str, examples: int) -> list[str]:
    """Rejects by job and reason, with some of each. Raises `InputError`."""
    place = Path(_local(output))
    if not place.is_dir():
        raise InputError(f"no such output: {output}")
    if not any(_data_files(place / REJECTS.name)):
        return ["no rejects"]
    found = _open(str(place / REJECTS.name))
    if missing := {field.name for field in REJECTS.fields} - set(found.schema.names):
        raise InputError(f"{output}: rejects has no column {', '.join(sorted(missing))}")
    counts: dict[tuple[str, str], int] = {}
    kept: dict[tuple[str, str], list[dict[str, Any]]] = {}
    with _readable(output):
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
        with Path(_local(source_file)).open("rb") as file:
            return sum(_newlines(file, block_start)) + 1 + line_number
    except (OSError, InputError):
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


def _open(folder: str) -> Any:
    path = Path(_local(folder))
    files = sorted(_data_files(path))
    if not files:
        raise InputError(f"no dataset in {folder}")
    # As strings: left to guess, Arrow makes a 7 of the corpus 007.
    columns = [part.partition("=")[0] for part in files[0].relative_to(path).parent.parts]
    partitions = pa.schema([(name, pa.string()) for name in columns])
    with _readable(folder):
        return arrow.dataset(
            [str(file) for file in files],
            format="parquet",
            partitioning=arrow.partitioning(partitions, flavor="hive"),
            partition_base_dir=str(path),
        )


@contextlib.contextmanager
def _readable(folder: str) -> Iterator[None]:
    try:
        yield
    except (ArrowException, OSError) as error:
        raise InputError(f"{folder}: {error}") from error


def _data_files(path: Path) -> Iterable[Path]:
    return (
        file
        for file in path.glob("**/*.parquet")
        if not any(part.startswith(("_", ".")) for part in file.relative_to(path).parts)
    )


def _local(uri: str) -> str:
    parts = urlsplit(uri)
    if parts.scheme == "file":
        return unquote(parts.path)
    if len(parts.scheme) > 1:
        raise InputError(f"{uri}: only local paths can be looked at so far")
    return uri


def _cell(value: object) -> str:
    return "" if value is None else _shown(str(value), _CELL)


def _shown(raw: str, width: int = _LINE) -> str:
    """`raw` on one line, cut, and with what a terminal would take for a command spelled out."""
    text = raw[:width] if len(raw) <= width else raw[: width - 1] + "…"
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode() for char in text
    )
