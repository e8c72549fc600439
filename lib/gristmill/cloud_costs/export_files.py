"""The files of a cost export as rows of cells, those with the same columns together."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import unquote

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from gristmill.cloud_costs import cur, focus
from gristmill.cloud_costs.cells import Cells, key
from gristmill.cloud_costs.zipped import members_by_header, zipped_lines
from gristmill.readers.parquet_files import alike, as_text, columns
from gristmill.readers.text.delimited import header_in, names_in, separator_of
from gristmill.readers.text.lines import ORIGIN, RAW, has_odd_quotes, text_files
from gristmill.readers.text.records import breaks_in, joined, with_breaks

_CORRUPT = "_corrupt"
_TIMES = frozenset(map(key, (*focus.times(), *cur.TIMES)))


@dataclass(frozen=True)
class Part:
    """Files with the same columns: their rows, with the columns of `ORIGIN`; the cells of a row;
    the names of the columns; the header line, null in Parquet; one of the files; those whose
    records go on over several lines; and all of them, where kernels can read them."""

    rows: DataFrame
    cells: Cells
    names: Sequence[str]
    header: str | None
    example: str
    broken: Sequence[str] = ()
    plain: Sequence[str] = ()

    @property
    def is_header(self) -> Column | None:
        """Whether a line is its file's header, or empty; None where rows are no lines."""
        return None if self.header is None else (F.col(RAW) == self.header) | (F.trim(RAW) == "")

    @property
    def is_broken(self) -> Column:
        """Whether a row has other fields than the header."""
        if self.header is None:
            return F.lit(False)
        # What follows a quote that is never closed is one field to Spark, up to the line's end.
        return F.col(f"_cells.{_CORRUPT}").isNotNull() | has_odd_quotes()


def parts_of(spark: SparkSession, files: Sequence[str]) -> Iterator[Part]:
    parquet = [file for file in files if file.lower().endswith(".parquet")]
    zipped = [file for file in files if file.lower().endswith(".zip")]
    plain = [file for file in files if file not in {*parquet, *zipped}]
    if plain:
        found = text_files(spark, [unquote(file) for file in plain], look_at=None)
        hurt = found.damage
        broken = breaks_in(found)
        for header, lines, some in found.alike(header_in, apart=broken):
            if header and some[0] in broken:
                yield of_lines(lines, header, some[0], broken)
            elif header:
                yield of_lines(lines, header, some[0], plain=() if hurt else some)
    if zipped:
        for header, members in members_by_header(spark, zipped).items():
            lines = zipped_lines(spark, members)
            yield of_lines(lines, header, next(iter(members)), with_breaks(lines))
    for read, file in alike(spark, parquet):
        rows = as_text(read, lambda name: key(name) in _TIMES)
        yield Part(rows, Cells(columns(read)), read.columns, None, file)


def of_lines(
    lines: DataFrame,
    header: str,
    example: str,
    broken: Sequence[str] = (),
    plain: Sequence[str] = (),
) -> Part:
    separator = separator_of(header)
    names = names_in(header, example, separator)
    if broken:
        lines = joined(lines, separator)
    schema = ", ".join(f"_{number} string" for number in range(len(names)))
    options = {"escape": '"', "columnNameOfCorruptRecord": _CORRUPT, "sep": separator}
    cells = F.from_csv(RAW, f"{schema}, {_CORRUPT} string", options)
    found = {name: F.col(f"_cells._{number}") for number, name in enumerate(names)}
    rows = lines.select(*ORIGIN, cells.alias("_cells"))
    return Part(rows, Cells(found), names, header, example, broken, plain)
