"""Lines of files as bytes, each where `lines` says that it stands, without Spark."""

import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import BinaryIO
from urllib.parse import unquote

from gristmill.readers.kernels.direct import Direct

_PIECE, _PACKED = 16 * 1024 * 1024, 2 * 1024 * 1024
_UNPACKED = 8  # a log is about so many times as long as it is packed


@dataclass(frozen=True)
class Block:
    """A part of a file, by its URI, as Spark reads it in one go: `length` bytes from `start`.

    A line that starts in a block belongs to it, and so does one that starts just behind it.
    A `packed` file is one block.
    """

    file: str
    start: int
    length: int
    packed: bool = False

    @property
    def work(self) -> int:
        """The bytes of text that it holds, about."""
        return self.length * (_UNPACKED if self.packed else 1)


class DamagedError(Exception):
    """A compressed file is cut off or broken: Java is to say what is to be made of it."""


def blocks(lengths: Mapping[str, int], size: int) -> Iterator[Block]:
    """The blocks of files, of `size` bytes each. `lengths` are those of the files, in bytes."""
    for file, length in lengths.items():
        if file.endswith(".gz"):
            yield Block(file, 0, length, packed=True)
            continue
        for start in range(0, length, size):
            yield Block(file, start, min(size, length - start))


def lines_of(block: Block, files: Direct) -> Iterator[list[bytes]]:
    r"""The lines of a block in order, without the `\n` at their ends, some at a time.

    Raises `DamagedError` where it is packed and not whole.
    """
    if not block.length:  # An empty file is no gzip, and has no lines.
        return
    with files.opened(unquote(block.file)) as file:
        if block.packed:
            yield from _split(_unpacked(file, block.file))
        elif block.start:
            # What is up to the first end of a line belongs to the block before.
            file.seek(block.start)
            skipped = len(file.readline())
            if skipped > block.length:
                return
            yield from _split(_read(file, block.length - skipped + 1))
        else:
            yield from _split(_read(file, block.length + 1))


def _read(file: BinaryIO, most: int) -> Iterator[bytes]:
    """What is left of a file up to `most` bytes, and to the end of the line that they end in."""
    while most > 0 and (data := file.read(min(_PIECE, most))):
        most -= len(data)
        # Where a line ends with the data, the next one starts behind it.
        is_cut = most == 0 and not data.endswith(b"\n")
        yield data + file.readline() if is_cut else data


def _unpacked(file: BinaryIO, name: str) -> Iterator[bytes]:
    """What the members of a gzip file hold, no more behind them than Java would read."""
    member = None
    try:
        while data := file.read(_PACKED):
            is_more = True
            while is_more:
                member = member or zlib.decompressobj(wbits=31)
                text = member.decompress(data, _PIECE)
                yield text
                if member.eof:
                    data, member = member.unused_data, None
                    is_more = bool(data)
                else:
                    data = member.unconsumed_tail
                    is_more = bool(data) or len(text) == _PIECE
    except zlib.error as error:
        raise DamagedError(name) from error
    if member:
        raise DamagedError(name)


def _split(text: Iterator[bytes]) -> Iterator[list[bytes]]:
    """The lines of text that comes in pieces."""
    rest = b""
    for data in text:
        *lines, rest = (rest + data if rest else data).split(b"\n")
        if lines:
            yield lines
    if rest:
        yield [rest]
