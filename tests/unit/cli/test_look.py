"""Looking at what was published: rows as tables, rejects with where they stood."""

import subprocess
import sys
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gristmill.cli import look
from gristmill.cli.show import lines as text_of
from gristmill.errors import GristmillError, InputError, UsageError

PROPERTY = settings(max_examples=100, derandomize=True, database=None, deadline=None)

Write = Callable[..., None]


def head(folder: str, count: int) -> list[str]:
    """The first rows of a dataset, as they are shown."""
    return text_of(look.head(folder, count))


def rejects(output: str, examples: int) -> list[str]:
    """The rejects of an output, as they are shown."""
    return text_of(look.rejects(output, examples))


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """An output root."""
    root = tmp_path / "out"
    root.mkdir()
    (root / "_gristmill").mkdir()
    (root / "_gristmill" / "layout.json").write_text('{"layout": 1}')
    return root


@pytest.fixture
def write(out: Path) -> Write:
    """Writes rows into a file below the output root."""

    def to(path: str, *rows: dict[str, Any]) -> None:
        (out / path).parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(pa.Table.from_pylist(list(rows)), out / path)

    return to


def reject(**changes: Any) -> dict[str, Any]:
    """A row of the rejects, without its partition."""
    values = {
        "reason": "bad_status",
        "source_file": "file:///gone/a.log",
        "block_start": 0,
        "line_number": 1,
        "raw": "a line",
    }
    return values | changes


def numbered_lines(content: bytes, block_start: int) -> list[int]:
    """The numbers, in the whole file, of the lines of a block: by going through them all."""
    numbers, start = [], 0
    for number, line in enumerate(content.splitlines(keepends=True), 1):
        if block_start == 0 or start > block_start:
            numbers.append(number)
        start += len(line)
    return numbers


@st.composite
def blocks(draw: st.DrawFn) -> tuple[bytes, int]:
    """The content of a file, and a place in it at which a block may start."""
    content = b"".join(draw(st.lists(st.sampled_from([b"\n", b"\n\n", b"a", b"bcd", b"\0"]))))
    return content, draw(st.integers(0, max(0, len(content) - 1)))


@PROPERTY
@given(blocks(), st.integers(1, 5))
def test_a_line_of_a_block_has_its_number_in_the_file(
    tmp_path_factory: pytest.TempPathFactory, block: tuple[bytes, int], chunk: int
) -> None:
    content, start = block
    path = tmp_path_factory.getbasetemp() / "block.log"
    path.write_bytes(content)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(look, "_CHUNK", chunk)
        for context, number in enumerate(numbered_lines(content, start), 1):
            assert look.file_line(path.as_uri(), start, context) == number


@pytest.mark.parametrize(
    ("start", "first"),
    [(0, 1), (1, 2), (2, 2), (3, 3), (4, 3), (5, 4), (6, 5), (7, 5), (8, 5)],
)
def test_a_block_begins_with_the_first_line_after_its_first_byte(
    tmp_path: Path, start: int, first: int
) -> None:
    path = tmp_path / "a.log"
    path.write_bytes(b"ab\nd\n\nghi\njk\n")  # lines start at 0, 3, 5, 6 and 10
    assert look.file_line(str(path), start, 1) == first
    assert look.file_line(path.as_uri(), start, 3) == first + 2


def test_places_beyond_a_chunk_are_counted_right(tmp_path: Path) -> None:
    path = tmp_path / "large.log"
    path.write_bytes(b"0123456789abcde\n" * 200_000)  # 3.2 MB
    assert look.file_line(path.as_uri(), 2 << 20, 1) == (2 << 20) // 16 + 2


def test_names_in_uris_are_decoded(tmp_path: Path) -> None:
    path = tmp_path / "a b%20ü#?.log"
    path.write_bytes(b"one\ntwo\nthree\n")
    assert look.file_line(path.as_uri(), 1, 1) == 2


