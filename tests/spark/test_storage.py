"""Hadoop's filesystems as a storage, and what is chosen for a path."""

from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from gristmill.jvm import java_class
from gristmill.storage import Storage
from gristmill.storage.hadoop import HadoopStorage, open_storage, qualified
from gristmill.storage.local import LocalStorage
from gristmill.storage.partitions import partition_folder
from tests.support.storage_conformance import *  # noqa: F403

# Hadoop's local filesystem looks and then creates; `unit` and `aws` race those that are in use.
del test_of_many_that_create_at_once_one_succeeds  # noqa: F821


@pytest.fixture
def storage(spark: SparkSession, tmp_path: Path) -> Storage:
    """Hadoop's own local filesystem, which renames as HDFS does, though not atomically."""
    conf = spark._jsc.hadoopConfiguration()
    return HadoopStorage(spark._jvm, conf, f"file://{tmp_path}/root")


def test_a_path_is_taken_as_spark_takes_it(spark: SparkSession, tmp_path: Path) -> None:
    for given in (str(tmp_path), f"file:{tmp_path}", f"file://{tmp_path}"):
        found = open_storage(spark, given)
        assert isinstance(found, LocalStorage)
        assert found.root == f"file://{tmp_path}"
    assert open_storage(spark, "out").root == f"file://{Path.cwd()}/out"
    assert qualified(spark, "logs/*.gz") == f"file://{Path.cwd()}/logs/*.gz"


@pytest.mark.parametrize(
    "value", ["a", "", "a/b", "é 🙂", "a=b%20", "__x", "2026-08", "50% [1]{a}"]
)
def test_partitions_are_named_as_spark_names_them(spark: SparkSession, value: str) -> None:
    naming = java_class(
        spark._jvm, "org.apache.spark.sql.catalyst.catalog.ExternalCatalogUtils"
    ).getPartitionPathString
    assert partition_folder({"a b": value, "c": "d"}) == f"{naming('a b', value)}/c=d"


def test_every_character_of_a_partition_is_escaped_as_spark_does_it(spark: SparkSession) -> None:
    naming = java_class(
        spark._jvm, "org.apache.spark.sql.catalyst.catalog.ExternalCatalogUtils"
    ).getPartitionPathString
    for code in range(1, 256):
        value = f"x{chr(code)}"
        assert partition_folder({"a": value}) == naming("a", value), code
    assert partition_folder({"a": None}) == naming("a", None)
