"""What AWS's reports have beside the terms of FOCUS: net costs, discounts, split costs, categories.

Reports have these columns where an account has a discount, splits the costs of containers, or
names cost categories: https://docs.aws.amazon.com/cur/latest/userguide/table-dictionary-cur2.html
(`split_line_item_…`, `…_net_…`, `discount_…`, `cost_category`).
"""

import re
from collections.abc import Mapping
from functools import reduce

from pyspark.sql import Column

from gristmill.cloud_costs.cells import Cells, key
from gristmill.cloud_costs.charges import MONEY

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
        "x_cost_categories": cells.labels(_CATEGORIES, "cost_category"),
        "x_split_parent_resource_id": cells.text("splitLineItem/ParentResourceId"),
        **{name: cells.money(column) for name, column in _SPLIT.items()},
    }


def is_discount(name: str) -> bool:
    """Whether a column with this name holds discounts of one kind."""
    return name.startswith(_DISCOUNTS)


def has_net(cells: Cells) -> bool:
    """Whether a report has costs after all discounts."""
    return bool(cells.keys & set(map(key, _NET.values())))


def _discounts(cells: Cells) -> Column:
    """Amounts by kind, such as `total_discount`; null is one that cannot be read."""
    named = {_snake(name): name for name in cells.names if is_discount(name)}
    return cells.amounts(named, "discount")


def _snake(name: str) -> str:
    bare = reduce(str.removeprefix, _DISCOUNTS, name)
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", bare).lower()


def _net_effective_cost(cells: Cells, is_commitment_fee: Column) -> Column:
    """The amortized cost after all discounts, by the rule of `cur.effective_cost`.

    A report has no net cost of a savings plan's commitment that was not used: it is taken to be
    discounted as the plan's fee of the period is.
    """
    f = cells.functions
    if not has_net(cells):
        return f.lit(None).cast(MONEY)
    kind = cells.text("lineItem/LineItemType")
    net = {name: cells.money(column) for name, column in _NET.items()}
    unused_reservation = _sum(cells, _NET["unused_upfront"], _NET["unused_recurring"])
    found = (
        f.when(kind == "SavingsPlanCoveredUsage", net["covered"])
        .when(kind == "SavingsPlanRecurringFee", _unused_plan(cells))
        .when(kind == "SavingsPlanNegation", f.lit(0).cast(MONEY))
        .when(kind == "DiscountedUsage", net["reserved"])
        .when(kind == "RIFee", unused_reservation)
        .when(is_commitment_fee, f.lit(0).cast(MONEY))
        .otherwise(net["usage"])
    )
    return found.cast(MONEY)


def _unused_plan(cells: Cells) -> Column:
    f = cells.functions
    total, used = (
        cells.money(f"savingsPlan/{name}").try_cast(_FACTOR)
        for name in ("TotalCommitmentToDate", "UsedCommitment")
    )
    unused = f.try_subtract(total, used)
    fee = _sum(cells, *_FEE).try_cast(_FACTOR)
    net_fee = _sum(cells, *_NET_FEE).try_cast(_FACTOR)
    discounted = f.try_divide(f.try_multiply(unused, net_fee), fee).try_cast(MONEY)
    return f.when(unused == 0, f.lit(0).cast(MONEY)).otherwise(discounted)


def _sum(cells: Cells, *names: str) -> Column:
    """The sum of cells, of which those that are empty count nothing; null where all are."""
    f = cells.functions
    found = [cells.money(name).try_cast("decimal(37,18)") for name in names]
    parts = [f.coalesce(amount, f.lit(0).cast("decimal(37,18)")) for amount in found]
    return f.when(f.coalesce(*found).isNotNull(), reduce(f.try_add, parts)).try_cast(MONEY)
