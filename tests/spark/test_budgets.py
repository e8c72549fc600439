"""Budgets against made charges, by plain Python."""

from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from gristmill.cloud_costs import budgets as rules
from gristmill.cloud_costs.charges import CHARGES
from gristmill.cloud_costs.costs import measured
from gristmill.cloud_costs.forecast import rest_of_month
from gristmill.errors import InputError, UsageError
from gristmill.jobs import budgets
from gristmill.jobs.budgets import BudgetsOptions
from tests.conftest import RunJob
from tests.spark.test_summaries import rows as rows_of

FIRST = date(2026, 1, 1)
LAST = date(2026, 4, 16)
BUDGETS = """
[[budget]]
name = "all in dollars"
currency = "USD"
amount = 100_000
measure = "billed"

[[budget]]
name = "mill"
currency = "USD"
amount = 2500.50
tag.team = "mill"

[[budget]]
name = "shop"
currency = "USD"
amount = 1
service = "S3"

[[budget]]
name = "euros"
currency = "EUR"
"""
Row = dict[str, Any]


def charge(day: date, cost: Decimal, **others: Any) -> Row:
    return {
        "charge_period_start": datetime(day.year, day.month, day.day),
        "provider_name": "AWS",
        "service_name": "EC2",
        "charge_category": "Usage",
        "billing_currency": "USD",
        "tags": {"team": "mill"},
        "effective_cost": cost,
        "billed_cost": cost * 2,
        "export": "a",
        "billing_period": f"{day:%Y-%m}",
    } | others


def made() -> list[Row]:
    days = [FIRST + timedelta(days=number) for number in range((LAST - FIRST).days + 1)]
    found = [charge(day, Decimal(80 + day.weekday())) for day in days]
    found += [charge(day, Decimal("0.1"), service_name="S3", tags=None) for day in days]
    found += [charge(day, Decimal(5), billing_currency="EUR", tags=None) for day in days]
    found += [
        charge(date(2026, month, 20), Decimal(30), charge_category="Purchase")
        for month in (1, 2, 3)
    ]
    return found


def expected(charges: Sequence[Row], measure: str) -> float:
    """The rest of April by the forecast, of these charges by day."""
    days = [FIRST + timedelta(days=number) for number in range((LAST - FIRST).days + 1)]
    sums = {
        kind: [
            float(
                sum(
                    row[measure]
                    for row in charges
                    if row["charge_period_start"].date() == day
                    and (row["charge_category"] == "Usage") == (kind == "usage")
                )
            )
            for day in days
        ]
        for kind in ("usage", "others")
    }
    return rest_of_month(FIRST, sums["usage"], sums["others"])


def test_what_is_spent_and_what_the_month_comes_to(spark: SparkSession) -> None:
    charges = made()
    known = rules.parse(BUDGETS, "budgets.toml")
    frame = rules.budgeted(rows_of(spark, CHARGES, *charges), known)
    rows = rules.status(rules.gathered(measured(frame, ""))).collect()
    found = {(row["budget"], row["billing_period"]): row.asDict() for row in rows}
    assert len(found) == 4 * 4
    chosen: dict[str, Callable[[Row], bool]] = {
        "all in dollars": lambda row: row["billing_currency"] == "USD",
        "mill": lambda row: row["tags"] is not None,
        "shop": lambda row: row["service_name"] == "S3",
        "euros": lambda row: row["billing_currency"] == "EUR",
    }
    for (name, month), row in found.items():
        measure = "billed_cost" if name == "all in dollars" else "effective_cost"
        its = [one for one in charges if chosen[name](one)]
        spent = sum(one[measure] for one in its if one["billing_period"] == month)
        assert row["spent"] == spent
        if month != "2026-04":
            assert (row["forecast"], row["through_date"].day) == (
                spent,
                31 if month[-1] != "2" else 28,
            )
            continue
        assert row["through_date"] == LAST
        assert float(row["forecast"]) == pytest.approx(
            float(spent) + expected(its, measure), abs=0.01
        )
    status = {name: row["status"] for (name, month), row in found.items() if month == "2026-04"}
    assert status == {
        "all in dollars": "within",
        "mill": "forecast_over",
        "shop": "over",
        "euros": None,
    }
    april = found["shop", "2026-04"]
    assert (april["spent_share"], april["amount"]) == (1.6, Decimal(1))


def test_what_has_ended_while_others_go_on_is_forecast_no_more(spark: SparkSession) -> None:
    others = [row for row in made() if row["tags"] is None]
    ended = [
        row
        for row in made()
        if row["tags"] is not None and row["charge_period_start"] < datetime(2026, 4, 6)
    ]
    mill = BUDGETS[BUDGETS.index('[[budget]]\nname = "mill"') :].split("\n\n", maxsplit=1)[0]
    frame = rules.budgeted(rows_of(spark, CHARGES, *others, *ended), rules.parse(mill, "b.toml"))
    rows = rules.status(rules.gathered(measured(frame, ""))).collect()
    (april,) = [row for row in rows if row["billing_period"] == "2026-04"]
    usage = sum(row["effective_cost"] for row in ended if row["billing_period"] == "2026-04")
    # The fee of the 20th still comes.
    assert (april["spent"], april["forecast"], april["through_date"]) == (usage, usage + 30, LAST)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[[budget]", "is no TOML"),
        ("[budget]\na = 1", "has budget otherwise than as"),
        ("budget = [1]", "has budget otherwise than as"),
        ("[[budget]]\nname = 'a'\ncurrency = 'USD'\namount = nan", "an amount is a number"),
        ("[budgets]\na = 1", r"has \[\[budget\]\], not budgets"),
        ("[[budget]]\ncurrency = 'USD'", "budget 1: a name is missing"),
        ("[[budget]]\nname = 'a'", "budget 1: a currency is missing"),
        ("[[budget]]\nname = 'a'\ncurrency = 'USD'\nowner = 'b'", "owner is unknown"),
        ("[[budget]]\nname = 'a'\ncurrency = 'USD'\namount = '5'", "an amount is a number"),
        ("[[budget]]\nname = 'a'\ncurrency = 'USD'\nmeasure = 'net'", "measure is one of billed"),
        (2 * "[[budget]]\nname = 'a'\ncurrency = 'USD'\n", "two budgets of the name a"),
    ],
)
def test_what_is_no_budget_is_refused_by_name(text: str, told: str) -> None:
    with pytest.raises(InputError, match=told):
        rules.parse(text, "budgets.toml")


def test_the_job_runs_on_a_published_dataset(
    spark: SparkSession, run_job: RunJob, tmp_path: Path
) -> None:
    frame = CHARGES.conform(rows_of(spark, CHARGES, *made()))
    frame.write.partitionBy("export", "billing_period").parquet(str(tmp_path / "in" / "charges"))
    (tmp_path / "budgets.toml").write_text(BUDGETS)
    options = BudgetsOptions(budgets=str(tmp_path / "budgets.toml"))
    report = run_job(budgets.JOB, tmp_path / "in" / "charges", options=options)
    assert [(one.name, one.rows, one.partitions) for one in report.datasets] == [
        ("budget_status", 16, 4)
    ]


def test_budgets_are_asked_for() -> None:
    with pytest.raises(UsageError, match="--budgets is missing"):
        BudgetsOptions()
