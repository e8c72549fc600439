"""Real exports: figures made elsewhere, and every charge by plain Python over the files."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import Row, SparkSession

from gristmill.cloud_costs.charges import FOCUS
from gristmill.cloud_costs.specification import columns_of
from gristmill.errors import InputError
from gristmill.jobs.billing_charges import JOB, BillingChargesOptions
from gristmill.model.report import Report
from tests.conftest import RunJob
from tests.real.conftest import Expected
from tests.support import reference_billing as reference

TOLERANCE = Decimal("1e-9")
FOCUS_COSTS = ("BilledCost", "EffectiveCost", "ListCost", "ContractedCost")
CUR_COSTS = {"unblended": "billed_cost", "blended": "x_blended_cost", "amortized": "effective_cost"}
KOKU = "koku-local/20180801-20180901/16e57707-f9e3-49be-8be6-b84e684b5194/koku-local-1.csv.gz"


def load(spark: SparkSession, run_job: RunJob, path: Path, out: Path) -> tuple[Report, list[Row]]:
    """What a run says of an export, and its charges."""
    report = run_job(JOB, path, options=BillingChargesOptions(export="real"))
    assert report.lines == report.datasets[0].rows + (report.rejected or 0) + (report.skipped or 0)
    return report, spark.read.parquet(str(out / "charges")).collect()


def sums(
    rows: Iterable[Row], costs: Mapping[str, str], *keys: Callable[[Row], str | None]
) -> dict[tuple[str, ...], list[Decimal]]:
    """How many rows there are, and what they cost, by some keys."""
    found: dict[tuple[str, ...], list[Decimal]] = defaultdict(
        lambda: [Decimal(0)] * (1 + len(costs))
    )
    for row in rows:
        key = tuple(value(row) or "" for value in keys)
        amounts = [row[name] or Decimal(0) for name in costs.values()]
        found[key] = [a + b for a, b in zip(found[key], [Decimal(1), *amounts], strict=True)]
    return found


def check_agree(
    found: dict[tuple[str, ...], list[Decimal]], wanted: list[dict[str, str]], costs: Iterable[str]
) -> None:
    names = list(wanted[0])
    keys = names[: names.index("rows")]
    figures = {
        tuple(row[key] for key in keys): [Decimal(row[name]) for name in ("rows", *costs)]
        for row in wanted
    }
    assert found.keys() == figures.keys()
    for key, amounts in figures.items():
        for ours, theirs in zip(found[key], amounts, strict=True):
            assert abs(ours - theirs) <= TOLERANCE, key


def month(row: Row) -> str:
    return str(row["billing_period"])


def currency(row: Row) -> str:
    return str(row["billing_currency"])


def test_the_columns_are_those_of_the_specification(data: Path) -> None:
    files = {v: data / "specs" / f"focus_columns_v{v}.txt" for v in ("1.0", "1.1", "1.2")}
    named = {version: set(file.read_text().split()) for version, file in files.items()}
    for version, names in named.items():
        assert names == set(reference.VERSIONS[version])
        assert names == {column.name for column in columns_of(version)}
    assert {reference.snake(name) for name in reference.FOCUS} == {field.name for field in FOCUS}


def test_the_figures_of_a_focus_export(
    spark: SparkSession, run_job: RunJob, data: Path, expected: Expected, tmp_path: Path
) -> None:
    file = data / "billing" / "focus_1_0" / "focus_sample_1000.csv"
    report, rows = load(spark, run_job, file, tmp_path / "out")
    assert (report.lines, report.rejected, report.skipped) == (1001, 0, 1)
    assert report.notes == ("format: FOCUS 1.0 (recognised)",)
    costs = {name: reference.snake(name) for name in FOCUS_COSTS}
    by: dict[str, tuple[Callable[[Row], str | None], ...]] = {
        "account_month": (month, lambda row: row["sub_account_id"], currency),
        "charge_category": (month, lambda row: row["charge_category"], currency),
        "charge_day": (lambda row: f"{row['charge_period_start']:%Y-%m-%d}", currency),
        "service_month": (
            *(month, lambda row: row["provider_name"], lambda row: row["service_name"]),
            currency,
        ),
        "tag_application": (month, lambda row: (row["tags"] or {}).get("application"), currency),
        "tag_business_unit": (
            *(month, lambda row: (row["tags"] or {}).get("business_unit")),
            currency,
        ),
        "tag_environment": (month, lambda row: (row["tags"] or {}).get("environment"), currency),
    }
    for kind, keys in by.items():
        figures = expected(f"focus_1_0_by_{kind}.csv")
        check_agree(sums(rows, costs, *keys), figures, costs)
    # What the figures are made of is exact.
    assert sum(row["billed_cost"] for row in rows) == Decimal("20.52022672899")
    assert sum(row["effective_cost"] for row in rows) == Decimal("14.97651418586")


@pytest.mark.parametrize(("name", "file"), [("anon", "anon_export_2023-11.csv.gz"), ("koku", KOKU)])
def test_the_figures_of_a_cost_and_usage_report(
    spark: SparkSession,
    run_job: RunJob,
    data: Path,
    expected: Expected,
    tmp_path: Path,
    name: str,
    file: str,
) -> None:
    folder = data / "billing" / "cur_legacy"
    # By its manifest where it has one, which names the file.
    report, rows = load(spark, run_job, folder / file.partition("/")[0], tmp_path / "out")
    lines = reference.rows_of(folder / file)
    assert (report.lines, report.rejected, report.skipped) == (len(lines) + 1, 0, 1)

    def by(column: str) -> tuple[Callable[[Row], str | None], ...]:
        return (lambda row: f"{row['billing_period']}-01", lambda row: row[column], currency)

    kinds = {
        "account": by("sub_account_id"),
        "line_item_type": by("x_line_item_type"),
        "product": by("x_product_code"),
        "usage_day": (lambda row: f"{row['charge_period_start']:%Y-%m-%d}", currency),
    }
    for kind, keys in kinds.items():
        figures = expected(f"cur_{name}_by_{kind}.csv")
        check_agree(sums(rows, CUR_COSTS, *keys), figures, CUR_COSTS)
    wanted = [reference.cur(line) for line in lines]
    names = list(wanted[0])
    assert as_counted(rows, names) == as_counted(wanted, names)


@pytest.mark.parametrize(
    "folder",
    [
        "focus_1_0",
        *(
            pytest.param(name, marks=pytest.mark.thorough)
            for name in ("focus_1_2", "focus_toolkit_golden")
        ),
    ],
)
def test_every_charge_of_a_focus_export_is_what_plain_python_makes_of_its_line(
    spark: SparkSession, run_job: RunJob, data: Path, tmp_path: Path, folder: str
) -> None:
    files = sorted((data / "billing" / folder).iterdir())
    report, rows = load(spark, run_job, data / "billing" / folder, tmp_path / "out")
    wanted = [reference.focus(line) for file in files for line in reference.rows_of(file)]
    assert (report.rejected, report.skipped) == (0, len(files))
    names = list(wanted[0])
    assert as_counted(rows, names) == as_counted(wanted, names)


@pytest.mark.parametrize("layout", ["cur_1_0", "cur_2_0"])
def test_reports_are_found_by_their_manifests(
    spark: SparkSession, run_job: RunJob, data: Path, tmp_path: Path, layout: str
) -> None:
    folder = data / "billing" / "cur_layouts_keboola" / "mock_data" / layout
    _, rows = load(spark, run_job, folder / "s3_structure", tmp_path / "out")
    lines = reference.rows_of(next(folder.glob("sample_*.csv")))
    column = "lineItem/UnblendedCost" if layout == "cur_1_0" else "line_item_unblended_cost"
    costs = Counter(reference.money(line[column]) for line in lines)
    assert Counter(row["billed_cost"] for row in rows) == costs


def test_what_lacks_columns_and_what_is_no_export_is_refused(run_job: RunJob, data: Path) -> None:
    with pytest.raises(InputError, match=r"lacks ContractedCost, BillingCurrency, .*ServiceName"):
        run_job(JOB, data / "billing" / "focus_spec_examples")
    with pytest.raises(InputError, match=r"not a cost export that is known: .* start, value;"):
        run_job(JOB, data / "billing" / "utility" / "meter")


def as_counted(rows: Iterable[Any], names: list[str]) -> Counter[tuple[Any, ...]]:
    return Counter(
        reference.as_pairs(row.asDict() if isinstance(row, Row) else row, names) for row in rows
    )
