"""Prices: a table by hand, and one made of AWS's price lists."""

import csv
import gzip
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from gristmill.cli.main import main
from gristmill.emr.price_list import PriceLists
from gristmill.emr.prices import Prices, read_prices, vcpus
from gristmill.errors import InputError

HEAD = (
    *("SKU", "TermType", "Unit", "PricePerUnit", "Currency", "Instance Type", "Operating System"),
    *("Tenancy", "Pre Installed S/W", "CapacityStatus", "usageType", "operation", "Region Code"),
    *("Software Type", "Location Type"),
)
MACHINE: dict[str, str] = {
    "TermType": "OnDemand",
    "Unit": "Hrs",
    "Currency": "USD",
    "Operating System": "Linux",
    "Tenancy": "Shared",
    "Pre Installed S/W": "NA",
    "CapacityStatus": "Used",
    "operation": "RunInstances",
    "Region Code": "eu-central-1",
}
EC2 = [
    MACHINE | {"Instance Type": "m7g.xlarge", "PricePerUnit": "0.1956"},
    MACHINE | {"Instance Type": "m5.24xlarge", "PricePerUnit": "5.5200000000"},
    MACHINE
    | {"Instance Type": "m7g.xlarge", "PricePerUnit": "0.9", "Operating System": "Windows"},
    MACHINE | {"Instance Type": "m7g.xlarge", "PricePerUnit": "0.2", "Tenancy": "Dedicated"},
    MACHINE | {"Instance Type": "m7g.xlarge", "PricePerUnit": "0.1", "TermType": "Reserved"},
    MACHINE
    | {"Instance Type": "m7g.xlarge", "PricePerUnit": "0.3", "CapacityStatus": "Unused"},
    MACHINE | {"Instance Type": "x2idn.large", "PricePerUnit": "1"},
]  # fmt: skip
ADDED: dict[str, str] = {
    "TermType": "OnDemand",
    "Unit": "Hrs",
    "Currency": "USD",
    "Region Code": "eu-central-1",
    "Software Type": "EMR",
}
EMR = [
    ADDED | {"usageType": "EUC1-BoxUsage:m7g.xlarge", "PricePerUnit": "0.0489"},
    ADDED | {"usageType": "EUC1-BoxUsage:m5.24xlarge", "PricePerUnit": "0.27"},
    ADDED
    | {
        "usageType": "EUC1-BoxUsage:m7g.xlarge",
        "PricePerUnit": "9",
        "Software Type": "EMR MapR M5 Edition",
    },
    ADDED | {"usageType": "EUC1-DataTransfer", "PricePerUnit": "0.09"},
]
LESS = [
    ADDED | {"usageType": f"EUC1-EMR-SERVERLESS-{arm}{kind}", "PricePerUnit": price}
    for arm, prices in (
        ("ARM-", ("0.046", "0.005", "0.0001")),
        ("", ("0.058", "0.006", "0.0001")),
    )
    for kind, price in zip(("vCPUHours", "MemoryGBHours", "StorageGBHours"), prices, strict=True)
]


def written(path: Path, offer: str, rows: list[dict[str, str]], day: str = "2026-11-20") -> Path:
    """A price list as AWS writes it: five lines about it, then the table."""
    with path.open("w", newline="", encoding="utf-8") as file:
        out = csv.writer(file, quoting=csv.QUOTE_ALL)
        out.writerows(
            [
                ("FormatVersion", "v1.0"),
                ("Disclaimer", "This pricing list is for informational purposes only."),
                ("Publication Date", f"{day}T10:00:00Z"),
                ("Version", "20261120100000"),
                ("OfferCode", offer),
                HEAD,
            ]
        )
        out.writerows([[row.get(name, "") for name in HEAD] for row in rows])
    return path


@pytest.fixture
def lists(tmp_path: Path) -> list[Path]:
    return [
        written(tmp_path / "ec2.csv", "AmazonEC2", EC2),
        written(tmp_path / "emr.csv", "ElasticMapReduce", EMR, "2026-11-18"),
        written(tmp_path / "less.csv", "EMRServerless", LESS),
    ]


def made(tmp_path: Path, *lists: Path) -> Prices:
    words = [word for path in lists for word in ("--from", str(path))]
    assert main(["emr", "prices", *words, "--to", str(tmp_path / "prices.toml")]) == 0
    return read_prices(tmp_path / "prices.toml")


def test_a_table_is_made_of_aws_s_lists(tmp_path: Path, lists: list[Path]) -> None:
    found = made(tmp_path, *lists)
    assert (found.region, found.currency, found.asof) == ("eu-central-1", "USD", "2026-11-18")
    assert found.of("m7g.xlarge", is_spot=False) == Decimal("0.2445")
    # EMR adds its own to a Spot machine, whole.
    assert found.of("m7g.xlarge", is_spot=True) == Decimal("0.1956") * Decimal("0.40") + Decimal(
        "0.0489"
    )
    assert found.of("m5.24xlarge", is_spot=False) == Decimal("5.79")
    assert found.of("x2idn.large", is_spot=False) is None
    assert found.serverless["arm64"].vcpu == Decimal("0.046")
    assert found.serverless["x86_64"].memory == Decimal("0.006")


