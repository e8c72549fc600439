"""What a month has cost so far, beside the same days of the month before."""

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from gristmill.cloud_costs.charges import MONEY
from gristmill.cloud_costs.measures import PERIOD, TOTAL, sum_where
from gristmill.cloud_costs.money import difference, ratio
from gristmill.model.dataset import Dataset, Field

_BY = ("provider_name", "service_name")
_KINDS = ("billed_cost", "effective_cost")
_NONE = "null where the export has no charges of that month"

MONTH_TO_DATE = Dataset(
    name="month_to_date",
    help="Costs of a month so far by service, beside the same days of the month before.",
    fields=(
        Field("through_date", "date", "the last day of the period with usage in the export, UTC"),
        Field("provider_name", "string", "who sells it"),
        Field("service_name", "string", "the service"),
        Field("billing_currency", "string", "currency of the costs, ISO 4217"),
        *(Field(kind, MONEY, f"{kind} until that day") for kind in _KINDS),
        *(
            field
            for kind in _KINDS
            for field in (
                Field(f"previous_{kind}", MONEY, f"of as many days of the month before; {_NONE}"),
                Field(f"{kind}_change", MONEY, "the one less the other"),
                Field(f"{kind}_change_share", "double", "of the other; null where that is 0"),
            )
        ),
        Field("export", "string", "which export"),
        Field("billing_period", "string", "month of the billing period: yyyy-MM"),
    ),
    partitioned_by=PERIOD,
    write_mode="partition",
    key=(*TOTAL, *_BY),
    sorted_by=("billing_currency", *_BY),
)


def month_to_date(costs: DataFrame) -> DataFrame:
    """Rows of `costs.costs` to rows of `MONTH_TO_DATE`.

    The n-th day of a month is held against the n-th of the one before, its last against the last.
    """
    month = F.to_date("billing_period", "yyyy-MM")
    is_in = F.date_format("date", "yyyy-MM") == F.col("billing_period")
    is_usage = F.col("charge_category") == "Usage"
    ends = costs.groupBy(*PERIOD).agg(
        F.coalesce(
            F.max(F.when(is_in & is_usage, F.col("date"))), F.max(F.when(is_in, F.col("date")))
        ).alias("through_date")
    )
    ends = ends.withColumn("through_date", F.coalesce("through_date", F.last_day(month)))
    before = ends.select(
        "export",
        F.date_format(F.add_months(month, -1), "yyyy-MM").alias("billing_period"),
        F.col("billing_period").alias("_of"),
        F.when(
            F.col("through_date") == F.last_day("through_date"),
            F.last_day(F.add_months(month, -1)),
        )
        .otherwise(F.add_months("through_date", -1))
        .alias("_until"),
        F.lit(1).alias("_before"),
    )
    now = ends.select(
        *PERIOD,
        F.col("billing_period").alias("_of"),
        F.col("through_date").alias("_until"),
        F.lit(0).alias("_before"),
    )
    both = costs.join(now.unionByName(before), list(PERIOD)).where(
        F.col("date").isNull() | (F.col("date") <= F.col("_until"))
    )
    sums = both.groupBy("export", "_of", "billing_currency", *_BY).agg(
        *(sum_where(F.col("_before") == 0, kind, kind) for kind in _KINDS),
        *(sum_where(F.col("_before") == 1, kind, f"previous_{kind}") for kind in _KINDS),
        F.max("_before").alias("_before"),
    )
    period = Window.partitionBy("export", "_of")
    is_known = F.max("_before").over(period) == 1
    found = sums.withColumns(
        {f"previous_{kind}": F.when(is_known, F.col(f"previous_{kind}")) for kind in _KINDS}
    ).withColumnRenamed("_of", "billing_period")
    changes = {
        f"{kind}_change": difference(F.col(kind), F.col(f"previous_{kind}")) for kind in _KINDS
    }
    shares = {
        f"{kind}_change_share": ratio(F.col(f"{kind}_change"), F.col(f"previous_{kind}"))
        for kind in _KINDS
    }
    return found.join(ends, list(PERIOD)).withColumns(changes).withColumns(shares)
