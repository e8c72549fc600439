"""Exports in FOCUS 1.0, 1.1 and 1.2.

https://focus.finops.org/focus-specification/v1-2/. Columns come in any order, with others between
them, which are ignored. What real files add: a literal `NULL`, times without a zone (they are in
UTC), `Usage-based` beside `Usage-Based`.
"""

from collections.abc import Mapping

from pyspark.sql import Column
from pyspark.sql import functions as F

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
    columns = {field.name: _value(cells, field.name, field.type) for field in FOCUS}
    frequency = columns["charge_frequency"]
    columns["charge_frequency"] = F.when(
        F.lower(frequency) == "usage-based", F.lit("Usage-Based")
    ).otherwise(frequency)
    columns["tags"] = tags(cells.text("Tags"))
    columns |= {field.name: F.lit(None).cast(field.type) for field in AWS}
    return columns | {"x_cost_categories": tags(cells.text("x_CostCategories"))}


def amounts() -> list[str]:
    """The columns without which a charge has no amount; one that is wrong in another is null."""
    return ["billed_cost", "effective_cost", "list_cost", "contracted_cost"]


def other_amounts() -> list[str]:
    """The amounts that are null where they cannot be read."""
    return [field.name for field in FOCUS if field.type == MONEY and field.name not in amounts()]


def times() -> list[str]:
    """The columns that hold times."""
    return [field.name for field in FOCUS if field.type == "timestamp"]


def tags(text: Column) -> Column:
    """Tags as a map, from a JSON object or an array of objects that have a `key` and a `value`.

    What is neither stays as the value of the key `unparsed`.
    """
    # Azure leaves the braces out: "env": "prod","team": "a".
    bare = F.startswith(text, F.lit('"')) & text.rlike(r'^"[^"]*"\s*:')
    whole = F.when(bare, F.concat(F.lit("{"), text, F.lit("}"))).otherwise(text)
    parsed = _last_of_each(F.map_entries(F.from_json(whole, "map<string,string>")))
    found = F.from_json(text, "array<struct<key:string,value:string,x_inherited:boolean>>")
    # Google writes a label that is inherited beside the resource's own, which wins.
    ranked = F.concat(
        F.filter(found, lambda pair: F.coalesce(pair["x_inherited"], F.lit(False))),
        F.filter(found, lambda pair: ~F.coalesce(pair["x_inherited"], F.lit(False))),
    )
    pairs = F.transform(ranked, lambda pair: F.struct(pair["key"], pair["value"]))
    keys = F.transform(pairs, lambda pair: pair["key"])
    paired = F.when(~F.exists(keys, F.isnull), _last_of_each(pairs))
    unparsed = F.when(text.isNotNull(), F.create_map(F.lit("unparsed"), text))
    listed = F.when(F.startswith(text, F.lit("[")), paired)
    return F.coalesce(parsed, listed, unparsed)


def _last_of_each(entries: Column) -> Column:
    """A map of entries, of which the last counts where a key is there twice."""
    names = F.transform(entries, lambda entry: entry.getField("key"))
    last = F.filter(
        entries,
        lambda entry, place: (
            ~F.array_contains(
                F.slice(names, place + 2, F.greatest(F.size(names) - place - 1, F.lit(0))),
                entry.getField("key"),
            )
        ),
    )
    return F.map_from_entries(last)


def missing(keys: frozenset[str]) -> list[str]:
    """The required columns that an export does not have."""
    return [name for name in REQUIRED if key(name) not in keys]


def _value(cells: Cells, name: str, type_: str) -> Column:
    if type_ == MONEY:
        return cells.money(name)
    return cells.time(name) if type_ == "timestamp" else cells.text(name)
