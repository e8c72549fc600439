"""What a dataset is like: its columns and how their values are spread, partitions, a few rows."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any

from gristmill.cli.query import cell
from gristmill.cli.show import Block, Table, blocks
from gristmill.errors import InputError, UsageError
from gristmill.model.report import size
from gristmill.outputs.output import Table as Dataset
from gristmill.outputs.output import installed
from gristmill.outputs.output import open as open_datasets
from gristmill.publish.locations import open_location
from gristmill.publish.table_format import is_root

_BARS = "▁▂▃▄▅▆▇█"
_BINS = 12
_NUMBERS = (
    *("TINYINT", "SMALLINT", "INT", "BIGINT", "HUGEINT", "UINT", "USMALLINT", "UTINYINT"),
    *("UBIGINT", "FLOAT", "DOUBLE", "DECIMAL"),
)
_TOP = 8


@dataclass(frozen=True)
class ColumnLook:
    """A column: how many values are null, about how many differ, the smallest and the largest.

    `spread` says how many rows lie in each twelfth between these, for numbers and times; of other
    values how often the most frequent ones come, the most frequent first.
    """

    name: str
    type: str
    nulls: int
    distinct: int
    least: Any
    most: Any
    spread: tuple[int, ...]


@dataclass(frozen=True)
class PartitionLook:
    """A partition, and how many rows it has."""

    partition: str
    rows: int


@dataclass(frozen=True)
class DatasetLook:
    """What a dataset is like."""

    name: str
    rows: int
    bytes: int
    files: int
    last_run: str | None
    columns: tuple[ColumnLook, ...]
    partitions: tuple[PartitionLook, ...]
    first: tuple[dict[str, Any], ...]


def peek(folder: str, count: int) -> DatasetLook:
    """Look at a dataset. Raises `InputError`."""
    if count < 0:
        raise UsageError(f"-n takes 0 or more, not {count}")
    if is_root(open_location(folder)):
        known = ", ".join(open_datasets(folder)) or "none yet"
        raise InputError(
            f"{folder} is an output, with several datasets: gristmill peek "
            f"{folder.rstrip('/')}/NAME, of {known}"
        )
    root, _, name = folder.rstrip("/").rpartition("/")
    return looked_at(open_datasets(root or ".")[name], count)


def looked_at(dataset: Dataset, count: int = 3) -> DatasetLook:
    """Look at a dataset: one pass for all columns, and one for the spread of each."""
    duckdb = installed("duckdb")
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        data = connection.from_arrow(dataset.dataset())
        columns = tuple(_columns(data, dataset.rows))
        first = data.limit(count).to_arrow_table().to_pylist()
    rows = dataset.partition_rows
    return DatasetLook(
        dataset.name,
        dataset.rows,
        dataset.bytes,
        len(dataset.files),
        dataset.last_run,
        columns,
        tuple(PartitionLook(name, rows[name]) for name in sorted(rows)),
        tuple(first),
    )


def _columns(data: Any, rows: int) -> Iterator[ColumnLook]:
    """`data` is a relation of DuckDB."""
    kinds = [(name, str(kind)) for name, kind in zip(data.columns, data.types, strict=True)]
    if not rows:
        yield from (ColumnLook(name, kind, 0, 0, None, None, ()) for name, kind in kinds)
        return
    asked = []
    for name, kind in kinds:
        quoted = _quoted(name)
        asked += [f"count(*) - count({quoted})", f"approx_count_distinct({quoted})"]
        asked += [f"{end}({quoted})" if _is_ordered(kind) else "NULL" for end in ("min", "max")]
        value = _as_number(quoted, kind)
        asked += [f"{end}({value})" if value else "NULL" for end in ("min", "max")]
    # By Arrow: for times of its own DuckDB wants pytz.
    told = [one[0].as_py() for one in data.aggregate(", ".join(asked)).to_arrow_table().columns]
    for place, (name, kind) in enumerate(kinds):
        nulls, distinct, least, most, low, high = told[place * 6 : place * 6 + 6]
        value = _as_number(_quoted(name), kind)
        spread = _bins(data, value, low, high) if value else _top(data, _quoted(name))
        yield ColumnLook(name, kind, nulls, min(distinct, rows - nulls), least, most, spread)


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _is_ordered(kind: str) -> bool:
    return not kind.startswith(("STRUCT", "MAP")) and not kind.endswith("[]")


def _as_number(quoted: str, kind: str) -> str | None:
    """What stands for a number or time on a line, None of other values."""
    if kind.startswith(("TIMESTAMP", "DATE")):
        return f"epoch({quoted})"
    if kind.startswith(_NUMBERS) and not kind.endswith("[]"):
        return f"CAST({quoted} AS DOUBLE)"
    return None


def _top(data: Any, quoted: str) -> tuple[int, ...]:
    counted = data.filter(f"{quoted} IS NOT NULL").aggregate("count(*) AS n", quoted)
    return tuple(count for (count,) in counted.order("n DESC").limit(_TOP).fetchall())


def _bins(data: Any, value: str, low: float | None, high: float | None) -> tuple[int, ...]:
    if low is None or high is None or not isfinite(low) or not isfinite(high) or low == high:
        return ()
    place = f"least({_BINS - 1}, floor(({value} - {low!r}) / {high - low!r} * {_BINS}))::INTEGER"
    counted = data.filter(f"{value} IS NOT NULL").aggregate(f"{place} AS b, count(*) AS n", "b")
    bins = dict(counted.fetchall())
    return tuple(bins.get(one, 0) for one in range(_BINS))


def bars(counts: Sequence[int]) -> str:
    """Counts as a line of bars, the highest as high as a line is."""
    highest = max(counts, default=0)
    if not highest:
        return ""
    top = len(_BARS) - 1
    return "".join(_BARS[-(-count * top // highest)] if count else " " for count in counts)


@blocks.register
def _(found: DatasetLook) -> Iterable[Block]:
    return _blocks(found)


def _blocks(found: DatasetLook) -> Iterator[Block]:
    files = f"{found.files:,} files, {size(found.bytes)}"
    yield f"{found.name}: {found.rows:,} rows in {files}, last {found.last_run or '-'}"
    rows = [
        (
            one.name,
            _short(one.type.lower().replace(" with time zone", ""), 10),
            _share(one.nulls, found.rows),
            f"{one.distinct:,}",
            _short(one.least),
            _short(one.most),
            bars(one.spread),
        )
        for one in found.columns
    ]
    yield Table(("column", "type", "null", "differ", "least", "most", "spread"), rows)
    if len(found.partitions) > 1:
        first, last = found.partitions[0].partition, found.partitions[-1].partition
        counts = [one.rows for one in found.partitions]
        yield f"{len(counts):,} partitions, {first} to {last}: {bars(_thinned(counts))}"
    for number, row in enumerate(found.first, 1):
        yield f"row {number}"
        yield from (f"  {name}: {cell(value)}" for name, value in row.items() if value is not None)


def _share(part: int, whole: int) -> str:
    if part in {0, whole}:
        return "all" if part else "-"
    return f"{part / whole:.0%}" if part * 100 >= whole else "<1%"


def _short(value: Any, most: int = 12) -> str:
    text = cell(value)
    return text if len(text) <= most else f"{text[: most - 1]}…"


def _thinned(counts: Sequence[int], most: int = 40) -> list[int]:
    """Sums of neighbours, where there are too many for a line."""
    each = -(-len(counts) // most)
    return [sum(counts[at : at + each]) for at in range(0, len(counts), each)]
