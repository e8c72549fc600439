"""The audit of what lies in the stage, before any of it is published."""

from collections.abc import Mapping

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from gristmill.errors import AuditError
from gristmill.model.dataset import Dataset
from gristmill.storage.hadoop import escaped

_COUNT = "_count"


def audit(
    spark: SparkSession, dataset: Dataset, uri: str, written: int, observed: Mapping[str, int]
) -> None:
    """Hold the `written` rows of a dataset that lie in the folder `uri` against what it promises.

    `observed` are the `rows` that were made, and how many of them broke each check, by code.
    Raises `AuditError` where a row breaks a check, where rows got lost, or where several have one
    key.
    """
    for check in dataset.checks:
        if observed[check.code]:
            raise AuditError(f"{dataset.name}: {observed[check.code]:,} rows break {check.code}")
    if written != observed["rows"]:
        raise AuditError(
            f"{dataset.name}: {observed['rows']:,} rows were made, {written:,} written"
        )
    if dataset.key and written > 1:
        _check_keys(spark, dataset, uri)


def _check_keys(spark: SparkSession, dataset: Dataset, uri: str) -> None:
    rows = spark.read.schema(dataset.ddl).option("basePath", uri).parquet(escaped(uri))
    counted = rows.groupBy(*dataset.key).agg(F.count(F.lit(1)).alias(_COUNT))
    several = counted.where(F.col(_COUNT) > 1).first()
    if several is not None:
        key = ", ".join(f"{name} = {several[name]!r}" for name in dataset.key)
        raise AuditError(
            f"{dataset.name}: {several[_COUNT]:,} rows have the key {key}; nothing was published: "
            "rows of one run have to differ in their key"
        )
