"""Reading cost exports: which kind they are recognised as, and each row of them as a charge."""

import csv
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any
from urllib.parse import unquote

from py4j.protocol import Py4JJavaError
from pyspark.errors import PySparkException
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from gristmill.billing import cur, focus
from gristmill.billing.cells import Cells, key
from gristmill.billing.charges import REJECTS
from gristmill.billing.delivery import files_of
from gristmill.billing.zipped import members_by_header, zipped_lines
from gristmill.errors import InputError
from gristmill.job import Reader, Reading
from gristmill.quality import REASON, first_reason
from gristmill.storage.hadoop import content
from gristmill.text.lines import (
    BLOCK_START,
    LINE_NUMBER,
    ORIGIN,
    RAW,
    SOURCE_FILE,
    find_files,
    has_odd_quotes,
    literal,
    source_file,
    text_files,
)

SUPPORTED = "FOCUS 1.0, 1.1 and 1.2, and AWS Cost and Usage Reports (legacy and 2.0)"
CUR = "AWS CUR"
_CORRUPT = "_corrupt"
_SHOWN, _WIDTH = 8, 60


@dataclass(frozen=True)
class _Part:
    """Files with the same columns: their rows, with the columns of `ORIGIN`; the cells of a row;
    the header line, null in Parquet; and whether a row has other fields than the header."""

    rows: DataFrame
    cells: Cells
    header: str | None
    example: str

    @property
    def is_broken(self) -> Column:
        if self.header is None:
            return F.lit(False)
        # What follows a quote that is never closed is one field to Spark, up to the line's end.
        return F.col(f"_cells.{_CORRUPT}").isNotNull() | has_odd_quotes()


class ExportReader(Reader):
    """A reader that gives a row of charges for each line of a cost export.

    The job's options need an `export`, the name under which the charges are kept.
    """

    help = "cost exports: FOCUS or AWS CUR, as .csv, .csv.gz, .zip or .parquet"

    @property
    def rejects(self) -> Mapping[str, str]:
        """Why a line is no charge."""
        return REJECTS

    def read(self, spark: SparkSession, inputs: Sequence[str], options: Any) -> Reading:
        """The charges in `inputs`. Raises `InputError` for what is not a known export."""
        files, others = files_of(find_files(spark, inputs), lambda uri: content(spark, uri))
        if not files:
            wanted = ".csv, .gz, .zip or .parquet"
            raise InputError(f"no export in {', '.join(inputs)}: there is no {wanted}")
        notes = []
        if others:
            example = others[0]
            notes.append(
                f"left out {len(others):,} files that no manifest lists, such as {example}"
            )
        frames, kinds = [], {}
        for part in _parts(spark, files):
            kind = recognise(list(part.cells.columns), part.example)
            kinds[kind] = part.example
            frames.append(_charges(part, kind, options.export))
        if not frames:
            raise InputError(f"nothing to read: the files in {', '.join(inputs)} are empty")
        _see_that_they_belong_together(kinds)
        notes.append(f"format: {', '.join(sorted(kinds))} (recognised)")
        return Reading(reduce(DataFrame.unionByName, frames), tuple(notes), tuple(files))


def _see_that_they_belong_together(kinds: Mapping[str, str]) -> None:
    others = [kind for kind in kinds if kind != CUR]
    if CUR in kinds and others:
        raise InputError(
            f"{kinds[CUR]} is {CUR} and {kinds[others[0]]} is {others[0]}: the same charges may be "
            "in both; load one export at a time, each under its own --export"
        )


def recognise(header: Sequence[str], file: str) -> str:
    """The kind of export that has these columns: `FOCUS 1.2`, `AWS CUR`.

    Raises `InputError` where it is none that is known, or columns are missing: all of them named.
    """
    keys = frozenset(map(key, header))
    version = focus.version(keys)
    if version:
        kind, missing = f"FOCUS {version}", focus.missing(keys)
    elif "lineitemlineitemtype" in keys:
        kind, missing = CUR, cur.missing(keys)
    else:
        found = ", ".join(name[:_WIDTH] for name in header[:_SHOWN])
        found += " …" if len(header) > _SHOWN or max(map(len, header)) > _WIDTH else ""
        raise InputError(
            f"{file} is not a cost export that is known: it has the columns {found}; "
            f"supported are {SUPPORTED}"
        )
    if missing:
        raise InputError(f"{file} looks like {kind}, but lacks {', '.join(missing)}")
    return kind


