"""Charges by plain Python: what a line of an export is, in the terms of FOCUS."""

import csv
import gzip
import io
import json
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal, localcontext
from pathlib import Path
from typing import Any

Cells = Mapping[str, str]

FOCUS_10 = re.findall(
    r"\w+",
    "AvailabilityZone BilledCost BillingAccountId BillingAccountName BillingCurrency "
    "BillingPeriodEnd BillingPeriodStart ChargeCategory ChargeClass ChargeDescription "
    "ChargeFrequency ChargePeriodEnd ChargePeriodStart CommitmentDiscountCategory "
    "CommitmentDiscountId CommitmentDiscountName CommitmentDiscountStatus "
    "CommitmentDiscountType ConsumedQuantity ConsumedUnit ContractedCost ContractedUnitPrice "
    "EffectiveCost InvoiceIssuerName ListCost ListUnitPrice PricingCategory PricingQuantity "
    "PricingUnit ProviderName PublisherName RegionId RegionName ResourceId ResourceName "
    "ResourceType ServiceCategory ServiceName SkuId SkuPriceId SubAccountId SubAccountName "
    "Tags ",
)
FOCUS_11 = re.findall(
    r"\w+",
    "CapacityReservationId CapacityReservationStatus CommitmentDiscountQuantity "
    "CommitmentDiscountUnit ServiceSubcategory SkuMeter SkuPriceDetails ",
)
FOCUS_12 = re.findall(
    r"\w+",
    "BillingAccountType InvoiceId PricingCurrency PricingCurrencyContractedUnitPrice "
    "PricingCurrencyEffectiveCost PricingCurrencyListUnitPrice SubAccountType ",
)
FOCUS_13 = re.findall(
    r"\w+",
    "AllocatedMethodDetails AllocatedMethodId AllocatedResourceId AllocatedResourceName "
    "AllocatedTags ContractApplied HostProviderName ServiceProviderName ",
)
FOCUS_14 = ["CommitmentProgramEligibilityDetails", "InvoiceDetailId"]
FOCUS = [*FOCUS_10, *FOCUS_11, *FOCUS_12, *FOCUS_13, *FOCUS_14]
VERSIONS = {
    "1.0": FOCUS_10,
    "1.1": [*FOCUS_10, *FOCUS_11],
    "1.2": [*FOCUS_10, *FOCUS_11, *FOCUS_12],
    "1.3": [*FOCUS_10, *FOCUS_11, *FOCUS_12, *FOCUS_13],
    "1.4": [name for name in FOCUS if name not in {"ProviderName", "PublisherName"}],
}
"""The columns of FOCUS by version: https://focus.finops.org/focus-columns/."""

_COMMITMENTS = ("savingsPlan/SavingsPlan", "reservation/Reservation")

CATEGORIES = {
    "Usage": "Usage",
    "DiscountedUsage": "Usage",
    "SavingsPlanCoveredUsage": "Usage",
    "SavingsPlanNegation": "Usage",
    "BundledDiscount": "Usage",
    "EdpDiscount": "Usage",
    "PrivateRateDiscount": "Usage",
    "Fee": "Purchase",
    "RIFee": "Purchase",
    "SavingsPlanRecurringFee": "Purchase",
    "SavingsPlanUpfrontFee": "Purchase",
    "Tax": "Tax",
    "Credit": "Credit",
    "Refund": "Adjustment",
}


