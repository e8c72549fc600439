"""Lines as text, and what several layouts write alike."""

from collections.abc import Sequence

import polars as pl
from polars.exceptions import ComputeError

_MONTHS = "Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec"
_CLOCK = "(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]"
CLF_TIME = (
    rf"(?:0[1-9]|[12][0-9]|3[01])/(?:{_MONTHS})/[12][0-9]{{3}}:{_CLOCK}"
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


def apart(frame: pl.DataFrame, name: str, separator: str, names: Sequence[str]) -> pl.DataFrame:
    """A frame in which a column has become its pieces; the last has all that are over."""
    split = pl.col(name).str.splitn(separator, len(names)).struct.rename_fields(list(names))
    others = [other for other in frame.columns if other != name]
    return frame.select(*others, split.alias("_pieces")).unnest("_pieces")