def _parts(spark: SparkSession, files: Sequence[str]) -> Iterator[_Part]:
    parquet = [file for file in files if file.lower().endswith(".parquet")]
    zipped = [file for file in files if file.lower().endswith(".zip")]
    plain = [file for file in files if file not in {*parquet, *zipped}]
    if plain:
        found = text_files(spark, [unquote(file) for file in plain], look_at=None)
        for header, lines, file in found.alike(_first_line):
            if header:
                yield _of_lines(lines, header, file)
    if zipped:
        for header, members in members_by_header(spark, zipped).items():
            yield _of_lines(zipped_lines(spark, members), header, next(iter(members)))
    if parquet:
        for file, read in _frames(spark, parquet):
            yield _of_parquet(read, file)


def _first_line(text: str) -> str:
    return text.lstrip("\ufeff").split("\n", 1)[0].rstrip("\r") if text.strip() else ""


def _of_lines(lines: DataFrame, header: str, example: str) -> _Part:
    names = next(csv.reader([header]))
    schema = ", ".join(f"_{number} string" for number in range(len(names)))
    options = {"escape": '"', "columnNameOfCorruptRecord": _CORRUPT}
    cells = F.from_csv(RAW, f"{schema}, {_CORRUPT} string", options)
    columns = {name: F.col(f"_cells._{number}") for number, name in enumerate(names)}
    return _Part(lines.select(*ORIGIN, cells.alias("_cells")), Cells(columns), header, example)


def _frames(spark: SparkSession, files: Sequence[str]) -> Iterator[tuple[str, DataFrame]]:
    """What Parquet files hold, those with the same columns together, each with one of the files."""
    # Looked up recursively, folders such as `year=2026` add no columns.
    reader = spark.read.option("recursiveFileLookup", value=True)
    try:
        merged = reader.option("mergeSchema", value=True).parquet(*map(literal, files))
    except (PySparkException, Py4JJavaError) as error:
        if "CANNOT_MERGE_SCHEMAS" not in str(error):
            raise
    else:
        yield files[0], merged
        return
    # A column that has another type in another month is text in the end.
    by_schema: dict[str, list[str]] = defaultdict(list)
    for file in files:
        by_schema[reader.parquet(literal(file)).schema.json()].append(file)
    for some in by_schema.values():
        yield some[0], reader.parquet(*map(literal, some))


def _of_parquet(read: DataFrame, example: str) -> _Part:
    texts = {
        field.name: F.to_json(f"`{field.name}`")
        if field.dataType.typeName() in ("map", "struct", "array")
        else F.col(f"`{field.name}`").cast("string")
        for field in read.schema.fields
    }
    # As text, so that a number is a decimal of the digits it is written with, like any other.
    rows = read.select(
        F.to_json(F.struct("*")).alias(RAW),
        source_file().alias(SOURCE_FILE),
        F.lit(0).cast("bigint").alias(BLOCK_START),
        (F.col("_metadata.row_index") + 1).alias(LINE_NUMBER),
        F.struct(*(text.alias(name) for name, text in texts.items())).alias("_cells"),
    )
    columns = {name: F.col(f"_cells.`{name}`") for name in texts}
    return _Part(rows, Cells(columns), None, example)


def _charges(part: _Part, kind: str, export: str) -> DataFrame:
    is_cur = kind == CUR
    columns = (cur if is_cur else focus).charge(part.cells)
    amounts = cur.AMOUNTS if is_cur else focus.amounts()
    times = cur.TIMES if is_cur else focus.times()
    broken = {
        "empty_line": F.lit(False) if part.header is None else F.trim(RAW) == "",
        "wrong_fields": part.is_broken,
        "bad_period": columns["billing_period_start"].isNull(),
        "bad_time": part.cells.is_bad_time(times),
        "bad_amount": part.cells.is_bad_money(amounts),
        "no_currency": columns["billing_currency"].isNull(),
    }
    is_header = None if part.header is None else F.col(RAW) == part.header
    reason = first_reason(REJECTS, broken, skipped=is_header)
    return part.rows.select(
        *ORIGIN,
        reason.alias(REASON),
        *(column.alias(name) for name, column in columns.items()),
        F.col(SOURCE_FILE).alias("source_file"),
        F.lit(export).alias("export"),
        F.date_format(columns["billing_period_start"], "yyyy-MM").alias("billing_period"),
    )