def snake(name: str) -> str:
    """`BillingPeriodStart` as `billing_period_start`."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()


def text(value: str | None) -> str | None:
    """A cell, None where nothing is known."""
    value = (value or "").strip(" ")
    return None if value in {"", "NULL", "null", "Null"} else value


def money(value: str | None) -> Decimal | None:
    """An amount, to 18 digits after the point."""
    known = text(value)
    if known is None:
        return None
    with localcontext(prec=60):
        return Decimal(known).quantize(Decimal("1e-18"), rounding=ROUND_HALF_UP)


def time(value: str | None) -> datetime | None:
    """A time, without its zone, which is UTC."""
    known = text(value)
    if known is None:
        return None
    moment = datetime.fromisoformat(known)
    return moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment


def focus(cells: Cells) -> dict[str, Any]:
    """The columns of a charge from a line of a FOCUS export."""
    found: dict[str, Any] = {}
    for name in FOCUS:
        value = cells.get(name)
        if re.search("(Cost|Quantity|UnitPrice)$", name):
            found[snake(name)] = money(value)
        elif re.search("Period(Start|End)$", name):
            found[snake(name)] = time(value)
        else:
            found[snake(name)] = text(value)
    for name in ("tags", "allocated_tags"):
        if found[name] is not None:
            found[name] = {
                tag: value if isinstance(value, str) else json.dumps(value)
                for tag, value in json.loads(found[name]).items()
            }
    seller = found["service_provider_name"]
    found["service_provider_name"] = seller or found["provider_name"]
    found["provider_name"] = found["provider_name"] or seller
    if (found["charge_frequency"] or "").lower() == "usage-based":
        found["charge_frequency"] = "Usage-Based"
    return found


def amortized(cells: Cells) -> Decimal | None:  # noqa: PLR0911  a rule a kind
    """The effective cost of a line of a legacy CUR, by the Cloud Intelligence Dashboards' rule."""

    def amount(name: str) -> Decimal:
        return money(cells.get(name)) or Decimal(0)

    kind = cells["lineItem/LineItemType"]
    if kind == "SavingsPlanCoveredUsage":
        return amount("savingsPlan/SavingsPlanEffectiveCost")
    if kind == "SavingsPlanRecurringFee":
        return amount("savingsPlan/TotalCommitmentToDate") - amount("savingsPlan/UsedCommitment")
    if kind in {"SavingsPlanNegation", "SavingsPlanUpfrontFee"}:
        return Decimal(0)
    if kind == "DiscountedUsage":
        return amount("reservation/EffectiveCost")
    if kind == "RIFee":
        return amount("reservation/UnusedAmortizedUpfrontFeeForBillingPeriod") + amount(
            "reservation/UnusedRecurringFee"
        )
    if kind == "Fee" and text(cells.get("reservation/ReservationARN")):
        return Decimal(0)
    told = cells.get("lineItem/LineItemDescription", "")
    of_plans = cells["lineItem/ProductCode"].endswith("SavingsPlans")
    is_named = any(text(cells.get(f"{of}ARN")) for of in _COMMITMENTS)
    is_told = of_plans and told.startswith("Refund for one-time fee for Savings P")
    if kind == "Refund" and (is_named or is_told):
        return Decimal(0)
    return money(cells["lineItem/UnblendedCost"])


def cur(cells: Cells) -> dict[str, Any]:
    """The columns of a charge that matter most, from a line of a legacy CUR."""
    kind = cells["lineItem/LineItemType"]
    billed = money(cells["lineItem/UnblendedCost"])
    # What is billed less for a savings plan is worth no less.
    priced = Decimal(0) if kind == "SavingsPlanNegation" else billed
    is_usage = kind in {"Usage", "DiscountedUsage", "SavingsPlanCoveredUsage"}
    public = money(cells.get("pricing/publicOnDemandCost")) if is_usage else None
    listed = priced if public is None else public
    tags = {
        name.removeprefix("resourceTags/"): text(value)
        for name, value in cells.items()
        if name.startswith("resourceTags/") and text(value)
    }
    return {
        "billing_account_id": text(cells["bill/PayerAccountId"]),
        "sub_account_id": text(cells["lineItem/UsageAccountId"]),
        "invoice_id": text(cells.get("bill/InvoiceId")),
        "billing_currency": text(cells["lineItem/CurrencyCode"]),
        "billing_period_start": time(cells["bill/BillingPeriodStartDate"]),
        "billing_period_end": time(cells["bill/BillingPeriodEndDate"]),
        "charge_period_start": time(cells["lineItem/UsageStartDate"]),
        "charge_period_end": time(cells["lineItem/UsageEndDate"]),
        "charge_category": CATEGORIES[kind],
        "x_line_item_type": kind,
        "x_product_code": text(cells["lineItem/ProductCode"]),
        "billed_cost": billed,
        "list_cost": Decimal(0) if kind.endswith("Discount") else listed,
        "contracted_cost": listed if kind == "DiscountedUsage" else priced,
        "effective_cost": amortized(cells),
        "resource_id": text(cells.get("lineItem/ResourceId")),
        "tags": tags or None,
    }


def rows_of(file: Path) -> list[dict[str, str]]:
    """The lines of a .csv or .csv.gz by the names in its header."""
    raw = file.read_bytes()
    whole = (gzip.decompress(raw) if file.suffix == ".gz" else raw).decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(whole, newline="")))


def to_csv(rows: Iterable[Cells], header: Iterable[str]) -> str:
    """Lines as a .csv with these columns, in this order."""
    names = list(header)
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, names, extrasaction="ignore", lineterminator="\n", restval="")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def as_pairs(row: Mapping[str, Any], names: Iterable[str]) -> tuple[Any, ...]:
    """Some columns of a row as something to count."""
    return tuple(
        json.dumps(value, sort_keys=True) if isinstance(value := row[name], dict) else value
        for name in names
    )
