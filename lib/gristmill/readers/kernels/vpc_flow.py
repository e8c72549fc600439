"""Flow logs of VPCs by polars: the records of `vpc_flow` that are as they should be.

All else, headers among it, is left.
"""

from collections.abc import Sequence

import polars as pl

from gristmill.model.dataset import Field
from gristmill.model.job import PLACE
from gristmill.readers.kernels import cells
from gristmill.readers.kernels.text import texts
from gristmill.readers.logs import vpc_flow
from gristmill.readers.logs.format import Header


def parse(lines: Sequence[bytes], header: Header | None) -> pl.DataFrame:
    """Lines without their ends to rows of `vpc_flow.VPC_FLOWS` without `source_file`, as
    `model.job.ParseLines` has it; `header` are the names of their columns."""
    names = header or vpc_flow.DEFAULT
    line = pl.col("line").str.strip_chars_end("\r").str.strip_chars(" ")
    text = texts(lines).to_frame("line").with_row_index(PLACE).with_columns(line)
    text = text.filter(
        ~pl.col("line").str.contains("\0", literal=True),
        ~pl.col("line").str.contains("  ", literal=True),
    )
    numbered = [f"p{number}" for number in range(len(names) + 1)]
    split = pl.col("line").str.splitn(" ", len(numbered)).struct.rename_fields(numbered)
    pieces = text.select(PLACE, split.alias("pieces")).unnest("pieces")
    pieces = pieces.filter(pl.col(numbered[-2]).is_not_null(), pl.col(numbered[-1]).is_null())
    places = {
        vpc_flow.NAMES[name]: f"p{number}"
        for number, name in enumerate(names)
        if name in vpc_flow.NAMES
    }
    given = [field for field in vpc_flow.FIELDS if field.name in places]
    for field in given:
        pieces = pieces.filter(_is_sure(pieces[places[field.name]], field))
    rows = pieces.select(
        PLACE, *(_value(places.get(field.name), field) for field in vpc_flow.FIELDS)
    )
    at = pl.coalesce("start", "end")
    return rows.filter(at.is_not_null()).with_columns(at.dt.date().alias("date"))


def _is_sure(pieces: pl.Series, field: Field) -> pl.Series:
    if field.name in vpc_flow.ADDRESSES:
        return cells.is_address(pieces)
    return cells.is_sure(pieces, field.type, vpc_flow.VALUES.get(field.name))


def _value(place: str | None, field: Field) -> pl.Expr:
    piece = None if place is None else pl.col(place)
    if field.type != "timestamp":
        return cells.value(piece, field.type).alias(field.name)
    if piece is None:
        return pl.lit(None, dtype=cells.INSTANT).alias(field.name)
    return (piece.cast(pl.Int64, strict=False) * 1_000_000).cast(cells.INSTANT).alias(field.name)
