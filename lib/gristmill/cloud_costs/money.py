"""Arithmetic on amounts that loses no digit on the way."""

from pyspark.sql import Column
from pyspark.sql import functions as F

from gristmill.cloud_costs.charges import MONEY

FACTOR = "decimal(19,12)"
"""The type of what amounts are multiplied by: 7 digits before the point and 12 after it."""


def times(amount: Column, factor: Column) -> Column:
    """An amount times a `FACTOR`, rounded half up to 18 digits after the point.

    Of a product of two long decimals Spark keeps no more than 38 digits, and cuts those after the
    point first. So the whole units and the fraction are multiplied apart, each without loss.
    Amounts have up to 18 digits before the point.
    """
    fraction = (amount % F.lit(1)).cast("decimal(18,18)")
    whole = amount.cast("decimal(37,18)") - fraction
    # A digit less before the point, so that their sum has as many after it.
    parts = [
        (part * factor).cast("decimal(37,18)") for part in (whole.cast("decimal(18,0)"), fraction)
    ]
    return (parts[0] + parts[1]).cast(MONEY)


def difference(amount: Column, other: Column) -> Column:
    """One amount less another."""
    return (amount.cast("decimal(37,18)") - other.cast("decimal(37,18)")).cast(MONEY)


def ratio(part: Column, whole: Column) -> Column:
    """A share to 9 digits, which is a double as it is no amount; null where the whole is 0."""
    return F.round(F.try_divide(part.cast("double"), whole.cast("double")), 9)
