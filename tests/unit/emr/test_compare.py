"""What a run would cost elsewhere, worked out by hand."""

from decimal import Decimal

import pytest

from gristmill.emr.compare import compare
from gristmill.emr.prices import Prices, TypePrices
from tests.support.emr_specs import cluster, serverless

PRICES = Prices.model_validate(
    {
        "currency": "USD",
        "region": "us-east-1",
        "asof": "2026-11",
        "emr_share": "0.25",
        "spot_share": "0.40",
        "instances": {"m6i": "0.20", "m6g": "0.16"},
        "serverless": {"arm64": {"vcpu": "0.04", "memory": "0.005", "storage": "0.0001"}},
    }
)


def on(name: str, kind: str, **more: object) -> object:
    return cluster(
        name=name,
        primary={"instance_types": [kind]},
        core={"instance_types": [kind], "count": 2},
        **more,
    )


def test_a_cluster_takes_as_long_as_its_processors_need() -> None:
    (found,) = compare(Decimal(24), [on("intel", "m6i.xlarge")], PRICES)  # type: ignore[list-item]
    # Three machines of four: two hours of each.
    assert (found.vcpus, found.hours) == (12, Decimal(2))
    assert found.cost == Decimal("0.25") * 3 * 2
    assert found.graviton == Decimal("0.20") * 3 * 2
    assert found.spot is None


def test_task_nodes_may_be_spot() -> None:
    task = {"instance_types": ["m6g.xlarge"], "on_demand": 1}
    (found,) = compare(Decimal(16), [on("arm", "m6g.xlarge", task=task)], PRICES)  # type: ignore[list-item]
    assert found.cost == Decimal("0.20") * 4
    assert found.spot == Decimal("0.20") * 3 + Decimal("0.16") * Decimal("0.65")
    assert found.graviton is None


def test_the_cheapest_comes_first_and_what_has_no_price_last() -> None:
    specs = [on("other", "c7g.xlarge"), on("intel", "m6i.xlarge"), on("arm", "m6g.xlarge")]
    found = compare(Decimal(12), [*specs, serverless(name="less")], PRICES)  # type: ignore[list-item]
    assert [one.spec for one in found] == ["arm", "less", "intel", "other"]
    less = found[1]
    # 14 GiB for 4 vCPU is what a worker has.
    assert less.cost == 12 * (Decimal("0.04") + Decimal("3.5") * Decimal("0.005"))
    assert less.hours is None
    assert found[3].note == "no price of c7g.xlarge"


def test_serverless_on_graviton_is_told_of() -> None:
    (found,) = compare(Decimal(1), [serverless(architecture="x86_64")], PRICES)
    assert (found.cost, found.note) == (None, "no price of EMR Serverless on x86_64")


@pytest.mark.parametrize("weight", [1, 2])
def test_units_are_machines_by_their_weight(weight: int) -> None:
    spec = cluster(
        primary={"instance_types": ["m6g.xlarge"]},
        core={"instance_types": ["m6g.xlarge"], "count": 4, "weights": {"m6g.xlarge": weight}},
    )
    (found,) = compare(Decimal(4), [spec], PRICES)
    assert found.vcpus == 4 * (1 + 4 // weight)


def test_a_machine_whose_size_says_nothing_is_not_counted_as_none() -> None:
    priced = PRICES.model_copy(
        update={"types": {"m6g.metal": TypePrices(ec2=Decimal(2), emr=Decimal(1))}}
    )
    (found,) = compare(Decimal(4), [on("metal", "m6g.metal", any_instance_type=True)], priced)  # type: ignore[list-item]
    assert (found.cost, found.note) == (None, "no size of m6g.metal")
