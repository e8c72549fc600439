"""Summaries of real and of published sample exports, against figures that plain Python made."""

import csv
from collections import defaultdict
from collections.abc import Callable, Iterable
from decimal import Decimal, localcontext
from pathlib import Path
from typing import Any

import pyarrow.dataset as arrow
import pytest

from gristmill.jobs import billing_charges, billing_summary
from gristmill.jobs.billing_summary import BillingSummaryOptions
from tests.conftest import RunJob
from tests.real.conftest import Expected

Row = dict[str, Any]
Sums = dict[tuple[Any, ...], tuple[Decimal, ...]]
COSTS = ("billed_cost", "effective_cost", "list_cost", "contracted_cost")
FOCUS = ("BilledCost", "EffectiveCost", "ListCost", "ContractedCost")
TAGS = ("application", "business_unit", "environment")
REQUIRED = {
    **dict.fromkeys(("BilledCost", "EffectiveCost", "ListCost", "ContractedCost"), "0"),
    "BillingCurrency": "USD",
    "BillingAccountId": "1",
    "ServiceName": "a service",
}


def table(output: Path, name: str) -> list[Row]:
    found: list[Row] = (
        arrow.dataset(output / name, format="parquet", partitioning="hive").to_table().to_pylist()
    )
    return found


def summed(rows: Iterable[Row], names: Iterable[str], *by: str | Callable[[Row], Any]) -> Sums:
    """Sums of columns, as text or decimals, by others."""
    names = tuple(names)
    found: dict[tuple[Any, ...], list[Decimal]] = defaultdict(lambda: [Decimal(0)] * len(names))
    with localcontext() as context:
        context.prec = 60
        for row in rows:
            total = found[tuple(key(row) if callable(key) else row[key] for key in by)]
            for place, name in enumerate(names):
                total[place] += Decimal(row[name] or 0)
    return {key: tuple(total) for key, total in found.items()}


def assert_close(found: Sums, figures: Sums) -> None:
    assert found.keys() == figures.keys()
    for key, values in figures.items():
        assert found[key] == pytest.approx(values, abs=Decimal("1e-9")), key


