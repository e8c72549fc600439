"""Statements of made charges, against plain Python over the same charges."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal, localcontext
from pathlib import Path
from typing import Any

import pyarrow.dataset as arrow
import pytest
from pyspark.sql import SparkSession

from gristmill.cloud_costs.by_invoice import COST_BY_INVOICE, by_invoice
from gristmill.engine.run import Run, execute
from gristmill.errors import AuditError, ExitCode, InputError, ReconciliationError, UsageError
from gristmill.jobs import billing_charges, billing_statements
from gristmill.jobs.billing_charges import BillingChargesOptions
from gristmill.jobs.billing_statements import BillingStatementsOptions
from gristmill.model.job import AnyJob, Request
from gristmill.model.options import Options
from gristmill.model.report import Report
from tests.support import billing
from tests.support.billing import MEASURES, Charge, day, period
from tests.support.once import once

MADE = billing.made_charges(20261130, [3, 4, 5], 150)
CENT = Decimal("0.01")
Rows = list[dict[str, Any]]


def run(
    spark: SparkSession, job: AnyJob, source: Path, output: Path, options: Options | None = None
) -> Report:
    request = Request((str(source),), str(output), options or job.options())
    return execute(spark, job, request, Run.new(), lambda _text: None)


def state(spark: SparkSession, charges: Path, output: Path, **options: Any) -> Report:
    return run(spark, billing_statements.JOB, charges, output, BillingStatementsOptions(**options))


def table(output: Path, name: str) -> Rows:
    found = arrow.dataset(output / name, format="parquet", partitioning="hive").to_table()
    rows: Rows = found.to_pylist()
    return rows


def total(charges: Sequence[Charge], name: str = "billed_cost") -> Decimal:
    with localcontext() as context:
        context.prec = 60
        return sum((charge[name] or Decimal(0) for charge in charges), Decimal(0))


@pytest.fixture(scope="module")
def charges(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An output with the made charges, twice: as two exports."""

    def make(folder: Path) -> None:
        billing.write_focus(folder / "focus.csv", MADE)
        for export in ("a", "b"):
            options = BillingChargesOptions(export=export)
            run(spark, billing_charges.JOB, folder / "focus.csv", folder / "out", options)

    return once(tmp_path_factory, "statements", make) / "out"


