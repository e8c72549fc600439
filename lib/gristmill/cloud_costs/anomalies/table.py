"""The table of unusual costs: the events of each service, and who and what made them."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from gristmill.cloud_costs.anomalies.baseline import WEEK
from gristmill.cloud_costs.anomalies.events import DECLINE, GROWTH, Limits, events
from gristmill.cloud_costs.charges import MONEY
from gristmill.cloud_costs.costs import tag_value
from gristmill.cloud_costs.measures import PERIOD, sum_where
from gristmill.cloud_costs.money import difference, ratio
from gristmill.model.dataset import Dataset, Field

_PARTS = f"array<struct<value:string,amount:{MONEY}>>"

COST_ANOMALIES = Dataset(
    name="cost_anomalies",
    help="Events in which the cost of a service's usage was not what it was expected to be.",
    fields=(
        Field("kind", "string", "spike, drop, step_up, step_down, growth, decline, new, vanished"),
        Field("start_date", "date", "its first day, UTC"),
        Field("end_date", "date", "its last day so far; of a step, the last before it is usual"),
        Field("days", "int", "how many days"),
        Field("is_open", "boolean", "whether days to come may add to it"),
        Field("provider_name", "string", "who sells it"),
        Field("service_name", "string", "the service"),
        Field("billing_currency", "string", "currency of the costs, ISO 4217"),
        Field("effective_cost", MONEY, "effective cost of its usage on those days"),
        Field("expected_cost", MONEY, "what it was expected to be, to 6 digits after the point"),
        Field("amount", MONEY, "cost less the expected one"),
        Field("share", "double", "the amount, of the expected cost; null where that is 0"),
        Field("score", "double", "of the day that was farthest off: how many times the usual"),
        Field("by_account", _PARTS, "sub-accounts that made most of it, up to 3"),
        Field("by_usage_type", _PARTS, "usage types, or meters, that did"),
        Field("by_tag", _PARTS, "values of the tags of --tag that did, as key=value"),
        Field("export", "string", "which export"),
        Field("billing_period", "string", "month of the first day: yyyy-MM"),
    ),
    partitioned_by=PERIOD,
    write_mode="partition",
    key=(*PERIOD, "start_date", "provider_name", "service_name", "billing_currency", "kind"),
    sorted_by=("start_date", "billing_currency", "provider_name", "service_name"),
)

_SERIES = ("export", "billing_currency", "provider_name", "service_name")
_BEFORE, _SHOWN, _PLACES = 28, 3, 6
_FOUND = "array<struct<kind:string,start:int,end:int,expected:double,score:double,is_open:boolean>>"


def daily_usage(charges: DataFrame, tag_keys: Sequence[str]) -> DataFrame:
    """Rows of `CHARGES` to the effective cost of usage by day, service, account, type and tags.

    Purchases, tax, credits and refunds come on days of their own, and are left out.
    """
    day = F.to_date("charge_period_start")
    tags = [F.concat(F.lit(f"{key}="), tag_value(key)) for key in tag_keys]
    return (
        charges.where((F.col("charge_category") == "Usage") & day.isNotNull())
        .groupBy(
            *_SERIES,
            day.alias("date"),
            "sub_account_id",
            F.coalesce("x_usage_type", "sku_meter", "sku_id").alias("usage_type"),
            F.array_compact(F.array(*tags)).cast("array<string>").alias("tags"),
        )
        .agg(F.coalesce(F.sum("effective_cost"), F.lit(0)).cast(MONEY).alias("effective_cost"))
        .withColumn("billing_period", F.date_format("date", "yyyy-MM"))
    )


def anomalies(usage: DataFrame, limits: Limits) -> DataFrame:
    """Rows of `daily_usage` to rows of `COST_ANOMALIES`."""
    found = _events(_by_day(usage), limits)
    parts = _parts(usage, found)
    whole = found.withColumn("_event", _event()).join(parts, "_event")
    expected = F.round("expected", _PLACES).cast(MONEY)
    return whole.select(
        *_SERIES,
        "kind",
        "start_date",
        "end_date",
        (F.datediff("end_date", "start_date") + 1).alias("days"),
        "is_open",
        F.coalesce("cost", F.lit(0)).cast(MONEY).alias("effective_cost"),
        expected.alias("expected_cost"),
        difference(F.col("cost"), expected).alias("amount"),
        ratio(difference(F.col("cost"), expected), expected).alias("share"),
        F.round("score", 1).alias("score"),
        *_DIMENSIONS,
        F.date_format("start_date", "yyyy-MM").alias("billing_period"),
    )


def _by_day(usage: DataFrame) -> DataFrame:
    """What each service costs on each day from its export's first day to the last: an array."""
    export = Window.partitionBy("export")
    ends = usage.withColumns(
        {"_first": F.min("date").over(export), "_last": F.max("date").over(export)}
    )
    costs = ends.groupBy(*_SERIES, "_first", "_last", "date").agg(
        F.sum("effective_cost").cast("double").alias("cost")
    )
    named = costs.groupBy(*_SERIES, "_first", "_last").agg(
        F.map_from_entries(F.collect_list(F.struct("date", "cost"))).alias("_costs")
    )
    days = F.sequence("_first", "_last")
    each = F.transform(
        days, lambda day: F.coalesce(F.try_element_at("_costs", day), F.lit(0).cast("double"))
    )
    return named.select(*_SERIES, "_first", each.alias("costs"))


