"""CSV files whose header names their columns, each line accounted for (RFC 4180).

https://www.rfc-editor.org/rfc/rfc4180
"""

import csv
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from gristmill.errors import InputError
from gristmill.model.checks import REASON, first_reason
from gristmill.readers.text.lines import ORIGIN, RAW, TextFiles, has_odd_quotes
from gristmill.readers.text.records import breaks_in, joined, told_breaks

REJECTS = {
    "empty_line": "nothing but white space",
    "unclosed_quote": "a quote is opened and never closed",
    "wrong_fields": "not as many fields as the file's header has",
}
"""Why a line of any CSV file can be rejected, in the order in which it is looked for."""

_SHOWN = 12
_MOST_LINES = 1000
_SEPARATORS = ",;\t|"


@dataclass(frozen=True)
class CsvColumn:
    """A column to look for: what it is called here, and in files (in any case).

    `otherwise` gives its values, strings, in files that do not have it; by default they are null.
    """

    name: str
    spellings: tuple[str, ...]
    required: bool = False
    otherwise: Callable[[], Column] = lambda: F.lit(None).cast("string")


@dataclass(frozen=True)
class Dialect:
    """How CSV files are written.

    `separator` is recognised in each header where it is None. `nulls` are what stands for no value,
    apart from nothing at all. If `strips`, white space around a value is none of it. Without a
    header the columns are those that are looked for, in their order. If `skips_empty`, an empty
    line is skipped, else it is a reject. If `has_breaks`, quoted values may have line breaks: files
    that have such are looked for first, which reads all of them once more, and each of those is
    then read in one piece.
    """

    separator: str | None = None
    nulls: tuple[str, ...] = ()
    strips: bool = True
    has_header: bool = True
    skips_empty: bool = False
    has_breaks: bool = True


@dataclass(frozen=True)
class Rows:
    """Rows with the columns of `ORIGIN`, `checks.REASON` and those wanted, as strings.

    `broken` are files whose records go on over several lines; `unused` are columns that some of the
    files have and nobody asked for.
    """

    frame: DataFrame
    broken: tuple[str, ...] = ()
    unused: tuple[str, ...] = ()

    @property
    def notes(self) -> tuple[str, ...]:
        """What the user has to know of it."""
        return (told_breaks(self.broken),) if self.broken else ()


def rows(found: TextFiles, wanted: Sequence[CsvColumn], dialect: Dialect = Dialect()) -> Rows:
    """The rows of files all of whose heads were looked at.

    A line that repeats its file's header is skipped. Raises `InputError`, naming all columns that
    are missing or there twice.
    """
    broken = breaks_in(found) if dialect.has_breaks else []
    frames, unused = [], dict[str, None]()
    by = header_in if dialect.has_header else _nothing
    for header, lines, files in found.alike(by, apart=broken):
        separator = dialect.separator or separator_of(header)
        names = _names(header, files[0], wanted, replace(dialect, separator=separator))
        records = joined(lines, separator) if files[0] in broken else lines
        places = positions(names, files[0], wanted) if names else {}
        used = {names[place] for place in places.values()}
        unused |= dict.fromkeys(name for name in names if name not in used)
        fields = _fields(records, separator, len(names))
        frames.append(_judged(fields, header, places, wanted, dialect))
    if not frames:  # all of them are damaged
        frames = [_judged(_fields(found.lines, ",", 0), "", {}, wanted, dialect)]
    return Rows(reduce(DataFrame.unionByName, frames), tuple(broken), tuple(unused))


def header_in(text: str) -> str:
    """The header of a file, of whose text this is the start; empty where there is none."""
    return header_record(text.split("\n"))


def header_record(lines: Iterable[str]) -> str:
    """The header of a file with these lines, which goes on where a name has a line break in quotes.

    The first line that is not blank where it then never ends.
    """
    found: list[str] = []
    for line in lines:
        bare = line.strip("\ufeff\r\n")
        if found or bare.strip():
            found.append(bare)
            if sum(part.count('"') for part in found) % 2 == 0:
                return "\n".join(found)
        if len(found) == _MOST_LINES:
            break
    return next(iter(found), "")


