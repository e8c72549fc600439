"""Pieces of lines as the values of columns: whether they are surely what a column can hold."""

from collections.abc import Mapping, Sequence

import polars as pl

from gristmill.model.dataset import Field
from gristmill.model.job import PLACE
from gristmill.readers.logs import values

_WRITTEN = {
    "int": "^[0-9]{1,9}$",
    "bigint": "^[0-9]{1,18}$",
    "double": r"^[0-9]{1,15}(?:\.[0-9]{1,15})?$",
    "timestamp": "^[0-9]{1,11}$",  # not beyond the year 5138
}
TYPES = {"int": pl.Int32(), "bigint": pl.Int64(), "double": pl.Float64(), "string": pl.String()}
INSTANT = pl.Datetime("us", "UTC")


def is_sure(pieces: pl.Series, type_: str, expression: str | None = None) -> pl.Series:
    """Whether pieces are of a type, and match an expression, or say that there is none: `-`, of
    numbers also `-1`. Times are seconds since 1970 here."""
    if type_ == "string":
        is_good = pl.Series([True]).new_from_index(0, len(pieces))
    else:
        is_good = pieces.str.contains(_WRITTEN[type_])
        if type_ != "timestamp":
            is_good |= pieces == "-1"
    if expression is not None:
        is_good &= pieces.str.contains(f"^(?:{expression})$")
    return is_good | (pieces == "-")


def is_address(pieces: pl.Series) -> pl.Series:
    """Whether pieces are addresses, or `-`: each that occurs is looked at once, by the very
    expression of `values`."""
    address = values.python(values.whole(values.ADDRESS))
    fitting = [text for text in pieces.unique().drop_nulls() if text == "-" or address.match(text)]
    return pieces.is_in(fitting)


def rows(
    pieces: pl.DataFrame, fields: Sequence[Field], rules: Mapping[str, str], time: str
) -> pl.DataFrame:
    """Rows of `fields` and the `date` of one of them, where all pieces are sure by `rules`,
    expressions by column. Pieces that are not there, or empty, are null; times are read already."""
    for field in fields:
        if field.type != "timestamp":
            cells = pieces[field.name]
            if rules.get(field.name) == values.ADDRESS:
                good = is_address(cells)
            else:
                good = is_sure(cells, field.type, rules.get(field.name))
            pieces = pieces.filter(good | cells.is_null() | (cells == ""))
    return pieces.select(
        PLACE,
        *(
            pl.col(field.name)
            if field.type == "timestamp"
            else value(pl.col(field.name), field.type).alias(field.name)
            for field in fields
        ),
        pl.col(time).dt.date().alias("date"),
    )


def value(piece: pl.Expr | None, type_: str) -> pl.Expr:
    """A piece that is sure as a value; null where there is none."""
    kind = TYPES[type_]
    if piece is None:
        return pl.lit(None, dtype=kind)
    if type_ == "string":
        return pl.when((piece != "-") & (piece != "")).then(piece)
    return pl.when(piece != "-1").then(piece).cast(kind, strict=False)