def test_the_figures_of_a_real_export_in_focus(
    run_job: RunJob, data: Path, expected: Expected, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    run_job(billing_charges.JOB, data / "billing" / "focus_1_0" / "focus_sample_1000.csv")
    run_job(billing_summary.JOB, out, options=BillingSummaryOptions(tag=tuple(TAGS)))

    def figures(name: str, *by: str) -> Sums:
        rows = [
            {key: value or None for key, value in row.items()} for row in expected(f"{name}.csv")
        ]
        return summed(rows, ("rows", *FOCUS), *by, "BillingCurrency")

    def found(name: str, *by: str, tag: str | None = None) -> Any:
        rows = [row for row in table(out, name) if tag is None or row["tag_key"] == tag]
        return summed(rows, ("charges", *COSTS), *by, "billing_currency")

    period = "billing_period"
    assert found("cost_by_service", period, "provider_name", "service_name") == figures(
        "focus_1_0_by_service_month", "month", "ProviderName", "ServiceName"
    )
    assert found("cost_by_account", period, "sub_account_id") == figures(
        "focus_1_0_by_account_month", "month", "SubAccountId"
    )
    assert found("cost_by_category", period, "charge_category") == figures(
        "focus_1_0_by_charge_category", "month", "ChargeCategory"
    )
    days = summed(
        table(out, "cost_daily"),
        ("charges", *COSTS),
        lambda row: str(row["date"]),
        "billing_currency",
    )
    assert days == figures("focus_1_0_by_charge_day", "day")
    for tag in TAGS:
        tagged = found("cost_by_tag", period, "tag_value", tag=tag)
        assert tagged == figures(f"focus_1_0_by_tag_{tag}", "month", "tag_value")
    ((billed, effective),) = summed(table(out, "cost_by_region"), COSTS[:2]).values()
    assert (billed, effective) == (Decimal("20.52022672899"), Decimal("14.97651418586"))


@pytest.mark.parametrize(
    ("name", "source", "total"),
    [
        ("cur_koku", "koku-local", None),
        pytest.param(
            *("cur_anon", "anon_export_2023-11.csv.gz", Decimal("1.68230869740")),
            marks=pytest.mark.thorough,
        ),
    ],
)
def test_the_figures_of_a_cost_and_usage_report(
    run_job: RunJob,
    data: Path,
    expected: Expected,
    tmp_path: Path,
    name: str,
    source: str,
    total: Any,
) -> None:
    out = tmp_path / "out"
    run_job(billing_charges.JOB, data / "billing" / "cur_legacy" / source)
    run_job(billing_summary.JOB, out)
    figures_by = ("rows", "unblended", "amortized")
    found_by = ("charges", "billed_cost", "effective_cost")
    for kind, column, dataset, by in (
        ("product", "ProductCode", "cost_by_service", "x_product_code"),
        ("line_item_type", "LineItemType", "cost_by_category", "x_line_item_type"),
        ("account", "UsageAccountId", "cost_by_account", "sub_account_id"),
    ):
        figures = summed(
            expected(f"{name}_by_{kind}.csv"),
            figures_by,
            lambda row: row["period"][:7],
            column,
            "currency",
        )
        found = summed(table(out, dataset), found_by, "billing_period", by, "billing_currency")
        assert_close(found, figures)
    figures = summed(expected(f"{name}_by_usage_day.csv"), figures_by, "day", "currency")
    days = ({**row, "date": str(row["date"])} for row in table(out, "cost_daily"))
    assert_close(summed(days, found_by, "date", "billing_currency"), figures)
    blended = summed(
        table(out, "charges"), ("x_blended_cost",), "x_line_item_type", "billing_currency"
    )
    kinds = expected(f"{name}_by_line_item_type.csv")
    assert_close(blended, summed(kinds, ("blended",), "LineItemType", "currency"))
    if total is not None:
        assert summed(table(out, "cost_by_region"), COSTS[:1]) == {(): (total,)}


@pytest.mark.thorough
def test_what_holds_of_all_exports_in_focus_holds(
    run_job: RunJob, data: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    run_job(billing_charges.JOB, data / "billing" / "focus_1_2")
    run_job(billing_summary.JOB, out, options=BillingSummaryOptions(tag=("Environment",)))
    commitments = table(out, "commitments")
    assert len(commitments) == 450
    for row in commitments:
        assert row["used_cost"] + row["unused_cost"] == row["purchased_cost"]
        assert row["utilization"] == pytest.approx(
            float(row["used_cost"] / row["purchased_cost"]), abs=1e-9
        )
        assert 0 < row["coverage"] < 1
    invoices = summed(table(out, "charges"), COSTS[:1], "invoice_id")
    assert invoices == {
        ("INV-2026-05-0001",): (Decimal("57912.423783303181250"),),
        ("INV-2026-05-0002",): (Decimal("61565.269314323345000"),),
    }
    ((billed,),) = summed(table(out, "cost_daily"), COSTS[:1]).values()
    assert billed == sum(total for (total,) in invoices.values())


EXAMPLES = {
    "scenarios__commitment_discount_purchase_scenario_1": ("8760", "0", "0"),
    "scenarios__commitment_discount_purchase_scenario_2": ("3", "0", "0"),
    "scenarios__commitment_discount_purchase_scenario_3": ("4381.5", "0", "0"),
    "scenarios__commitment_discount_usage_scenario_1": ("0", "1", "0"),
    "scenarios__commitment_discount_usage_scenario_2": ("0", "0", "1"),
    "scenarios__commitment_discount_usage_scenario_3": ("0", "0.75", "0.25"),
    "scenarios__commitment_discount_usage_scenario_4": ("0", "1", "0"),
    "flexibility__one_hundred_percent_utilization_with_commitment_discount_flexibility_"
    "with_1_resource": ("0.5", "0.5", "0"),
    "flexibility__one_hundred_percent_utilization_with_commitment_discount_flexibility_"
    "with_2_resources": ("2", "2", "0"),
    "flexibility__one_hundred_percent_utilization_without_commitment_discount_flexibility": (
        *("1.5", "1.5"),
        "0",
    ),
    "flexibility__zero_percent_utilization_without_commitment_discount_flexibility": (
        *("1.5", "0"),
        "1.5",
    ),
}
"""What is purchased, used and unused in the examples of FOCUS."""


def test_the_worked_examples_of_the_specification(
    run_job: RunJob, data: Path, tmp_path: Path
) -> None:
    folder = data / "billing" / "focus_spec_examples"
    rows = []
    for name in EXAMPLES:
        path = folder / f"commitment_discount_{name}.csv"
        with path.open(encoding="utf-8-sig", newline="") as file:
            # The examples leave out what does not matter to them, and all have the same id.
            for row in csv.DictReader(file):
                known = {
                    # One example has an hour 30.
                    key: cell.replace("T30:", "T23:")
                    for key, cell in row.items()
                    if cell not in ("null", "")
                }
                if "CommitmentDiscountId" in known:
                    known["CommitmentDiscountId"] = name
                rows.append(REQUIRED | known)
    with (tmp_path / "examples.csv").open("w", encoding="utf-8", newline="") as file:
        lines = csv.DictWriter(file, sorted({key for row in rows for key in row}))
        lines.writeheader()
        lines.writerows(rows)
    report = run_job(billing_charges.JOB, tmp_path / "examples.csv")
    assert report.rejected == 0
    run_job(billing_summary.JOB, tmp_path / "out")
    found = {
        row["commitment_discount_id"]: (row["purchased_cost"], row["used_cost"], row["unused_cost"])
        for row in table(tmp_path / "out", "commitments")
    }
    assert found == {name: tuple(map(Decimal, costs)) for name, costs in EXAMPLES.items()}
