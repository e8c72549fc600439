"""Lines of text files: where they end, where they stood, and what is not text."""

import bz2
import gzip
from collections.abc import Iterator
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from gristmill.errors import InputError
from gristmill.readers.text.lines import BLOCK_START, LINE_NUMBER, RAW, SOURCE_FILE, text_files


def read(spark: SparkSession, *inputs: Path | str) -> list[tuple[str, int, int, str]]:
    """(file name, block start, line number, line), in that order."""
    rows = text_files(spark, [str(path) for path in inputs]).lines.collect()
    return sorted(
        (row[SOURCE_FILE].rpartition("/")[2], row[BLOCK_START], row[LINE_NUMBER], row[RAW])
        for row in rows
    )


def test_lines_end_with_newline_or_both_and_keep_a_lone_return(
    spark: SparkSession, tmp_path: Path
) -> None:
    (tmp_path / "a.txt").write_bytes(b"\xef\xbb\xbfone\r\n\r\ntw\ro\nthree")
    assert read(spark, tmp_path / "a.txt") == [
        ("a.txt", 0, 1, "one"),
        ("a.txt", 0, 2, ""),
        ("a.txt", 0, 3, "tw\ro"),
        ("a.txt", 0, 4, "three"),
    ]


def test_bytes_that_are_not_utf8_are_replaced(spark: SparkSession, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"caf\xe9 \xf0\x9f\x99\x82\n")
    assert [line for *_, line in read(spark, tmp_path)] == ["caf\ufffd 🙂"]


def test_every_member_of_a_gzip_file_is_read(spark: SparkSession, tmp_path: Path) -> None:
    members = gzip.compress(b"one\ntw") + gzip.compress(b"o\n") + gzip.compress(b"three\n")
    (tmp_path / "a.txt.gz").write_bytes(members)
    assert [line for *_, line in read(spark, tmp_path)] == ["one", "two", "three"]


def test_folders_are_read_to_their_depth_without_hidden_files(
    spark: SparkSession, tmp_path: Path
) -> None:
    for name in ("a.txt", "date=2026-01-01/b.txt", "_c.txt", ".d.txt", "_e/f.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(f"{name}\n")
    found = [line for *_, line in read(spark, tmp_path)]
    assert sorted(found) == ["a.txt", "date=2026-01-01/b.txt"]


def test_globs_and_files_that_look_like_globs_are_told_apart(
    spark: SparkSession, tmp_path: Path
) -> None:
    for name in ("a[1].log", "a1.log", "b 100%é.log"):
        (tmp_path / name).write_text(f"{name}\n", encoding="utf-8")
    assert [line for *_, line in read(spark, tmp_path / "a[1].log")] == ["a[1].log"]
    assert [line for *_, line in read(spark, tmp_path / "a*.log")] == ["a[1].log", "a1.log"]
    assert [line for *_, line in read(spark, tmp_path / "b 100%é.log")] == ["b 100%é.log"]
    both = read(spark, tmp_path / "a1.log", tmp_path / "a[1].log")
    assert [line for *_, line in both] == ["a[1].log", "a1.log"]


@pytest.fixture
def small_blocks(spark: SparkSession) -> Iterator[int]:
    size = 1000
    names = ("spark.sql.files.maxPartitionBytes", "spark.sql.files.openCostInBytes")
    kept = {name: spark.conf.get(name) for name in names}
    for name in names:
        spark.conf.set(name, size)
    yield size
    for name, value in kept.items():
        spark.conf.set(name, str(value))


def test_a_line_is_numbered_in_the_block_that_holds_it(
    spark: SparkSession, tmp_path: Path, small_blocks: int
) -> None:
    lines = {name: [f"{name} {i} {'x' * (i % 50)}" for i in range(300)] for name in ("a", "b")}
    for name, told in lines.items():
        (tmp_path / name).write_text("\n".join(told) + "\n")
    (tmp_path / "small").write_text("s 1\n")
    rows = read(spark, tmp_path)
    assert len({start for name, start, *_ in rows if name == "a"}) > 5
    for name, start, number, line in rows:
        data = (tmp_path / name).read_bytes()
        first = 0 if start == 0 else data.index(b"\n", start) + 1
        assert data[first:].split(b"\n")[number - 1].decode() == line
    assert [row[3] for row in rows if row[0] == "a"] == lines["a"]


@pytest.mark.parametrize(
    ("name", "data", "says"),
    [
        ("a.gz", b"plain text\n", "is named .gz but is not gzip"),
        ("a.log", gzip.compress(b"x\n"), "give it a name that ends in .gz"),
        ("a.log", bz2.compress(b"x\n"), "bzip2"),
        ("a.log", b"PK\x03\x04rest", "zip archive"),
        ("a.log", bytes(range(256)) * 10, "binary"),
    ],
)
def test_what_is_not_text_is_refused_by_name(
    spark: SparkSession, tmp_path: Path, name: str, data: bytes, says: str
) -> None:
    (tmp_path / "good.txt").write_text("good\n")
    (tmp_path / name).write_bytes(data)
    with pytest.raises(InputError, match=says) as caught:
        text_files(spark, [str(tmp_path)])
    assert f"/{name}" in str(caught.value)


def test_nothing_to_read_is_said(spark: SparkSession, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no such input: .*/nowhere"):
        text_files(spark, [str(tmp_path / "nowhere")])
    with pytest.raises(InputError, match="no such input"):
        text_files(spark, [str(tmp_path / "*.log")])
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="no files in"):
        text_files(spark, [str(tmp_path / "empty")])
