"""What a log format is, and what the formats share."""

import functools
import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from gristmill.model.checks import Check, first_reason
from gristmill.model.dataset import Dataset, Field
from gristmill.readers.logs import values
from gristmill.readers.text.lines import RAW

Header = tuple[str, ...]
"""The names of a file's columns, as a header line in it gives them."""

HeaderKernel = Callable[[Sequence[bytes], Header | None], Any]
"""As `model.job.ParseLines`, of lines in files with that header."""


@dataclass(frozen=True)
class Http:
    """Where the dataset of an HTTP log has what all of them have, as SQL expressions.

    `client` is a string, `status` an int, `bytes` the size of the answer, `seconds` (double) how
    long it took, `forwarded_for` whom proxies were asked by, `referer` and `user_agent` what those
    headers were (strings); None where the log does not say.
    """

    timestamp: str
    client: str
    method: str
    path: str
    status: str
    bytes: str
    seconds: str | None = None
    forwarded_for: str | None = None
    referer: str | None = None
    user_agent: str | None = None


@dataclass(frozen=True)
class Cells:
    """How a format is read where it lies in Parquet files, whose columns have names and no order.

    `header(names)` gives the columns of a file as a header line would have them, in the same order;
    None where they are not of the format. `rows(cells, header)` is to cells, an array of strings
    `_pieces` beside the columns of `ORIGIN`, what `LogFormat.parse` is to lines.
    """

    header: Callable[[Sequence[str]], Header | None]
    rows: Callable[[DataFrame, Header], DataFrame]


@dataclass(frozen=True)
class LogFormat:
    """A format of log files, and the dataset that its lines become.

    `matches(line)` says whether a line from the start of a file is of this format; a blank one
    is not. `parse(lines, header)` takes lines with the columns of `text.lines.ORIGIN` to rows of
    `dataset` that keep those columns and say in `checks.REASON` why a line is not one, a code
    of `rejects` or `SKIPPED`. Where columns are named by a header in each file, `header(line)`
    gives their names, None for other lines, and `parse` gets those of the file. `covers` are the
    formats whose lines this one reads too, each as what it is. Lines that start with `comment` and
    are no header are skipped; where it `header_is_rare`, files are only looked into for one where
    some of them have one. `kernel` reads what it can, faster. Where times do not say their zone,
    `in_zone(name)` is the same format with those of a zone. Rows with the same `unique` are one
    that was delivered twice: all but the first are skipped. `cells` reads the same in Parquet.
    """

    name: str
    help: str
    dataset: Dataset
    rejects: Mapping[str, str]
    matches: Callable[[str], bool]
    parse: Callable[[DataFrame, Header | None], DataFrame]
    header: Callable[[str], Header | None] | None = None
    http: Http | None = None
    covers: tuple[str, ...] = ()
    comment: str = ""
    kernel: HeaderKernel | None = None
    header_is_rare: bool = False
    unique: str | None = None
    in_zone: "Callable[[str], LogFormat] | None" = None
    cells: Cells | None = None


REASONS = {
    "empty_line": "nothing but white space",
    "nul_byte": "holds NUL bytes, as a log does that was truncated while it was written",
    "bad_json": "not a JSON object, or cut off",
    "partial_line": "a piece of a line that was too long for the container's log",
    "not_this_format": "does not start as a line of this format does, as with a client that is no "
    "address and no host name; JSON without an eventTime",
    "unclosed_quote": "a quote is opened and never closed",
    "missing_fields": "a common line where combined was expected, or a line cut off",
    "extra_fields": "more fields than the format has, such as a user with spaces, or a time taken",
    "wrong_fields": "cut off, or not the fields that the format or the file's header has",
    "bad_timestamp": "a time is not written as the format has it, or no such time exists",
    "bad_status": "the status is neither a number from 100 to 599 nor -",
    "bad_bytes": "the size is neither a number nor -",
    "bad_number": "not a number where the format has one, or one that is below zero or too large",
    "bad_address": "not an IP address where the format has one",
    "bad_value": "a value that its column cannot hold, such as a protocol that is none",
}
"""Why a line can be rejected: stable codes, in the order in which they are looked for."""


def reasons(*codes: str) -> dict[str, str]:
    """Some of `REASONS`, for a format."""
    return {code: text for code, text in REASONS.items() if code in codes}


REJECTS = reasons(
    *("empty_line", "nul_byte", "not_this_format", "unclosed_quote", "wrong_fields"),
    *("bad_timestamp", "bad_status", "bad_number", "bad_address", "bad_value"),
)
"""Those of most of AWS's formats."""

