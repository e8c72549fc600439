"""All datasets: how large they are; of those that no section is about, their partitions."""

from gristmill.outputs.output import Output, Table
from gristmill.pages import numbers
from gristmill.pages.charts import ranked
from gristmill.pages.parts import Chart, Section, Sheet

_DATASETS, _CHARTS, _PARTITIONS, _COLUMNS = 100, 3, 15, 8


def datasets(found: Output, known: frozenset[str]) -> Section | None:
    """The section; None where there are none. `known` are those that other sections show."""
    tables = [found[name] for name in sorted(found)]
    if not tables:
        return None
    shown = [
        (
            one.name,
            numbers.count(one.rows),
            numbers.size(one.bytes),
            numbers.count(len(one.partitions)),
            _named(one.schema.names),
        )
        for one in tables[:_DATASETS]
    ]
    heading = ("dataset", "rows", "size", "partitions", "columns")
    left = max(0, len(tables) - _DATASETS)
    sheet = Sheet(heading, shown, frozenset({1, 2, 3}), left, "All datasets")
    parted = [one for one in tables if one.name not in known and len(one.partitions) > 1][:_CHARTS]
    return Section("datasets", "Datasets", "", (), list(map(_partitions, parted)), [sheet])


def _named(columns: list[str]) -> str:
    left = len(columns) - _COLUMNS
    return ", ".join(columns[:_COLUMNS]) + (f" and {left} more" if left > 0 else "")


def _partitions(table: Table) -> Chart:
    rows = sorted(table.partition_rows.items(), key=lambda one: (-one[1], one[0]))
    shown = [(name, numbers.count(count)) for name, count in rows[:50]]
    sheet = Sheet(("partition", "rows"), shown, frozenset({1}), max(0, len(rows) - 50))
    bars = [{"name": name, "value": count} for name, count in rows[:_PARTITIONS]]
    return ranked(f"Largest partitions of {table.name}", bars, sheet, unit="rows")
