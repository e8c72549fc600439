"""Looking at what was published, without starting a JVM."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

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
    rows = found.head(count).to_pylist()
    names = tuple(found.schema.names)
    return render(names, [tuple(_cell(row[name]) for name in names) for row in rows])


def rejects(output: str, examples: int) -> list[str]:
    """Rejects by job and reason, with some of each. Raises `InputError`."""
    if not (Path(_local(output)) / REJECTS.name).is_dir():
        if not Path(_local(output)).is_dir():
            raise InputError(f"no such output: {output}")
        return ["no rejects"]
    found = _open(f"{output}/{REJECTS.name}")
    counts: dict[tuple[str, str], int] = {}
    kept: dict[tuple[str, str], list[dict[str, Any]]] = {}
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


def _open(folder: str) -> Any:
    path = Path(_local(folder))
    files = sorted(map(str, _data_files(path)))
    if not files:
        raise InputError(f"no dataset in {folder}")
    try:
        return arrow.dataset(
            files, format="parquet", partitioning="hive", partition_base_dir=str(path)
        )
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
    text = "" if value is None else str(value)
    return text if len(text) <= _CELL else text[: _CELL - 1] + "…"


def _shown(raw: str) -> str:
    text = raw if len(raw) <= _LINE else raw[: _LINE - 1] + "…"
    return text.encode("unicode_escape").decode() if not text.isprintable() else text
