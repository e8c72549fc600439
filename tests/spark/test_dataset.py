"""A dataset is a contract."""

import pytest
from chispa import assert_df_equality
from pyspark.sql import SparkSession

from gristmill.errors import SchemaError
from gristmill.model.dataset import Dataset, Field

PRICES = Dataset(
    name="prices",
    help="What things cost.",
    fields=(
        Field("item", "string", "the thing"),
        Field("price", "decimal(10,2)", "what it costs"),
        Field("day", "date", "when"),
    ),
    partitioned_by=("day",),
    write_mode="partition",
)


def test_a_frame_gets_the_columns_of_the_dataset_in_their_order(spark: SparkSession) -> None:
    frame = spark.sql("SELECT 1 AS extra, DATE'2026-01-01' AS day, 1.50BD AS price, 'a' AS item")
    frame = frame.withColumn("price", frame.price.cast("decimal(10,2)"))
    expected = spark.sql(
        "SELECT 'a' AS item, CAST(1.50 AS decimal(10,2)) AS price, DATE'2026-01-01' AS day"
    )
    assert_df_equality(PRICES.conform(frame), expected, ignore_nullable=True)


def test_everything_that_does_not_fit_is_named_at_once(spark: SparkSession) -> None:
    with pytest.raises(SchemaError) as caught:
        PRICES.conform(spark.sql("SELECT 1 AS item, 1.5D AS price"))
    assert str(caught.value) == (
        "dataset prices: item is int, not string; "
        "price is double, not decimal(10,2); day is missing"
    )
