"""Tables in files: CSV, JSON lines and Parquet, by columns that are declared once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from gristmill.errors import InputError
from gristmill.model.checks import REASON
from gristmill.model.dataset import Field
from gristmill.model.job import Reader, Reading
from gristmill.model.options import option
from gristmill.readers import local_time
from gristmill.readers.tables import json_lines, parquet
from gristmill.readers.tables.column import TableColumn
from gristmill.readers.tables.typed import check_zones, typed
from gristmill.readers.text import damage, delimited
from gristmill.readers.text.delimited import Dialect
from gristmill.readers.text.lines import RAW, TextFiles, TextOptions, find_files, text_files

AUTO = "auto"
_ENDINGS = {
    "csv": (".csv", ".tsv", ".txt"),
    "jsonl": (".jsonl", ".ndjson", ".json"),
    "parquet": (".parquet",),
}
_NOT_UTF8 = "not_utf8"
_SHOWN = 12

ROW_REJECTS = {
    code: text for code, text in delimited.REJECTS.items() if code != "empty_line"
} | json_lines.REJECTS
"""Why a line is no row at all."""


@dataclass(frozen=True)
class TableOptions(TextOptions):
    """How a table lies in its files."""

    format: str = option(
        AUTO, choices=(AUTO, *_ENDINGS), help="what the files are; auto goes by their names"
    )


@dataclass(frozen=True)
class TableReader(Reader[object]):
    """A reader that gives a typed row for each row of a table in files, or rejects it.

    `columns` are those that are read; others are left out, and named. In CSV and Parquet their
    names count in any case, in JSON as they are written. The others are about CSV: the `separator`,
    recognised in each header where it is None; what stands for no value (`nulls`), apart from
    nothing at all; whether there is a header, without which the columns are in their order; and
    whether quoted values may have line breaks, which takes one more look at all files. A job's
    options may be `TableOptions`.
    """

    columns: tuple[TableColumn, ...]
    separator: str | None = None
    nulls: tuple[str, ...] = ()
    has_header: bool = True
    has_breaks: bool = True

    def __post_init__(self) -> None:
        names = [column.name for column in self.columns]
        if not names or len(set(names)) < len(names):
            raise ValueError("a table has columns, each with a name of its own")
        if not self.has_header and self.separator is None:
            raise ValueError("without a header, say what the separator is")

    @property
    def help(self) -> str:
        """What it reads, in a line."""
        names = ", ".join(column.name for column in self.columns)
        return f"a table as .csv, .jsonl (both plain or .gz) or .parquet, with {names}"

    @property
    def fields(self) -> tuple[Field, ...]:
        """Fields for a dataset that holds these columns."""
        return tuple(column.field for column in self.columns)

    @property
    def rejects(self) -> Mapping[str, str]:
        """Why a row can be rejected: as a whole, or for a column, as `amount.not_decimal`."""
        return {
            **ROW_REJECTS,
            _NOT_UTF8: "bytes that are not UTF-8: iconv -t utf-8 makes such",
            **of_columns(self.columns),
            **damage.REJECTS,
        }

    def resolve(
        self, spark: SparkSession, inputs: Sequence[str], options: object
    ) -> tuple[Mapping[str, Any], tuple[str, ...]]:
        """The format that the names of the files say. Raises `InputError`."""
        if not isinstance(options, TableOptions) or options.format != AUTO:
            return {}, ()
        found = _format_of(find_files(spark, inputs))
        return {"format": found}, (f"format: {found} (recognised)",)

    def read(self, spark: SparkSession, inputs: Sequence[str], options: object) -> Reading:
        """Rows of the columns, each of its type. Raises `InputError`."""
        check_zones(self.columns, local_time.zones(spark))
        kind = options.format if isinstance(options, TableOptions) else AUTO
        if kind == AUTO:
            kind = _format_of(find_files(spark, inputs))
        if kind == "parquet":
            files = find_files(spark, inputs)
            table = parquet.rows(spark, files, self.columns)
            return Reading(table.frame, _unused(table.unused), files)
        strict = not isinstance(options, TextOptions) or options.strict
        found = text_files(spark, inputs, look_at=None, strict=strict)
        if kind == "jsonl":
            texts = delimited.Rows(json_lines.rows(found, self.columns))
        else:
            texts = self._csv(found)
        rows = typed(_with_utf8(texts.frame), self.columns)
        notes = (*texts.notes, *_unused(texts.unused))
        return Reading(found.with_rejects(rows), notes, found.files)

    def _csv(self, found: TextFiles) -> delimited.Rows:
        dialect = Dialect(
            separator=self.separator,
            nulls=self.nulls,
            strips=False,
            has_header=self.has_header,
            skips_empty=True,
            has_breaks=self.has_breaks,
        )
        return delimited.rows(found, [column.wanted for column in self.columns], dialect)


def of_columns(columns: Sequence[TableColumn]) -> dict[str, str]:
    """The codes of all faults that the columns can have, and what they mean."""
    return {
        column.code(fault): f"{column.name}: {text}"
        for column in columns
        for fault, text in column.faults.items()
    }


def _format_of(files: Sequence[str]) -> str:
    found: dict[str, str] = {}
    for file in files:
        name = file.lower().removesuffix(".gz")
        kind = next((one for one, ends in _ENDINGS.items() if name.endswith(ends)), None)
        if kind is None:
            known = ", ".join(end for ends in _ENDINGS.values() for end in ends)
            raise InputError(f"what is {file}? --format says it, or a name that ends in {known}")
        found.setdefault(kind, file)
    if len(found) > 1:
        told = ", ".join(found.values())
        raise InputError(f"files of several formats, {told}: load one at a time")
    return next(iter(found))


def _unused(names: Sequence[str]) -> tuple[str, ...]:
    if not names:
        return ()
    more = f" and {len(names) - _SHOWN:,} more" if len(names) > _SHOWN else ""
    return (f"columns that are left out: {', '.join(names[:_SHOWN])}{more}",)


def _with_utf8(rows: DataFrame) -> DataFrame:
    """The rows, with a reason for those that have bytes which were no UTF-8."""
    is_wrong = F.contains(RAW, F.lit("\ufffd"))
    return rows.withColumn(REASON, F.coalesce(F.col(REASON), F.when(is_wrong, F.lit(_NOT_UTF8))))
