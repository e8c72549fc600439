"""Anomalies in made series with known jumps, against plain Python's medians."""

import random
import statistics
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow.dataset as arrow
import pytest
from pyspark.sql import SparkSession

from gristmill.cloud_costs.summary import COST_DAILY
from gristmill.errors import UsageError
from gristmill.jobs import cost_anomalies
from gristmill.jobs.cost_anomalies import CostAnomaliesOptions
from tests.conftest import RunJob
from tests.spark.test_summaries import rows as rows_of

FIRST = date(2026, 1, 20)
NAMES = ("effective_cost", "usual_cost", "band_low", "band_high", "amount")

Series = Mapping[str, Sequence[Decimal | None]]


def noisy(seed: int, days: int, level: int = 100) -> list[Decimal | None]:
    """A cost a day that goes up and down by a twentieth."""
    chance = random.Random(seed)
    return [Decimal(level) + Decimal(chance.randrange(-500, 500)) / 100 for _ in range(days)]


def daily(series: Series, **others: Any) -> list[dict[str, Any]]:
    """Rows of `COST_DAILY`: a cost of usage for each day that has one."""
    return [
        {
            "date": FIRST + timedelta(days=number),
            "provider_name": "AWS",
            "service_name": service,
            "charge_category": "Usage",
            "billing_currency": "USD",
            "effective_cost": cost,
            "export": "a",
            "billing_period": "2026-01",
        }
        | others
        for service, costs in series.items()
        for number, cost in enumerate(costs)
        if cost is not None
    ]


def found(
    spark: SparkSession, rows: list[dict[str, Any]], options: CostAnomaliesOptions
) -> dict[tuple[str, date], Any]:
    banded = cost_anomalies.with_bands(rows_of(spark, COST_DAILY, *rows), options)
    anomalies = cost_anomalies.find(banded, options)["cost_anomalies"].collect()
    return {(row["service_name"], row["date"]): row for row in anomalies}


def expected(
    costs: Sequence[Decimal | None], options: CostAnomaliesOptions
) -> dict[date, tuple[Decimal, ...]]:
    """What plain Python finds in the days of one service."""
    known = [cost or Decimal(0) for cost in costs]
    anomalies: dict[date, tuple[Decimal, ...]] = {}
    for number in range(options.window_days, len(known)):
        before = known[number - options.window_days : number]
        median = statistics.median(before)
        mad = statistics.median([abs(cost - median) for cost in before])
        width = mad * Decimal("1.4826") * Decimal(str(options.threshold))
        amount = known[number] - median
        if abs(amount) > width and abs(amount) >= Decimal(options.minimum_amount):
            day = FIRST + timedelta(days=number)
            anomalies[day] = (known[number], median, median - width, median + width, amount)
    return anomalies


def test_known_jumps_are_found_as_plain_python_finds_them(spark: SparkSession) -> None:
    options = CostAnomaliesOptions()
    jump = noisy(1, 60)
    jump[45] = Decimal(300)
    drop = noisy(2, 60)
    drop[50] = None
    small = [Decimal("0.01")] * 60
    small[40] = Decimal("0.9")
    constant: list[Decimal | None] = [Decimal(10)] * 60
    constant[35] = Decimal(12)
    new = [None] * 40 + noisy(3, 20)
    series: Series = {"jump": jump, "drop": drop, "small": small, "constant": constant, "new": new}
    anomalies = found(spark, daily(series), options)
    for service, costs in series.items():
        theirs = {
            day: tuple(row[name] for name in NAMES)
            for (name_, day), row in anomalies.items()
            if name_ == service
        }
        assert theirs == expected(costs, options), service
    days = {
        service: [day for name, day in sorted(anomalies) if name == service] for service in series
    }
    assert FIRST + timedelta(days=45) in days["jump"]
    assert FIRST + timedelta(days=50) in days["drop"]
    assert days["small"] == []
    assert days["constant"] == [FIRST + timedelta(days=35)]
    assert FIRST + timedelta(days=40) in days["new"]

    row = anomalies["jump", FIRST + timedelta(days=45)]
    assert row["share"] == pytest.approx(float(row["amount"] / row["usual_cost"]), abs=1e-9)
    half = float(row["band_high"] - row["usual_cost"])
    assert row["score"] == pytest.approx(3.5 * float(row["amount"]) / half, abs=1e-6)
    row = anomalies["constant", FIRST + timedelta(days=35)]
    assert (row["score"], row["share"]) == (None, 0.2)
    assert anomalies["new", FIRST + timedelta(days=40)]["share"] is None


def test_a_later_day_changes_nothing_and_only_usage_counts(spark: SparkSession) -> None:
    options = CostAnomaliesOptions(window_days=9, minimum_amount="0.5")
    costs = noisy(5, 40)
    costs[20] = Decimal(150)
    whole = found(spark, daily({"a": costs}), options)
    others = daily({"a": [Decimal(999)]}, charge_category="Tax")
    others += daily({"a": [Decimal(5)] * 30}, billing_currency="EUR")
    first = found(spark, daily({"a": costs[:30]}) + others, options)
    last = FIRST + timedelta(days=30)
    assert {key: row for key, row in whole.items() if key[1] < last} == first
    assert {day for _, day in whole} == expected(costs, options).keys()
    assert ("a", FIRST + timedelta(days=20)) in first


def test_what_is_no_anomaly_any_more_goes_with_the_next_run(
    spark: SparkSession, run_job: RunJob, tmp_path: Path
) -> None:
    out, source = tmp_path / "out", tmp_path / "in" / "cost_daily"
    costs: list[Decimal | None] = [Decimal(10)] * 20
    days = []
    for jump in (Decimal(90), Decimal(10)):
        costs[15] = jump
        frame = COST_DAILY.conform(rows_of(spark, COST_DAILY, *daily({"a": costs})))
        frame.write.mode("overwrite").partitionBy("export", "billing_period").parquet(str(source))
        run_job(cost_anomalies.JOB, source, options=CostAnomaliesOptions(window_days=10))
        if (out / "cost_anomalies").is_dir():
            table = arrow.dataset(out / "cost_anomalies", format="parquet", partitioning="hive")
            days.append(
                [(row["date"], row["billing_period"]) for row in table.to_table().to_pylist()]
            )
    assert days == [[(date(2026, 2, 4), "2026-02")], []]


def test_options_that_make_no_sense_are_refused() -> None:
    for amount in ("-1", "a", "1e3", ""):
        with pytest.raises(UsageError, match="--minimum-amount"):
            CostAnomaliesOptions(minimum_amount=amount)
    with pytest.raises(UsageError, match="--window-days"):
        CostAnomaliesOptions(window_days=2)