def test_a_file_that_is_gone_or_shorter_than_it_was_gives_no_number(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    path.write_bytes(b"one\ntwo\n")
    assert look.file_line(path.as_uri(), 9, 1) is None
    assert look.file_line(path.as_uri(), 1 << 30, 1) is None
    assert look.file_line((tmp_path / "gone.log").as_uri(), 1, 1) is None
    assert look.file_line(tmp_path.as_uri(), 1, 1) is None


def test_a_file_that_is_elsewhere_gives_no_number() -> None:
    assert look.file_line("s3://bucket/logs/a.log", 1 << 25, 7) is None
    assert look.file_line("hdfs://nn:8020/logs/a.log", 1 << 25, 7) is None


def test_the_first_lines_of_a_file_have_their_number_wherever_it_is() -> None:
    assert look.file_line("s3://bucket/logs/a.log", 0, 7) == 7


def test_head_shows_rows_with_their_partition(out: Path, write: Write) -> None:
    write("words/corpus=a%2Fb/x.parquet", {"word": "the", "count": 12}, {"word": "a", "count": 7})
    write("words/corpus=c/x.parquet", {"word": "über", "count": 1})
    expected = [
        "word  count  corpus",
        "----  -----  ------",
        "the      12  a/b",
        "a         7  a/b",
        "über      1  c",
    ]
    assert head(str(out / "words"), 10) == expected
    assert head((out / "words").as_uri(), 10) == expected
    assert head(f"{out}/words/", 10) == expected
    assert head(str(out / "words"), 2) == expected[:4]


def test_head_shows_partitions_as_they_are_named(out: Path, write: Write) -> None:
    write("words/corpus=007/x.parquet", {"word": "the"})
    assert head(str(out / "words"), 1)[-1].split() == ["the", "007"]


def test_head_writes_decimals_in_full(out: Path, write: Write) -> None:
    write("costs/export=a/x.parquet", {"cost": Decimal("0E-18")}, {"cost": Decimal("-25E-10")})
    shown = [line.split()[0] for line in head(str(out / "costs"), 9)[2:]]
    assert [Decimal(cost) for cost in shown] == [0, Decimal("-0.0000000025")]
    assert "E" not in "".join(shown)


def test_head_passes_over_what_is_hidden(out: Path, write: Write) -> None:
    write("words/corpus=a/x.parquet", {"word": "seen"})
    write("words/_staging/run/corpus=a/x.parquet", {"word": "staged"})
    write("words/corpus=a/.x.parquet", {"word": "dotted"})
    write("words/corpus=a/_x.parquet", {"word": "underlined"})
    (out / "words" / "corpus=a" / "notes.txt").write_text("no Parquet")
    assert head(str(out / "words"), 9)[2:] == ["seen  a"]


def test_head_works_below_a_hidden_folder(tmp_path: Path) -> None:
    context = tmp_path / ".cache" / "_out" / "words" / "corpus=a"
    context.mkdir(parents=True)
    pq.write_table(pa.table({"word": ["seen"]}), context / "x.parquet")
    assert head(str(context.parent), 9)[2:] == ["seen  a"]


def test_head_leaves_a_null_empty_and_cuts_what_is_long(out: Path, write: Write) -> None:
    write("logs/date=2026-10-05/x.parquet", {"a": "x" * 60, "b": "y"}, {"a": "x" * 61, "b": None})
    assert head(str(out / "logs"), 2)[2:] == [
        f"{'x' * 60}  y  2026-10-05",
        f"{'x' * 59}…     2026-10-05",
    ]


def test_head_keeps_a_row_on_its_line(out: Path, write: Write) -> None:
    write("logs/date=2026-10-05/x.parquet", {"agent": "one\ntwo\x1b[2J\rthree"})
    shown = head(str(out / "logs"), 1)
    assert all(line.isprintable() for line in shown)


@pytest.mark.parametrize("count", [0, -1])
def test_head_refuses_a_count_that_shows_nothing(out: Path, write: Write, count: int) -> None:
    write("words/corpus=a/x.parquet", {"word": "seen"})
    with pytest.raises(UsageError, match=f"-n takes 1 or more, not {count}"):
        head(str(out / "words"), count)


def test_head_refuses_what_is_no_dataset(out: Path, tmp_path: Path) -> None:
    (out / "empty").mkdir()
    for context in (tmp_path / "gone", out / "empty", out / "_gristmill" / "layout.json"):
        with pytest.raises(InputError, match="no dataset in") as refused:
            head(str(context), 1)
        assert str(context) in str(refused.value)


def test_places_of_other_kinds_are_refused() -> None:
    for looked in (head, rejects):
        with pytest.raises(InputError, match="hdfs://nn/out: only local paths, s3:// and s3a://"):
            looked("hdfs://nn/out", 1)


def test_without_s3fs_it_says_how_to_look_into_s3(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(*_args: object, **_named: object) -> None:
        raise ImportError("Install s3fs to access S3")

    monkeypatch.setattr("fsspec.filesystem", missing)
    with pytest.raises(GristmillError, match=r"needs s3fs: pip install s3fs"):
        head("s3://bucket/out/words", 1)


def test_a_column_that_came_later_is_shown_for_older_rows_too(out: Path, write: Write) -> None:
    write("words/corpus=a/20260101T000000Z-b-00000.parquet", {"word": "old"})
    write("words/corpus=b/20250101T000000Z-a-00000.parquet", {"word": "older"})
    write("words/corpus=a/1f-20260201T000000Z-a-00000.parquet", {"word": "new", "count": 3})
    shown = head(str(out / "words"), 9)
    assert [line.split() for line in (shown[0], *sorted(shown[2:]))] == [
        ["word", "count", "corpus"],
        ["new", "3", "a"],
        ["old", "a"],
        ["older", "b"],
    ]


@pytest.mark.parametrize("damaged", ["a", "b"])
def test_a_file_that_is_damaged_is_an_input_error(out: Path, write: Write, damaged: str) -> None:
    write("words/corpus=a/x.parquet", {"word": "seen"})
    write("words/corpus=b/x.parquet", {"word": "seen"})
    (out / "words" / f"corpus={damaged}" / "x.parquet").write_bytes(b"PAR1 what is this PAR1")
    with pytest.raises(InputError, match="words"):
        head(str(out / "words"), 10)


def test_rejects_are_counted_by_job_and_reason_with_examples(
    out: Path, write: Write, tmp_path: Path
) -> None:
    log = tmp_path / "a.log"
    log.write_bytes(b"0\n1\n2\n3\n4\n")
    here = {"source_file": log.as_uri()}
    write(
        "rejects/job=access-logs/x.parquet",
        *(reject(line_number=number, raw=f"raw {number}") for number in range(1, 1235)),
        reject(reason="bad_bytes", raw="in a block", block_start=4, line_number=2, **here),
    )
    write("rejects/job=a-job/x.parquet", reject(block_start=99, line_number=5))
    assert rejects(str(out), 2) == [
        "a-job: bad_status: 1",
        "  file:///gone/a.log (line 5 after byte 99)  a line",
        "access-logs: bad_bytes: 1",
        f"  {log.as_uri()}:5  in a block",
        "access-logs: bad_status: 1,234",
        "  file:///gone/a.log:1  raw 1",
        "  file:///gone/a.log:2  raw 2",
    ]
    assert rejects(out.as_uri(), 0) == [
        "a-job: bad_status: 1",
        "access-logs: bad_bytes: 1",
        "access-logs: bad_status: 1,234",
    ]


def test_rejects_of_files_that_are_elsewhere_are_shown(out: Path, write: Write) -> None:
    write(
        "rejects/job=access-logs/x.parquet",
        reject(source_file="s3://bucket/a.log", block_start=33_554_432, line_number=5),
    )
    assert rejects(str(out), 1) == [
        "access-logs: bad_status: 1",
        "  s3://bucket/a.log (line 5 after byte 33554432)  a line",
    ]


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("", ""),
        ("größe 語 \\d", "größe 語 \\d"),
        ("a\tb\x00c\x1b[31m", r"a\tb\x00c\x1b[31m"),
        ("a\r\n", r"a\r\n"),
        ("\u202eright to left", r"\u202eright to left"),
        ("x" * 200, "x" * 200),
        ("x" * 201, "x" * 199 + "…"),
    ],
)
def test_a_raw_line_is_shown_on_one_line_and_harmless(
    out: Path, write: Write, raw: str, shown: str
) -> None:
    write("rejects/job=access-logs/x.parquet", reject(raw=raw))
    assert rejects(str(out), 1)[1:] == [f"  file:///gone/a.log:1  {shown}"]


