"""Lines of CSV by polars: those that are surely one record, as RFC 4180 has it, and no header."""

import io
from collections.abc import Sequence

import polars as pl
import pyarrow as pa
from pyarrow import csv

from gristmill.model.job import PLACE
from gristmill.readers.kernels.text import texts

_QUOTED, _MARK = '"(?:[^"]|"")*"', "\x01"
_NO_LINE = rf"[\x00\r\n{_MARK}]"


def pieces(
    lines: Sequence[bytes], names: Sequence[str], separator: str, header: str
) -> pl.DataFrame:
    """The fields of lines that have as many as there are names, in columns `p0` …, by `PLACE`.

    Lines that repeat the header, or are blank, are left.
    """
    line, sign = pl.col("line"), f"\\x{ord(separator):02x}"
    text = texts(lines).to_frame("line").with_row_index(PLACE)
    text = text.with_columns(line.str.strip_chars_end("\r"))
    text = text.filter(
        ~line.str.contains(_NO_LINE), line.str.strip_chars(" ") != "", line != header
    )
    bare = line.str.replace_all(_QUOTED, _MARK)
    bare = pl.when(line.str.contains('"', literal=True)).then(bare).otherwise(line).alias("bare")
    sure = text.with_columns(bare).filter(
        pl.col("bare").str.count_matches(separator, literal=True) == len(names) - 1,
        ~pl.col("bare").str.contains(f'"|[^{sign}]{_MARK}|{_MARK}[^{sign}]'),
    )
    fields = _fields(sure["line"], [f"p{number}" for number in range(len(names))], separator)
    return pl.concat([sure.select(PLACE), fields], how="horizontal")


def _fields(records: pl.Series, names: Sequence[str], separator: str) -> pl.DataFrame:
    if records.is_empty():
        return pl.DataFrame(schema=dict.fromkeys(names, pl.String()))
    read = csv.read_csv(
        io.BytesIO(records.str.join("\n").item().encode()),
        csv.ReadOptions(use_threads=False, column_names=list(names), block_size=1 << 28),
        csv.ParseOptions(delimiter=separator, ignore_empty_lines=False),
        csv.ConvertOptions(
            column_types=dict.fromkeys(names, pa.large_string()),
            strings_can_be_null=False,
            check_utf8=False,
        ),
    )
    found = pl.from_arrow(read)
    if not isinstance(found, pl.DataFrame) or found.height != len(records):
        raise ValueError(f"of {len(records)} records {read.num_rows} were read")
    return found
