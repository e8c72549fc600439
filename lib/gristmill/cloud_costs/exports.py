"""Reading cost exports: which kind they are recognised as, and each row of them as a charge."""

import codecs
from collections.abc import Mapping, Sequence
from functools import partial, reduce
from typing import Any, Protocol

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from gristmill.cloud_costs import cur, focus
from gristmill.cloud_costs.cells import Cells, key
from gristmill.cloud_costs.charges import CHARGES, REJECTS, SCOPES
from gristmill.cloud_costs.checking import checked
from gristmill.cloud_costs.delivery import files_of, is_other
from gristmill.cloud_costs.export_files import Part, of_lines, parts_of
from gristmill.cloud_costs.kinds import CUR, FOCUS_KIND, check_one_kind, recognise
from gristmill.cloud_costs.layout import Layout
from gristmill.errors import InputError
from gristmill.model.checks import REASON, UNREAD, first_reason
from gristmill.model.job import Kernel, Reader, Reading
from gristmill.readers.text.delimited import separator_of
from gristmill.readers.text.lines import (
    ORIGIN,
    SOURCE_FILE,
    find_files,
)
from gristmill.readers.text.records import told_breaks
from gristmill.storage.hadoop import content

_ENDINGS = ".csv, .gz, .zip and .parquet"


class ExportOptions(Protocol):
    """The options of a job that reads cost exports."""

    @property
    def export(self) -> str:
        """The name under which the charges are kept."""

    @property
    def scope(self) -> str:
        """What of a month a load is: see `SCOPES`."""

    @property
    def check(self) -> bool:
        """Whether the export is held against the rules of FOCUS, and not loaded."""


class ExportReader(Reader[ExportOptions]):
    """A reader that gives a row of charges for each line of a cost export."""

    help = "cost exports: FOCUS or AWS CUR, as .csv, .csv.gz, .zip or .parquet"

    @property
    def rejects(self) -> Mapping[str, str]:
        """Why a line is no charge."""
        return REJECTS

    def read(self, spark: SparkSession, inputs: Sequence[str], options: ExportOptions) -> Reading:
        """The charges in `inputs`. Raises `InputError` for what is not a known export."""
        found = find_files(spark, inputs)
        scope = SCOPES.get(options.scope)
        delivery = files_of(found, lambda uri: content(spark, uri), in_parts=scope is not None)
        files = delivery.files
        if not files:
            raise InputError(f"no export in {', '.join(inputs)}: only {_ENDINGS} are read")
        notes = _left_out(delivery.others, "no manifest lists them")
        notes += _left_out(list(filter(is_other, found)), f"only {_ENDINGS} are read")
        if options.check:
            return checked(spark, parts_of(spark, files), options.export, files)
        frames, kinds, unread, kernels = [], {}, dict[str, None](), []
        for part in parts_of(spark, files):
            kind = recognise(part.names, part.example)
            absent = cur.unamortized(part.cells.keys) if kind == CUR else []
            if absent:
                lacking = f"{part.example} has no {', '.join(absent)}"
                notes.append(f"{lacking}, which counts 0 in the effective cost of commitments")
            kinds[kind] = part.example
            if kind == f"{FOCUS_KIND}{focus.PREVIEW}":
                notes.append(f"{part.example} is {kind}, which has no contracted cost: it is null")
            newer = [] if kind == CUR else focus.unknown(part.names)
            if newer:
                beyond = f"{part.example} has columns that FOCUS 1.4 does not: {', '.join(newer)}"
                notes.append(f"{beyond}; it is read by those that are known")
            if part.broken:
                notes.append(told_breaks(part.broken))
            unread |= dict.fromkeys(_other_amounts(part, kind))
            frames.append(_charges(part, kind, options.export))
            kernels.append(_kernel(part, kind, options.export))
        if not frames:
            raise InputError(f"nothing to read: the files in {', '.join(inputs)} are empty")
        check_one_kind(kinds)
        notes.append(f"format: {', '.join(sorted(kinds))} (recognised)")
        rows = reduce(DataFrame.unionByName, frames)
        if scope:
            _check_parts_differ(rows, scope(), delivery.parts)
        by = tuple(kernel for kernel in kernels if kernel)
        return Reading(
            rows,
            tuple(dict.fromkeys(notes)),
            tuple(files),
            tuple(unread),
            kernels=by if len(by) == len(frames) else (),
        )


