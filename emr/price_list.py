"""AWS's price lists, as files, made into a table of prices.

The files are those of the bulk API, one for a region, as CSV or JSON
(https://docs.aws.amazon.com/awsaccountbilling/latest/aboutv2/using-the-aws-price-list-bulk-api.html):
of AmazonEC2 for the machines, of ElasticMapReduce for what EMR adds, and of EMRServerless.
"""

import contextlib
import csv
import gzip
import io
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from gristmill.errors import InputError

_PRODUCTS = {"AmazonEC2", "ElasticMapReduce", "EMRServerless"}
_MACHINE = {
    "Operating System": "Linux",
    "Tenancy": "Shared",
    "Pre Installed S/W": "NA",
    "CapacityStatus": "Used",
    "operation": "RunInstances",
}
_OWN = {None, "", "EMR"}
# Of EMR Serverless alone: on EKS, vCPUs and memory have other prices.
_USED = re.compile(r"(?:serverless|SLS)[\w-]*?(vcpu|memory|storage)", re.IGNORECASE)
# Local zones and Wavelength have prices of their own.
_PLACES = {None, "", "AWS Region"}
_FAMILY = re.compile(r"[a-z][a-z0-9-]*\.[a-z0-9-]+")


@dataclass
class PriceLists:
    """What price lists say of a region: prices of an hour by instance type, and of EMR Serverless
    by architecture and what is used. `published` is the oldest of the lists' dates (ISO 8601)."""

    region: str = ""
    currency: str = ""
    published: str = ""
    ec2: dict[str, Decimal] = field(default_factory=dict)
    emr: dict[str, Decimal] = field(default_factory=dict)
    serverless: dict[str, dict[str, Decimal]] = field(default_factory=dict)

    def add(self, path: Path) -> None:
        """Read a list. Raises `InputError` for what is none, or of another region or currency."""
        with _opened(path) as (offer, published, rows):
            if offer not in _PRODUCTS:
                wanted = ", ".join(sorted(_PRODUCTS))
                raise InputError(f"{path} is the price list of {offer}, and not of {wanted}")
            self.published = min(filter(None, (self.published, published[:10])), default="")
            for row in rows:
                if row.get("TermType") == "OnDemand" and row.get("Location Type") in _PLACES:
                    self._take(path, offer, row)

    def _take(self, path: Path, offer: str, row: Mapping[str, str]) -> None:
        try:
            price = Decimal(row["PricePerUnit"])
        except (KeyError, InvalidOperation) as error:
            raise InputError(f"{path}: no price in {dict(row)}") from error
        kind, machine = row.get("usageType", ""), row.get("Instance Type", "")
        place, name = None, machine
        if offer == "AmazonEC2":
            if price and all(row.get(key) == value for key, value in _MACHINE.items()):
                place = self.ec2
        elif offer == "ElasticMapReduce" and "BoxUsage" in kind:
            name = machine or kind.partition(":")[2]
            # Distributions of Hadoop that were sold once have prices of their own.
            if row.get("Software Type") in _OWN:
                place = self.emr
        elif used := _USED.search(kind):
            architecture = "arm64" if "arm" in kind.lower() else "x86_64"
            place, name = self.serverless.setdefault(architecture, {}), used[1].lower()
        if place is None or (place is self.emr and not _FAMILY.fullmatch(name)):
            return
        self._same(path, "region", row.get("Region Code", ""))
        self._same(path, "currency", row.get("Currency", ""))
        if place.setdefault(name, price) != price:
            raise InputError(f"{path} has two prices of {name}: {place[name]} and {price} ({kind})")

    def _same(self, path: Path, name: str, value: str) -> None:
        before = getattr(self, name)
        if value and before and value != before:
            raise InputError(
                f"{path} has {name} {value}, and {before} came before: give the lists of one {name}"
            )
        setattr(self, name, value or before)

    def to_toml(self, spot_share: Decimal) -> str:
        """The table, in the form that `--prices` takes. Raises `InputError` where it lacks all
        machines."""
        both = sorted(self.ec2.keys() & self.emr.keys())
        if not both:
            raise InputError(
                "no instance type has both a price of EC2 and one of EMR: give the lists of both, "
                "AmazonEC2 and ElasticMapReduce"
            )
        lines = [
            "# Prices of AWS's price lists, On-Demand, by the hour.",
            f'currency = "{self.currency}"',
            f'region = "{self.region}"',
            f'asof = "{self.published}"',
            "emr_share = 0.25  # of types that are not listed",
            f"spot_share = {spot_share}  # a guess: no list has it",
        ]
        for architecture, used in sorted(self.serverless.items()):
            if len(used) == 3:
                lines += ["", f"[serverless.{architecture}]"]
                lines += [f"{name} = {price}" for name, price in sorted(used.items())]
        lines += ["", "[types]"]
        for name in both:
            lines.append(f'"{name}" = {{ ec2 = {self.ec2[name]:f}, emr = {self.emr[name]:f} }}')
        return "\n".join(lines) + "\n"


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[tuple[str, str, Iterator[Mapping[str, str]]]]:
    """Of which offer a list is, when it was published, and its rows. Raises `InputError`."""
    try:
        with (gzip.open if path.suffix == ".gz" else open)(path, "rb") as file:
            opened: Any = file
            first = opened.read(1)
            opened.seek(0)
            text = io.TextIOWrapper(opened, encoding="utf-8-sig", newline="")
            yield _of_json(path, text) if first == b"{" else _of_csv(path, text)
            text.detach()
    except (csv.Error, UnicodeDecodeError, EOFError, OSError) as error:
        raise InputError(f"cannot read {path}: {error}") from error


def _of_csv(path: Path, text: Any) -> tuple[str, str, Iterator[Mapping[str, str]]]:
    head: dict[str, str] = {}
    reader = csv.reader(text)
    for row in reader:
        if len(row) > 2:
            rows = (dict(zip(row, values, strict=False)) for values in reader)
            return head.get("OfferCode", "nothing"), head.get("Publication Date", ""), rows
        head |= {row[0]: row[1]} if len(row) == 2 else {}
    raise InputError(f"{path} is no price list of AWS: it has no table")


# What the attributes of the JSON form are called in the CSV form.
_NAMES = {
    "instanceType": "Instance Type",
    "operatingSystem": "Operating System",
    "tenancy": "Tenancy",
    "preInstalledSw": "Pre Installed S/W",
    "capacitystatus": "CapacityStatus",
    "operation": "operation",
    "usagetype": "usageType",
    "softwareType": "Software Type",
    "regionCode": "Region Code",
    "locationType": "Location Type",
}


def _of_json(path: Path, text: Any) -> tuple[str, str, Iterator[Mapping[str, str]]]:
    try:
        told = json.load(text)
        products, terms = told["products"], told["terms"]["OnDemand"]
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path} is no price list of AWS: {error!r}") from error

    def rows() -> Iterator[Mapping[str, str]]:
        for sku, product in products.items():
            given = product.get("attributes", {})
            row = {name: given.get(key, "") for key, name in _NAMES.items()}
            for term in terms.get(sku, {}).values():
                for price in term["priceDimensions"].values():
                    for currency, amount in price["pricePerUnit"].items():
                        found = {"TermType": "OnDemand", "PricePerUnit": amount}
                        yield row | found | {"Currency": currency}

    return str(told.get("offerCode")), str(told.get("publicationDate", "")), rows()