def separator_of(header: str) -> str:
    """What separates the names in a header line: a comma, unless another mark makes more of it."""

    def names(mark: str) -> int:
        try:
            return len(next(csv.reader([header], delimiter=mark), []))
        except csv.Error:  # which `names_in` tells of
            return 0

    return max(_SEPARATORS, key=names)


def names_in(header: str, file: str, separator: str = ",") -> list[str]:
    """The names in a header line. Raises `InputError` where it is no line of CSV by itself."""
    if "\r" in header:
        raise InputError(f"{file} ends its lines with carriage returns alone: use line feeds")
    try:
        return next(csv.reader([header], delimiter=separator), [])
    except csv.Error as error:
        raise InputError(f"{file} has a header that cannot be read: {error}") from error


def _nothing(_text: str) -> str:
    return ""


def _names(header: str, file: str, wanted: Sequence[CsvColumn], dialect: Dialect) -> list[str]:
    """The columns of files with this header, as they are written."""
    if not dialect.has_header:
        return [column.spellings[0] for column in wanted]
    names = names_in(header, file, dialect.separator or ",") if header else []
    return [name.strip() for name in names]


def positions(names: Sequence[str], where: str, wanted: Sequence[CsvColumn]) -> Mapping[str, int]:
    """Where each column stands among the names, in any case, that a source has.

    Raises `InputError`, naming `where` and all columns that are missing or there twice.
    """
    lower = [name.lower() for name in names]
    places: dict[str, int] = {}
    wrong = []
    for column in wanted:
        spellings = {spelling.lower() for spelling in column.spellings}
        found = [place for place, name in enumerate(lower) if name in spellings]
        if len(found) > 1:
            wrong.append(f"{column.name} twice ({', '.join(names[place] for place in found)})")
        elif found:
            places[column.name] = found[0]
        elif column.required:
            wrong.append(_missing(column))
    if wrong:
        raise InputError(f"{where} has {'; '.join(wrong)}. {_told(names)}")
    return places


def _missing(column: CsvColumn) -> str:
    others = [name for name in column.spellings if name != column.name]
    return f"no {column.name}" + (f" (nor {', '.join(others)})" if others else "")


def _told(names: Sequence[str]) -> str:
    """The columns of a file, as a message has them."""
    shown = ", ".join(names[:_SHOWN]) + (" …" if len(names) > _SHOWN else "")
    return f"Its columns are: {shown}"


def _fields(lines: DataFrame, separator: str, count: int) -> DataFrame:
    """The lines with their fields `_fields.c0` …, `bad` where there are others."""
    schema = ", ".join([*(f"c{place} string" for place in range(count)), "bad string"])
    how = {"columnNameOfCorruptRecord": "bad", "escape": '"', "sep": separator}
    return lines.withColumn("_fields", F.from_csv(RAW, schema, how))


def _judged(
    rows: DataFrame,
    header: str,
    places: Mapping[str, int],
    wanted: Sequence[CsvColumn],
    dialect: Dialect,
) -> DataFrame:
    is_empty = F.trim(RAW) == ""
    broken = {
        "empty_line": is_empty & F.lit(not dialect.skips_empty),
        "unclosed_quote": has_odd_quotes(),
        "wrong_fields": F.col("_fields")["bad"].isNotNull(),
    }
    is_header = (F.col(RAW) == header) & ~is_empty
    skipped = is_header | is_empty if dialect.skips_empty else is_header
    reason = first_reason(REJECTS, broken, skipped=skipped)
    values = [_value(places, column, dialect).alias(column.name) for column in wanted]
    return rows.select(*ORIGIN, reason.alias(REASON), *values)


def _value(places: Mapping[str, int], column: CsvColumn, dialect: Dialect) -> Column:
    if column.name not in places:
        return column.otherwise()
    field = F.col("_fields")[f"c{places[column.name]}"]
    value = F.trim(field) if dialect.strips else field
    return F.when(~value.isin("", *dialect.nulls), value)
