"""What a unit costs, by hand."""

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow.dataset as arrow
import pytest
from pyspark.sql import SparkSession

from gristmill.cloud_costs.summary import COST_DAILY
from gristmill.errors import InputError, UsageError
from gristmill.jobs import unit_costs
from gristmill.jobs.unit_costs import UnitCostsOptions
from gristmill.web_traffic.datasets import TRAFFIC_HOURLY
from tests.conftest import RunJob
from tests.spark.test_summaries import rows as rows_of


@pytest.fixture
def output(spark: SparkSession, tmp_path: Path) -> Path:
    """An output with costs of four days, and requests of three."""

    def cost(day: int, amount: str, **others: Any) -> dict[str, Any]:
        return {
            "date": date(2026, 9, day),
            "provider_name": "AWS",
            "service_name": "EC2",
            "charge_category": "Usage",
            "billing_currency": "USD",
            "effective_cost": Decimal(amount),
            "export": "a",
            "billing_period": "2026-09",
        } | others

    costs = [
        *(cost(1, "10"), cost(1, "5", service_name="S3"), cost(1, "7", billing_currency="EUR")),
        *(cost(2, "1"), cost(4, "3"), cost(4, "100", provider_name="GCP", export="b")),
        cost(1, "1", date=None),
    ]
    frame = COST_DAILY.conform(rows_of(spark, COST_DAILY, *costs))
    frame.write.partitionBy("export", "billing_period").parquet(str(tmp_path / "in/cost_daily"))
    traffic = [
        {"date": date(2026, 9, day), "hour": hour, "dataset": "web_requests", "requests": requests}
        for day, hour, requests in ((1, 0, 20), (1, 1, 10), (2, 0, 3), (3, 0, 8))
    ]
    frame = TRAFFIC_HOURLY.conform(rows_of(spark, TRAFFIC_HOURLY, *traffic))
    by = TRAFFIC_HOURLY.partitioned_by
    frame.write.partitionBy(*by).parquet(str(tmp_path / "in/traffic_hourly"))
    return tmp_path / "in"


def divided(
    run_job: RunJob, output: Path, **options: Any
) -> dict[tuple[str, str, int], tuple[Any, ...]]:
    settings = UnitCostsOptions(**{"per": "traffic_hourly.requests"} | options)
    report = run_job(unit_costs.JOB, output, options=settings)
    folder = report.output.removeprefix("file://") + "/unit_costs"
    rows = arrow.dataset(folder, format="parquet", partitioning="hive").to_table().to_pylist()
    name = settings.name or settings.per
    return {
        (row["export"], row["billing_currency"], row["date"].day): (
            row["effective_cost"],
            row["quantity"],
            row["unit_cost"],
        )
        for row in rows
        if row["name"] == name
    }


def test_each_day_s_cost_is_divided_by_its_measure(run_job: RunJob, output: Path) -> None:
    found = divided(run_job, output)
    assert {key: row for key, row in found.items() if key[:2] == ("a", "USD")} == {
        ("a", "USD", 1): (15, 30, 0.5),
        ("a", "USD", 2): (1, 3, pytest.approx(1 / 3, rel=1e-15)),
        ("a", "USD", 3): (None, 8, None),
        ("a", "USD", 4): (3, None, None),
    }
    assert found["a", "EUR", 1] == (7, 30, pytest.approx(7 / 30, rel=1e-15))
    assert found["b", "USD", 4] == (100, None, None)


@pytest.mark.thorough
def test_several_measures_stand_side_by_side(run_job: RunJob, output: Path) -> None:
    whole = divided(run_job, output)
    found = divided(run_job, output, service=("S3",), name="S3 per ten", divide_by=10.0)
    assert found["a", "USD", 1] == (5, 3, pytest.approx(5 / 3, rel=1e-15))
    assert ("b", "USD", 4) not in found
    tiny = divided(run_job, output, name="giga", divide_by=1e9)
    assert tiny["a", "USD", 1] == (15, 30e-9, pytest.approx(15 / 30e-9, rel=1e-15))
    assert divided(run_job, output) == whole


@pytest.mark.parametrize(
    ("per", "told"),
    [
        ("nothing.requests", "no dataset nothing in"),
        ("traffic_hourly.answers", "traffic_hourly has no column answers: "),
        ("traffic_hourly.method", "traffic_hourly.method is no number to divide by, but string"),
    ],
)
def test_a_measure_that_there_is_not_is_refused(
    run_job: RunJob, output: Path, per: str, told: str
) -> None:
    with pytest.raises(InputError, match=told):
        divided(run_job, output, per=per)


def test_options_that_make_no_sense_are_refused() -> None:
    with pytest.raises(UsageError, match="--per is missing"):
        UnitCostsOptions()
    with pytest.raises(UsageError, match="--divide-by takes a number above 0"):
        UnitCostsOptions(per="a.b", divide_by=0)
    with pytest.raises(UsageError, match="--per"):
        UnitCostsOptions(per="requests")
