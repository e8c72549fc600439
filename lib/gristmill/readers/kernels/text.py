"""Lines as text, and what several layouts write alike."""

from collections.abc import Sequence

import polars as pl
from polars.exceptions import ComputeError

from gristmill.model.job import PLACE

_METHOD = r"^[!#$%&'*+.^_`|~0-9A-Za-z-]+$"
_PROTOCOL = r"^HTTP/[0-9](?:\.[0-9])?$"
_MONTHS = "Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec"
CLOCK = "(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]"
CLF_TIME = (
    rf"(?:0[1-9]|[12][0-9]|3[01])/(?:{_MONTHS})/[12][0-9]{{3}}:{CLOCK}"
    " [+-](?:0[0-9]|1[0-4])[0-5][0-9]"
)
"""A time as `readers.logs.clf` has it, from 1000 to 2999, and no leap second."""


def clf_time(text: pl.Expr) -> pl.Expr:
    """Such a time as a timestamp; null where there is no such day."""
    return text.str.to_datetime("%d/%b/%Y:%H:%M:%S %z", strict=False)


def texts(lines: Sequence[bytes]) -> pl.Series:
    """Lines as strings; null where one is not UTF-8."""
    try:
        return pl.Series(lines, dtype=pl.Binary).cast(pl.String)
    except ComputeError:
        return pl.Series(map(_text, lines), dtype=pl.String)


def _text(line: bytes) -> str | None:
    try:
        return line.decode()
    except UnicodeDecodeError:
        return None


def with_quotes(lines: Sequence[bytes]) -> pl.DataFrame:
    """Lines of quoted and bare fields by their places, without spaces at the end. White space of
    another kind parts no fields, and stands in none that is bare: lines with it are left."""
    line = pl.col("line").str.strip_chars_end("\r").str.strip_chars_end(" ")
    text = texts(lines).to_frame("line").with_row_index(PLACE).with_columns(line)
    return text.filter(~pl.col("line").str.contains(r"[\x00\t\n\x0B\f\r]"))


def request_parts(piece: pl.Expr) -> list[pl.Expr]:
    """What stands between the spaces of a request, as r0, r1 and r2; r3 is null where no more
    spaces stand in its target."""
    parts = piece.str.splitn(" ", 4).struct
    return [parts.field(f"field_{number}").alias(f"r{number}") for number in range(4)]


def requested() -> dict[str, pl.Expr]:
    """Method, path, query and protocol out of `request_parts`: null where the request is no
    `METHOD target HTTP/x.y`."""
    first, second, third = (pl.col(f"r{number}") for number in range(3))
    is_http = (
        third.is_not_null()
        & (second != "")
        & first.str.contains(_METHOD)
        & third.str.contains(_PROTOCOL)
    )
    target = pl.when(is_http).then(second).str.splitn("?", 2).struct
    return {
        "method": pl.when(is_http).then(first),
        "path": target.field("field_0"),
        "query": target.field("field_1"),
        "protocol": pl.when(is_http).then(third),
    }


def apart(frame: pl.DataFrame, name: str, separator: str, names: Sequence[str]) -> pl.DataFrame:
    """A frame in which a column has become its pieces; the last has all that are over."""
    split = pl.col(name).str.splitn(separator, len(names)).struct.rename_fields(list(names))
    others = [other for other in frame.columns if other != name]
    return frame.select(*others, split.alias("_pieces")).unnest("_pieces")
