"""The usual band of a service's daily cost, and the days on which it is left.

The band is the median of the days before, give or take so many of their median absolute deviations
(MAD), so that neither an earlier jump nor a few odd days widen it. The MAD times 1.4826 estimates a
standard deviation, and 3.5 of those are the limit that B. Iglewicz and D. C. Hoaglin recommend: How
to Detect and Handle Outliers, ASQC Basic References in Quality Control 16, 1993.
"""

from decimal import Decimal

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from gristmill.cloud_costs.charges import MONEY
from gristmill.cloud_costs.measures import PERIOD
from gristmill.cloud_costs.money import FACTOR, difference, ratio, times
from gristmill.model.dataset import Dataset, Field

COST_ANOMALIES = Dataset(
    name="cost_anomalies",
    help="Days on which the cost of a service's usage left the band of the days before.",
    fields=(
        Field("date", "date", "the day, UTC"),
        Field("provider_name", "string", "who sells it"),
        Field("service_name", "string", "the service"),
        Field("billing_currency", "string", "currency of the costs, ISO 4217"),
        Field("effective_cost", MONEY, "effective cost of its usage on the day"),
        Field("usual_cost", MONEY, "median of the days before"),
        Field("band_low", MONEY, "the lowest cost in the usual band"),
        Field("band_high", MONEY, "the highest cost in the usual band"),
        Field("amount", MONEY, "cost less the usual one: above 0 for a jump, below for a drop"),
        Field("share", "double", "the amount, of the usual cost; null where that is 0"),
        Field("score", "double", "the amount in MADs times 1.4826; null where the MAD is 0"),
        Field("export", "string", "which export"),
        Field("billing_period", "string", "month of the day: yyyy-MM"),
    ),
    partitioned_by=PERIOD,
    write_mode="partition",
    key=(*PERIOD, "date", "provider_name", "service_name", "billing_currency"),
    sorted_by=("date", "billing_currency", "provider_name", "service_name"),
)

_SERIES = ("export", "billing_currency", "provider_name", "service_name")
_SCALE = Decimal("1.4826")


def daily_usage(daily: DataFrame) -> DataFrame:
    """Rows of `COST_DAILY` to the effective cost of usage of each service on each day.

    A service without charges on a day costs 0, from the first day of its export's usage to the
    last. Purchases, tax, credits and refunds come on days of their own, and are left out.
    """
    is_usage = (F.col("charge_category") == "Usage") & F.col("date").isNotNull()
    costs = _by_day(daily.where(is_usage))
    export = Window.partitionBy("export")
    ends = costs.withColumns(
        {"_first": F.min("date").over(export), "_last": F.max("date").over(export)}
    )
    services = ends.groupBy(*_SERIES).agg(
        F.min("_first").alias("_first"), F.max("_last").alias("_last")
    )
    days = services.select(*_SERIES, F.explode(F.sequence("_first", "_last")).alias("date"))
    nothing = days.withColumn("effective_cost", F.lit(0).cast(MONEY))
    return _by_day(nothing.unionByName(costs))


def _by_day(costs: DataFrame) -> DataFrame:
    return costs.groupBy(*_SERIES, "date").agg(F.sum("effective_cost").alias("effective_cost"))


def bands(daily: DataFrame, window_days: int, threshold: Decimal) -> DataFrame:
    """Rows of `daily_usage` with what is usual in the `window_days` before each.

    The columns that say so are null where there are fewer days before. `threshold` is in MADs
    times 1.4826.
    """
    before = Window.partitionBy(*_SERIES).orderBy("date").rowsBetween(-window_days, -1)
    window = F.collect_list("effective_cost").over(before)
    days = daily.withColumns(
        {
            "_window": F.when(F.size(window) == window_days, window),
            "billing_period": F.date_format("date", "yyyy-MM"),
        }
    )
    usual = days.withColumn("usual_cost", _median(F.col("_window"), window_days))
    apart = F.transform("_window", lambda cost: F.abs(difference(cost, F.col("usual_cost"))))
    spread = usual.withColumn("_mad", _median(apart, window_days))
    width = times(F.col("_mad"), F.lit(threshold * _SCALE).cast(FACTOR))
    banded = spread.withColumns(
        {
            "amount": difference(F.col("effective_cost"), F.col("usual_cost")),
            "band_low": difference(F.col("usual_cost"), width),
            "band_high": difference(F.col("usual_cost"), -width),
        }
    )
    deviation = times(F.col("_mad"), F.lit(_SCALE).cast(FACTOR))
    return banded.withColumns(
        {
            "share": ratio(F.col("amount"), F.col("usual_cost")),
            "score": ratio(F.col("amount"), deviation),
        }
    ).drop("_window", "_mad")


def anomalies(banded: DataFrame, minimum: Decimal) -> DataFrame:
    """Those rows of `bands` that left their band, by an amount of at least `minimum`."""
    cost = F.col("effective_cost")
    is_out = ~cost.between(F.col("band_low"), F.col("band_high"))
    return banded.where(is_out & (F.abs("amount") >= F.lit(minimum).cast(MONEY)))


def _median(values: Column, count: int) -> Column:
    """The median of an array of `count` amounts, rounded half up to 18 digits after the point."""
    ordered = F.array_sort(values)
    # A digit less before the point, so that the sum of two has as many after it.
    middle = [
        F.get(ordered, F.lit(place)).cast("decimal(37,18)")
        for place in ((count - 1) // 2, count // 2)
    ]
    return ((middle[0] + middle[1]) / F.lit(2)).cast(MONEY)
