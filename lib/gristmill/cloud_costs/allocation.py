"""Costs by owner: what is theirs, and their part of what is shared.

The terms are those of the FinOps framework's capability Allocation,
https://www.finops.org/framework/capabilities/allocation/.
"""

from collections.abc import Sequence

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from gristmill.cloud_costs import selectors
from gristmill.cloud_costs.allocation_rules import IN_PROPORTION, Rule
from gristmill.cloud_costs.costs import tag_value
from gristmill.cloud_costs.measures import MEASURES, REPORTED, SUMMED, TOTAL, table
from gristmill.cloud_costs.money import FACTOR, difference, times
from gristmill.model.dataset import Field

DIRECT, SHARED, UNALLOCATED = "direct", "shared", "unallocated"

COST_BY_OWNER = table(
    "cost_by_owner",
    "Costs by owner: what is theirs, their part of what is shared, and what has no owner.",
    (
        Field("owner", "string", "who it is charged to; null for what has no owner"),
        Field("kind", "string", "direct, shared or unallocated"),
        Field("rule", "string", "name of the rule that says so; null where none does"),
    ),
)

WHOSE = ("rule", "owner", "kind", "way", "weights")
"""The columns of a charge that say whose it is."""

_WEIGHTS = f"array<struct<owner:string,weight:{FACTOR}>>"
_WHOSE = f"struct<rule:string,owner:string,kind:string,way:string,weights:{_WEIGHTS}>"
_PERIOD = (*TOTAL, "report_currency")
_PLACES = 12


def owned(charges: DataFrame, rules: Sequence[Rule]) -> DataFrame:
    """`charges` with the columns of `WHOSE`, by the first rule that holds, and knows an owner."""
    each = [_whose(rule) for rule in rules]
    nobody = F.struct(*map(F.lit, (None, None, UNALLOCATED, None)), F.array()).cast(_WHOSE)
    marked = charges.withColumn("_whose", F.coalesce(*each, nobody))
    return marked.select("*", "_whose.*").drop("_whose")


def _whose(rule: Rule) -> Column:
    """Whose a charge is by a rule, null where it does not say."""
    owner = _owner(rule)
    weights = [
        F.struct(F.lit(name), F.lit(weight).cast(FACTOR))
        for name, weight in (rule.weights or {}).items()
    ]
    kind = SHARED if rule.way else DIRECT
    one = F.struct(F.lit(rule.name), owner, F.lit(kind), F.lit(rule.way), F.array(*weights))
    holds = selectors.chosen(rule.when)
    return F.when(holds if rule.way else holds & owner.isNotNull(), one.cast(_WHOSE))


def _owner(rule: Rule) -> Column:
    if rule.owner_from is None:
        return F.lit(rule.owner).cast("string")
    kind, key = rule.owner_from
    return tag_value(key, selectors.MAPS[kind]) if key else F.col("sub_account_id")


def by_owner(costs: DataFrame) -> DataFrame:
    """Sums by the columns of `WHOSE` to rows of `COST_BY_OWNER`, what is shared split up."""
    is_shared = F.col("kind") == SHARED
    direct, pool = costs.where(F.col("kind") == DIRECT), costs.where(is_shared)
    return _sums(costs.where(~is_shared)).unionByName(_sums(_split(pool, direct)))


def _sums(rows: DataFrame) -> DataFrame:
    return rows.groupBy(*_PERIOD, "owner", "kind", "rule").agg(
        *(F.sum(name).alias(name) for name in SUMMED)
    )


def _split(pool: DataFrame, direct: DataFrame) -> DataFrame:
    """What is shared by owner. What a division leaves is the last owner's, by name, so that parts
    sum to the whole; what nobody takes a part of has no owner."""
    parts = pool.join(_taken(direct), list(TOTAL), "left").withColumn("_parts", _parts())
    each = parts.select("*", F.posexplode_outer("_parts").alias("_at", "_part"))
    whole = F.aggregate("_parts", F.lit(0.0), lambda sum_, part: sum_ + part["weight"])
    ratio = F.round(F.try_divide(F.col("_part.weight"), whole), _PLACES).cast(FACTOR)
    rated = each.withColumns(
        {
            "owner": F.col("_part.owner"),
            "_ratio": F.coalesce(ratio, F.lit(1).cast(FACTOR)),
            "_is_last": F.coalesce(F.col("_at") == F.size("_parts") - 1, F.lit(True)),
        }
    )
    amounts = (*MEASURES, *REPORTED)
    divided = rated.withColumns(
        {f"_{name}": times(F.col(name), F.col("_ratio")) for name in amounts}
    )
    before = (
        Window.partitionBy(*TOTAL, "rule")
        .orderBy(F.col("_at").asc_nulls_first())
        .rowsBetween(Window.unboundedPreceding, -1)
    )
    shares = {
        name: F.when(
            F.col("_is_last"),
            difference(F.col(name), F.coalesce(F.sum(f"_{name}").over(before), F.lit(0))),
        ).otherwise(F.col(f"_{name}"))
        for name in amounts
    }
    return divided.withColumns(
        shares
        | {
            "charges": F.when(F.col("_is_last"), F.col("charges")).otherwise(F.lit(0)),
            "kind": F.when(F.col("owner").isNull(), F.lit(UNALLOCATED)).otherwise(F.lit(SHARED)),
        }
    )


def _taken(direct: DataFrame) -> DataFrame:
    """What is directly an owner's in a period, where it is above 0: `_direct`, in order of name."""
    mine = direct.groupBy(*TOTAL, "owner").agg(F.sum("effective_cost").cast("double").alias("cost"))
    one = F.struct("owner", F.col("cost").alias("weight"))
    return (
        mine.where(F.col("cost") > 0)
        .groupBy(*TOTAL)
        .agg(F.array_sort(F.collect_list(one)).alias("_direct"))
    )


def _parts() -> Column:
    """Who takes which part: the weights of the rule, or what is directly theirs."""
    listed = F.transform(
        F.array_sort("weights"),
        lambda one: F.struct(
            one["owner"].alias("owner"), one["weight"].cast("double").alias("weight")
        ),
    )
    names = F.transform("weights", lambda one: one["owner"])
    chosen = F.filter(
        "_direct", lambda one: (F.size("weights") == 0) | F.array_contains(names, one["owner"])
    )
    return F.when(F.col("way") == IN_PROPORTION, chosen).otherwise(listed)
