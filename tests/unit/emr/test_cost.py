"""What runs cost: hours worked out by hand, times prices."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from gristmill.emr.cost import of_instances
from gristmill.emr.prices import read_prices
from gristmill.errors import UsageError

START = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
TABLE = """
currency = "EUR"
region = "eu-central-1"
asof = "2026-11"
emr_share = 0.25
spot_share = 0.40
[instances]
m7g = 0.20
[serverless.arm64]
vcpu = 0.05
memory = 0.005
storage = 0.0001
"""


@pytest.fixture
def prices(tmp_path: Path) -> Path:
    path = tmp_path / "prices.toml"
    path.write_text(TABLE)
    return path


def instance(kind: str, market: str, start: float, end: float | None) -> dict[str, Any]:
    """An instance, as ListInstances tells of it, from and to minutes after START."""
    timeline = {"CreationDateTime": START + timedelta(minutes=start)}
    if end is not None:
        timeline["EndDateTime"] = START + timedelta(minutes=end)
    return {"InstanceType": kind, "Market": market, "Status": {"Timeline": timeline}}


CLUSTER = [
    instance("m7g.xlarge", "ON_DEMAND", 0, 60),
    instance("m7g.2xlarge", "ON_DEMAND", 0, 60),
    instance("m7g.xlarge", "SPOT", 30, 60),
]


def test_a_cluster_costs_its_instances_from_first_to_last(prices: Path) -> None:
    found = of_instances(CLUSTER, None, read_prices(prices))
    # An xlarge for an hour, a 2xlarge for an hour, an xlarge at 40 % for half an hour; on each,
    # EMR's quarter of the On-Demand price.
    expected = Decimal("0.25") + Decimal("0.50") + Decimal("0.5") * Decimal("0.13")
    assert found.amount == expected
    assert found.hours == Decimal("2.5")
    assert found.spot == Decimal("0.2")
    assert str(found).startswith("about 0.82 EUR (2.50 instance hours, 20% of them Spot; ")
    assert "list prices of eu-central-1, 2026-11, Spot at 40% of On-Demand" in str(found)


def test_a_run_on_a_cluster_costs_what_the_cluster_did_meanwhile(prices: Path) -> None:
    window = START + timedelta(minutes=45), START + timedelta(minutes=75)
    found = of_instances(CLUSTER, window, read_prices(prices))
    assert found.hours == Decimal("0.75")
    assert found.amount == (Decimal("0.25") + Decimal("0.50") + Decimal("0.13")) / 4
    assert "all of the cluster while it ran" in str(found)


def test_what_has_no_price_is_named_and_its_hours_count(prices: Path) -> None:
    found = of_instances([instance("z9.xlarge", "SPOT", 0, 60)], None, read_prices(prices))
    assert (found.amount, found.hours) == (Decimal(0), Decimal(1))
    assert found.unknown == ("z9.xlarge",)
    assert "without z9.xlarge, which the prices do not have" in str(found)


def test_less_than_a_minute_is_billed_as_one(prices: Path) -> None:
    found = of_instances([instance("m7g.xlarge", "SPOT", 0, 0.1)], None, read_prices(prices))
    assert found.hours == Decimal(60) / 3600


@pytest.mark.parametrize(
    ("size", "price"),
    [("medium", "0.0625"), ("large", "0.125"), ("xlarge", "0.25"), ("16xlarge", "4.00")],
)
def test_a_size_costs_in_proportion(prices: Path, size: str, price: str) -> None:
    assert read_prices(prices).of(f"m7g.{size}", is_spot=False) == Decimal(price)


@pytest.mark.parametrize("kind", ["m7g.metal", "m7g.huge", "m7g"])
def test_a_size_that_is_not_known_has_no_price(prices: Path, kind: str) -> None:
    assert read_prices(prices).of(kind, is_spot=False) is None


def test_the_prices_that_come_with_it_can_be_read() -> None:
    assert read_prices().of("m5.xlarge", is_spot=False) == Decimal("0.192") * Decimal("1.25")


@pytest.mark.parametrize(
    ("text", "says"),
    [("a = ", "no prices in"), ('currency = "USD"', "region"), (TABLE + "x = -1", "x")],
)
def test_a_table_that_is_wrong_is_refused(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "prices.toml"
    path.write_text(text)
    with pytest.raises(UsageError, match=says):
        read_prices(path)
