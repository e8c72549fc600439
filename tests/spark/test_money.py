"""Arithmetic on amounts, against Python's decimals."""

import random
from decimal import Decimal, localcontext

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from gristmill.cloud_costs.money import FACTOR, difference, ratio, times
from tests.support.billing import to_18_places

AMOUNT = "decimal(38,18)"


def test_a_product_is_exact_to_the_18th_digit(spark: SparkSession) -> None:
    chance = random.Random(7)
    pairs = [
        (Decimal(chance.randrange(-(10**size), 10**size)).scaleb(-18), Decimal(rate).scaleb(-12))
        for size in (3, 18, 30, 36)
        for rate in (1, 10**12, 10**19 - 1, chance.randrange(10**19), chance.randrange(10**13))
        for _ in range(10)
    ]
    whole = Decimal(10) ** 18
    pairs = [(amount, rate) for amount, rate in pairs if abs(amount * rate) < whole]
    pairs += [(Decimal("-0.5e-17"), Decimal("0.1")), (Decimal("0.5e-17"), Decimal("0.1"))]
    rows = spark.createDataFrame(pairs, f"amount {AMOUNT}, factor {FACTOR}")
    found = rows.select("*", times(F.col("amount"), F.col("factor")).alias("found")).collect()
    assert len(found) > 100
    with localcontext() as context:
        context.prec = 80
        for row in found:
            assert row["found"] == to_18_places(row["amount"] * row["factor"]), row


def test_differences_are_exact_and_shares_of_nothing_are_null(spark: SparkSession) -> None:
    large, small = Decimal("1234567890123456789.000000000000000001"), Decimal("1e-18")
    rows = spark.createDataFrame([(large, small)], f"a {AMOUNT}, b {AMOUNT}")
    a, b = F.col("a"), F.col("b")
    zero = difference(a, a)
    found = rows.select(difference(a, b), zero, ratio(a, a), ratio(a, zero)).first()
    assert found is not None
    assert tuple(found) == (Decimal("1234567890123456789"), 0, 1.0, None)
