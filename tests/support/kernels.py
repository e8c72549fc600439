"""What kernels give, for tests."""

from collections.abc import Callable, Sequence
from typing import Any

from gristmill.model.dataset import Dataset
from gristmill.model.job import PLACE

_TYPES = {
    "timestamp": "Datetime(time_unit='us', time_zone='UTC')",
    "int": "Int32",
    "bigint": "Int64",
    "double": "Float64",
    "string": "String",
    "date": "Date",
}
Parse = Callable[[Sequence[bytes]], Any]


def rows_by_place(parse: Parse, lines: Sequence[bytes]) -> dict[int, dict[str, Any]]:
    """The rows by the places of their lines, which have to be in order."""
    found = parse(lines)
    assert found[PLACE].is_sorted()
    return {row.pop(PLACE): row for row in found.to_dicts()}


def assert_left_or_right(
    parse: Parse, reference: Callable[[str], Any], lines: Sequence[str]
) -> None:
    """Of broken lines some are left; those that are read are what plain Python makes of them."""
    # A break of this kind at the end is taken off by the reader.
    bare = [line.rstrip("\r") for line in lines]
    rows = rows_by_place(parse, [line.encode() for line in bare])
    for place, row in rows.items():
        assert row == reference(bare[place]), bare[place]
    assert 500 < len(rows) < 19000


def assert_columns(parse: Parse, line: str, dataset: Dataset) -> None:
    """The columns are those of the dataset but for `source_file`."""
    found = parse([line.encode()]).drop(PLACE).schema
    wanted = {field.name: _TYPES[field.type] for field in dataset.fields}
    del wanted["source_file"]
    assert {name: str(kind) for name, kind in found.items()} == wanted
