"""Money and quantities as exact decimals.

Spark gives a product that does not fit 38 digits fewer decimal places, down to six. These types
are chosen so that a quantity times a rate has twelve and seven digits before the point, and so
keeps all of its eighteen places: it is rounded, half up, at the eighteenth and nowhere else.
https://spark.apache.org/docs/latest/sql-ref-ansi-compliance.html (arithmetic of decimals)
"""

from functools import reduce
from operator import add

from pyspark.sql import Column
from pyspark.sql import functions as F

MONEY = "decimal(38,18)"
"""An amount of money, not rounded."""

CENTS = "decimal(38,2)"
"""An amount of money in whole cents."""

QUANTITY = "decimal(38,18)"
"""How much was used, in kWh or kW."""

EXACT = "decimal(30,18)"
"""A quantity as it is read, or to be multiplied."""

RATE = "decimal(25,18)"
"""What a unit costs."""

_SUMMAND = "decimal(35,18)"  # two of them add up to 36 digits, four to 38


def amount(quantity: Column, rate: Column) -> Column:
    """A quantity times a rate, as `MONEY`. A quantity of more than twelve digits fails the run."""
    return (quantity.cast(EXACT) * rate.cast(RATE)).cast(MONEY)


def total(first: Column, second: Column, third: Column, fourth: Column) -> Column:
    """The sum of four amounts, as `MONEY`."""
    return reduce(add, (part.cast(_SUMMAND) for part in (first, second, third, fourth))).cast(MONEY)


def in_cents(money: Column) -> Column:
    """An amount rounded half up (away from zero) to two places, as `CENTS`."""
    return F.round(money, 2).cast(CENTS)
