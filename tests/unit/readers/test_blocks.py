"""The lines of a block, against where each line starts."""

import gzip
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gristmill.readers.kernels import blocks as module
from gristmill.readers.kernels.blocks import DamagedError, blocks, lines_of
from gristmill.readers.kernels.direct import Direct


def owned(data: bytes, size: int) -> dict[int, list[bytes]]:
    """The lines of each block by its start. A line that starts up to the first byte behind a block
    is one of its lines, as Hadoop's LineRecordReader has it."""
    found: dict[int, list[bytes]] = {start: [] for start in range(0, len(data), size)}
    at = 0
    for line in data.split(b"\n") if data else []:
        if at < len(data):
            found[0 if at == 0 else (at - 1) // size * size].append(line)
        at += len(line) + 1
    return found


@settings(max_examples=400, deadline=None)
@given(
    st.lists(st.sampled_from([b"a", b"\n", b"\r\n", b"longer than a block", b"\0"])).map(b"".join),
    st.integers(1, 9),
    st.integers(1, 5),
)
@example(b"abc\ndef\n", 4, 2)
@example(b"abc\ndef", 3, 16)
def test_every_line_belongs_to_one_block(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, size: int, piece: int
) -> None:
    file = tmp_path_factory.getbasetemp() / "lines in %20 blocks.txt"
    file.write_bytes(data)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_PIECE", piece)
        found = {
            block.start: [line for lines in lines_of(block, Direct()) for line in lines]
            for block in blocks({file.as_uri(): file.stat().st_size}, size)
        }
    assert found == owned(data, size)


@pytest.mark.parametrize("members", [1, 3])
@pytest.mark.parametrize(("piece", "packed"), [(1, 1), (7, 3), (1000, 1000), (1 << 24, 1 << 21)])
def test_what_is_packed_is_one_block(
    tmp_path: Path, members: int, piece: int, packed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_PIECE", piece)
    monkeypatch.setattr(module, "_PACKED", packed)
    file = tmp_path / "a.log.gz"
    lines = [b"line %d" % number for number in range(members * 100)]
    parts = [lines[at * 100 : (at + 1) * 100] for at in range(members)]
    file.write_bytes(b"".join(gzip.compress(b"\n".join(part) + b"\n") for part in parts))
    (block,) = blocks({file.as_uri(): file.stat().st_size}, 10)
    assert block.packed
    assert [line for some in lines_of(block, Direct()) for line in some] == lines


def test_an_empty_file_has_no_lines(tmp_path: Path) -> None:
    for name in ("a.log", "a.log.gz"):
        (tmp_path / name).write_bytes(b"")
        found = blocks({(tmp_path / name).as_uri(): 0}, 10)
        assert [lines for block in found for lines in lines_of(block, Direct())] == []


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: data[:-1],
        lambda data: data[: len(data) // 2],
        lambda data: data + b"\0" * 512,
        lambda data: data + b"no gzip",
        lambda data: data + b"\x1f",
        lambda data: data[:-5] + bytes([data[-5] ^ 1]) + data[-4:],
        lambda _data: b"\x1f",
        lambda _data: b"text",
    ],
)
@pytest.mark.parametrize("piece", [7, 1 << 20])
def test_what_is_packed_and_not_whole_is_left_to_java(
    tmp_path: Path, damage: Callable[[bytes], bytes], piece: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_PACKED", piece)
    file = tmp_path / "a.log.gz"
    file.write_bytes(damage(gzip.compress(b"line\n" * 1000)))
    (block,) = blocks({file.as_uri(): file.stat().st_size}, 10)
    with pytest.raises(DamagedError):
        list(lines_of(block, Direct()))
