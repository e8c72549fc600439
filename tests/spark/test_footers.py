"""Row counts and types by the footers of what was written."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession

from gristmill.engine.parquet import rows_of_files
from gristmill.errors import AuditError
from gristmill.model.dataset import Dataset, Field
from gristmill.storage.local import LocalStorage

DATASET = Dataset(
    name="things",
    help="",
    fields=(
        Field("name", "string", ""),
        Field("size", "bigint", ""),
        Field("tags", "map<string,string>", ""),
        Field("cost", "decimal(38,18)", ""),
        Field("at", "timestamp", ""),
        Field("place", "string", ""),
    ),
    partitioned_by=("place",),
    write_mode="partition",
)


def counted(spark: SparkSession, folder: Path) -> dict[str, int]:
    files = LocalStorage(str(folder)).data_files("")
    rows = rows_of_files(spark, DATASET, f"file://{folder}", files)
    return {file.path: count for file, count in zip(files, rows, strict=True)}


@pytest.mark.parametrize("place", ["plain", "a b/ü%20[1]=#?:{x}"])
def test_rows_are_counted_by_file(spark: SparkSession, tmp_path: Path, place: str) -> None:
    folder = tmp_path / "50% [of] {it}"
    sql = "select 'a' name, id size, map('k', 'v') tags, cast(1 as decimal(38,18)) cost, now() at"
    rows = spark.sql(f"{sql}, if(id < 3, '{place}', 'other') place from range(10)").coalesce(1)
    rows.write.partitionBy("place").parquet(str(folder))
    found = counted(spark, folder)
    assert sorted(found.values()) == [3, 7]
    assert found == {
        str(file.relative_to(folder)): pq.read_metadata(file).num_rows
        for file in folder.glob("*/*.parquet")
    }


@pytest.mark.parametrize(("column", "was"), [(pa.array([1], pa.int32()), "int"), (None, "nothing")])
def test_a_file_with_other_columns_is_named(
    spark: SparkSession, tmp_path: Path, column: pa.Array | None, was: str
) -> None:
    columns = {"name": ["a"]} if column is None else {"name": ["a"], "size": column}
    (tmp_path / "place=x").mkdir()
    pq.write_table(pa.table(columns), tmp_path / "place=x" / "a.parquet")
    with pytest.raises(AuditError, match=f"things: size was written as {was}"):
        counted(spark, tmp_path)


def test_of_no_files_there_are_no_rows(spark: SparkSession, tmp_path: Path) -> None:
    assert counted(spark, tmp_path) == {}
