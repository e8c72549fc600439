"""Runs in a session of the caller's, whatever it is set to."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow.dataset as arrow
import pytest
from pyspark.sql import SparkSession

from gristmill.engine.run import Run, execute
from gristmill.errors import UsageError
from gristmill.jobs import access_logs, billing_charges, traffic_summary, word_count
from gristmill.model.job import Request
from gristmill.sample import write_samples
from gristmill.spark.settings import RUN, session_for_run

HOSTILE = {
    "spark.sql.session.timeZone": "America/New_York",
    "spark.sql.ansi.enabled": "false",
    "spark.sql.ansi.doubleQuotedIdentifiers": "true",
    "spark.sql.timestampType": "TIMESTAMP_NTZ",
    "spark.sql.caseSensitive": "true",
    "spark.sql.mapKeyDedupPolicy": "LAST_WIN",
    "spark.sql.decimalOperations.allowPrecisionLoss": "false",
    "spark.sql.retainGroupColumns": "false",
    "spark.sql.groupByOrdinal": "false",
    "spark.sql.jsonGenerator.ignoreNullFields": "false",
    "spark.sql.parser.escapedStringLiterals": "true",
    "spark.sql.parser.quotedRegexColumnNames": "true",
    "spark.sql.storeAssignmentPolicy": "LEGACY",
    "spark.sql.parquet.outputTimestampType": "INT96",
    "spark.sql.parquet.writeLegacyFormat": "true",
    "spark.sql.parquet.datetimeRebaseModeInRead": "LEGACY",
    "spark.sql.parquet.datetimeRebaseModeInWrite": "LEGACY",
    "spark.sql.parquet.binaryAsString": "true",
    "spark.sql.parquet.mergeSchema": "true",
    "spark.sql.parquet.compression.codec": "none",
    "spark.sql.files.maxPartitionBytes": "1000",
    "spark.sql.files.openCostInBytes": "0",
    "spark.sql.files.maxPartitionNum": "1",
    "spark.sql.files.maxRecordsPerFile": "7",
    "spark.sql.files.ignoreCorruptFiles": "true",
    "spark.sql.files.ignoreMissingFiles": "true",
    "spark.sql.sources.partitionOverwriteMode": "dynamic",
    "spark.sql.sources.partitionColumnTypeInference.enabled": "false",
    "spark.sql.adaptive.enabled": "false",
    "spark.sql.adaptive.optimizer.excludedRules": "",
    "spark.sql.legacy.timeParserPolicy": "LEGACY",
    "spark.sql.legacy.sizeOfNull": "true",
    "spark.sql.legacy.parquet.nanosAsLong": "false",
    "spark.sql.legacy.allowNegativeScaleOfDecimal": "true",
    "spark.sql.legacy.castComplexTypesToString.enabled": "true",
    "mapreduce.input.linerecordreader.line.maxlength": "60",
    "mapreduce.fileoutputcommitter.marksuccessfuljobs": "true",
}


@pytest.fixture(scope="module")
def raw(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("raw")
    write_samples(folder, requests=300, words=500, billing=60)
    return folder


def results(spark: SparkSession, raw: Path, out: Path) -> Mapping[str, Any]:
    """What jobs that use all sorts of expressions leave, by dataset: rows, and names of files."""
    told: list[str] = []
    for job, source, options in (
        (access_logs.JOB, raw / "logs", access_logs.AccessLogOptions()),
        (traffic_summary.JOB, out, traffic_summary.TrafficSummaryOptions()),
        (word_count.JOB, raw / "text", word_count.WordCountOptions()),
        (billing_charges.JOB, raw / "billing" / "focus", billing_charges.BillingChargesOptions()),
    ):
        execute(spark, job, Request((str(source),), str(out), options), Run.new(), told.append)
    left = {}
    for folder in sorted(path for path in out.iterdir() if path.is_dir() and path.name[0] != "_"):
        table = arrow.dataset(folder, partitioning="hive").to_table()
        # Runs and places differ from one output to another.
        rows = sorted(re.sub(r"file:\S+", "", str(row)) for row in table.to_pylist())
        left[folder.name] = (str(table.schema.remove_metadata()), rows)
        odd = {path.name for path in folder.rglob("*") if path.is_file()}
        assert all(name.endswith(".parquet") for name in odd), odd
    return left


@pytest.fixture(scope="module")
def right(
    spark: SparkSession, raw: Path, tmp_path_factory: pytest.TempPathFactory
) -> Mapping[str, Any]:
    return results(spark, raw, tmp_path_factory.mktemp("right") / "out")


@pytest.fixture
def hostile(spark: SparkSession) -> SparkSession:
    """A session of a caller's, to be set as badly as can be: not that of all tests."""
    return spark.newSession()


