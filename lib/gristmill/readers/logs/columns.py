"""Logs whose columns a header in each file names: in any order, with any of them left out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from gristmill.model.dataset import Field
from gristmill.readers.logs import format as log
from gristmill.readers.logs.format import Header
from gristmill.readers.text.lines import ORIGIN, RAW, SOURCE_FILE


@dataclass(frozen=True)
class Columns:
    """The columns that a format knows: `names`, as a header writes them, of its `fields`.

    `without_header` are those of a line in a file that has no header; it may have as many of them,
    from the left, as one of `versions`.
    """

    separator: str
    names: Mapping[str, str]
    without_header: Header
    versions: Sequence[int]


def apart(
    lines: DataFrame, columns: Columns, header: Header | None, line: Column | None = None
) -> DataFrame:
    """The lines with their `_pieces`; `line` is what to take apart, by default the raw line.

    Where there are more than there should be, one more has all the others.
    """
    # A broken line of 50 MB may have millions of separators, and each piece is an object.
    most = (len(header) if header else max(columns.versions)) + 1
    line = F.col(RAW) if line is None else line
    return lines.select(*ORIGIN, F.split(line, columns.separator, most).alias("_pieces"))


def pieces(columns: Columns, header: Header | None) -> dict[str, Column]:
    """The pieces of a line by the dataset's column that they are for; null where one is `-`."""
    return {
        columns.names[name]: log.text(F.get("_pieces", F.lit(place)))
        for place, name in enumerate(header or columns.without_header)
        if name in columns.names
    }


def value(pieces: Mapping[str, Column], field: Field) -> Column:
    """What a line has for a field of its dataset, null where it has no such piece."""
    if field.name not in pieces:
        return F.lit(None).cast(field.type).alias(field.name)
    piece = pieces[field.name]
    return (piece if field.type == "string" else log.number(piece, field.type)).alias(field.name)


def has_wrong_fields(columns: Columns, header: Header | None) -> Column:
    """Whether a line has not as many fields as it should; a separator may stand at its end."""
    right = [len(header)] if header else columns.versions
    count = F.size("_pieces")
    closed = (F.element_at("_pieces", -1) == "") & (count - F.lit(1)).isin(*right)
    return ~count.isin(*right) & ~closed


def has_bad_number(pieces: Mapping[str, Column], fields: Sequence[Field]) -> Column:
    """Whether a piece is no number where a field of the dataset is one."""
    return log.any_of(
        log.is_bad_number(pieces[field.name], field.type)
        for field in fields
        if field.type in ("int", "bigint", "double") and field.name in pieces
    )


def is_header(named: Column, header: Header | None) -> Column:
    """True for a header line with the names by which its file is read: they are in `named`.

    Fails the run at any other: what follows would be taken for something else.
    """
    message = F.concat(
        F.col(SOURCE_FILE),
        F.lit(" changes its columns half-way, at: "),
        F.substr(RAW, F.lit(1), F.lit(80)),
        F.lit(" … Split it there, and load the parts together"),
    )
    same = F.array(*map(F.lit, header)) == named if header else F.lit(False)
    return F.when(~same, F.raise_error(message)).otherwise(F.lit(True))
