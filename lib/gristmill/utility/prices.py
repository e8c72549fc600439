"""Tariffs as a table for Spark to join: the price at every hour of the week in every month."""

import math
from collections.abc import Mapping, Sequence
from operator import itemgetter
from typing import Any

from pyspark.sql import DataFrame, SparkSession

from gristmill.utility.amounts import EXACT, RATE
from gristmill.utility.tariffs import CUSTOMER, DEMAND, ENERGY, EXPORT, Tariff

_CHARGE = f"struct<window: string, rate: {RATE}, unit: string>"

CHARGES = f"array<{_CHARGE}>"
TIERS = f"array<struct<window: string, rate: {RATE}, above: {EXACT}>>"
"""Rates by how much of a month's use they are for: what is above so much, until the next one."""

_VALID = "since: date, until: date"
PRICE = (
    f"struct<season: string, energy: {TIERS}, demand: {CHARGES}, export: {CHARGES}, "
    f"customer: array<struct<{_VALID}, charges: {CHARGES}>>>"
)
"""The price of an interval: its season, its energy charge by tiers, the demand charges that hold
then, what is paid then for what is fed in, none or one, and the customer charges of its tariff, by
when they are valid."""

KEY = ("tariff", "month_number", "weekday", "slot")
"""By what to join: months are 1 to 12, weekdays 0 (Monday) to 6."""
_SCHEMA = (
    f"tariff string, month_number int, weekday int, slot int, since date, until date, price {PRICE}"
)


def step(tariffs: Sequence[Tariff]) -> int:
    """How many minutes of the local day a slot has."""
    return math.gcd(*(tariff.step for tariff in tariffs))


def price_list(
    spark: SparkSession, tariffs: Sequence[Tariff], seasons: Mapping[int, str]
) -> DataFrame:
    """One row for each slot of a week in each month, with the columns of `KEY`, `price`, and when
    it is valid: from the day `since` until the day `until`, not included; null is ever.

    `tariffs` have passed `tariffs.check`. Raises `InputError` where one contradicts itself about
    a season.
    """
    customer: dict[str, list[tuple[Any, ...]]] = {}
    for tariff in tariffs:
        charges = [(one.window, one.rate, one.unit) for one in tariff.of(CUSTOMER)]
        customer.setdefault(tariff.name, []).append((tariff.since, tariff.until, sorted(charges)))
    rows = [
        row
        for tariff in tariffs
        for row in _rows(tariff, seasons, step(tariffs), customer[tariff.name])
    ]
    return spark.createDataFrame(rows, _SCHEMA)


def _rows(
    tariff: Tariff,
    seasons: Mapping[int, str],
    minutes: int,
    customer: Sequence[tuple[Any, ...]],
) -> list[tuple[Any, ...]]:
    season = tariff.seasons(seasons)
    rows = []
    for month, weekday, minute in tariff.slots(minutes):
        holding: dict[str, list[tuple[Any, ...]]] = {}
        for charge in tariff.charges:
            if charge.holds(month, weekday, minute):
                last = charge.above if charge.kind == ENERGY else charge.unit
                holding.setdefault(charge.kind, []).append((charge.window, charge.rate, last))
        energy = sorted(holding.get(ENERGY, ()), key=itemgetter(2))
        others = (sorted(holding.get(kind, ())) for kind in (DEMAND, EXPORT))
        price = (season[month], energy, *others, customer)
        valid = (tariff.since, tariff.until)
        rows.append((tariff.name, month, weekday, minute // minutes, *valid, price))
    return rows