def _events(services: DataFrame, limits: Limits) -> DataFrame:
    """The events of services, with the columns `_SERIES`, `start_date`, `end_date` and more."""

    # A row is a service: all of its days at once.
    judged: Callable[..., Column] = F.udf(
        lambda first, costs: _judged(first, costs, limits), _FOUND
    )
    event = F.explode(judged("_first", "costs")).alias("event")
    rows = services.select(*_SERIES, "_first", event)
    return rows.select(
        *_SERIES,
        F.col("event.kind").alias("kind"),
        F.date_add("_first", F.col("event.start")).alias("start_date"),
        F.date_add("_first", F.col("event.end")).alias("end_date"),
        F.col("event.expected").alias("expected"),
        F.col("event.score").alias("score"),
        F.col("event.is_open").alias("is_open"),
    )


def _judged(first: date, costs: Sequence[float], limits: Limits) -> list[tuple[Any, ...]]:
    return [
        (one.kind, one.start, one.end, one.usual, one.score, one.is_open)
        for one in events(first, costs, limits)
    ]


_DIMENSIONS: Mapping[str, Callable[[], Column]] = {
    "by_account": lambda: F.array(F.coalesce("sub_account_id", F.lit("without an id"))),
    "by_usage_type": lambda: F.array(F.coalesce("usage_type", F.lit("without a type"))),
    "by_tag": lambda: F.col("tags"),
}


def _parts(usage: DataFrame, found: DataFrame) -> DataFrame:
    """What each event cost, and the values of each dimension that made most of it.

    What a value was expected to cost is its mean of the four weeks before the event; of slow growth
    or decline, that of its first week.
    """
    one = found.select(
        _service().alias("_service"), _event().alias("_event"), "kind", "start_date", "end_date"
    )
    near = one.join(usage.withColumn("_service", _service()), "_service").where(
        F.col("date").between(F.date_sub("start_date", _BEFORE), F.col("end_date"))
    )
    each = F.explode(
        F.concat(
            *(F.transform(values(), _of(name)) for name, values in _DIMENSIONS.items()),
            F.array(F.struct(F.lit("").alias("dimension"), F.lit("").alias("value"))),
        )
    )
    is_slow = F.col("kind").isin(GROWTH, DECLINE)
    is_during = F.col("date") >= F.col("start_date")
    is_first_week = is_during & (F.col("date") < F.date_add("start_date", WEEK))
    is_before = F.when(is_slow, is_first_week).otherwise(~is_during)
    days = F.datediff("end_date", "start_date") + 1
    many = F.first(F.when(is_slow, WEEK).otherwise(_BEFORE))
    cost = sum_where(is_during, "effective_cost", "cost")
    before = sum_where(is_before, "effective_cost", "before")
    usual = F.round(F.col("before").cast("double") * F.col("days") / F.col("many"), _PLACES)
    moved = (
        near.select("*", each.alias("part"))
        .groupBy("_event", "part")
        .agg(cost, before, F.first(days).alias("days"), many.alias("many"))
        .withColumn("amount", difference(F.col("cost"), usual.cast(MONEY)))
    )
    return moved.groupBy("_event").agg(
        F.max(F.when(F.col("part.dimension") == "", F.col("cost"))).alias("cost"),
        *(_most(name).alias(name) for name in _DIMENSIONS),
    )


def _service() -> Column:
    """What a service is known by, which a join by null needs."""
    return F.to_json(F.struct(*_SERIES), {"ignoreNullFields": "false"})


def _event() -> Column:
    return F.to_json(F.struct(*_SERIES, "start_date", "kind"), {"ignoreNullFields": "false"})


def _of(name: str) -> Any:
    return lambda value: F.struct(F.lit(name).alias("dimension"), value.alias("value"))


def _most(name: str) -> Column:
    """The values of a dimension whose cost moved most, by how far."""
    is_it = F.col("part.dimension") == name
    ranked = F.struct(
        (-F.abs("amount")).alias("rank"),
        F.col("part.value").alias("value"),
        F.col("amount").alias("amount"),
    )
    moved = F.collect_list(F.when(is_it & (F.col("amount") != 0), ranked))
    first = F.slice(F.array_sort(moved), 1, _SHOWN)
    return F.transform(first, lambda part: F.struct(part["value"], part["amount"]))
