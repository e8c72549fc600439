"""What a column of a table is declared as, and what of it does not fit together."""

import re
from typing import Any

import pytest

from gristmill.readers.tables import TableColumn, TableReader


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"type": "integer"}, "'integer' is not a type that is read: tinyint"),
        ({"type": "array<int>"}, "is not a type that is read"),
        ({"type": "decimal(39,2)"}, "38 digits at the most"),
        ({"type": "decimal(4,5)"}, "no more behind the point"),
        ({"type": "string", "minimum": 1}, "a string has no minimum"),
        ({"type": "boolean", "maximum": 1}, "a boolean has no minimum or maximum"),
        ({"type": "int", "minimum": "low"}, "'low' is no int"),
        ({"type": "int", "maximum": 1.5}, "1.5 is no int"),
        ({"type": "date", "maximum": "1.1.2026"}, "'1.1.2026' is no date"),
        ({"type": "int", "choices": ("1",)}, "choices and pattern are for strings"),
        ({"type": "int", "pattern": r"\d"}, "choices and pattern are for strings"),
        ({"type": "int", "format": "yyyy"}, "a format is for dates and timestamps"),
        ({"type": "date", "zone": "Europe/Oslo"}, "a zone is for timestamps"),
        ({"type": "int", "name": "_id"}, "a name starts with a letter"),
        ({"type": "int", "name": "a.b"}, "a name starts with a letter"),
        ({"type": "int", "name": ""}, "a name starts with a letter"),
    ],
)
def test_what_does_not_fit_together_is_told(given: dict[str, Any], told: str) -> None:
    with pytest.raises(ValueError, match=re.escape(told)):
        TableColumn(**{"name": "x", **given})


@pytest.mark.parametrize(
    ("column", "faults"),
    [
        (TableColumn("x", "string"), ["missing"]),
        (TableColumn("x", "string", required=False), []),
        (TableColumn("x", "int"), ["missing", "not_integer", "out_of_range"]),
        (
            TableColumn("x", "decimal(5,2)"),
            ["missing", "not_decimal", "too_precise", "out_of_range"],
        ),
        (TableColumn("x", "boolean"), ["missing", "not_boolean"]),
        (TableColumn("x", "date"), ["missing", "not_date"]),
        (
            TableColumn("x", "timestamp", zone="Europe/Oslo", minimum="2026-01-01"),
            ["missing", "not_timestamp", "skipped_time", "ambiguous_time", "out_of_range"],
        ),
        (
            TableColumn("x", "string", choices=("a",), pattern="a"),
            ["missing", "not_a_choice", "no_match"],
        ),
    ],
)
def test_the_faults_of_a_column_follow_from_what_it_is(
    column: TableColumn, faults: list[str]
) -> None:
    assert list(column.faults) == faults


def test_a_range_is_told_as_it_was_declared() -> None:
    told = {
        TableColumn("x", "int", minimum=1).faults["out_of_range"],
        TableColumn("x", "int", maximum=5).faults["out_of_range"],
        TableColumn("x", "int", minimum=1, maximum=5).faults["out_of_range"],
    }
    assert told == {
        "the value is not 1 or more",
        "the value is not 5 or less",
        "the value is not from 1 to 5",
    }


def test_a_table_has_columns_each_with_a_name_of_its_own() -> None:
    for columns in ((), (TableColumn("x", "int"), TableColumn("x", "date"))):
        with pytest.raises(ValueError, match="each with a name of its own"):
            TableReader(columns)
    with pytest.raises(ValueError, match="say what the separator is"):
        TableReader((TableColumn("x", "int"),), has_header=False)
