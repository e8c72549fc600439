"""Month over month: what each service costs, and cost in the month before."""

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from gristmill.cloud_costs.charges import MONEY
from gristmill.cloud_costs.measures import PERIOD, SUMMED, TOTAL, sum_of, summed, table
from gristmill.cloud_costs.money import difference, ratio
from gristmill.cloud_costs.summary import BY_SERVICE
from gristmill.model.dataset import Field

_KINDS = ("billed_cost", "effective_cost")
_NO_PERIOD = "null where the export has no charges of that month"

MONTH_OVER_MONTH = table(
    "month_over_month",
    "Costs by service beside those of the month before, and who moved most.",
    BY_SERVICE,
    *(
        field
        for kind in _KINDS
        for field in (
            Field(f"previous_{kind}", MONEY, f"{kind} in the month before; {_NO_PERIOD}"),
            Field(f"{kind}_change", MONEY, f"{kind} less that of the month before"),
            Field(f"{kind}_change_share", "double", "the change, of that; null where that is 0"),
        )
    ),
    Field(
        "rank",
        "int",
        f"1 for the largest change of effective cost up or down in its currency; {_NO_PERIOD}",
    ),
)


def month_over_month(costs: DataFrame) -> DataFrame:
    """Rows of `costs.costs` to rows of `MONTH_OVER_MONTH`.

    A service that is new cost 0 in the month before, and one that is gone costs 0 in this one.
    """
    by = [field.name for field in BY_SERVICE]
    now = summed(costs, by)
    zero = F.lit(0).cast(MONEY)
    before = now.select(
        "export",
        F.date_format(F.add_months(F.to_date("billing_period", "yyyy-MM"), 1), "yyyy-MM").alias(
            "billing_period"
        ),
        *("billing_currency", "report_currency", *by),
        *(F.col(kind).alias(f"previous_{kind}") for kind in _KINDS),
        *(_nothing(name) for name in SUMMED),
        F.lit(1).alias("_before"),
    )
    both = now.withColumns({f"previous_{kind}": zero for kind in _KINDS} | {"_before": F.lit(0)})
    both = both.unionByName(before)
    period = Window.partitionBy(*PERIOD)
    has_now, has_before = F.min("_before").over(period) == 0, F.max("_before").over(period) == 1
    marked = both.withColumns({"_has_now": has_now, "_has_before": has_before})
    found = _side_by_side(marked.where("_has_now"), by)
    return _ranked(found, by)


def _nothing(name: str) -> Column:
    # 0, but null where there is no reporting currency.
    type_ = "bigint" if name == "charges" else MONEY
    return F.when(F.col(name).isNotNull(), F.lit(0).cast(type_)).alias(name)


def _side_by_side(rows: DataFrame, by: list[str]) -> DataFrame:
    """The rows of both months of a service as one."""
    return rows.groupBy(*TOTAL, "report_currency", *by).agg(
        *(F.sum(name).alias(name) for name in SUMMED),
        *(
            F.when(F.bool_and("_has_before"), sum_of(f"previous_{kind}")).alias(f"previous_{kind}")
            for kind in _KINDS
        ),
    )


def _ranked(rows: DataFrame, by: list[str]) -> DataFrame:
    changes = {
        f"{kind}_change": difference(F.col(kind), F.col(f"previous_{kind}")) for kind in _KINDS
    }
    shares = {
        f"{kind}_change_share": ratio(F.col(f"{kind}_change"), F.col(f"previous_{kind}"))
        for kind in _KINDS
    }
    change = F.col("effective_cost_change")
    order = Window.partitionBy(*TOTAL).orderBy(F.desc(F.abs(change)), *by)
    rank = F.when(change.isNotNull(), F.row_number().over(order))
    return rows.withColumns(changes).withColumns(shares | {"rank": rank})
