"""Spark as a reader of a dataset while publishes replace what is in it, plain and by our reader."""

import contextlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from gristmill.diagnosis.explain import explain
from gristmill.model.dataset import Dataset, Field
from gristmill.readers.published import DatasetReader
from tests.crash.test_processes import await_stop, worker
from tests.crash.test_readers import Found, classify, watch

STOCK = Dataset(
    name="stock",
    help="As tests.crash.worker publishes it.",
    fields=(
        Field("generation", "bigint", "which publish it is from"),
        Field("item", "bigint", "what it is"),
        Field("shop", "int", "where"),
    ),
    partitioned_by=("shop",),
    write_mode="partition",
)


def found(frame: DataFrame) -> Found:
    counted = frame.groupBy(F.input_file_name().alias("file"), "generation").count().collect()
    return [(row["file"], row["generation"], row["count"]) for row in counted]


def test_a_plain_read_finds_whole_files_that_were_published_or_fails(
    spark: SparkSession, tmp_path: Path
) -> None:
    def read(folder: Path) -> Found | None:
        try:
            return found(spark.read.parquet(str(folder)))
        except Exception as error:
            if not re.search("went away|NoSuchFileException", f"{explain(error)} {error}"):
                raise
            return None

    seen = watch(read, tmp_path / "out", files=2, reads=15, pause=0.5)
    print(f"\nspark, 2 files a partition: {seen}")


@contextlib.contextmanager
def cut_off_at(folder: Path, stop: str, dead: bool) -> Iterator[None]:
    """A second generation that has not quite replaced the first, by a run that lives or not."""
    with worker("generations", folder, "2", "0", "parquet", stop) as writer:
        await_stop(writer)
        if dead:
            writer.kill()
            writer.wait()
        yield


@pytest.mark.parametrize(
    "stop",
    [
        "apply.move:5",
        *(pytest.param(s, marks=pytest.mark.thorough) for s in ("commit.after:1", "apply.moved:1")),
    ],
)
def test_our_reader_finishes_the_publish_of_a_dead_run_before_it_looks(
    spark: SparkSession, tmp_path: Path, stop: str
) -> None:
    with cut_off_at(tmp_path, stop, dead=True):
        rows = DatasetReader(STOCK).read(spark, [str(tmp_path)], None).rows
        assert classify(found(rows), files=2, before=2) == "only new"


@pytest.mark.parametrize("stop", ["stage:1", "commit.before:1"])
def test_our_reader_finds_the_old_rows_of_a_dataset_until_the_new_ones_are_committed(
    spark: SparkSession, tmp_path: Path, stop: str
) -> None:
    with cut_off_at(tmp_path, stop, dead=False):
        rows = DatasetReader(STOCK).read(spark, [str(tmp_path / "stock")], None).rows
        assert classify(found(rows), files=2, before=2) == "only old"


def test_our_reader_finds_both_nowhere_though_a_plain_one_does(
    spark: SparkSession, tmp_path: Path
) -> None:
    with cut_off_at(tmp_path, "apply.delete:2", dead=True):
        plain = spark.read.parquet(str(tmp_path / "stock"))
        assert classify(found(plain), files=2, before=2) == "both"
        rows = DatasetReader(STOCK).read(spark, [str(tmp_path)], None).rows
        assert classify(found(rows), files=2, before=2) == "only new"
