"""Summaries of made exports, against plain Python over the same charges."""

import json
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal, localcontext
from pathlib import Path
from typing import Any

import pyarrow.dataset as arrow
import pytest
from pyspark.sql import SparkSession

from gristmill.cloud_costs.summary import COST_BY_REGION, COST_BY_TAG
from gristmill.engine.run import Run, execute
from gristmill.errors import AuditError, InputError, UsageError
from gristmill.jobs import billing_charges, billing_summary
from gristmill.jobs.billing_charges import BillingChargesOptions
from gristmill.jobs.billing_summary import BillingSummaryOptions
from gristmill.model.job import AnyJob, Request
from gristmill.model.options import Options
from gristmill.model.report import Report
from tests.spark.test_billing_charges import CHARGE, LINE
from tests.support import billing, reference_billing
from tests.support.billing import MEASURES, PLAN, RESERVATION, Charge, day, period, sums, team
from tests.support.once import once

MADE = billing.made_charges(20261005, [1, 2, 4])
RATE = Decimal("0.923456789012")


def run(
    spark: SparkSession, job: AnyJob, source: Path, output: Path, options: Options | None = None
) -> Report:
    request = Request((str(source),), str(output), options or job.options())
    return execute(spark, job, request, Run.new(), lambda _text: None)


