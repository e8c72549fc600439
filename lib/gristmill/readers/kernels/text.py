"""Lines as text."""

from collections.abc import Sequence

import polars as pl
from polars.exceptions import ComputeError


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
