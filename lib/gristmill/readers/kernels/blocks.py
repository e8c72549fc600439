"""Lines of files as bytes, each where `lines` says that it stands, without Spark."""

import gzip
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import BinaryIO
from urllib.parse import unquote

from gristmill.readers.kernels.direct import Direct

_PIECE = 16 * 1024 * 1024
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


def blocks(lengths: Mapping[str, int], size: int) -> Iterator[Block]:
    """The blocks of files, of `size` bytes each. `lengths` are those of the files, in bytes."""
    for file, length in lengths.items():
        if file.endswith(".gz"):
            yield Block(file, 0, length, packed=True)
            continue
        for start in range(0, length, size):
            yield Block(file, start, min(size, length - start))


def lines_of(block: Block, files: Direct) -> Iterator[list[bytes]]:
    r"""The lines of a block in order, without the `\n` at their ends, some at a time."""
    if not block.length:  # An empty file is no gzip, and has no lines.
        return
    with files.opened(unquote(block.file)) as file:
        if block.packed:
            with gzip.GzipFile(fileobj=file) as unpacked:
                yield from _split(unpacked, None)
        elif block.start:
            # What is up to the first end of a line belongs to the block before.
            file.seek(block.start)
            skipped = len(file.readline())
            if skipped > block.length:
                return
            yield from _split(file, block.length - skipped + 1)
        else:
            yield from _split(file, block.length + 1)


def _split(file: BinaryIO | gzip.GzipFile, most: int | None) -> Iterator[list[bytes]]:
    """The lines of what is left of a file; with `most`, those that start in so many bytes of it."""
    rest = b""
    while most is None or most > 0:
        data = file.read(_PIECE if most is None else min(_PIECE, most))
        if not data:
            break
        if most is not None:
            most -= len(data)
            if most == 0:
                # Whole, unless a line ends where the data does: the next one starts behind it.
                data += file.readline() if not data.endswith(b"\n") else b""
        *lines, rest = (rest + data if rest else data).split(b"\n")
        if lines:
            yield lines
    if rest:
        yield [rest]
