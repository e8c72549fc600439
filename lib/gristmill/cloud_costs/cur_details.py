"""What AWS's reports have beside the terms of FOCUS: net costs, discounts, split costs, categories.

Reports have these columns where an account has a discount, splits the costs of containers, or
names cost categories: https://docs.aws.amazon.com/cur/latest/userguide/table-dictionary-cur2.html
(`split_line_item_…`, `…_net_…`, `discount_…`, `cost_category`).
"""

import re
from collections.abc import Mapping
from functools import reduce

from pyspark.sql import Column
from pyspark.sql import functions as F

from gristmill.cloud_costs.cells import Cells, key, known
from gristmill.cloud_costs.charges import MONEY
from gristmill.cloud_costs.focus import tags

_SPLIT = {
    "x_split_usage": "splitLineItem/SplitUsage",
    "x_split_usage_ratio": "splitLineItem/SplitUsageRatio",
    "x_split_actual_usage": "splitLineItem/ActualUsage",
    "x_split_reserved_usage": "splitLineItem/ReservedUsage",
    "x_split_cost": "splitLineItem/SplitCost",
    "x_split_unused_cost": "splitLineItem/UnusedCost",
    "x_split_net_cost": "splitLineItem/NetSplitCost",
    "x_split_net_unused_cost": "splitLineItem/NetUnusedCost",
    "x_split_list_cost": "splitLineItem/PublicOnDemandSplitCost",
    "x_split_list_unused_cost": "splitLineItem/PublicOnDemandUnusedCost",
}
_NET = {
    "usage": "lineItem/NetUnblendedCost",
    "covered": "savingsPlan/NetSavingsPlanEffectiveCost",
    "reserved": "reservation/NetEffectiveCost",
    "unused_upfront": "reservation/NetUnusedAmortizedUpfrontFeeForBillingPeriod",
    "unused_recurring": "reservation/NetUnusedRecurringFee",
}
_FEE = (
    "savingsPlan/AmortizedUpfrontCommitmentForBillingPeriod",
    "savingsPlan/RecurringCommitmentForBillingPeriod",
)
_NET_FEE = (
    "savingsPlan/NetAmortizedUpfrontCommitmentForBillingPeriod",
    "savingsPlan/NetRecurringCommitmentForBillingPeriod",
)
_DISCOUNTS = ("discount/", "discount_")
_CATEGORIES = ("costCategory/", "cost_category_")
# Nine digits after the point are left of what is made of three of these.
_FACTOR = "decimal(24,10)"

AMOUNTS = (*_NET.values(), *_FEE, *_NET_FEE, *_SPLIT.values())
"""The columns that hold amounts, all of them secondary."""


def details(cells: Cells, *, is_commitment_fee: Column) -> Mapping[str, Column]:
    """The columns, by name; null where the report does not have them.

    `is_commitment_fee` says whether the line is a fee of a commitment, or its refund, whose cost
    comes with its usage.
    """
    return {
        "x_net_unblended_cost": cells.money(_NET["usage"]),
        "x_net_effective_cost": _net_effective_cost(cells, is_commitment_fee),
        "x_discounts": _discounts(cells),
        "x_cost_categories": by_name(cells, _CATEGORIES, "cost_category"),
        "x_split_parent_resource_id": cells.text("splitLineItem/ParentResourceId"),
        **{name: cells.money(column) for name, column in _SPLIT.items()},
    }


def is_discount(name: str) -> bool:
    """Whether a column with this name holds discounts of one kind."""
    return name.startswith(_DISCOUNTS)


def by_name(cells: Cells, prefixes: tuple[str, ...], whole: str) -> Column:
    """A map of the columns with one of these prefixes, by the names that follow it.

    Where there are none, of what the column `whole` holds. Empty cells are left out.
    """
    # Not by `key`: names may differ in case and marks alone.
    named = {
        reduce(str.removeprefix, prefixes, name): column
        for name, column in cells.columns.items()
        if name.startswith(prefixes)
    }
    if not named:
        return tags(cells.text(whole))
    entries = F.array(*(F.struct(F.lit(name), known(cell)) for name, cell in named.items()))
    found = F.filter(entries, lambda entry: entry["col2"].isNotNull())
    return F.when(F.size(found) > 0, F.map_from_entries(found))


def _discounts(cells: Cells) -> Column:
    """Amounts by kind, such as `total_discount`; null is one that cannot be read."""
    listed = F.from_json(cells.text("discount"), "map<string,string>")
    named = {_snake(name): cells.money(name) for name in cells.columns if is_discount(name)}
    amounts = F.transform_values(listed, lambda _, cell: cell.try_cast(MONEY))
    if not named:
        return amounts
    entries = F.array(*(F.struct(F.lit(name), amount) for name, amount in named.items()))
    found = F.filter(entries, lambda entry: entry["col2"].isNotNull())
    others = F.map_filter(F.coalesce(amounts, F.create_map()), lambda name, _: ~name.isin(*named))
    whole = F.map_concat(others, F.map_from_entries(found))
    return F.when(F.size(whole) > 0, whole)


def _snake(name: str) -> str:
    bare = reduce(str.removeprefix, _DISCOUNTS, name)
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", bare).lower()


def _net_effective_cost(cells: Cells, is_commitment_fee: Column) -> Column:
    """The amortized cost after all discounts, by the rule of `cur.effective_cost`.

    A report has no net cost of a savings plan's commitment that was not used: it is taken to be
    discounted as the plan's fee of the period is.
    """
    if not cells.keys & set(map(key, _NET.values())):
        return F.lit(None).cast(MONEY)
    kind = cells.text("lineItem/LineItemType")
    net = {name: cells.money(column) for name, column in _NET.items()}
    unused_reservation = _sum(cells, _NET["unused_upfront"], _NET["unused_recurring"])
    found = (
        F.when(kind == "SavingsPlanCoveredUsage", net["covered"])
        .when(kind == "SavingsPlanRecurringFee", _unused_plan(cells))
        .when(kind == "SavingsPlanNegation", F.lit(0).cast(MONEY))
        .when(kind == "DiscountedUsage", net["reserved"])
        .when(kind == "RIFee", unused_reservation)
        .when(is_commitment_fee, F.lit(0).cast(MONEY))
        .otherwise(net["usage"])
    )
    return found.cast(MONEY)


def _unused_plan(cells: Cells) -> Column:
    total, used = (
        cells.money(f"savingsPlan/{name}").try_cast(_FACTOR)
        for name in ("TotalCommitmentToDate", "UsedCommitment")
    )
    unused = F.try_subtract(total, used)
    fee = _sum(cells, *_FEE).try_cast(_FACTOR)
    net_fee = _sum(cells, *_NET_FEE).try_cast(_FACTOR)
    discounted = F.try_divide(F.try_multiply(unused, net_fee), fee).try_cast(MONEY)
    return F.when(unused == 0, F.lit(0).cast(MONEY)).otherwise(discounted)


def _sum(cells: Cells, *names: str) -> Column:
    """The sum of cells, of which those that are empty count nothing; null where all are."""
    found = [cells.money(name).try_cast("decimal(37,18)") for name in names]
    parts = [F.coalesce(amount, F.lit(0).cast("decimal(37,18)")) for amount in found]
    return F.when(F.coalesce(*found).isNotNull(), reduce(F.try_add, parts)).try_cast(MONEY)
