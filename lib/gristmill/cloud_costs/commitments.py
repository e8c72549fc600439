"""Commitments: what was paid for savings plans, reservations and the like, and what came of it.

The terms are those of FOCUS, https://focus.finops.org/focus-specification/v1-2/, where a purchase
bills a commitment and each hour of it is usage that is Used or Unused at its effective cost; over
the term of a commitment the two are equal. See docs/billing-summary.md for the formulas.
"""

from functools import reduce

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from gristmill.cloud_costs.charges import MONEY
from gristmill.cloud_costs.measures import PERIOD, TOTAL, label, sum_of, sum_where
from gristmill.cloud_costs.money import ratio
from gristmill.model.dataset import Dataset, Field

_ID = "commitment_discount_id"
_LABELS = (
    label("commitment_discount_name", "its name"),
    label("commitment_discount_category", "Spend or Usage"),
    label("commitment_discount_type", "the provider's kind of commitment"),
    Field("x_commitment_end", "timestamp", "when it expires, UTC; null where AWS does not say"),
)

COMMITMENTS = Dataset(
    name="commitments",
    help="Commitments of a period: purchased, used and unused cost, utilization and coverage.",
    fields=(
        Field(
            _ID, "string", "the commitment: a savings plan, a reservation; null of those not named"
        ),
        *_LABELS,
        Field("billing_currency", "string", "currency of the costs, ISO 4217"),
        Field("purchased_cost", MONEY, "billed cost of its purchases in the period"),
        Field("used_cost", MONEY, "effective cost of what was used of it"),
        Field("unused_cost", MONEY, "effective cost of what was not"),
        Field("utilization", "double", "used of used and unused cost; null where both are 0"),
        Field("covered_list_cost", MONEY, "list cost of the usage that it covered"),
        Field(
            "eligible_list_cost",
            MONEY,
            "list cost of all usage of the services in which it covered some: the most that it "
            "could have covered",
        ),
        Field("coverage", "double", "covered of eligible list cost: at least so much"),
        Field("charges", "bigint", "how many charges name it"),
        Field("export", "string", "which export"),
        Field("billing_period", "string", "month of the billing period: yyyy-MM"),
    ),
    partitioned_by=PERIOD,
    write_mode="partition",
    key=(*TOTAL, _ID),
    sorted_by=("billing_currency", _ID),
)

_USAGE = ("Usage", "DiscountedUsage", "SavingsPlanCoveredUsage")
"""The kinds of line items of AWS that are usage, and not what is set off against it."""


def commitments(costs: DataFrame) -> DataFrame:
    """Rows of `costs.costs` to rows of `COMMITMENTS`."""
    status = F.col("commitment_discount_status")
    # AWS has no row for what is unused: the fee that buys a commitment holds it.
    is_used, is_unused = status == "Used", status == "Unused"
    is_usage = (F.col("charge_category") == "Usage") & ~F.coalesce(is_unused, F.lit(False))
    is_usage &= F.coalesce(F.col("x_line_item_type").isin(*_USAGE), F.lit(True))
    # A refund takes back what was bought.
    is_bought = F.coalesce(F.col("x_line_item_type") == "Refund", F.lit(False))
    is_bought |= F.col("charge_category") == "Purchase"
    covered = F.when(is_used & is_usage, F.col("list_cost"))
    service = (*TOTAL, "provider_name", "service_name")

    by_service = (
        _whole_ids(costs.where(_is_of_one()))
        .groupBy(*service, _ID)
        .agg(
            sum_where(is_bought, "billed_cost", "purchased_cost"),
            sum_where(is_used, "effective_cost", "used_cost"),
            sum_where(is_unused, "effective_cost", "unused_cost"),
            F.sum(covered).alias("covered_list_cost"),
            F.sum("charges").alias("charges"),
            *(F.max(field.name).alias(field.name) for field in _LABELS),
        )
    )
    eligible = costs.where(is_usage).groupBy(*service).agg(sum_of("list_cost"))
    joined = _beside(by_service, eligible, service)
    found = joined.groupBy(*TOTAL, _ID).agg(
        *(sum_of(name) for name in ("purchased_cost", "used_cost", "unused_cost")),
        *(sum_of(name) for name in ("covered_list_cost", "eligible_list_cost")),
        F.sum("charges").alias("charges"),
        *(F.max(field.name).alias(field.name) for field in _LABELS),
    )
    spent = F.col("used_cost") + F.col("unused_cost")
    return found.withColumns(
        {
            "utilization": ratio(F.col("used_cost"), spent),
            "coverage": ratio(F.col("covered_list_cost"), F.col("eligible_list_cost")),
        }
    )


def _is_of_one() -> Column:
    """Whether costs are of a commitment, also of one that they do not name."""
    named = (_ID, "commitment_discount_status", "commitment_discount_category")
    is_named = reduce(Column.__or__, (F.col(name).isNotNull() for name in named))
    return is_named | F.coalesce(F.col("x_line_item_type") == "SavingsPlanUpfrontFee", F.lit(False))


def _whole_ids(costs: DataFrame) -> DataFrame:
    """Costs with the whole id of a commitment, also where a line has but the end of it."""
    last = F.substring_index(_ID, "/", -1)
    is_whole = F.contains(F.col(_ID), F.lit("/"))
    same = Window.partitionBy("export", "provider_name", last)
    whole = F.max(F.when(is_whole, F.col(_ID))).over(same)
    return costs.withColumn(_ID, F.when(is_whole, F.col(_ID)).otherwise(F.coalesce(whole, _ID)))


def _beside(by_service: DataFrame, eligible: DataFrame, service: tuple[str, ...]) -> DataFrame:
    """The costs of a commitment in a service with all that is eligible there, where it was used."""
    other = eligible.select(
        *(F.col(name).alias(f"_{name}") for name in service), F.col("list_cost").alias("_eligible")
    )
    same = [F.col(name).eqNullSafe(F.col(f"_{name}")) for name in service]
    was_used = F.col("covered_list_cost").isNotNull()
    return by_service.join(other, same, "left").withColumn(
        "eligible_list_cost", F.when(was_used, F.col("_eligible"))
    )
