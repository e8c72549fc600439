"""Looking at what was published, without starting a JVM."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pyarrow.parquet as pq

from gristmill.cli.show import Block, Table, blocks
from gristmill.errors import GristmillError, InputError, UsageError
from gristmill.nearest import near
from gristmill.outputs.arrow import arrow_path
from gristmill.publish import layout
from gristmill.publish.locations import local_path, open_location, open_output, readable
from gristmill.publish.run_ids import stamps_in
from gristmill.publish.state import read_state
from gristmill.publish.table_format import ICEBERG, found_format, is_root
from gristmill.storage import HIDDEN, Storage

_CELL = 60
_LINE = 200
_CHUNK = 1 << 20
_BATCH = 10_000
_NULL = "__HIVE_DEFAULT_PARTITION__"


@dataclass(frozen=True)
class Rows:
    """Rows of a dataset, with all of its columns in order. Those of its folders are strings."""

    columns: tuple[str, ...]
    rows: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True)
class RejectExample:
    """A line that was rejected. `line` is its number in its file, null where the file cannot be
    read any more; `where` has both, or what is known."""

    source_file: str
    line: int | None
    where: str
    raw: str


@dataclass(frozen=True)
class RejectGroup:
    """The rejects of a job for a reason: how many, and some of them."""

    job: str
    reason: str
    count: int
    examples: tuple[RejectExample, ...]


@dataclass(frozen=True)
class RejectList:
    """The rejects of an output, by job and reason."""

    rejects: tuple[RejectGroup, ...]


def head(folder: str, count: int) -> Rows:
    """The first rows of a dataset. Raises `InputError`."""
    if count < 1:
        raise UsageError(f"-n takes 1 or more, not {count}")
    with readable(folder):
        storage = open_location(folder)
        if is_root(storage):
            names = ", ".join(name for name in storage.names("") if not name.startswith(HIDDEN))
            raise InputError(
                f"{folder} is an output, with several datasets: gristmill head "
                f"{folder.rstrip('/')}/NAME, of {names or 'none yet'}"
            )
        found = _open(storage, "", _published(folder))
        return Rows(found.names, tuple(islice(found.rows(count), count)))


def rejects(output: str, examples: int) -> RejectList:
    """Rejects by job and reason, with some of each. Raises `InputError`."""
    from gristmill.model.dataset import REJECTS  # noqa: PLC0415  with it comes pyspark

    storage = open_output(output)
    counts: dict[tuple[str, str], int] = {}
    kept: dict[tuple[str, str], list[dict[str, Any]]] = {}
    with readable(output):
        held = _held(storage, REJECTS.name)
        if not (storage.data_files(REJECTS.name) if held is None else held):
            return RejectList(())
        found = _open(storage, REJECTS.name, held)
        if missing := {field.name for field in REJECTS.fields} - set(found.names):
            raise InputError(f"{output}: rejects has no column {', '.join(sorted(missing))}")
        for row in found.rows(_BATCH):
            kind = (row["job"], row["reason"])
            counts[kind] = counts.get(kind, 0) + 1
            if len(kept.setdefault(kind, [])) < examples:
                kept[kind].append(row)
    return RejectList(
        tuple(
            RejectGroup(job, reason, count, tuple(map(_example, kept[job, reason])))
            for (job, reason), count in sorted(counts.items())
        )
    )


@blocks.register
def _(found: Rows) -> Iterable[Block]:
    rows = [tuple(_cell(row[name]) for name in found.columns) for row in found.rows]
    return [Table(found.columns, rows)]


@blocks.register
def _(found: RejectList) -> Iterable[Block]:
    for group in found.rejects:
        yield f"{group.job}: {group.reason}: {group.count:,}"
        yield from (f"  {one.where}  {_shown(one.raw)}" for one in group.examples)
    if not found.rejects:
        yield "no rejects"


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


def _example(row: dict[str, Any]) -> RejectExample:
    file, start, number = row["source_file"], row["block_start"], row["line_number"]
    line = file_line(file, start, number)
    unknown = f"{file} (line {number} after byte {start})"
    return RejectExample(file, line, unknown if line is None else f"{file}:{line}", row["raw"])


@dataclass(frozen=True)
class _Dataset:
    """The files of a dataset, and its columns, those of the path last."""

    storage: Storage
    folder: str
    paths: tuple[str, ...]
    names: tuple[str, ...]

    def rows(self, batch: int) -> Iterator[dict[str, Any]]:
        """The rows, read `batch` at a time."""
        missing = dict.fromkeys(self.names)
        for path in self.paths:
            filesystem, full = arrow_path(self.storage, f"{self.folder}/{path}".lstrip("/"))
            # Arrow's datasets read ahead in threads, which take the process down with them when
            # they call fsspec while Python ends; so read, nothing is left when a row is here.
            with pq.ParquetFile(full, filesystem=filesystem, pre_buffer=False) as file:
                for found in file.iter_batches(batch, use_threads=False):
                    for row in found.to_pylist():
                        yield {**missing, **row, **_partition(path)}


def _published(folder: str) -> list[str] | None:
    """The files of the table of Iceberg whose folder it is; None where it is none."""
    root, _, name = folder.rstrip("/").rpartition("/")
    return _held(open_location(root or "."), name)


def _held(root: Storage, name: str) -> list[str] | None:
    """The files of a table of Iceberg, beside which others lie; None where an output is plain."""
    if found_format(root) != ICEBERG:
        return None
    known = read_state(root).datasets
    return sorted(known[name].files) if name in known else []


def _open(storage: Storage, folder: str, held: list[str] | None) -> _Dataset:
    """A dataset in `folder` of a place: the files that are `held`, or all. Raises `InputError`
    where it has none."""
    lying = (file.path for file in storage.data_files(folder)) if held is None else held
    paths = [path for path in lying if path.endswith(".parquet")]
    if not paths:
        where = f"{storage.root}/{folder}".rstrip("/")
        raise InputError(f"no dataset in {where}{_beside(where)}")
    # Columns may have come since the oldest files were written; none ever goes.
    newest = max(paths, key=lambda path: stamps_in(path)[-1:])
    filesystem, full = arrow_path(storage, f"{folder}/{newest}".lstrip("/"))
    columns = pq.read_schema(full, filesystem=filesystem).names
    return _Dataset(storage, folder, tuple(paths), (*columns, *_partition(newest)))


def _beside(uri: str) -> str:
    """The nearest of the datasets that lie where this was looked for."""
    root, _, name = uri.rpartition("/")
    try:
        return near(name, open_location(root).names(""))
    except (OSError, GristmillError):
        return ""


def _partition(path: str) -> dict[str, str | None]:
    """What the folders of a file's path say: strings, as a 7 would not be the corpus 007."""
    said = (part.partition("=") for part in layout.partition(path).split("/") if part)
    return {name: None if value == _NULL else unquote(value) for name, _, value in said}


def _cell(value: object) -> str:
    # Nobody reads 0E-18 as nothing.
    text = f"{value:f}" if isinstance(value, Decimal) else str(value)
    return "" if value is None else _shown(text, _CELL)


def _shown(raw: str, width: int = _LINE) -> str:
    """`raw` on one line, cut, and with what a terminal would take for a command spelled out."""
    text = raw[:width] if len(raw) <= width else raw[: width - 1] + "…"
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode() for char in text
    )
