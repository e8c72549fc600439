"""Budgets: what of each is spent, and what its month is forecast to come to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from gristmill.cloud_costs import selectors
from gristmill.cloud_costs.charges import MONEY
from gristmill.cloud_costs.forecast import rest_of_month
from gristmill.cloud_costs.measures import MEASURES, sum_where
from gristmill.cloud_costs.money import ratio
from gristmill.cloud_costs.rule_files import check_names, is_number, tables
from gristmill.errors import InputError
from gristmill.model.dataset import Dataset, Field

BUDGET_STATUS = Dataset(
    name="budget_status",
    help="Budgets by month: what is spent, and what the month is forecast to come to.",
    fields=(
        Field("budget", "string", "its name"),
        Field("currency", "string", "its currency, ISO 4217; charges in others do not count"),
        Field("measure", "string", "which cost counts: effective_cost, billed_cost …"),
        Field("amount", MONEY, "the budget of a month; null where it is only forecast"),
        Field("through_date", "date", "the last day of the month with usage in any export, UTC"),
        Field("spent", MONEY, "what its charges of the month sum to"),
        Field("forecast", MONEY, "what the whole month is expected to come to, to 2 digits"),
        Field("spent_share", "double", "spent, of the amount; null where that is 0"),
        Field("forecast_share", "double", "the forecast, of the amount"),
        Field("status", "string", "within, forecast_over or over; null without an amount"),
        Field("billing_period", "string", "month of the billing period: yyyy-MM"),
    ),
    partitioned_by=("billing_period",),
    write_mode="partition",
    key=("billing_period", "budget"),
    sorted_by=("budget",),
)

_KEYS = ("name", "amount", "currency", "measure")
_BUDGET = f"struct<name:string,currency:string,measure:string,amount:{MONEY}>"


@dataclass(frozen=True)
class Budget:
    """What charges that `when` chooses may cost in a month, by a measure, in a currency."""

    name: str
    when: Mapping[str, Any]
    currency: str
    measure: str
    amount: Decimal | None


def parse(text: str, file: str) -> tuple[Budget, ...]:
    """The budgets of a TOML file: `[[budget]]`. Raises `InputError`, naming what is wrong."""
    found = [_budget(one, place) for _, one, place in tables(text, file, ("budget",))]
    check_names([one.name for one in found], file, "budgets")
    return tuple(found)


def _budget(one: Mapping[str, Any], place: str) -> Budget:
    when = {key: value for key, value in one.items() if key not in _KEYS}
    selectors.check(when, place)
    name, currency = one.get("name"), one.get("currency")
    for key, value in (("name", name), ("currency", currency)):
        if not isinstance(value, str) or not value:
            raise InputError(f'{place}: a {key} is missing, as {key} = "USD"')
    measure = f"{one.get('measure', 'effective')}_cost"
    if measure not in MEASURES:
        known = ", ".join(name.removesuffix("_cost") for name in MEASURES)
        raise InputError(f"{place}: measure is one of {known}, not {one['measure']!r}")
    amount = one.get("amount")
    if amount is not None and not is_number(amount):
        raise InputError(f"{place}: an amount is a number, not {amount!r}")
    return Budget(
        str(name), when, str(currency), measure, None if amount is None else Decimal(amount)
    )


def budgeted(charges: DataFrame, budgets: Sequence[Budget]) -> DataFrame:
    """`charges`, a row for each budget that it counts for, in `budget`; null where for none."""
    each = [
        F.when(
            selectors.chosen(one.when),
            F.struct(*map(F.lit, (one.name, one.currency, one.measure, one.amount))).cast(_BUDGET),
        )
        for one in budgets
    ]
    return charges.withColumn("budget", F.explode_outer(F.array_compact(F.array(*each))))


def gathered(charges: DataFrame) -> DataFrame:
    """Rows of `budgeted`, measured, to what each budget costs a day: `usage` and `others`.

    What counts for no budget is there as well, under null: it says until when there is usage.
    """
    currency = F.col("budget.currency")
    amount = F.when(currency == F.col("billing_currency"), _chosen(MEASURES, "")).when(
        currency == F.col("report_currency"), _chosen(MEASURES, "report_")
    )
    counted = charges.withColumns(
        {
            "budget": F.when(amount.isNotNull(), F.col("budget")),
            "_amount": F.coalesce(amount, F.col("effective_cost")),
            "date": F.to_date("charge_period_start"),
        }
    )
    is_usage = F.col("charge_category") == "Usage"
    return counted.groupBy("budget", "billing_period", "date").agg(
        sum_where(is_usage, "_amount", "usage"), sum_where(~is_usage, "_amount", "others")
    )


def _chosen(measures: Sequence[str], prefix: str) -> Column:
    found = F.lit(None).cast(MONEY)
    for name in measures:
        is_it = F.col("budget.measure") == name
        found = F.when(is_it, F.coalesce(f"{prefix}{name}", F.lit(0))).otherwise(found)
    return found


def status(days: DataFrame) -> DataFrame:
    """Rows of `gathered` to rows of `BUDGET_STATUS`."""
    known = days.where(F.col("budget").isNotNull())
    spent = known.groupBy("budget", "billing_period").agg(
        (F.sum("usage") + F.sum("others")).cast(MONEY).alias("spent")
    )
    month = F.to_date("billing_period", "yyyy-MM")
    last = days.agg(F.max(F.when(F.col("usage") != 0, F.col("date"))).alias("_last"))
    rest = _rest(known, last)
    found = (
        spent.crossJoin(F.broadcast(last))
        .join(rest, "budget", "left")
        .withColumns(
            {
                "through_date": F.least(F.last_day(month), F.coalesce("_last", F.last_day(month))),
                "_is_open": F.date_format("_last", "yyyy-MM") == F.col("billing_period"),
            }
        )
    )
    more = F.when(F.col("_is_open"), F.coalesce("_rest", F.lit(0.0))).otherwise(F.lit(0.0))
    amount = F.col("budget.amount")
    forecast = F.round(F.col("spent").cast("decimal(37,18)") + F.round(more, 2).cast(MONEY), 2)
    with_forecast = found.withColumn("forecast", forecast.cast(MONEY))
    over = F.when(F.col("spent") > amount, "over").when(F.col("forecast") > amount, "forecast_over")
    return with_forecast.select(
        F.col("budget.name").alias("budget"),
        F.col("budget.currency").alias("currency"),
        F.col("budget.measure").alias("measure"),
        amount.alias("amount"),
        "through_date",
        "spent",
        "forecast",
        ratio(F.col("spent"), amount).alias("spent_share"),
        ratio(F.col("forecast"), amount).alias("forecast_share"),
        F.when(amount.isNotNull(), over.otherwise("within")).alias("status"),
        "billing_period",
    )


def _rest(days: DataFrame, last: DataFrame) -> DataFrame:
    """What of the last month is still to come, by budget."""
    by_day = (
        days.where(F.col("date").isNotNull())
        .groupBy("budget", "date")
        .agg(*(F.sum(name).cast("double").alias(name) for name in ("usage", "others")))
        .crossJoin(F.broadcast(last))
        .where(F.col("date") <= F.col("_last"))
    )
    named = by_day.groupBy("budget", "_last").agg(
        F.min("date").alias("_first"),
        *(
            F.map_from_entries(F.collect_list(F.struct("date", name))).alias(f"_{name}")
            for name in ("usage", "others")
        ),
    )
    each = named.select("budget", "_first", *map(_filled, ("usage", "others")))
    # A row is a budget: all of its days at once. Hints would make Spark look for another kind.
    rest = F.udf(lambda *days: rest_of_month(*days), "double")  # noqa: PLW0108
    return each.select("budget", rest("_first", "usage", "others").alias("_rest"))


def _filled(name: str) -> Column:
    """What each day costs, in order: nothing where it has no charges."""

    def cost(day: Column) -> Column:
        return F.coalesce(F.try_element_at(f"_{name}", day), F.lit(0).cast("double"))

    return F.transform(F.sequence("_first", "_last"), cost).alias(name)
