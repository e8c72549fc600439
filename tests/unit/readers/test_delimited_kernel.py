"""The kernel for CSV: the fields of lines that are surely one record, as Python's own reader has
them."""

import csv
import random

import pytest

from gristmill.readers.kernels.delimited import pieces

NAMES = ("a", "b", "c")


def read(lines: list[str], separator: str = ",") -> dict[int, list[str]]:
    header = separator.join(NAMES)
    found = pieces([line.encode() for line in lines], NAMES, separator, header)
    return {place: [*fields] for place, *fields in found.rows()}


@pytest.mark.parametrize("mark", [",", ";", "\t", "|"])
def test_whole_records_are_taken_apart(mark: str) -> None:
    lines = [
        mark.join(fields)
        for fields in (
            ["1", "2", "3"],
            ["", "", ""],
            ['"1"', f'"2{mark}x"', '"a ""b"""'],
            ["é", " ", "🙂"],
        )
    ]
    assert read(lines, mark) == {
        0: ["1", "2", "3"],
        1: ["", "", ""],
        2: ["1", f"2{mark}x", 'a "b"'],
        3: ["é", " ", "🙂"],
    }
    assert read([f"{line}\r" for line in lines], mark) == read(lines, mark)


def test_what_is_odd_or_no_record_is_left() -> None:
    odd = ['1,"2"x,3', '1,x"2",3', '1, "2",3', '1,"2,3', "1,2,3\0", "1\r,2,3", 'a"b,2,3']
    none = ["", "  ", "1,2", "1,2,3,", "1,2,3,4", "a,b,c", '"1,2",3']
    assert read([*odd, *none]) == {}


@pytest.mark.parametrize(
    "seed", [1, *(pytest.param(seed, marks=pytest.mark.thorough) for seed in range(2, 8))]
)
def test_any_line_is_left_or_read_as_python_reads_it(seed: int) -> None:
    rng = random.Random(seed)
    parts = ["a", "b", ",", ",", '"', '""', " ", "é", "\r", '","', '"x"']
    lines = ["".join(rng.choices(parts, k=rng.randint(1, 9))) for _ in range(20000)]
    rows = read(lines)
    for place, fields in rows.items():
        assert next(csv.reader([lines[place].rstrip("\r")], strict=True)) == fields, lines[place]
    assert 300 < len(rows) < 10000