SOURCE = Field("source_file", "string", "the file that held it, as a URI")


def requests(name: str, help_: str, fields: Sequence[Field], time: str) -> Dataset:
    """The dataset of a log: `fields`, the file, and the UTC date of the column `time`."""
    others = [field for field in fields if field.name != "date"]
    date = Field("date", "date", f"day of {time}, UTC")
    return Dataset(
        name=name,
        help=help_,
        fields=(*others, SOURCE, date),
        partitioned_by=("date",),
        write_mode="batch",
        checks=(Check(f"date_is_that_of_{time}", lambda: F.to_date(time) == F.col("date")),),
    )


def quoted(before: str) -> str:
    """A Java regular expression for a quoted value: it ends at the first quote before `before`.

    Others are part of it: what is logged may hold quotes. Possessive, which Java matches without
    recursion and without trying again, so that no value is too long for it.
    """
    return f'"((?:[^"]++|"(?!{before}))*+)"'


def with_groups(lines: DataFrame, name: str, line: Column, grammar: str, count: int) -> DataFrame:
    r"""`lines` with the groups of `grammar`, a Java regular expression, in `line` as `name`.

    That is an array of strings, null where it does not match; a group that took no part is empty.
    One pass over the line, however many groups there are.
    """
    marked = F.regexp_replace(line, grammar, "\0".join(f"${n}" for n in range(1, count + 1)))
    # A column of its own: inside the condition Spark would take the line apart once more.
    # As many pieces at the most as tell that it is another line, such as one of 50 MB of NULs.
    apart = lines.withColumn(name, F.split(marked, "\0", count + 1))
    return apart.withColumn(name, F.when(F.size(name) == count, F.col(name)))


def text(piece: Column) -> Column:
    """A piece of a line, null where it is `-` or empty."""
    return F.when((piece != "-") & (piece != ""), piece)


def number(piece: Column, type_: str) -> Column:
    """A piece of a line as a number of that Spark type, null where it is none or below zero."""
    digits = r"^[0-9]+(\.[0-9]+)?\z" if type_ == "double" else r"^[0-9]+\z"
    return F.when(piece.rlike(digits), piece.try_cast(type_))


def is_bad_number(piece: Column, type_: str) -> Column:
    """Whether a piece is neither a number of that type, nor absent: `-`, `-1` or empty."""
    return text(piece).isNotNull() & (piece != "-1") & number(piece, type_).isNull()


def utc(piece: Column) -> Column:
    """A piece such as 2018-07-02T22:23:00.186641Z as a timestamp, null where it is none."""
    shape = r"^(?!0000)[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?Z?\z"
    before = F.regexp_replace(piece, r":60(?:\.[0-9]+)?(?=Z?\z)", ":59")
    leap = before.try_cast("timestamp")
    read = with_leap_second(piece, ":60", piece.try_cast("timestamp"), leap)
    return F.when(piece.rlike(shape), read)


def with_leap_second(written: Column, sixty: str, plain: Column, before: Column) -> Column:
    """`plain`, what is `written` as a timestamp; where `sixty` is in that, a leap second.

    Spark has none. One is read as the last microsecond `before` it, so that it keeps its minute and
    its day; but only where there can be one, at the end of a month in UTC (ITU-R TF.460-6, 2.1).
    """
    after = before + F.expr("interval 1 second")
    last = before + F.expr("interval 999999 microseconds")
    is_possible = F.date_trunc("month", after) == after
    return F.when(F.contains(written, F.lit(sixty)), F.when(is_possible, last)).otherwise(plain)


def reason(
    codes: Iterable[str], rules: Mapping[str, Column], skipped: Column | None = None
) -> Column:
    """The first of `codes` whose rule holds, or null; `SKIPPED` where that holds.

    The rules of `empty_line` and `nul_byte` are known.
    """
    rules = {
        "empty_line": F.trim(RAW, F.lit(" \t\r\f\v")) == "",
        "nul_byte": F.contains(RAW, F.lit("\0")),
        **rules,
    }
    return first_reason(codes, rules, skipped)


def any_of(conditions: Iterable[Column]) -> Column:
    """Whether one of them holds; of none, none does."""
    return functools.reduce(operator.or_, conditions, F.lit(False))


def is_none_of(pieces: Mapping[str, Column], expressions: Mapping[str, str]) -> Column:
    """Whether a piece, where it is there, does not match what its column can hold."""
    return any_of(
        text(pieces[name]).isNotNull() & ~pieces[name].rlike(values.whole(expression))
        for name, expression in expressions.items()
        if name in pieces
    )
