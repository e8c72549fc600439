"""Costs of all exports together, in the reporting currency."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from gristmill.cloud_costs.charges import MONEY
from gristmill.cloud_costs.measures import REPORTED
from gristmill.model.dataset import Dataset, Field

_BY = ("report_currency", "provider_name", "service_name", "charge_category")

COST_ROLLUP = Dataset(
    name="cost_rollup",
    help="Costs of all exports by service, in the reporting currency; empty without one.",
    fields=(
        Field("provider_name", "string", "who sells it"),
        Field("service_name", "string", "the service"),
        Field("charge_category", "string", "Usage, Purchase, Tax, Credit or Adjustment"),
        Field("report_currency", "string", "currency of the costs, ISO 4217"),
        *(
            Field(name, MONEY, f"{name.removeprefix('report_')} in that currency")
            for name in REPORTED
        ),
        Field("exports", "bigint", "how many exports have charges of it"),
        Field("charges", "bigint", "how many charges"),
        Field("billing_period", "string", "month of the billing period: yyyy-MM"),
    ),
    partitioned_by=("billing_period",),
    write_mode="partition",
    key=("billing_period", *_BY),
    sorted_by=_BY,
)


def rollup(costs: DataFrame) -> DataFrame:
    """Rows of `costs.costs` to rows of `COST_ROLLUP`."""
    return (
        costs.where(F.col("report_currency").isNotNull())
        .groupBy("billing_period", *_BY)
        .agg(
            *(F.coalesce(F.sum(name), F.lit(0)).cast(MONEY).alias(name) for name in REPORTED),
            F.countDistinct("export").alias("exports"),
            F.sum("charges").alias("charges"),
        )
    )