def test_a_list_may_be_json_and_packed(tmp_path: Path, lists: list[Path]) -> None:
    names = {
        "Instance Type": "instanceType",
        "Operating System": "operatingSystem",
        "Tenancy": "tenancy",
        "Pre Installed S/W": "preInstalledSw",
        "CapacityStatus": "capacitystatus",
        "operation": "operation",
        "usageType": "usagetype",
        "Region Code": "regionCode",
        "Software Type": "softwareType",
    }
    products: dict[str, Any] = {}
    terms: dict[str, Any] = {}
    for number, row in enumerate(one for one in EC2 if one["TermType"] == "OnDemand"):
        sku = f"SKU{number}"
        products[sku] = {"attributes": {names[key]: v for key, v in row.items() if key in names}}
        price = {"unit": "Hrs", "pricePerUnit": {"USD": row["PricePerUnit"]}}
        terms[sku] = {f"{sku}.T": {"priceDimensions": {f"{sku}.T.R": price}}}
    told = {
        "offerCode": "AmazonEC2",
        "publicationDate": "2026-11-20T10:00:00Z",
        "products": products,
        "terms": {"OnDemand": terms},
    }
    packed = tmp_path / "ec2.json.gz"
    packed.write_bytes(gzip.compress(json.dumps(told).encode()))
    assert made(tmp_path, packed, *lists[1:]) == made(tmp_path, *lists)


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("a.csv", "no,price,list\n", "is the price list of nothing"),
        ("a.json", '{"offerCode": "AmazonEC2"}', "is no price list of AWS"),
        ("a.json", "{half", "is no price list of AWS"),
        ("a.csv", "", "it has no table"),
        ("none.csv", None, "cannot read"),
    ],
)
def test_what_is_no_price_list_is_refused(
    tmp_path: Path, name: str, text: str | None, said: str
) -> None:
    if text is not None:
        (tmp_path / name).write_text(text)
    with pytest.raises(InputError, match=said):
        PriceLists().add(tmp_path / name)


def test_what_has_prices_of_its_own_is_not_taken_for_another(
    tmp_path: Path, lists: list[Path]
) -> None:
    on_eks = ADDED | {"usageType": "EUC1-EMR-EKS-EC2-vCPUHours", "PricePerUnit": "9"}
    local = MACHINE | {
        "Instance Type": "m7g.xlarge",
        "PricePerUnit": "9",
        "Location Type": "AWS Local Zone",
        "Region Code": "eu-central-1-ham-1",
    }
    more = [
        written(tmp_path / "eks.csv", "ElasticMapReduce", [*EMR, on_eks], "2026-11-18"),
        written(tmp_path / "zones.csv", "AmazonEC2", [*EC2, local]),
    ]
    assert made(tmp_path, *more, lists[2]) == made(tmp_path, *lists)


def test_two_prices_of_one_thing_make_no_table(tmp_path: Path) -> None:
    twice = [*LESS, LESS[0] | {"PricePerUnit": "1"}]
    with pytest.raises(InputError, match=r"two prices of vcpu: 0.046 and 1"):
        PriceLists().add(written(tmp_path / "less.csv", "EMRServerless", twice))


def test_two_regions_make_no_table(tmp_path: Path, lists: list[Path]) -> None:
    found = PriceLists()
    found.add(lists[0])
    other = [row | {"Region Code": "us-east-1"} for row in EMR]
    with pytest.raises(InputError, match="region us-east-1, and eu-central-1 came before"):
        found.add(written(tmp_path / "us.csv", "ElasticMapReduce", other))
    with pytest.raises(InputError, match="give the lists of both"):
        found.to_toml(Decimal("0.4"))


def test_what_emr_adds_to_large_machines_of_some_families_is_capped() -> None:
    found = read_prices()
    # As AWS's pricing page has it: a quarter up to 4xlarge, 0.27 from 8xlarge on.
    assert found.of("m5.4xlarge", is_spot=False) == Decimal("0.768") + Decimal("0.192")
    assert found.of("m5.8xlarge", is_spot=False) == Decimal("1.536") + Decimal("0.27")
    assert found.of("m5.24xlarge", is_spot=False) == Decimal("4.608") + Decimal("0.27")
    # Graviton has no cap.
    m6g = found.of("m6g.16xlarge", is_spot=False)
    assert m6g == Decimal("0.154") * 16 * Decimal("1.25")


@pytest.mark.parametrize(
    ("kind", "number"),
    [
        ("m7g.medium", 1),
        ("m7g.large", 2),
        ("m7g.xlarge", 4),
        ("r6g.16xlarge", 64),
        ("x.metal", None),
    ],
)
def test_how_many_processors_a_size_has(kind: str, number: int | None) -> None:
    assert vcpus(kind) == number