@pytest.fixture(scope="module")
def stated(spark: SparkSession, charges: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its statements, in francs as well, at the mean of each month."""
    days = [date(2026, 3, 1) + timedelta(days=number) for number in range(92)]
    lines = ["date,from,to,rate"]
    lines += [
        f"{one},{code},CHF,{0.9 + one.day / 1000:.3f}" for one in days for code in ("USD", "EUR")
    ]

    def make(folder: Path) -> None:
        (folder / "rates.csv").write_text("\n".join(lines))
        rates = str(folder / "rates.csv")
        out = folder / "out"
        state(spark, charges, out, rates=rates, report_currency="CHF", rate_on="month-average")

    return once(tmp_path_factory, "stated", make) / "out"


def test_an_invoice_is_the_sum_of_its_kinds_of_charges(stated: Path) -> None:
    rows = table(stated, "cost_by_invoice")
    assert len(rows) == 2 * 3 * 2
    parts = {
        "usage_cost": "Usage",
        "purchase_cost": "Purchase",
        "tax_cost": "Tax",
        "credit_cost": "Credit",
        "adjustment_cost": "Adjustment",
    }
    for row in rows:
        its = [
            charge
            for charge in MADE
            if (period(charge), charge["billing_currency"])
            == (row["billing_period"], row["billing_currency"])
        ]
        assert row["invoice_id"] == its[0]["invoice_id"]
        assert row["billed_cost"] == total(its)
        for name, category in parts.items():
            assert row[name] == total([one for one in its if one["charge_category"] == category])
        assert row["other_cost"] == 0
        rounded = total(its).quantize(CENT, ROUND_HALF_UP)
        assert (row["rounded_cost"], row["rounding"]) == (rounded, rounded - total(its))
        assert (row["invoice_total"], row["difference"]) == (None, None)


def test_a_month_so_far_is_held_against_the_same_days(stated: Path) -> None:
    found = {
        (
            row["billing_period"],
            row["billing_currency"],
            row["provider_name"],
            row["service_name"],
        ): row
        for row in table(stated, "month_to_date")
        if row["export"] == "a"
    }
    usage = [charge for charge in MADE if charge["charge_category"] == "Usage"]
    for month, before in ((3, None), (4, 3), (5, 4)):
        until = max(day(one) for one in usage if day(one).month == month)
        now, then = defaultdict(list), defaultdict(list)
        for charge in MADE:
            key = (charge["billing_currency"], charge["provider_name"], charge["service_name"])
            if day(charge).day <= until.day and day(charge).month == month:
                now[key].append(charge)
            if day(charge).day <= until.day and day(charge).month == before:
                then[key].append(charge)
        its = {key[1:]: row for key, row in found.items() if key[0] == f"2026-{month:02d}"}
        assert its.keys() == now.keys() | then.keys()
        for key, row in its.items():
            assert row["through_date"] == until
            assert row["effective_cost"] == total(now[key], "effective_cost")
            if before is None:
                assert row["previous_effective_cost"] is None
                continue
            previous = total(then[key], "effective_cost")
            assert row["previous_effective_cost"] == previous
            assert row["effective_cost_change"] == total(now[key], "effective_cost") - previous


def test_all_exports_are_added_in_one_currency(stated: Path) -> None:
    days = {3: 31, 4: 30, 5: 31}
    average = {
        month: (
            sum((Decimal(f"{0.9 + n / 1000:.3f}") for n in range(1, count + 1)), Decimal(0)) / count
        ).quantize(Decimal("1e-12"), ROUND_HALF_UP)
        for month, count in days.items()
    }
    wanted: dict[Any, list[Decimal]] = defaultdict(lambda: [Decimal(0)] * 4)
    with localcontext() as context:
        context.prec = 60
        for charge in MADE:
            rate = average[charge["billing_period_start"].month]
            key = (period(charge), charge["provider_name"], charge["service_name"])
            sums = wanted[(*key, charge["charge_category"])]
            for place, name in enumerate(MEASURES):
                sums[place] += 2 * billing.to_18_places((charge[name] or Decimal(0)) * rate)
    by = ("billing_period", "provider_name", "service_name", "charge_category")
    rows = table(stated, "cost_rollup")
    assert {row["report_currency"] for row in rows} == {"CHF"}
    assert {row["exports"] for row in rows} == {2}
    found = {
        tuple(row[name] for name in by): [row[f"report_{name}"] for name in MEASURES]
        for row in rows
    }
    assert found == wanted


@pytest.mark.thorough
def test_savings_are_counted_once(spark: SparkSession, tmp_path: Path) -> None:
    billing.write_cur(tmp_path / "cur.csv")
    run(spark, billing_charges.JOB, tmp_path / "cur.csv", tmp_path / "out")
    state(spark, tmp_path / "out", tmp_path / "out")
    rows = table(tmp_path / "out", "savings")
    sums = {name: sum(row[name] for row in rows) for name in rows[0] if name.endswith("cost")}
    # By hand from the line items: list prices of what was used, and what it came to.
    usage = Decimal("10.000000000000000001") + Decimal("1e-9")
    discounts = Decimal("-2")
    assert sums["list_cost"] == usage + 40 + 9
    assert sums["contracted_cost"] == usage + 40 + 9 + discounts
    assert sums["effective_cost"] == usage + Decimal("22.5") + 6 + discounts + Decimal("7.5") + 2
    assert sums["unused_cost"] == Decimal("9.5")
    assert sums["covered_list_cost"] == 49
    saved = {name: sum(row[name] for row in rows) for name in ("negotiated_savings", "savings")}
    assert saved == {"negotiated_savings": 2, "savings": sums["list_cost"] - sums["effective_cost"]}


def invoices(tmp_path: Path, *lines: str, header: str = "id,total,currency") -> str:
    (tmp_path / "invoices.csv").write_text("\n".join([header, *lines]) + "\n")
    return str(tmp_path / "invoices.csv")


def doubled(month: int, currency: str) -> Decimal:
    """What the invoice of a month comes to, of both exports."""
    its = [
        one
        for one in MADE
        if one["billing_period_start"].month == month and one["billing_currency"] == currency
    ]
    return (2 * total(its)).quantize(CENT, ROUND_HALF_UP)


@pytest.mark.thorough
def test_invoices_that_charges_sum_to_are_shown_beside_them(
    spark: SparkSession, charges: Path, tmp_path: Path
) -> None:
    amount = doubled(3, "USD")
    file = invoices(tmp_path, f"invoice 3,{amount - CENT},USD", "never,0,USD")
    report = state(spark, charges, tmp_path / "out", invoices=file, tolerance="0.01")
    (note,) = [one for one in report.notes if "--invoices does not list" in one]
    assert "invoice 4 (" in note
    assert f"invoice 3 ({doubled(3, 'EUR')} EUR)" in note
    rows = table(tmp_path / "out", "cost_by_invoice")
    shown = {
        (row["invoice_id"], row["billing_currency"], row["invoice_total"], row["difference"])
        for row in rows
        if row["invoice_total"] is not None
    }
    assert shown == {("invoice 3", "USD", amount - CENT, CENT)}


def test_invoices_that_charges_do_not_sum_to_are_all_told(
    spark: SparkSession, charges: Path, tmp_path: Path
) -> None:
    lines = [
        f"invoice 3,{doubled(3, 'USD') - CENT},USD",
        f"invoice 4,{doubled(4, 'EUR')},EUR",
        "invoice 5,1",
        "invoice 9,-7.5,USD",
    ]
    with pytest.raises(ReconciliationError) as caught:
        state(spark, charges, tmp_path / "out", invoices=invoices(tmp_path, *lines))
    assert caught.value.exit_code == ExitCode.REJECTS
    told = str(caught.value)
    assert told.startswith("3 of 4 invoices are not what their charges sum to: ")
    assert f"invoice 3 comes to {doubled(3, 'USD') - CENT} USD, and its charges are +0.01" in told
    assert "invoice 5 has charges in EUR and USD, and no currency of its own" in told
    assert "invoice 9 comes to -7.5 USD, and has no charges" in told
    assert "invoice 4" not in told
    assert not (tmp_path / "out").exists() or not list((tmp_path / "out").rglob("*.parquet"))


@pytest.mark.thorough
def test_invoice_detail_of_focus_is_a_list_of_invoices(
    spark: SparkSession, charges: Path, tmp_path: Path
) -> None:
    amount = doubled(3, "USD")
    lines = [f"invoice 3,{amount - 5},USD,2026-04-02T00:00:00Z", "invoice 3,5,USD,2026-04-02"]
    header = "InvoiceId,BilledCost,BillingCurrency,InvoiceIssueDate"
    file = invoices(tmp_path, *lines, header=header)
    state(spark, charges, tmp_path / "out", invoices=file)


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        (("a,x,USD",), "line 2: a total is written as 1234.56"),
        ((",1,USD",), "line 2: an invoice has an id and a total"),
        (("a,NaN,USD",), "line 2: an invoice has an id and a total"),
        (("a,1,USD", "a,1,EUR"), "line 3: a has lines in USD and others"),
    ],
)
def test_what_is_no_invoice_is_refused_with_its_line(
    spark: SparkSession, charges: Path, tmp_path: Path, lines: Sequence[str], told: str
) -> None:
    with pytest.raises(InputError, match=told):
        state(spark, charges, tmp_path / "out", invoices=invoices(tmp_path, *lines))


def test_a_list_without_totals_is_refused(
    spark: SparkSession, charges: Path, tmp_path: Path
) -> None:
    file = invoices(tmp_path, "a,1", header="id,when")
    with pytest.raises(InputError, match="its header lacks total"):
        state(spark, charges, tmp_path / "out", invoices=file)


def test_a_statement_that_lacks_a_charge_is_not_published(
    spark: SparkSession, charges: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        billing_statements, "by_invoice", lambda costs: by_invoice(costs).where("tax_cost = 0")
    )
    with pytest.raises(AuditError, match=COST_BY_INVOICE.name):
        state(spark, charges, tmp_path / "out")


RATES = ["2026-08-31,USD,EUR,0.8", "2026-09-01,USD,EUR,0.9", "2026-09-30,USD,EUR,1.0"]
DATES = ("charge_period_start", "charge_period_end")


def september(tmp_path: Path) -> Path:
    """A bill of September with a charge of its first days and a correction of August."""
    days = {1: (2026, 9, 1), 2: (2026, 9, 5), 4: (2026, 8, 31)}
    made = [
        MADE[0]
        | dict.fromkeys(MEASURES, Decimal(cost))
        | dict.fromkeys(DATES, datetime(*on, tzinfo=UTC))
        | {
            "billing_currency": "USD",
            "invoice_id": "i-9",
            "billing_period_start": datetime(2026, 9, 1, tzinfo=UTC),
            "billing_period_end": datetime(2026, 10, 1, tzinfo=UTC),
        }
        for cost, on in days.items()
    ]
    billing.write_focus(tmp_path / "sept.csv", made)
    (tmp_path / "rates.csv").write_text("\n".join(["date,from,to,rate", *RATES]))
    return tmp_path / "sept.csv"


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("rate_on", "wanted"),
    [
        # 5 September has no rate: that of the 1st is the last before it.
        ("day", 1 * Decimal("0.9") + 2 * Decimal("0.9") + 4 * Decimal("0.8")),
        pytest.param("invoice", 7 * Decimal("0.9"), marks=pytest.mark.thorough),
        pytest.param("month-end", 7 * Decimal("1.0"), marks=pytest.mark.thorough),
        # 29 days at 0.9 and one at 1.0, to twelve digits; without filling, two days.
        pytest.param("month-average", 7 * Decimal("0.903333333333"), marks=pytest.mark.thorough),
    ],
)
def test_on_which_day_a_bill_is_exchanged(
    spark: SparkSession, tmp_path: Path, rate_on: str, wanted: Decimal
) -> None:
    run(spark, billing_charges.JOB, september(tmp_path), tmp_path / "out")
    file = invoices(tmp_path, "i-9,7,USD,2026-09-03", header="id,total,currency,date")
    options = {
        "rates": str(tmp_path / "rates.csv"),
        "report_currency": "EUR",
        "rate_on": rate_on,
        "invoices": file,
    }
    state(spark, tmp_path / "out", tmp_path / "out", **options, fill="previous")
    (row,) = table(tmp_path / "out", "cost_rollup")
    assert row["report_billed_cost"] == wanted
    if rate_on in ("day", "invoice"):
        with pytest.raises(InputError, match="no exchange rate for 2026-09-0"):
            state(spark, tmp_path / "out", tmp_path / "out", **options)
    if rate_on == "month-average":
        state(spark, tmp_path / "out", tmp_path / "out", **options)
        (row,) = table(tmp_path / "out", "cost_rollup")
        assert row["report_billed_cost"] == 7 * Decimal("0.95")


def test_nothing_stands_for_a_rate_before_the_first(spark: SparkSession, tmp_path: Path) -> None:
    run(spark, billing_charges.JOB, september(tmp_path), tmp_path / "out")
    (tmp_path / "rates.csv").write_text("\n".join(["date,from,to,rate", *RATES[1:]]))
    rates = str(tmp_path / "rates.csv")
    with pytest.raises(InputError, match=r"no exchange rate for 2026-08-31 USD to EUR$"):
        state(
            spark,
            tmp_path / "out",
            tmp_path / "out",
            rates=rates,
            report_currency="EUR",
            fill="previous",
        )


def test_rates_by_invoice_need_invoices() -> None:
    with pytest.raises(UsageError, match="--rate-on invoice takes the dates of --invoices"):
        BillingStatementsOptions(rates="r", report_currency="EUR", rate_on="invoice")
