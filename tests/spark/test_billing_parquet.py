"""Cost exports in Parquet, with the columns and types that writers of it make."""

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession

from gristmill.cloud_costs.exports import ExportReader
from gristmill.errors import InputError
from gristmill.jobs.billing_charges import BillingChargesOptions
from tests.spark.test_billing_charges import CHARGE, LINE

Row = dict[str, Any]


def write(path: Path, row: Row, **columns: pa.Array) -> None:
    """Write a row to a file, some of whose columns have a type of their own."""
    table = pa.table({name: pa.array([cell]) for name, cell in row.items()} | columns)
    pq.write_table(table, path, version="2.6")


def read(spark: SparkSession, folder: Path) -> list[Row]:
    """The rows in a folder, in the order of its files."""
    reading = ExportReader().read(spark, [str(folder)], BillingChargesOptions())
    return [row.asDict() for row in reading.rows.orderBy("_source_file").collect()]


def test_a_column_that_has_another_type_in_another_month(
    spark: SparkSession, tmp_path: Path
) -> None:
    for month, cost in enumerate((1.5, Decimal("1.50"), "15e-1", 2)):
        write(tmp_path / f"{month}.parquet", CHARGE | {"BilledCost": cost})
    costs = [row["billed_cost"] for row in read(spark, tmp_path)]
    assert costs == [*[Decimal("1.5")] * 3, 2]


def test_what_writers_make_of_cells(spark: SparkSession, tmp_path: Path) -> None:
    start, end = datetime(2026, 9, 1), datetime(2026, 10, 1, tzinfo=UTC)
    write(
        tmp_path / "a.parquet",
        CHARGE,
        BillingPeriodStart=pa.array([start], pa.timestamp("ns")),
        BillingPeriodEnd=pa.array([end], pa.timestamp("ns", "UTC")),
        SubAccountId=pa.array([123456789012.0]),
        BilledCost=pa.array([Decimal("1.00000000000000000149")], pa.decimal128(38, 20)),
        EffectiveCost=pa.array([0.1], pa.float32()),
        ListCost=pa.array([-0.0]),
        ContractedCost=pa.array([1e-7]),
        Tags=pa.array([[{"key": "a", "value": "b", "inherited": True}]]),
    )
    # Names of other columns may have any marks; a column may be null throughout.
    odd = {"x_a.b": 1, "x`c": 2, "x d": 3}
    write(tmp_path / "b.parquet", CHARGE | odd | {"SubAccountId": None, "Tags": {"a": "c"}})
    first, second = read(spark, tmp_path)
    assert (first["_reason"], second["_reason"]) == (None, None)
    assert first["billing_period_start"] == start
    assert first["billing_period_end"] == end.replace(tzinfo=None)
    assert first["sub_account_id"] == "123456789012"
    assert first["billed_cost"] == Decimal("1.000000000000000001")
    assert first["effective_cost"] == Decimal("0.1")
    assert (first["list_cost"], first["contracted_cost"]) == (0, Decimal("0.0000001"))
    assert first["tags"] == {"a": "b"}
    assert (second["sub_account_id"], second["tags"]) == (None, {"a": "c"})


def test_a_whole_number_is_no_time(spark: SparkSession, tmp_path: Path) -> None:
    write(tmp_path / "a.parquet", CHARGE | {"ChargePeriodStart": 1788602400})
    assert [row["_reason"] for row in read(spark, tmp_path)] == ["bad_time"]


@pytest.mark.parametrize(
    ("other", "told"),
    [
        (
            {name: cell for name, cell in CHARGE.items() if name != "BilledCost"},
            r"b\.parquet looks like FOCUS 1\.0, but lacks BilledCost$",
        ),
        (LINE, r"b\.parquet is AWS CUR and .*a\.parquet is FOCUS 1\.0"),
        ({"x": 1}, r"b\.parquet is not a cost export that is known: it has the columns x;"),
        (CHARGE | {"billed_cost": "2"}, r"b\.parquet has columns twice \(BilledCost, billed_cost"),
        (CHARGE | {"billedcost": "2"}, r"b\.parquet has columns that cannot be read: .*already e"),
    ],
)
def test_each_file_is_held_against_what_an_export_has(
    spark: SparkSession, tmp_path: Path, other: Row, told: str
) -> None:
    write(tmp_path / "a.parquet", CHARGE)
    write(tmp_path / "b.parquet", other)
    with pytest.raises(InputError, match=told):
        read(spark, tmp_path)