def test_an_output_with_rejects_that_are_only_staged_has_none(out: Path, write: Write) -> None:
    write("_gristmill/staging/run/rejects/job=access-logs/x.parquet", reject())
    assert rejects(str(out), 3) == ["no rejects"]


def test_an_output_whose_rejects_were_all_taken_out_again_has_none(out: Path) -> None:
    (out / "rejects").mkdir()  # what publishing leaves when a repaired input is run again
    assert rejects(str(out), 3) == ["no rejects"]


def test_rejects_of_no_output_are_an_input_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="gone is not an output of Gristmill"):
        rejects(str(tmp_path / "gone"), 3)


def test_rejects_that_gristmill_did_not_write_are_an_input_error(out: Path, write: Write) -> None:
    write("rejects/x.parquet", {"letter": "sorry"})
    with pytest.raises(GristmillError, match="rejects"):
        rejects(str(out), 3)


_SLOW_S3 = """
import sys, time
import fsspec
from fsspec.implementations.local import LocalFileSystem
from gristmill.cli.look import head

class SlowFile:
    def __init__(self, file):
        self.file = file
    def __getattr__(self, name):
        return getattr(self.file, name)
    def read(self, *size):
        time.sleep(0.05)
        return self.file.read(*size)
    def __enter__(self):
        return self
    def __exit__(self, *_):
        self.file.close()

class SlowS3(LocalFileSystem):
    protocol = "s3"
    @classmethod
    def _strip_protocol(cls, path):
        return "/" + str(path).removeprefix("s3://").lstrip("/")
    def _open(self, *given, **options):
        return SlowFile(super()._open(*given, **options))

fsspec.register_implementation("s3", SlowS3, clobber=True)
print(len(head("s3:/" + sys.argv[1], 5).rows))
"""


def test_head_of_files_that_are_slow_to_read_leaves_nothing_running(
    out: Path, write: Write
) -> None:
    for number in range(8):
        write(f"numbers/{number}.parquet", *({"n": n} for n in range(1000)))
    done = subprocess.run(
        [sys.executable, "-c", _SLOW_S3, f"{out}/numbers"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "5\n", "")
