"""What a task does with a kernel: every row in a file of its partition, whatever is held back."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest

from gristmill.model.job import PLACE
from gristmill.readers.kernels import task
from gristmill.readers.kernels.blocks import Block
from gristmill.readers.kernels.direct import Direct


def parse(lines: Sequence[bytes], odd: bytes) -> pl.DataFrame:
    """Lines of a number and a kind to rows; those that are `odd` are left."""
    kept: list[tuple[int, str, str]] = []
    for place, line in enumerate(lines):
        if odd not in line:
            number, kind = line.decode().split()
            kept.append((place, number, kind))
    return pl.DataFrame(
        {
            PLACE: pl.Series([place for place, *_ in kept], dtype=pl.UInt32),
            "number": [int(number) for _, number, _ in kept],
            "kind": [kind for *_, kind in kept],
            "tags": [[{"key": "kind", "value": kind}] for *_, kind in kept],
        },
        schema_overrides={"tags": pl.List(pl.Struct({"key": pl.String(), "value": pl.String()}))},
    )


@pytest.fixture
def block(tmp_path: Path) -> Block:
    file = tmp_path / "in put.txt"
    file.write_text("".join(f"{number} {'a/b' if number % 3 else 'c'}\n" for number in range(900)))
    return Block(file.as_uri(), 0, file.stat().st_size)


def load(block: Block, folder: Path, skips: bytes = b"never") -> task.Done:
    columns = ("number", "tags", "source_file")
    targets = task.Targets(
        f"file://{folder}/rows", f"file://{folder}/rest", columns, ("kind",), Direct()
    )
    return task.load(partial(parse, odd=b"7"), lambda line: skips in line, [block], targets)


@pytest.mark.parametrize(
    ("waiting", "held", "group"), [(1, 1 << 30, 10**6), (1 << 30, 1, 10**6), (1 << 30, 1 << 30, 1)]
)
def test_rows_are_written_as_they_come(
    block: Block,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    waiting: int,
    held: int,
    group: int,
) -> None:
    monkeypatch.setattr(task, "_AT_ONCE", 1)
    monkeypatch.setattr("gristmill.readers.kernels.blocks._PIECE", 300)
    for name, value in (("_WAITING", waiting), ("_HELD", held), ("_ROW_GROUP", group)):
        monkeypatch.setattr(task, name, value)
    done = load(block, tmp_path / "small")
    for file in done.files:
        assert pq.ParquetFile(tmp_path / "small" / "rows" / file).num_row_groups > 10
    monkeypatch.undo()
    assert load(block, tmp_path / "whole").lines == done.lines
    small, whole = (rows(tmp_path / name) for name in ("small", "whole"))
    assert small == whole == [n for n in range(900) if "7" not in str(n)]


def rows(folder: Path) -> list[int]:
    found = ds.dataset(folder / "rows", partitioning="hive").to_table()
    return sorted(found["number"].to_pylist())


def test_partitions_maps_and_lines_that_are_left(block: Block, tmp_path: Path) -> None:
    done = load(block, tmp_path / "out", skips=b"77")
    assert done.lines == 900
    skipped = sum("77" in str(number) for number in range(900))
    left = sum("7" in str(number) for number in range(900)) - skipped
    assert (done.rows, done.skipped) == (900 - left - skipped, skipped)
    assert {name.partition("/")[0] for name in done.files} == {"kind=a%2Fb", "kind=c"}
    (file,) = (tmp_path / "out" / "rows" / "kind=c").iterdir()
    schema = pq.read_schema(file)
    assert schema.names == ["number", "tags", "source_file"]
    assert schema.field("tags").type == pa.map_(pa.string(), pa.string())
    (rest,) = (tmp_path / "out" / "rest").iterdir()
    table = pq.read_table(rest).to_pylist()
    assert len(table) == left
    first = table[0]
    assert (first["value"], first["line_number"], first["file"]) == (b"7 a/b", 8, block.file)
