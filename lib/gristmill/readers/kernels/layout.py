"""Lines of a layout by polars: those whose every value is surely what it should be.

What a line means is said by `readers.logs.layout`; all others, those with a backslash, a prefix or
several values in one place among them, are left.
"""

from collections.abc import Sequence

import polars as pl

from gristmill.model.job import PLACE
from gristmill.readers.kernels.cells import TYPES
from gristmill.readers.kernels.text import CLF_TIME, request_parts, requested, texts
from gristmill.readers.logs import values
from gristmill.readers.logs.layout.compiled import CLIENT, Layout
from gristmill.readers.logs.layout.tokens import Variable
from gristmill.readers.logs.server import SERVER_REQUESTS

_FRACTION = r"(?:\.[0-9]{1,6})?"
_CLF = CLF_TIME.replace(" [+-]", f"{_FRACTION} [+-]")
_ISO = (
    r"[12][0-9]{3}-[0-9]{2}-[0-9]{2}T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]"
    rf"{_FRACTION}[+-](?:0[0-9]|1[0-4]):[0-5][0-9]"
)
_WRITTEN = {
    "status": "^[1-5][0-9]{2}$",
    "bytes": "^(?:[0-9]{1,18}|-)$",
    "int": "^(?:[0-9]{1,9}|-)$",
    "list": "^[^,]*$",
    "sum": r"^(?:[0-9]{1,9}(?:\.[0-9]{1,9})?|-)$",
}
# With a unit of its own only whole numbers, whose point can be moved.
_WHOLE = "^(?:[0-9]{1,9}|-)$"
_DIGITS = {"1": 0, "0.001": 3, "0.000001": 6}
_MAP = pl.List(pl.Struct({"key": pl.String(), "value": pl.String()}))


def parse(lines: Sequence[bytes], layout: Layout) -> pl.DataFrame:
    """Lines without their ends to rows of `SERVER_REQUESTS` without `source_file`, as
    `model.job.ParseLines` has it."""
    frame = texts(lines).to_frame("line").with_row_index(PLACE)
    frame = frame.filter(~pl.col("line").str.contains(r"[\x00\\]"))
    groups = pl.col("line").str.extract_groups(_grammar(layout)).alias("g")
    pieces = frame.select(PLACE, groups).unnest("g").drop_nulls()
    time = next(iter(layout.times))
    pieces = pieces.with_columns(_time(_at(time)).alias("timestamp"))
    pieces = pieces.filter(pl.col("timestamp").is_not_null())
    for place, variable in enumerate(layout.variables):
        pieces = pieces.filter(_is_sure(pieces[str(place + 1)], variable))
    columns = _columns(layout)
    if layout.request is not None:
        # More spaces may stand in the target.
        pieces = pieces.with_columns(request_parts(_at(layout.request)))
        pieces = pieces.filter(pl.col("r3").is_null())
    fields = [field for field in SERVER_REQUESTS.fields if field.name != "source_file"]
    return pieces.select(
        PLACE,
        *(
            columns.get(field.name, pl.lit(None, dtype=_kind(field.type))).alias(field.name)
            for field in fields
        ),
    )


def _kind(type_: str) -> pl.DataType:
    known = {"timestamp": pl.Datetime("us", "UTC"), "date": pl.Date(), "map<string,string>": _MAP}
    return known.get(type_) or TYPES[type_]


def _grammar(layout: Layout) -> str:
    """The grammar as Rust has it: it never tries again, and so knows no possessive groups."""
    plain = layout.grammar.replace("++", "+").replace("*+", "*")
    return plain.replace(r"\s*\z", r"[ \t\n\x0B\f\r]*\z").replace(r"\<", "<").replace(r"\>", ">")


def _at(place: int) -> pl.Expr:
    return pl.col(str(place + 1))


def _time(piece: pl.Expr) -> pl.Expr:
    """Times as in the common format, with a fraction or not, and of ISO 8601."""
    iso = piece.str.replace("Z$", "+00:00")
    clf = pl.when(piece.str.contains(f"^{_CLF}$")).then(piece)
    return pl.coalesce(
        clf.str.to_datetime("%d/%b/%Y:%H:%M:%S%.f %z", strict=False, time_unit="us"),
        pl.when(iso.str.contains(f"^{_ISO}$"))
        .then(iso)
        .str.to_datetime("%Y-%m-%dT%H:%M:%S%.f%:z", strict=False, time_unit="us"),
    )


def _is_sure(pieces: pl.Series, variable: Variable) -> pl.Series:
    if variable.kind == "client":
        client = values.python(values.whole(CLIENT))
        return pieces.is_in([text for text in pieces.unique() if client.match(text)])
    if variable.kind == "seconds":
        return pieces.str.contains(_WRITTEN["sum"] if variable.scale == "1" else _WHOLE)
    if variable.kind in _WRITTEN:
        return pieces.str.contains(_WRITTEN[variable.kind])
    return pl.Series([True]).new_from_index(0, len(pieces))


def _columns(layout: Layout) -> dict[str, pl.Expr]:
    found = {"timestamp": pl.col("timestamp"), "date": pl.col("timestamp").dt.date()}
    for place, variable in enumerate(layout.variables):
        column = variable.column
        if column and column != "timestamp" and layout.group(column) == place:
            found[column] = _value(_at(place), variable)
    if layout.request is not None:
        found |= {
            name: pl.coalesce(part, found[name]) if name in found else part
            for name, part in requested().items()
        }
    if layout.others:
        entries = [
            pl.struct(pl.lit(name).alias("key"), _text(_at(place)).alias("value"))
            for name, place in layout.others.items()
        ]
        is_there = pl.element().struct.field("value").is_not_null()
        found["more"] = pl.concat_list(entries).list.eval(pl.element().filter(is_there))
    return found


def _value(piece: pl.Expr, variable: Variable) -> pl.Expr:
    if variable.kind in {"status", "int"}:
        return _present(piece).cast(pl.Int32)
    if variable.kind == "bytes":
        return _present(piece).cast(pl.Int64)
    if variable.kind in {"seconds", "sum"}:
        return _seconds(_present(piece), _DIGITS[variable.scale])
    return _text(piece)


def _seconds(piece: pl.Expr, digits: int) -> pl.Expr:
    """A number with its point moved, read as it is written then: a quotient may be another."""
    if digits:
        padded = piece.str.zfill(digits + 1)
        piece = padded.str.head(-digits) + "." + padded.str.tail(digits)
    return piece.cast(pl.Float64)


def _present(piece: pl.Expr) -> pl.Expr:
    return pl.when(piece != "-").then(piece)


def _text(piece: pl.Expr) -> pl.Expr:
    return pl.when((piece != "-") & (piece != "") & (piece != '""')).then(piece)