@pytest.fixture(scope="module")
def published(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An output with the charges of two exports and their summaries, in euros as well."""

    def make(folder: Path) -> None:
        billing.write_cur(folder / "cur.csv")
        billing.write_focus(folder / "focus.csv", MADE)
        for export in ("cur", "focus"):
            options = BillingChargesOptions(export=export)
            run(spark, billing_charges.JOB, folder / f"{export}.csv", folder / "out", options)
        days = {day(charge) for charge in MADE} | {date(2026, 1, n) for n in range(1, 32)}
        rates = ["rate,date,to,from,note", *(f"{RATE},{n},EUR,USD," for n in sorted(days))]
        (folder / "rates.csv").write_text("\n".join(rates))
        both = BillingSummaryOptions(
            tag=("team",), rates=str(folder / "rates.csv"), report_currency="EUR"
        )
        report = run(spark, billing_summary.JOB, folder / "out", folder / "out", both)
        assert report.lines == len(MADE) + len(billing.LINE_ITEMS)

    return once(tmp_path_factory, "billing-summary", make) / "out"


def table(output: Path, name: str, export: str = "focus") -> list[dict[str, Any]]:
    found = arrow.dataset(output / name, format="parquet", partitioning="hive").to_table()
    return [row for row in found.to_pylist() if row["export"] == export]


TABLES: Mapping[str, Mapping[str, str | Callable[[Charge], Any]]] = {
    "cost_by_service": {"provider_name": "provider_name", "service_name": "service_name"},
    "cost_by_account": {
        "provider_name": "provider_name",
        "billing_account_id": "billing_account_id",
        "sub_account_id": "sub_account_id",
        "sub_account_name": "sub_account_name",
    },
    "cost_by_region": {
        "provider_name": "provider_name",
        "region_id": "region_id",
        "region_name": "region_name",
    },
    "cost_by_category": {
        "provider_name": "provider_name",
        "charge_category": "charge_category",
        "charge_class": "charge_class",
    },
    "cost_daily": {
        "date": day,
        "provider_name": "provider_name",
        "service_name": "service_name",
        "charge_category": "charge_category",
    },
    "cost_by_tag": {"tag_key": lambda _charge: "team", "tag_value": team},
}


@pytest.mark.parametrize("name", TABLES)
def test_a_table_is_what_plain_python_sums(published: Path, name: str) -> None:
    by = TABLES[name]
    rows = table(published, name)
    found = {
        (row["billing_period"], row["billing_currency"], *(row[column] for column in by)): tuple(
            row[column] for column in (*MEASURES, "charges")
        )
        for row in rows
    }
    assert found == sums(MADE, *by.values())
    assert len(rows) == len(found)


def test_costs_are_added_in_the_reporting_currency(published: Path) -> None:
    expected: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    with localcontext() as context:
        context.prec = 60
        for charge in MADE:
            rate = RATE if charge["billing_currency"] == "USD" else Decimal(1)
            cost = billing.to_18_places((charge["billed_cost"] or Decimal(0)) * rate)
            expected[period(charge), charge["billing_currency"]] += cost
        for name in (*TABLES, "month_over_month"):
            found: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
            for row in table(published, name):
                assert row["report_currency"] == "EUR"
                found[row["billing_period"], row["billing_currency"]] += row["report_billed_cost"]
            assert found == expected, name


def test_the_untagged_share_is_that_of_charges_without_a_value(published: Path) -> None:
    total = sums(MADE)
    for row in table(published, "cost_by_tag"):
        whole = total[row["billing_period"], row["billing_currency"]]
        for place, kind in enumerate(("billed", "effective")):
            expected = float(row[f"{kind}_cost"] / whole[place])
            assert row[f"{kind}_share"] == pytest.approx(expected, abs=1e-9)
    values = {(row["billing_period"], row["tag_value"]) for row in table(published, "cost_by_tag")}
    assert ("2026-01", None) in values
    assert ("2026-01", " ") not in values


@pytest.mark.thorough
def test_each_kind_of_line_item_of_aws_has_a_line_of_its_own(published: Path) -> None:
    expected: dict[tuple[str, str], list[Decimal]] = defaultdict(lambda: [Decimal(0)] * 2)
    for kind, cost, category, effective, _cells in billing.LINE_ITEMS:
        billed, amortized = expected[category, kind]
        expected[category, kind] = [billed + Decimal(cost), amortized + Decimal(effective)]
    found = {
        (row["charge_category"], row["x_line_item_type"]): [
            row["billed_cost"],
            row["effective_cost"],
        ]
        for row in table(published, "cost_by_category", "cur")
    }
    assert found == expected
    services = {row["x_product_code"] for row in table(published, "cost_by_service", "cur")}
    assert services == {"AmazonEC2", "AmazonS3"}


def test_a_commitment_is_used_or_not_and_covers_some_of_its_services(published: Path) -> None:
    found = {
        row["commitment_discount_id"]: tuple(
            row[name]
            for name in (
                *("commitment_discount_type", "purchased_cost", "used_cost", "unused_cost"),
                *("utilization", "covered_list_cost", "charges", "x_commitment_end"),
            )
        )
        for row in table(published, "commitments", "cur")
    }
    assert found == {
        PLAN: ("Savings Plan", 508, 6, 2, 0.75, 9, 4, datetime(2027, 3, 1, tzinfo=UTC)),
        RESERVATION: (
            *("Reserved Instance", 151, Decimal("22.5"), Decimal("7.5"), 0.75, 40, 3),
            None,  # what it says is no time
        ),
    }
    # The reservation was used for S3, as the plan was for EC2: all usage there is eligible.
    eligible: dict[str, Decimal] = defaultdict(Decimal)
    for number, (kind, cost, *_others, cells) in enumerate(billing.LINE_ITEMS):
        if kind in ("Usage", "DiscountedUsage", "SavingsPlanCoveredUsage"):
            eligible[("EC2", "S3")[number % 2]] += Decimal(
                cells.get("pricing/publicOnDemandCost", cost)
            )
    for row in table(published, "commitments", "cur"):
        whole = eligible["EC2" if row["commitment_discount_id"] == PLAN else "S3"]
        assert row["eligible_list_cost"] == whole
        assert row["coverage"] == pytest.approx(float(row["covered_list_cost"] / whole), abs=1e-9)
    assert table(published, "commitments") == []


def test_a_month_stands_beside_the_one_before(published: Path) -> None:
    costs = sums(MADE, "provider_name", "service_name")
    rows = table(published, "month_over_month")
    previous = {"2026-02": "2026-01"}
    for row in rows:
        service = (row["billing_currency"], row["provider_name"], row["service_name"])
        month = row["billing_period"]
        now = costs.get((month, *service), (Decimal(0),) * 4)
        assert (row["billed_cost"], row["effective_cost"]) == now[:2]
        if month not in previous:
            names = ("previous_billed_cost", "previous_effective_cost", "rank")
            assert [row[name] for name in names] == [None] * 3
            continue
        before = costs.get((previous[month], *service), (Decimal(0),) * 4)
        for place, kind in enumerate(("billed_cost", "effective_cost")):
            change = now[place] - before[place]
            assert row[f"previous_{kind}"] == before[place]
            assert row[f"{kind}_change"] == change
            if before[place]:
                share = float(change / before[place])
                assert row[f"{kind}_change_share"] == pytest.approx(share, abs=1e-6, rel=1e-9)
            else:
                assert row[f"{kind}_change_share"] is None
    found = {(row["billing_period"], row["service_name"]) for row in rows}
    assert {("2026-02", "service 1"), ("2026-02", "service 5")} <= found
    assert {row["billing_period"] for row in rows} == {"2026-01", "2026-02", "2026-04"}
    for currency in ("USD", "EUR"):
        moved = [row for row in rows if row["rank"] and row["billing_currency"] == currency]
        moved.sort(key=lambda row: row["rank"])
        changes = [abs(row["effective_cost_change"]) for row in moved]
        assert changes == sorted(changes, reverse=True)
        assert [row["rank"] for row in moved] == list(range(1, len(moved) + 1))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"shared": lambda rows, options: billing_summary.gather(rows.limit(100), options)},
            r"cost_by_region: billed_cost of .* in (EUR|USD) is [+-]\d",
        ),
        (
            {
                "transform": lambda rows, options: {
                    **billing_summary.summarise(rows, options),
                    "cost_by_tag": billing_summary.summarise(rows, options)["cost_by_tag"].where(
                        "export = 'cur' or billing_period <> '2026-02' or billing_currency = 'USD' "
                        "or tag_value is not null"
                    ),
                }
            },
            r"cost_by_tag \(team\): billed_cost of focus 2026-02 in EUR is [+-]\d",
        ),
    ],
)
def test_a_table_that_lacks_a_charge_is_not_published(
    spark: SparkSession, published: Path, tmp_path: Path, change: dict[str, Any], message: str
) -> None:
    some = (COST_BY_REGION, COST_BY_TAG)
    job = replace(billing_summary.JOB, writes=some, **change)
    with pytest.raises(AuditError, match=message):
        run(spark, job, published, tmp_path / "out", BillingSummaryOptions(tag=("team",)))
    assert not list((tmp_path / "out").rglob("*.parquet"))


def test_a_missing_rate_is_an_error_that_names_day_and_pair(
    spark: SparkSession, published: Path, tmp_path: Path
) -> None:
    days = sorted({day(charge) for charge in MADE} | {date(2026, 1, n) for n in range(1, 32)})
    last = max(day(charge) for charge in MADE if charge["billing_currency"] == "USD")
    lines = [f"{n},{currency},CHF,0.9" for n in days for currency in ("EUR", "USD")]
    lines.remove(f"{last},USD,CHF,0.9")
    (tmp_path / "rates.csv").write_text("date,from,to,rate\n" + "\n".join(lines))
    options = BillingSummaryOptions(rates=str(tmp_path / "rates.csv"), report_currency="CHF")
    with pytest.raises(InputError, match=rf"^no exchange rate for {last} USD to CHF$"):
        run(spark, billing_summary.JOB, published, tmp_path / "out", options)
    assert not list((tmp_path / "out").rglob("*.parquet"))


def test_rates_and_their_currency_go_together() -> None:
    for rates, currency in (("rates.csv", ""), ("", "EUR")):
        with pytest.raises(UsageError, match="--rates and --report-currency"):
            BillingSummaryOptions(rates=rates, report_currency=currency)
    assert BillingSummaryOptions(tag=("a", "b, c", "a")).tag_keys == ("a", "b, c")


TAGS: list[tuple[dict[str, str], str | None, str | None]] = [
    # tags, and the value with `exact` and with `any`
    ({"Team": "own"}, "own", "own"),
    ({"TEAM": "loud"}, None, "loud"),
    ({"team": "low", "TEAM": "loud"}, None, "loud"),
    ({"Team": "own", "TEAM": "loud"}, "own", "own"),
    ({"Team": " ", "team": "low"}, None, "low"),
    ({"TEAM": "", "team": "low"}, None, "low"),
    ({"Teams": "other"}, None, None),
]


@pytest.mark.thorough
def test_names_of_tags_may_differ_in_case(spark: SparkSession, tmp_path: Path) -> None:
    lines = [
        CHARGE | {"Tags": json.dumps(tags), "BilledCost": str(2**number)}
        for number, (tags, _, _) in enumerate(TAGS)
    ]
    (tmp_path / "a.csv").write_text(reference_billing.to_csv(lines, CHARGE))
    run(spark, billing_charges.JOB, tmp_path / "a.csv", tmp_path / "out")
    for case in ("exact", "any"):
        options = BillingSummaryOptions(tag=("Team",), tag_case=case)
        run(spark, billing_summary.JOB, tmp_path / "out", tmp_path / "out", options)
        wanted: dict[str | None, int] = defaultdict(int)
        for number, (_, exact, loose) in enumerate(TAGS):
            wanted[exact if case == "exact" else loose] += 2**number
        rows = table(tmp_path / "out", "cost_by_tag", "default")
        assert {row["tag_value"]: row["billed_cost"] for row in rows} == wanted


@pytest.mark.thorough
def test_refunds_and_blank_names_of_products(spark: SparkSession, tmp_path: Path) -> None:
    named = "product/ProductName"
    kinds = [
        ("Usage", "", "Mill Service", "3"),
        ("Usage", "", "", "2"),
        ("Fee", "ri", "Mill Service", "100"),
        ("Refund", "ri", "Mill Service", "-98"),
        ("RIFee", "", "Mill Service", "5"),
    ]
    # AWS names the plan of some refunds in their description alone.
    plan = "arn:aws:savingsplans::000000000042:savingsplan/0a1b"
    words = "lineItem/LineItemDescription"
    lines = [
        LINE
        | {"lineItem/LineItemType": kind, "reservation/ReservationARN": arn, named: name}
        | {"lineItem/UnblendedCost": cost}
        for kind, arn, name, cost in kinds
    ]
    of_plan = LINE | {"lineItem/ProductCode": "ComputeSavingsPlans", named: "Plans"}
    lines += [
        of_plan | {"lineItem/LineItemType": kind, "lineItem/UnblendedCost": cost} | more
        for kind, cost, more in [
            ("SavingsPlanUpfrontFee", "900", {"savingsPlan/SavingsPlanARN": plan}),
            ("Refund", "-900", {words: "Refund for one-time fee for Savings Plan ID 0a1b"}),
            ("Refund", "-1", {words: "Refund for one-time fee for Savings Plan ID other"}),
        ]
    ]
    (tmp_path / "a.csv").write_text(reference_billing.to_csv(lines, [*LINE, named, words]))
    run(spark, billing_charges.JOB, tmp_path / "a.csv", tmp_path / "out")
    run(spark, billing_summary.JOB, tmp_path / "out", tmp_path / "out")
    (service, _) = table(tmp_path / "out", "cost_by_service", "default")
    assert (service["service_name"], service["billed_cost"]) == ("Mill Service", 12)
    unused = Decimal(LINE["reservation/UnusedAmortizedUpfrontFeeForBillingPeriod"])
    unused += Decimal(LINE["reservation/UnusedRecurringFee"])
    assert service["effective_cost"] == 5 + unused
    commitments = table(tmp_path / "out", "commitments", "default")
    assert {row["commitment_discount_id"]: row["purchased_cost"] for row in commitments} == {
        "ri": 2,
        plan: 0,
        "other": -1,
        None: 5,
    }
