"""Loading by kernels from S3 and into it: what comes out is what expressions make."""

import gzip
import random
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession

from gristmill.api.run import run
from gristmill.model.report import Report
from gristmill.readers import kernels
from gristmill.readers.kernels.direct import S3, Direct, direct
from gristmill.spark import settings
from simulator.s3 import S3Server
from tests.support.log_lines import HEAD, broken

GOOD = f'{HEAD} "GET /a HTTP/1.1" 200 5 "-" "UA"'


@pytest.fixture(scope="module")
def logs(server: S3Server) -> str:
    """A folder of the bucket with logs: some lines are broken, one file is packed, one is empty."""
    rng = random.Random(12)
    lines = [GOOD if rng.random() < 0.8 else broken(GOOD, rng) for _ in range(400)]
    text = "\n".join(lines).encode() + b"\n"
    files = {"a b%20c.log": text, "b.log.gz": gzip.compress(text), "c.log": b""}
    for name, data in files.items():
        server.client().put_object(Bucket=server.bucket, Key=f"kernels/in/{name}", Body=data)
    return f"{server.bucket}/kernels/in"


def by_kernels(server: S3Server, place: str) -> int:
    """How many of the rows of `web_requests` in an output were written by kernels."""
    prefix = f"{place.partition('/')[2]}/web_requests/"
    listed = server.client().list_objects_v2(Bucket=server.bucket, Prefix=prefix)
    reached, rows = Direct(S3(server.endpoint, "us-east-1")), 0
    for found in listed["Contents"]:
        with reached.opened(f"s3://{server.bucket}/{found['Key']}") as file:
            footer = pq.read_metadata(file)
        rows += 0 if footer.created_by.startswith("parquet-mr") else footer.num_rows
    return rows


def counts(report: Report) -> tuple[Any, ...]:
    return report.lines, report.rejects, {one.name: one.rows for one in report.datasets}


@pytest.mark.thorough
@pytest.mark.parametrize("block", ["1000", "100000"])
def test_logs_in_s3_come_out_the_same(
    spark: SparkSession,
    server: S3Server,
    logs: str,
    place: str,
    monkeypatch: pytest.MonkeyPatch,
    block: str,
) -> None:
    monkeypatch.setitem(settings.RUN, "spark.sql.files.maxPartitionBytes", block)
    monkeypatch.setattr(kernels, "SMALL", 0)
    found = {}
    for switch in ("0", "1"):
        monkeypatch.setenv(kernels.SWITCH, switch)
        out = f"s3a://{place}/{switch}"
        report = run(
            "access-logs", input=f"s3a://{logs}", output=out, max_reject_rate=1.0, spark=spark
        )
        rows = [
            sorted(map(str, spark.read.parquet(f"{out}/{dataset}").collect()))
            for dataset in ("web_requests", "rejects")
        ]
        found[switch] = (counts(report), rows)
    assert found["0"] == found["1"]
    assert by_kernels(server, f"{place}/0") == 0
    assert by_kernels(server, f"{place}/1") > 600


def test_logs_on_this_disk_are_loaded_into_s3(
    spark: SparkSession, server: S3Server, place: str, tmp_path: Path
) -> None:
    (tmp_path / "a.log").write_text(f"{GOOD}\n" * 10)
    for _ in range(2):
        run("access-logs", input=tmp_path / "a.log", output=f"s3://{place}", spark=spark)
    assert by_kernels(server, place) == 10


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("fs.s3a.encryption.algorithm", "SSE-KMS"),
        ("fs.s3a.requester.pays.enabled", "true"),
        ("fs.s3a.bucket.logs.endpoint", "http://127.0.0.1:1"),
        ("fs.s3a.aws.credentials.provider", "com.example.Provider"),
        ("fs.s3a.impl", "com.amazon.ws.emr.hadoop.fs.EmrFileSystem"),
    ],
)
def test_where_java_would_reach_s3_otherwise_it_is_left_to_java(
    spark: SparkSession, server: S3Server, name: str, value: str
) -> None:
    conf = spark._jsc.hadoopConfiguration()
    before, reached = conf.get(name), Direct(S3(server.endpoint, "us-east-1"))
    assert direct(spark, ["s3a://logs/a", "file:///a"]) == reached
    conf.set(name, value)
    try:
        assert direct(spark, ["s3a://logs/a"]) is None
        assert direct(spark, ["file:///a"]) == Direct()
    finally:
        conf.unset(name) if before is None else conf.set(name, before)


def test_what_is_neither_here_nor_in_s3_is_left_to_java(spark: SparkSession) -> None:
    assert direct(spark, ["hdfs://host/a"]) is None
