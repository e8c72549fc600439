"""Events in charges, and who made them, against sums by plain Python."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow.dataset as arrow
import pytest
from pyspark.sql import SparkSession

from gristmill.cloud_costs.charges import CHARGES
from gristmill.errors import UsageError
from gristmill.jobs import cost_anomalies
from gristmill.jobs.cost_anomalies import CostAnomaliesOptions
from tests.conftest import RunJob
from tests.spark.test_summaries import rows as rows_of

FIRST = date(2026, 1, 20)
Row = dict[str, Any]


def charge(number: int, cost: Decimal | int | str, **others: Any) -> Row:
    """Usage on a day."""
    day = FIRST + timedelta(days=number)
    return {
        "charge_period_start": datetime(day.year, day.month, day.day),
        "provider_name": "AWS",
        "service_name": "EC2",
        "charge_category": "Usage",
        "billing_currency": "USD",
        "sub_account_id": "0001",
        "x_usage_type": "Box",
        "tags": {"team": "mill"},
        "effective_cost": Decimal(cost),
        "export": "a",
        "billing_period": f"{day:%Y-%m}",
    } | others


def usage(days: int, jumps: Mapping[int, int] = {}, **others: Any) -> list[Row]:
    """100 a day, but for the jumps."""
    return [charge(number, jumps.get(number, 100), **others) for number in range(days)]


def found(spark: SparkSession, charges: Sequence[Row], **options: Any) -> list[Row]:
    settings = CostAnomaliesOptions(**options)
    daily = cost_anomalies.usage(rows_of(spark, CHARGES, *charges), settings)
    rows = cost_anomalies.find(daily, settings)["cost_anomalies"]
    return [row.asDict(recursive=True) for row in rows.orderBy("start_date", "kind").collect()]


def test_an_event_says_what_it_cost_and_who_made_it(spark: SparkSession) -> None:
    charges = usage(60, {40: 130, 41: 120})
    charges += usage(60, {40: 400, 41: 500}, sub_account_id="0002", tags={"team": "b", "x": "y"})
    charges += [charge(40, "7.125", sub_account_id=None, x_usage_type="Traffic", tags=None)]
    (event,) = found(spark, charges, tag=("team", "team"))
    cost = sum(
        row["effective_cost"]
        for row in charges
        if row["charge_period_start"].date() in (date(2026, 3, 1), date(2026, 3, 2))
    )
    assert (event["kind"], event["start_date"], event["end_date"], event["days"]) == (
        *("spike", date(2026, 3, 1), date(2026, 3, 2)),
        2,
    )
    assert (event["effective_cost"], event["expected_cost"]) == (cost, Decimal(400))
    assert event["amount"] == cost - 400
    assert event["share"] == round(float(cost - 400) / 400, 9)
    assert (event["export"], event["billing_period"], event["is_open"]) == ("a", "2026-03", False)
    assert event["by_account"] == [
        {"value": "0002", "amount": Decimal(700)},
        {"value": "0001", "amount": Decimal(50)},
        {"value": "without an id", "amount": Decimal("7.125")},
    ]
    assert event["by_usage_type"] == [
        {"value": "Box", "amount": Decimal(750)},
        {"value": "Traffic", "amount": Decimal("7.125")},
    ]
    assert event["by_tag"] == [
        {"value": "team=b", "amount": Decimal(700)},
        {"value": "team=mill", "amount": Decimal(50)},
    ]


def test_growth_is_made_by_who_has_grown_since_its_first_week(spark: SparkSession) -> None:
    charges = usage(80)
    charges += [
        charge(number, 50 + number, sub_account_id="0002", x_usage_type="Traffic")
        for number in range(80)
    ]
    (event,) = found(spark, charges)
    days = event["days"]
    first = sum(50 + number for number in range(7))
    grown = sum(50 + number for number in range(days)) - Decimal(first) * days / 7
    assert (event["kind"], event["start_date"]) == ("growth", FIRST)
    assert event["by_account"] == [{"value": "0002", "amount": round(grown, 6)}]
    assert event["amount"] == round(grown, 6)


def test_what_differs_in_export_currency_service_or_provider_is_apart(spark: SparkSession) -> None:
    apart = [
        {},
        {"export": "b"},
        {"billing_currency": "EUR"},
        {"service_name": "S3"},
        {"provider_name": "GCP"},
    ]
    charges = [
        row
        for number, others in enumerate(apart)
        for row in usage(60, {40 + number: 900}, **others)
    ]
    events = found(spark, charges)
    days = {(row["start_date"] - FIRST).days: row for row in events}
    assert days.keys() == {40, 41, 42, 43, 44}
    for number, others in enumerate(apart):
        assert {name: days[40 + number][name] for name in others} == others


def test_only_usage_counts_and_days_without_it_cost_nothing(spark: SparkSession) -> None:
    charges = [row for number, row in enumerate(usage(60)) if not 50 <= number < 52]
    charges += [charge(45, 999, charge_category=kind) for kind in ("Tax", "Purchase", "Credit")]
    charges += [charge(0, 999, charge_period_start=None)]
    (event,) = found(spark, charges)
    assert (event["kind"], event["days"], event["effective_cost"]) == ("drop", 2, 0)


def test_a_service_starts_and_ends_within_its_export(spark: SparkSession) -> None:
    charges = usage(60, service_name="other")
    charges += [charge(number, 5) for number in range(20, 50)]
    events = found(spark, charges)
    assert [(row["kind"], (row["start_date"] - FIRST).days) for row in events] == [
        ("new", 20),
        ("vanished", 50),
    ]
    assert events[0]["share"] is None


def test_a_null_service_is_one(spark: SparkSession) -> None:
    assert found(spark, usage(60, service_name=None, effective_cost=None)) == []
    (event,) = found(spark, usage(60, {40: 900}, service_name=None))
    assert event["by_account"] == [{"value": "0001", "amount": Decimal(800)}]


@pytest.mark.thorough
def test_what_is_no_event_any_more_goes_with_the_next_run(
    spark: SparkSession, run_job: RunJob, tmp_path: Path
) -> None:
    out, source = tmp_path / "out", tmp_path / "in" / "charges"
    told: list[dict[str, list[str]]] = []
    for jumps in ({40: 900}, {}):
        frame = CHARGES.conform(rows_of(spark, CHARGES, *usage(60, jumps)))
        frame.write.mode("overwrite").partitionBy("export", "billing_period").parquet(str(source))
        run_job(cost_anomalies.JOB, source)
        months = defaultdict(list)
        if (out / "cost_anomalies").is_dir():
            table = arrow.dataset(out / "cost_anomalies", format="parquet", partitioning="hive")
            for row in table.to_table().to_pylist():
                months[row["billing_period"]].append(row["kind"])
        told.append(dict(months))
    assert told == [{"2026-03": ["spike"]}, {}]


def test_options_that_make_no_sense_are_refused() -> None:
    for amount in ("-1", "a", "1e3", ""):
        with pytest.raises(UsageError, match="--minimum-amount"):
            CostAnomaliesOptions(minimum_amount=amount)
    with pytest.raises(UsageError, match="--minimum-share"):
        CostAnomaliesOptions(minimum_share=-0.1)
