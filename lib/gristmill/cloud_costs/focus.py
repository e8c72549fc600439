"""Exports in FOCUS 1.0 to 1.4, and in the preview of 1.0 that Oracle writes.

https://focus.finops.org/focus-specification/. Columns come in any order, with others between them,
which are ignored. What real files add: a literal `NULL`, times without a zone (they are in UTC),
`Usage-based` beside `Usage-Based`.
"""

import re
from collections.abc import Iterable, Mapping

from pyspark.sql import Column

from gristmill.cloud_costs.cells import Cells, has_half, key
from gristmill.cloud_costs.charges import AWS, FOCUS, MONEY

REQUIRED = (
    *("BilledCost", "EffectiveCost", "ListCost", "ContractedCost", "BillingCurrency"),
    *("BillingAccountId", "BillingPeriodStart", "BillingPeriodEnd"),
    *("ChargePeriodStart", "ChargePeriodEnd", "ChargeCategory", "ServiceName"),
)
"""Columns without which rows are not charges."""

_CONTRACTED = "ContractedCost"
_OWN_NAME = re.compile(r"(?:[A-Z][a-z0-9]+){2,}$")

_OTHERS = {
    "contractcommitmentid": (
        "Contract Commitment",
        "gristmill run contract-commitments loads it",
    ),
    "invoicedetailgrain": (
        "Invoice Detail",
        "billing-summary --invoices reads it",
    ),
    "billingperiodstatus": ("Billing Period", "it says which periods are closed"),
}

PERIOD = ("BillingPeriodStart", "BillingPeriodEnd")
"""The columns of the billing period."""

PREVIEW = "1.0-preview"
"""The version before 1.0, https://focus.finops.org/focus-specification/v1-0-preview/: it has no
contracted cost, and other names for what is in `_FORMER`."""

_FORMER = {
    "invoice_issuer_name": "InvoiceIssuer",
    "provider_name": "Provider",
    "publisher_name": "Publisher",
    "region_id": "Region",
    "consumed_quantity": "UsageQuantity",
    "consumed_unit": "UsageUnit",
}
_PREVIEW_MARKS = {"provider", "invoiceissuer", "usagequantity"}
_MARKS = {"billedcost", "chargecategory", "chargeperiodstart"}
_SINCE = {
    "1.4": {"invoicedetailid", "commitmentprogrameligibilitydetails"},
    "1.3": {
        *("serviceprovidername", "hostprovidername", "contractapplied"),
        *("allocatedmethodid", "allocatedresourceid", "allocatedtags"),
    },
    "1.2": {"invoiceid", "billingaccounttype", "subaccounttype", "pricingcurrency"},
    "1.1": {"servicesubcategory", "skumeter", "skupricedetails", "commitmentdiscountquantity"},
}


def version(keys: frozenset[str]) -> str | None:
    """The version of FOCUS that has columns with these keys; None where they are not FOCUS."""
    if not (keys >= _MARKS or has_half(keys, REQUIRED)):
        return None
    if keys >= _PREVIEW_MARKS and "providername" not in keys:
        return PREVIEW
    found = next((name for name, new in _SINCE.items() if keys & new), "1.0")
    # FOCUS 1.4 took these away.
    return "1.4" if found == "1.3" and not keys & {"providername", "publishername"} else found


def other_dataset(keys: frozenset[str]) -> tuple[str, str] | None:
    """Which other dataset of FOCUS has these columns, and what reads it; None where none has."""
    return next((told for mark, told in _OTHERS.items() if mark in keys), None)


def unknown(names: Iterable[str]) -> list[str]:
    """The columns that would be FOCUS's own, and are of no version that is known here."""
    known = {key(field.name) for field in FOCUS} | {key(name) for name in _FORMER.values()}
    known.add(key("ChargeSubcategory"))
    return [name for name in names if _OWN_NAME.match(name) and key(name) not in known]


def charge(cells: Cells) -> Mapping[str, Column]:
    """The columns of a charge, by name."""
    f = cells.functions
    columns = {field.name: _value(cells, field.name, field.type) for field in FOCUS}
    frequency = columns["charge_frequency"]
    columns["charge_frequency"] = f.when(
        f.lower(frequency) == "usage-based", f.lit("Usage-Based")
    ).otherwise(frequency)
    if key("ChargeSubcategory") in cells.keys:
        columns |= _of_subcategory(cells, columns)
    provider, seller = columns["provider_name"], columns["service_provider_name"]
    columns["provider_name"] = f.coalesce(provider, seller)
    columns["service_provider_name"] = f.coalesce(seller, provider)
    columns["tags"] = cells.tags("Tags")
    columns["allocated_tags"] = cells.tags("AllocatedTags")
    columns |= {field.name: f.lit(None).cast(field.type) for field in AWS}
    return columns | {"x_cost_categories": cells.tags("x_CostCategories")}


def _of_subcategory(cells: Cells, columns: Mapping[str, Column]) -> Mapping[str, Column]:
    """What 1.0 says by other columns than the preview's `ChargeSubcategory`."""
    f, kind = cells.functions, cells.text("ChargeSubcategory")
    category, status = columns["charge_category"], columns["commitment_discount_status"]
    is_credit = (category == "Adjustment") & (kind == "Credit")
    told = f.when(kind == "Used Commitment", f.lit("Used")).when(
        kind == "Unused Commitment", f.lit("Unused")
    )
    return {
        "charge_category": f.when(is_credit, f.lit("Credit")).otherwise(category),
        "commitment_discount_status": f.coalesce(status, told),
    }


def amounts() -> list[str]:
    """The columns without which a charge has no amount; one that is wrong in another is null."""
    return ["billed_cost", "effective_cost", "list_cost", "contracted_cost"]


def other_amounts() -> list[str]:
    """The amounts that are null where they cannot be read."""
    return [field.name for field in FOCUS if field.type == MONEY and field.name not in amounts()]


def times() -> list[str]:
    """The columns that hold times."""
    return [field.name for field in FOCUS if field.type == "timestamp"]


def missing(keys: frozenset[str]) -> list[str]:
    """The required columns that an export does not have."""
    absent = [name for name in REQUIRED if key(name) not in keys]
    return [one for one in absent if one != _CONTRACTED or version(keys) != PREVIEW]


def _value(cells: Cells, field: str, type_: str) -> Column:
    name = field if key(field) in cells.keys else _FORMER.get(field, field)
    if type_ == MONEY:
        return cells.money(name)
    return cells.time(name) if type_ == "timestamp" else cells.text(name)