def set_to(spark: SparkSession, settings: Mapping[str, str]) -> None:
    for key, value in settings.items():
        spark.conf.set(key, value)


def check_nothing_differs(
    spark: SparkSession, settings: Mapping[str, str], raw: Path, out: Path, right: Any
) -> None:
    set_to(spark, settings)
    before = dict(spark.conf.getAll)
    assert spark.createDataFrame([(1,)], "a int").count() == 1
    active = SparkSession.getActiveSession()
    assert active is spark
    assert results(spark, raw, out) == right
    assert dict(spark.conf.getAll) == before
    assert SparkSession.getActiveSession() is active
    assert spark.range(2).count() == 2


@pytest.mark.thorough
def test_in_a_hostile_session_the_same_comes_out_and_it_stays_as_it_was(
    hostile: SparkSession, raw: Path, tmp_path: Path, right: Mapping[str, Any]
) -> None:
    assert len(right["web_requests"][1]) > 250
    assert sum("charges" in name for name in right)
    check_nothing_differs(hostile, HOSTILE, raw, tmp_path / "out", right)


@pytest.mark.thorough
@pytest.mark.parametrize("nth", range(5))
def test_no_few_settings_change_what_comes_out(
    hostile: SparkSession, raw: Path, tmp_path: Path, right: Mapping[str, Any], nth: int
) -> None:
    """In fives of what is hostile, so that one setting does not hide what another does."""
    few = dict(list(HOSTILE.items())[nth::5])
    check_nothing_differs(hostile, few, raw, tmp_path / "out", right)


def test_a_run_that_fails_leaves_the_session_as_it_was(
    hostile: SparkSession, tmp_path: Path
) -> None:
    set_to(hostile, HOSTILE)
    before = dict(hostile.conf.getAll)
    request = Request((str(tmp_path / "nowhere"),), str(tmp_path / "out"), word_count.JOB.options())
    with pytest.raises(Exception, match="no such input"):
        execute(hostile, word_count.JOB, request, Run.new(), print)
    assert dict(hostile.conf.getAll) == before


def test_what_was_fixed_otherwise_is_refused_by_name(spark: SparkSession) -> None:
    fixed = "spark.sql.warehouse.dir"
    refused = pytest.raises(
        UsageError, match=f"started with {fixed}=.*spark-warehouse.*on elsewhere"
    )
    with refused, session_for_run(spark, {**RUN, fixed: "elsewhere"}):
        pass
    with session_for_run(spark, {**RUN, fixed: str(spark.conf.get(fixed))}) as own:
        assert own.conf.get("spark.sql.ansi.enabled") == "true"


def test_every_setting_is_known_to_spark(spark: SparkSession) -> None:
    """One that is misspelled would be set, and do nothing."""
    jvm: Any = spark._jvm
    entries: Any = getattr(jvm, "org.apache.spark.sql.internal.SQLConf$")
    entries = getattr(entries, "MODULE$")
    keys = [key for key in {**RUN, **HOSTILE} if key.startswith("spark.")]
    assert [key for key in keys if not entries.containsConfigKey(key)] == []
