"""Holding an export against the rules of FOCUS, and telling which it breaks."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from gristmill.cloud_costs import focus
from gristmill.cloud_costs.cells import Cells
from gristmill.cloud_costs.charges import MONEY
from gristmill.cloud_costs.conformance import meaning, missing, rule_names, rules
from gristmill.cloud_costs.export_files import Part
from gristmill.cloud_costs.kinds import CUR, FOCUS_KIND, kind_of
from gristmill.errors import InputError
from gristmill.model.checks import REASON
from gristmill.model.dataset import Dataset, Field
from gristmill.model.job import Reading
from gristmill.readers.text.lines import BLOCK_START, LINE_NUMBER, RAW, SOURCE_FILE

FOCUS_CONFORMANCE = Dataset(
    name="focus_conformance",
    help="Rules of FOCUS that an export was held against, and how many rows break each.",
    fields=(
        Field("rule", "string", "column and rule: ChargeCategory.not_allowed"),
        Field("meaning", "string", "what the rule asks for"),
        Field("is_broken", "boolean", "whether the export breaks it"),
        Field("charges", "bigint", "how many rows break it; 0 for a column that is missing"),
        Field("billed_cost", MONEY, "what they are billed; null adds nothing"),
        Field("example_file", "string", "a file that breaks it; null where none does"),
        Field("example_line", "bigint", "line of the first row in it; null in Parquet"),
        Field("example_value", "string", "what stands there, in that column"),
        Field("version", "string", "the version of FOCUS that the files are held against"),
        Field("export", "string", "which export, as --export names it"),
    ),
    partitioned_by=("export",),
    write_mode="partition",
    key=("export", "version", "rule"),
    sorted_by=("version", "rule"),
)


def checked(
    spark: SparkSession, parts: Iterable[Part], export: str, files: Sequence[str]
) -> Reading:
    """The rules that an export breaks, a row each, with the columns of `ORIGIN` besides.

    Raises `InputError` for what is not FOCUS. It reads the files at once.
    """
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for part in parts:
        kind = kind_of(part.names, part.example)
        if kind == CUR:
            raise InputError(
                f"{part.example} is {CUR}: --check holds exports in FOCUS to its rules"
            )
        version = kind.removeprefix(FOCUS_KIND)
        if version == focus.PREVIEW:
            raise InputError(f"{part.example} is {kind}: --check knows the rules since 1.0")
        for rule in rule_names(part.cells, version):
            found.setdefault((version, rule), {"charges": 0, "is_broken": False})
        for name in missing(part.cells, version):
            missed = {"charges": 0, "example_file": part.example}
            _add(found[version, f"{name}.missing"], missed)
        rows = part.rows if part.is_header is None else part.rows.where(~part.is_header)
        for row in broken(rows, part.cells, version).collect():
            _add(found[version, row["rule"]], row.asDict())
    values = [
        {"version": version, "rule": rule, "meaning": meaning(rule), "export": export, **told}
        for (version, rule), told in sorted(found.items())
    ]
    frame = spark.createDataFrame(
        [tuple(value.get(field.name) for field in FOCUS_CONFORMANCE.fields) for value in values],
        FOCUS_CONFORMANCE.ddl,
    )
    # What the job looks for in any row; a rule that is broken is no reject.
    beside = {
        RAW: F.lit(""),
        SOURCE_FILE: F.col("example_file"),
        BLOCK_START: F.lit(0).cast("bigint"),
        LINE_NUMBER: F.lit(0).cast("bigint"),
        REASON: F.lit(None).cast("string"),
        "billing_currency": F.lit(None).cast("string"),
        **{name: F.lit(None).cast(MONEY) for name in focus.amounts() if name != "billed_cost"},
    }
    return Reading(frame.withColumns(beside), _told(values), tuple(files))


def _add(known: dict[str, Any], row: Mapping[str, Any]) -> None:
    """Add the rows of some files that break a rule to what is known of it."""
    costs = [
        cost for cost in (known.get("billed_cost"), row.get("billed_cost")) if cost is not None
    ]
    charges = known["charges"] + row["charges"]
    known |= {**row, **(known if known["is_broken"] else {})}
    known |= {"charges": charges, "billed_cost": sum(costs) if costs else None, "is_broken": True}


def _told(values: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    names = " and ".join(
        f"FOCUS {version}" for version in sorted({one["version"] for one in values})
    )
    wrong = [value for value in values if value["is_broken"]]
    lines = [f"{names}: of {len(values):,} rules, {len(wrong) or 'none'} broken"]
    for value in wrong:
        rows = ""
        if value["charges"]:
            line = value["example_line"]
            place = value["example_file"] + ("" if line is None else f", line {line}")
            shown = value["example_value"]
            text = "" if shown is None else f": {shown!r}"
            rows = f" ({value['charges']:,} rows, as in {place}{text})"
        lines.append(f"{value['rule']}: {value['meaning']}{rows}")
    return tuple(lines)


def broken(rows: DataFrame, cells: Cells, version: str) -> DataFrame:
    """The rules that rows break: `rule`, `charges`, `billed_cost`, and the columns of an example.

    `rows` are those of an export, with `ORIGIN`; a line that is its header is none of them.
    """
    named = rules(cells, version)
    value = {name: cells.text(name.partition(".")[0]) for name in named}
    found = F.array_compact(
        F.array(
            *(
                F.when(breaks, F.struct(F.lit(name).alias("rule"), value[name].alias("value")))
                for name, breaks in named.items()
            )
        )
    )
    each = rows.select(
        SOURCE_FILE,
        LINE_NUMBER,
        cells.money("BilledCost").alias("cost"),
        F.explode(found).alias("found"),
    )
    first = F.min_by(
        F.struct(SOURCE_FILE, LINE_NUMBER, "found.value"), F.struct(SOURCE_FILE, LINE_NUMBER)
    )
    grouped = each.groupBy(F.col("found.rule").alias("rule")).agg(
        F.count(F.lit(1)).alias("charges"),
        F.sum("cost").cast(MONEY).alias("billed_cost"),
        first.alias("first"),
    )
    return grouped.select(
        "rule",
        "charges",
        "billed_cost",
        F.col("first")[SOURCE_FILE].alias("example_file"),
        F.col("first")[LINE_NUMBER].alias("example_line"),
        F.col("first.value").alias("example_value"),
    )
