"""Checks and the split: nothing is lost, nothing is doubled."""

from chispa import assert_df_equality
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from gristmill.model.checks import REASON, Check, divide, judge

POSITIVE = Check("not_positive", lambda: F.col("n") > 0)
EVEN = Check("odd", lambda: F.col("n") % 2 == 0)


def test_every_row_is_valid_or_a_reject_for_the_first_rule_it_breaks(spark: SparkSession) -> None:
    rows = spark.createDataFrame([(n,) for n in (-2, -1, 0, 1, 2, None)], "n int")
    valid, rejects = divide(judge(rows, [POSITIVE, EVEN]))
    assert_df_equality(
        valid, spark.createDataFrame([(2,), (None,)], "n int"), ignore_row_order=True
    )
    expected = [(-2, "not_positive"), (-1, "not_positive"), (0, "not_positive"), (1, "odd")]
    assert_df_equality(
        rejects,
        spark.createDataFrame(expected, f"n int, {REASON} string"),
        ignore_row_order=True,
        ignore_nullable=True,
    )


def test_what_the_reader_found_comes_before_the_checks(spark: SparkSession) -> None:
    rows = spark.createDataFrame([(1, "unreadable"), (2, None)], f"n int, {REASON} string")
    valid, rejects = divide(judge(rows, [EVEN]))
    assert [row["n"] for row in valid.collect()] == [2]
    assert [row[REASON] for row in rejects.collect()] == ["unreadable"]


def test_without_checks_everything_is_valid(spark: SparkSession) -> None:
    rows = spark.range(3)
    valid, rejects = divide(judge(rows, []))
    assert_df_equality(valid, rows, ignore_row_order=True)
    assert rejects.count() == 0
