"""The first bytes of a file: text, or a word on why they are not."""

import bz2
import gzip
import io
import lzma
import random
import struct
import zipfile
import zlib

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from gristmill.errors import InputError
from gristmill.readers.text.lines import _text

TEXT = "The mill grinds.\nMühle, мельница, 風車\r\n\tand\x0ca form feed\n"
HEAD = 64 * 1024


def zipped() -> bytes:
    """A zip archive of a text."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as files:
        files.writestr("a.txt", TEXT)
    return archive.getvalue()


def parquet() -> bytes:
    """A small Parquet file."""
    file = io.BytesIO()
    pq.write_table(pa.table({"text": ["word"]}), file)
    return file.getvalue()


def png() -> bytes:
    """The beginning of a picture: a short header, and then what looks like noise."""
    noise = zlib.compress(random.Random(3).randbytes(HEAD))
    header = struct.pack(">I4sIIBBBBB", 13, b"IHDR", 256, 256, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + header + struct.pack(">I4s", len(noise), b"IDAT") + noise


def test_text_is_text() -> None:
    assert _text("file:///a.txt", TEXT.encode()) == TEXT


@pytest.mark.parametrize("name", ["file:///a.txt", "file:///a.gz"])
def test_nothing_is_text_too(name: str) -> None:
    assert _text(name, b"") == ""


def test_gzip_is_unpacked_where_the_name_says_so() -> None:
    assert _text("file:///a.log.gz", gzip.compress(TEXT.encode())) == TEXT
    assert _text("s3://bucket/a.gz", gzip.compress(b"")) == ""


def test_every_member_of_a_gzip_file_is_looked_into() -> None:
    members = [b"", TEXT.encode(), b"", b"more", bytes(100_000)]
    packed = b"".join(map(gzip.compress, members[:4]))
    assert _text("file:///a.gz", packed) == f"{TEXT}more"
    assert _text("file:///a.gz", packed + b"what is no member") == f"{TEXT}more"
    long = b"".join(gzip.compress(b"x" * 50_000) for _ in range(3))
    assert _text("file:///a.gz", long) == "x" * HEAD


def test_gzip_without_the_name_is_refused() -> None:
    with pytest.raises(InputError, match=r"^file:///a\.log is compressed with gzip: .*\.gz"):
        _text("file:///a.log", gzip.compress(TEXT.encode()))


def test_a_head_that_is_cut_out_of_a_gzip_file_is_unpacked_as_far_as_it_goes() -> None:
    words = random.Random(1)
    text = "".join(f"{words.random()}\n" for _ in range(20_000))
    head = _text("file:///a.gz", gzip.compress(text.encode())[:10_000])
    assert len(head) > 10_000
    assert text.startswith(head)


def test_no_more_of_a_gzip_file_is_unpacked_than_of_a_plain_one_is_read() -> None:
    assert _text("file:///a.gz", gzip.compress(b"a" * 5_000_000)) == "a" * HEAD


@pytest.mark.parametrize(
    "data",
    [TEXT.encode(), zipped(), zlib.compress(TEXT.encode()), b"\x1f\x8b\xff\xff garbage"],
    ids=["text", "zip", "zlib", "garbage"],
)
def test_what_is_named_gz_and_is_not_is_refused(data: bytes) -> None:
    with pytest.raises(InputError, match=r"^file:///a\.gz is named \.gz but is not gzip"):
        _text("file:///a.gz", data)


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (zipped(), "a zip archive"),
        (bz2.compress(TEXT.encode()), "compressed with bzip2"),
        (pa.compress(TEXT.encode(), codec="zstd", asbytes=True), "compressed with zstd"),
        (lzma.compress(TEXT.encode()), "compressed with xz"),
        (parquet(), "a Parquet file"),
    ],
    ids=["zip", "bzip2", "zstd", "xz", "parquet"],
)
def test_other_formats_are_refused_by_name(data: bytes, what: str) -> None:
    with pytest.raises(InputError, match=f"^file:///a.log is {what}"):
        _text("file:///a.log", data)
    with pytest.raises(InputError, match=f"^file:///a.log.gz is {what}"):
        _text("file:///a.log.gz", gzip.compress(data))


@pytest.mark.parametrize(
    "data",
    [
        struct.pack("<2000I", *range(2000)),
        b"\x7fELF\x02\x01\x01" + b"\0" * 500 + b".text\0.data\0" + b"\0\x01\0\0" * 500,
        random.Random(5).randbytes(HEAD),
        png(),
    ],
    ids=["numbers", "program", "noise", "picture"],
)
def test_what_is_binary_is_refused(data: bytes) -> None:
    with pytest.raises(InputError, match=r"^file:///a is binary, not text"):
        _text("file:///a", data)


def test_text_after_a_run_of_nuls_is_text() -> None:
    assert _text("file:///a.log", b"\0" * 40_000 + b"one line\n") == "one line\n"
    assert _text("file:///a.log", b"\0" * HEAD) == ""


def test_a_run_of_nuls_in_the_midst_of_text_is_not_binary() -> None:
    data = b"one line\n" * 500 + b"\0" * 1000 + b"one line\n" * 500
    assert _text("file:///a.log", data).startswith("one line\n")


def test_a_byte_order_mark_is_no_hindrance() -> None:
    assert _text("file:///a.txt", b"\xef\xbb\xbfone").removeprefix("\ufeff") == "one"


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("Größe, déjà vu, señor\n", "latin-1"),
        ("Съешь же ещё этих мягких французских булок\n", "koi8-r"),
        ("“quoted” – with dashes\n", "cp1252"),
        ("風車\n", "shift-jis"),
    ],
)
def test_text_in_an_old_encoding_is_text_with_marks_for_what_is_not_utf8(
    text: str, encoding: str
) -> None:
    read = _text("file:///a.txt", text.encode(encoding))
    assert "\ufffd" in read
    assert read.endswith("\n")


def test_a_character_that_the_end_of_the_head_cuts_is_a_mark() -> None:
    assert _text("file:///a.txt", "Mühle".encode()[:2]) == "M\ufffd"


def test_colours_of_a_terminal_are_text() -> None:
    assert _text("file:///a.log", b"\x1b[31mred\x1b[0m\n" * 50).startswith("\x1b[31mred")


@pytest.mark.parametrize("order", ["utf-16-le", "utf-16-be"])
def test_utf16_is_refused_with_what_makes_utf8_of_it(order: str) -> None:
    with pytest.raises(InputError, match=r"^file:///a is UTF-16: iconv -f utf-16 -t utf-8"):
        _text("file:///a", "\ufeffplain, but in UTF-16".encode(order))
