"""Exports in FOCUS 1.0, 1.1 and 1.2.

https://focus.finops.org/focus-specification/v1-2/. Columns come in any order, with others between
them, which are ignored. What real files add: a literal `NULL`, times without a zone (they are in
UTC), `Usage-based` beside `Usage-Based`.
"""

from collections.abc import Mapping

from pyspark.sql import Column

from gristmill.cloud_costs.cells import Cells, has_half, key
from gristmill.cloud_costs.charges import AWS, FOCUS, MONEY

REQUIRED = (
    *("BilledCost", "EffectiveCost", "ListCost", "ContractedCost", "BillingCurrency"),
    *("BillingAccountId", "BillingPeriodStart", "BillingPeriodEnd"),
    *("ChargePeriodStart", "ChargePeriodEnd", "ChargeCategory", "ServiceName"),
)
"""Columns without which rows are not charges."""

PERIOD = ("BillingPeriodStart", "BillingPeriodEnd")
"""The columns of the billing period."""

_MARKS = {"billedcost", "chargecategory", "chargeperiodstart"}
_SINCE = {
    "1.2": {"invoiceid", "billingaccounttype", "subaccounttype", "pricingcurrency"},
    "1.1": {"servicesubcategory", "skumeter", "skupricedetails", "commitmentdiscountquantity"},
}


def version(keys: frozenset[str]) -> str | None:
    """The version of FOCUS that has columns with these keys; None where they are not FOCUS."""
    if not (keys >= _MARKS or has_half(keys, REQUIRED)):
        return None
    return next((name for name, new in _SINCE.items() if keys & new), "1.0")


def charge(cells: Cells) -> Mapping[str, Column]:
    """The columns of a charge, by name."""
    f = cells.functions
    columns = {field.name: _value(cells, field.name, field.type) for field in FOCUS}
    frequency = columns["charge_frequency"]
    columns["charge_frequency"] = f.when(
        f.lower(frequency) == "usage-based", f.lit("Usage-Based")
    ).otherwise(frequency)
    columns["tags"] = cells.tags("Tags")
    columns |= {field.name: f.lit(None).cast(field.type) for field in AWS}
    return columns | {"x_cost_categories": cells.tags("x_CostCategories")}


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
    return [name for name in REQUIRED if key(name) not in keys]


def _value(cells: Cells, name: str, type_: str) -> Column:
    if type_ == MONEY:
        return cells.money(name)
    return cells.time(name) if type_ == "timestamp" else cells.text(name)