def _left_out(files: Sequence[str], why: str) -> list[str]:
    if not files:
        return []
    more = f" and {len(files) - 1:,} more" if len(files) > 1 else ""
    return [f"left out {files[0]}{more}: {why}"]


def _check_parts_differ(
    rows: DataFrame, part: Column, manifests: Mapping[str, Sequence[str]]
) -> None:
    """Raise `InputError` where manifests of one billing period have charges of the same part."""
    named = {file: name for name, files in manifests.items() for file in files}
    if not named:
        return
    lists = F.create_map(*(F.lit(text) for pair in named.items() for text in pair))
    found = (
        rows.where(F.col(REASON).isNull())
        .groupBy("billing_period", part.cast("string").alias("part"))
        .agg(F.collect_set(F.try_element_at(lists, F.col(SOURCE_FILE))).alias("manifests"))
    )
    both = found.where(F.size("manifests") > 1).orderBy("billing_period", "part").first()
    if both:
        raise InputError(
            f"{' and '.join(sorted(both['manifests'])[:2])} both have charges of {both['part']} in "
            f"{both['billing_period']}: name the folder of one delivery of each"
        )


def _kernel(part: Part, kind: str, export: str) -> Kernel | None:
    header = part.header
    if header is None or not part.plain:
        return None
    layout = Layout(header, separator_of(header), tuple(part.names), kind == CUR, export)
    columns = {field.name: field.type for field in CHARGES.fields}

    def rest(lines: DataFrame) -> DataFrame:
        return _charges(of_lines(lines, header, part.example), kind, export)

    skips = partial(_skips, header)
    return Kernel(tuple(part.plain), columns, partial(_parsed, layout), rest, skips)


def _skips(header: str, line: bytes) -> bool:
    """Whether a line is its file's header, or empty."""
    text = line.removesuffix(b"\r")
    return text.removeprefix(codecs.BOM_UTF8) == header.encode() or not text.strip(b" ")


def _parsed(layout: Layout, lines: Sequence[bytes]) -> Any:
    from gristmill.cloud_costs.kernels import exports  # noqa: PLC0415 - polars need not be there

    return exports.parse(lines, layout)


def _charges(part: Part, kind: str, export: str) -> DataFrame:
    is_cur = kind == CUR
    charge = (cur if is_cur else focus).charge(part.cells)
    times = cur.TIMES if is_cur else focus.times()
    broken = {
        "wrong_fields": part.is_broken,
        "bad_period": charge["billing_period_start"].isNull(),
        "bad_time": part.cells.is_bad_time(times),
        "bad_amount": (
            cur.has_bad_amount(part.cells) if is_cur else part.cells.is_bad_money(focus.amounts())
        ),
        "no_currency": charge["billing_currency"].isNull(),
    }
    # A line without an amount must not stop a bill.
    reason = first_reason(REJECTS, broken, skipped=part.is_header)
    return part.rows.select(
        *ORIGIN,
        reason.alias(REASON),
        _unread(part.cells, _other_amounts(part, kind)).alias(UNREAD),
        *(column.alias(name) for name, column in charge.items()),
        F.col(SOURCE_FILE).alias("source_file"),
        F.lit(export).alias("export"),
        part.cells.month(*(cur if is_cur else focus).PERIOD).alias("billing_period"),
    )


def _other_amounts(part: Part, kind: str) -> Sequence[str]:
    return cur.other_amounts(part.names) if kind == CUR else focus.other_amounts()


def _unread(cells: Cells, names: Sequence[str]) -> Column:
    """Which of these cells hold something that is no amount, nor says that there is none."""
    held = [name for name in names if key(name) in cells.keys]
    bad = [F.when(cells.is_bad_money([name]), F.lit(name)) for name in held]
    return F.array_compact(F.array(*bad)) if bad else F.lit([]).cast("array<string>")
