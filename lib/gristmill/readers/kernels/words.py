"""Pieces of lines, of which words are made, and how often each occurs."""

import io
import string
from collections.abc import Iterable, Iterator

import polars as pl
import pyarrow as pa

# A piece has whole words, and all of them: what is left out stands in no word of the tokenizer, and
# what is not ASCII is left to it.
_LETTERS = {*string.ascii_letters.encode(), *range(0x80, 0x100)}
_BYTES = {
    "letters": _LETTERS,
    "words": _LETTERS | {*string.digits.encode(), *b"'"},
    "whitespace": {*range(0x100)} - {*b" \t\n\r\f\v"},
}
_APART = {
    tokenizer: bytes(byte if byte in of_words else ord("\n") for byte in range(0x100))
    for tokenizer, of_words in _BYTES.items()
}
"""What each byte of a text becomes, so that each piece is a line of its own."""

_HELD = 2_000_000


def counted(batches: Iterable[pa.RecordBatch], tokenizer: str) -> Iterator[pa.RecordBatch]:
    """Batches of one column of lines to batches of `piece string, count bigint`, in which a piece
    may stand more than once."""
    held: list[pl.DataFrame] = []
    rows = 0
    for batch in batches:
        lines = pl.Series("piece", pl.from_arrow(batch.column(0)), dtype=pl.String)
        text = lines.str.join("\n").item().encode().translate(_APART[tokenizer])
        pieces = pl.scan_lines(io.BytesIO(text), name="piece").filter(pl.col("piece") != "")
        held.append(pieces.group_by("piece").agg(pl.len().alias("count")).collect())
        rows += held[-1].height
        if rows > _HELD:
            held = [_summed(held)]
            rows = held[0].height
            if rows > _HELD // 2:
                yield from _batches(held[0])
                held, rows = [], 0
    if held:
        yield from _batches(_summed(held))


def _summed(parts: list[pl.DataFrame]) -> pl.DataFrame:
    return pl.concat(parts).group_by("piece").agg(pl.col("count").sum().cast(pl.UInt64))


def _batches(pieces: pl.DataFrame) -> Iterator[pa.RecordBatch]:
    schema = pa.schema([("piece", pa.string()), ("count", pa.int64())])
    yield from pieces.to_arrow().cast(schema).to_batches()
