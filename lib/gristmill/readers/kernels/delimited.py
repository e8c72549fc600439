"""Lines of CSV by polars: those that are surely one record, as RFC 4180 has it, and no header."""

import csv
from collections.abc import Sequence

import polars as pl

from gristmill.model.job import PLACE
from gristmill.readers.kernels.text import texts

_NO_LINE = r"[\x00\r\n]"


def pieces(
    lines: Sequence[bytes], names: Sequence[str], separator: str, header: str
) -> pl.DataFrame:
    """The fields of lines that have as many as there are names, in columns `p0` …, by `PLACE`.

    Lines that repeat the header, or are blank, are left.
    """
    line = pl.col("line").str.strip_chars_end("\r")
    text = texts(lines).to_frame("line").with_row_index(PLACE).with_columns(line)
    text = text.filter(
        ~pl.col("line").str.contains(_NO_LINE),
        pl.col("line").str.strip_chars(" ") != "",
        pl.col("line") != header,
    )
    has_quote = pl.col("line").str.contains('"', literal=True)
    plain = _split(text.filter(~has_quote), len(names), separator)
    quoted = _read(text.filter(has_quote), len(names), separator)
    return pl.concat([plain, quoted]).sort(PLACE) if quoted.height else plain


def _split(text: pl.DataFrame, count: int, separator: str) -> pl.DataFrame:
    names = [f"p{number}" for number in range(count + 1)]
    split = pl.col("line").str.splitn(separator, len(names)).struct.rename_fields(names)
    found = text.select(PLACE, split.alias("pieces")).unnest("pieces")
    fits = pl.col(names[-2]).is_not_null() & pl.col(names[-1]).is_null()
    return found.filter(fits).drop(names[-1])


def _read(text: pl.DataFrame, count: int, separator: str) -> pl.DataFrame:
    mark = f"\\x{ord(separator):02x}"
    cell = rf'(?:"(?:[^"]|"")*"|[^"{mark}]*)'
    sure = text.filter(pl.col("line").str.contains(f"^{cell}(?:{mark}{cell})*$"))
    records = csv.reader(sure["line"], delimiter=separator, strict=True)
    schema = {PLACE: pl.UInt32(), **{f"p{number}": pl.String() for number in range(count)}}
    rows = [
        (place, *record)
        for place, record in zip(sure[PLACE], records, strict=True)
        if len(record) == count
    ]
    return pl.DataFrame(rows, schema=schema, orient="row")
