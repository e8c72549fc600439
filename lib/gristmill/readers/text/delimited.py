"""CSV files whose header names their columns, each line accounted for."""

import csv
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from gristmill.errors import InputError
from gristmill.model.checks import REASON, first_reason
from gristmill.readers.text.lines import ORIGIN, RAW, TextFiles, has_odd_quotes

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
class Wanted:
    """A column to look for: what it is called here, and in files (in any case).

    `otherwise` gives its values, strings, in files that do not have it; by default they are null.
    """

    name: str
    spellings: tuple[str, ...]
    required: bool = False
    otherwise: Callable[[], Column] = lambda: F.lit(None).cast("string")


def rows(found: TextFiles, wanted: Sequence[Wanted]) -> DataFrame:
    """Rows with the columns of `ORIGIN`, `quality.REASON` and those wanted, as strings.

    A value is stripped, and null where that leaves nothing; other columns are left out. A line
    that repeats its file's header is skipped. Fields are separated by commas and quoted as in
    RFC 4180, but a line break always ends a row. Raises `InputError`, naming all columns that are
    missing or there twice.
    """
    parts = [
        _parsed(lines, header, file, wanted) for header, lines, file in found.alike(header_line)
    ]
    return reduce(DataFrame.unionByName, parts)


def header_line(text: str) -> str:
    """The first line of a file's text that is not blank; empty where there is none."""
    lines = (line.strip("\ufeff\r") for line in text.split("\n"))
    return next((line for line in lines if line.strip()), "")


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


def _places(line: str, file: str, wanted: Sequence[Wanted]) -> Mapping[str, int]:
    """Where each column stands in the lines of files with this header."""
    if not line:
        return {}
    names = [name.strip().lower() for name in names_in(line, file)]
    places: dict[str, int] = {}
    wrong = []
    for column in wanted:
        found = [place for place, name in enumerate(names) if name in column.spellings]
        if len(found) > 1:
            wrong.append(f"{column.name} twice ({', '.join(names[place] for place in found)})")
        elif found:
            places[column.name] = found[0]
        elif column.required:
            wrong.append(f"no {column.name} (which may be called {', '.join(column.spellings)})")
    if wrong:
        shown = ", ".join(names[:_SHOWN]) + (" …" if len(names) > _SHOWN else "")
        raise InputError(f"{file} has {'; '.join(wrong)}. Its columns are: {shown}")
    return places


def _parsed(lines: DataFrame, header: str, file: str, wanted: Sequence[Wanted]) -> DataFrame:
    places = _places(header, file, wanted)
    count = len(names_in(header, file))
    schema = ", ".join([*(f"c{place} string" for place in range(count)), "bad string"])
    how = {"columnNameOfCorruptRecord": "bad", "escape": '"'}
    parsed = lines.withColumn("_fields", F.from_csv(RAW, schema, how))
    broken = {
        "empty_line": F.trim(RAW) == "",
        "unclosed_quote": has_odd_quotes(),
        "wrong_fields": F.col("_fields")["bad"].isNotNull(),
    }
    is_header = (F.col(RAW) == header) & ~broken["empty_line"]
    reason = first_reason(REJECTS, broken, skipped=is_header)
    values = [_value(places, column).alias(column.name) for column in wanted]
    return parsed.select(*ORIGIN, reason.alias(REASON), *values)


def _value(places: Mapping[str, int], column: Wanted) -> Column:
    if column.name not in places:
        return column.otherwise()
    piece = F.trim(F.col("_fields")[f"c{places[column.name]}"])
    return F.when(piece != "", piece)
