"""`gristmill datasets compact`: fewer files, the same rows, to every reader."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

import gristmill
from gristmill.cli.compaction import _merging
from gristmill.engine.run import Run, execute
from gristmill.jobs import access_logs, traffic_summary
from gristmill.model.job import AnyJob, Request
from gristmill.model.schema import DatasetSchema
from gristmill.storage.local import LocalStorage
from tests.spark.test_iceberg import hour
from tests.support.process import Gristmill


def load(spark: SparkSession, job: AnyJob, given: Path, out: Path, kind: str) -> None:
    request = Request((str(given),), str(out), job.options(), table_format=kind)
    execute(spark, job, request, Run.new(), lambda _text: None)


def bag(rows: list[dict[str, Any]]) -> Counter[str]:
    return Counter(repr(sorted(row.items())) for row in rows)


@pytest.mark.thorough
@pytest.mark.parametrize("kind", ["parquet", "iceberg"])
def test_hours_are_brought_together_and_nothing_else_changes(
    spark: SparkSession, command: Gristmill, tmp_path: Path, kind: str
) -> None:
    out, logs = tmp_path / "out", tmp_path / "logs"
    logs.mkdir()
    for number in range(3):
        load(spark, access_logs.JOB, hour(logs, number, 2), out, kind)
    load(spark, traffic_summary.JOB, out, out, kind)
    found = gristmill.open(out)
    before = {name: bag(found[name].arrow().to_pylist()) for name in found}
    shown = command("datasets", "compact", out, "web_requests")
    assert shown.code == 0, shown.err
    assert "--yes" in shown.out
    assert len(found["web_requests"].files) == 3
    done = command("datasets", "compact", out, "web_requests", "--yes", "--json")
    assert done.code == 0, done.err
    (small,) = json.loads(done.out)["small"]
    assert (small["files"], small["becoming"], small["batches"], small["rows"]) == (3, 1, 3, 6)
    assert len(found["web_requests"].files) == 1
    assert {name: bag(found[name].arrow().to_pylist()) for name in found} == before
    rows = [row.asDict(recursive=True) for row in found["web_requests"].spark(spark).collect()]
    assert len(rows) == 6
    assert command("verify", out).code == 0
    load(spark, traffic_summary.JOB, out, out, kind)
    assert {name: bag(found[name].arrow().to_pylist()) for name in found} == before
    # The folder with all hours is what they are known as.
    load(spark, access_logs.JOB, logs, out, kind)
    assert bag(found["web_requests"].arrow().to_pylist()) == before["web_requests"]
    one = command("run", "access-logs", "--no-warm", "--input", logs / "01.log.gz", "--output", out)
    assert one.code == 1
    assert "holds other files too" in one.err


def test_every_type_of_spark_comes_through(spark: SparkSession, tmp_path: Path) -> None:
    rows = spark.sql(
        """SELECT CAST(id AS STRING) AS s, id % 2 = 0 AS b, CAST(id AS TINYINT) AS t,
        CAST(id AS SMALLINT) AS h, CAST(id AS INT) AS i, id AS l, CAST(id AS FLOAT) AS f,
        CAST(id AS DOUBLE) / 3 AS d, CAST(CAST(id AS STRING) AS BINARY) AS y,
        DATE'1969-12-31' AS day,
        TIMESTAMP'2026-11-21 12:30:00.123456' AS at, TIMESTAMP_NTZ'1950-01-01 00:00:00' AS ntz,
        CAST(id AS DECIMAL(9,2)) AS d9, CAST(id AS DECIMAL(18,4)) AS d18,
        CAST(id AS DECIMAL(38,9)) AS d38, map('k', CAST(id AS DECIMAL(10,2))) AS m,
        array(CAST(id AS INT), NULL) AS a, named_struct('x', CAST(id AS STRING), 'y', id) AS st
        FROM range(10)"""
    )
    rows = rows.withColumn("d", F.when(F.col("l") == 3, F.lit(float("nan"))).otherwise(F.col("d")))
    ends = rows.where("l >= 5").selectExpr(
        *(f"IF(l = 7, NULL, {one}) AS {one}" for one in rows.columns)
    )
    for number, frame in enumerate((rows, ends)):
        frame.coalesce(1).write.mode("append").parquet(str(tmp_path / "in" / str(number)))
    rows.limit(0).coalesce(1).write.parquet(str(tmp_path / "in" / "none"))
    paths = sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("part-*.parquet"))
    fields = tuple((field.name, field.dataType.simpleString()) for field in rows.schema.fields)
    merge = _merging(LocalStorage(str(tmp_path)), DatasetSchema("d", fields, (), "partition"))
    assert merge(paths, "out/part-0.parquet") == 15
    found = spark.read.parquet(str(tmp_path / "out"))
    before = spark.read.parquet(*(str(tmp_path / path) for path in paths))
    assert found.schema == before.schema
    # Maps have no order, so rows are compared as JSON.
    told = [
        sorted(row[0] for row in one.selectExpr("to_json(struct(*))").collect())
        for one in (found, before)
    ]
    assert told[0] == told[1]
