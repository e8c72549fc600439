"""What negotiated rates and commitments save of the list price."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from gristmill.cloud_costs.charges import MONEY
from gristmill.cloud_costs.costs import UNCONTRACTED
from gristmill.cloud_costs.measures import PERIOD, TOTAL, sum_where
from gristmill.cloud_costs.money import difference, ratio
from gristmill.model.dataset import Dataset, Field

_BY = ("provider_name", "service_name")

SAVINGS = Dataset(
    name="savings",
    help="What negotiated rates and commitments save of the list price, by service.",
    fields=(
        Field("provider_name", "string", "who sells it"),
        Field("service_name", "string", "the service"),
        Field("billing_currency", "string", "currency of the costs, ISO 4217"),
        Field("list_cost", MONEY, "usage at list prices"),
        Field(
            "contracted_cost",
            MONEY,
            "usage at contracted prices, discounts taken off; null where that of one is unknown",
        ),
        Field("effective_cost", MONEY, "usage amortized, and what of commitments was not used"),
        Field("negotiated_savings", MONEY, "list less contracted cost"),
        Field("commitment_savings", MONEY, "contracted less effective cost"),
        Field(
            "unused_cost", MONEY, "what of commitments was not used: it is in the effective cost"
        ),
        Field("savings", MONEY, "list less effective cost: both savings"),
        Field("savings_share", "double", "savings, of the list cost; null where that is 0"),
        Field("covered_list_cost", MONEY, "usage that commitments covered, at list prices"),
        Field("coverage", "double", "covered cost, of the list cost; null where that is 0"),
        Field("export", "string", "which export"),
        Field("billing_period", "string", "month of the billing period: yyyy-MM"),
    ),
    partitioned_by=PERIOD,
    write_mode="partition",
    key=(*TOTAL, *_BY),
    sorted_by=("billing_currency", *_BY),
)


def savings(costs: DataFrame) -> DataFrame:
    """Rows of `costs.costs` to rows of `SAVINGS`.

    Only usage has a price that is saved from: a commitment's purchase would count it once more.
    """
    is_used = F.coalesce(F.col("commitment_discount_status") == "Used", F.lit(False))
    is_unused = F.coalesce(F.col("commitment_discount_status") == "Unused", F.lit(False))
    is_usage = (F.col("charge_category") == "Usage") & ~is_unused
    is_unknown = F.count_if(is_usage & (F.col(UNCONTRACTED) > 0)) > 0
    found = costs.groupBy(*TOTAL, *_BY).agg(
        sum_where(is_usage, "list_cost", "list_cost"),
        F.when(~is_unknown, sum_where(is_usage, "contracted_cost", "_")).alias("contracted_cost"),
        sum_where(is_usage | is_unused, "effective_cost", "effective_cost"),
        sum_where(is_unused, "effective_cost", "unused_cost"),
        sum_where(is_usage & is_used, "list_cost", "covered_list_cost"),
    )
    listed, contracted, effective = (
        F.col(f"{kind}_cost") for kind in ("list", "contracted", "effective")
    )
    return found.withColumns(
        {
            "negotiated_savings": difference(listed, contracted),
            "commitment_savings": difference(contracted, effective),
            "savings": difference(listed, effective),
            "savings_share": ratio(difference(listed, effective), listed),
            "coverage": ratio(F.col("covered_list_cost"), listed),
        }
    )
