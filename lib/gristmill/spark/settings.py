"""The settings of Spark that results rest on, and a session for a run in which they hold.

What each of them does stands in https://spark.apache.org/docs/4.1.1/configuration.html, those
without `spark.` in front in Hadoop's mapred-default.xml.
"""

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any

from pyspark.sql import SparkSession

from gristmill.errors import UsageError

_BLOCK = 32 * 1024 * 1024
_LONGEST_LINE = str(2**31 - 1)

FORMAT = {
    "spark.sql.parquet.compression.codec": "zstd",
    # The default, INT96, is not a timestamp to most other readers.
    "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
    "spark.sql.parquet.writeLegacyFormat": "false",
    "spark.sql.parquet.datetimeRebaseModeInRead": "CORRECTED",
    "spark.sql.parquet.datetimeRebaseModeInWrite": "CORRECTED",
    "spark.sql.parquet.int96RebaseModeInRead": "CORRECTED",
    "spark.sql.parquet.int96RebaseModeInWrite": "CORRECTED",
    "spark.sql.parquet.int96TimestampConversion": "false",
    "spark.sql.parquet.int96AsTimestamp": "true",
    "spark.sql.parquet.binaryAsString": "false",
    "spark.sql.parquet.mergeSchema": "false",
    "spark.sql.parquet.inferTimestampNTZ.enabled": "true",
    "spark.sql.parquet.fieldId.read.enabled": "false",
    # Times in nanoseconds, as pandas writes them, are refused else; parquet_files.py reads them.
    "spark.sql.legacy.parquet.nanosAsLong": "true",
    # The success marker would be one more file to tell from data.
    "mapreduce.fileoutputcommitter.marksuccessfuljobs": "false",
}
"""How Parquet is written, and read again."""

FILES = {
    # An open that costs a whole block puts every block of a file into a partition of its own:
    # a row's place in its partition is then its line's number in the block.
    "spark.sql.files.maxPartitionBytes": str(_BLOCK),
    "spark.sql.files.openCostInBytes": str(_BLOCK),
    # What cannot be read is to fail a run, never to be passed over.
    "spark.sql.files.ignoreCorruptFiles": "false",
    "spark.sql.files.ignoreMissingFiles": "false",
    "spark.sql.files.ignoreInvalidPartitionPaths": "false",
    # A line that is longer would be cut.
    "mapreduce.input.linerecordreader.line.maxlength": _LONGEST_LINE,
    "spark.sql.files.maxRecordsPerFile": "0",
    "spark.sql.sources.partitionOverwriteMode": "static",
    "spark.sql.sources.partitionColumnTypeInference.enabled": "true",
    "spark.sql.sources.bucketing.enabled": "true",
}
"""How files are found and split."""

SENSE = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.ansi.enabled": "true",
    "spark.sql.ansi.doubleQuotedIdentifiers": "false",
    "spark.sql.ansi.enforceReservedKeywords": "false",
    "spark.sql.ansi.relationPrecedence": "false",
    "spark.sql.timestampType": "TIMESTAMP_LTZ",
    "spark.sql.caseSensitive": "false",
    "spark.sql.mapKeyDedupPolicy": "EXCEPTION",
    "spark.sql.decimalOperations.allowPrecisionLoss": "true",
    "spark.sql.retainGroupColumns": "true",
    "spark.sql.groupByOrdinal": "true",
    "spark.sql.orderByOrdinal": "true",
    "spark.sql.jsonGenerator.ignoreNullFields": "true",
    "spark.sql.parser.escapedStringLiterals": "false",
    "spark.sql.parser.quotedRegexColumnNames": "false",
    "spark.sql.storeAssignmentPolicy": "ANSI",
    "spark.sql.legacy.timeParserPolicy": "CORRECTED",
    # Where a shuffle turns out empty this rule cuts its stage out of the plan, and what was
    # observed in it is lost.
    "spark.sql.adaptive.optimizer.excludedRules": (
        "org.apache.spark.sql.execution.adaptive.AQEPropagateEmptyRelation"
    ),
}
"""What an expression means."""

SPEED = {
    "spark.sql.adaptive.enabled": "true",
    # What is brought together to be written is split at so many bytes of shuffled rows. Parquet
    # takes a fourth to a twelfth of them: see benchmarks/file_sizes.py.
    "spark.sql.adaptive.advisoryPartitionSizeInBytes": "1g",
    # What Spark infers of a row that fits doubles with every column whose value was looked at: a
    # log of thirty fields that are all checked was never planned to the end.
    "spark.sql.constraintPropagation.enabled": "false",
}
"""How large files come out, and how long a plan takes."""

RUN = {**FORMAT, **FILES, **SENSE, **SPEED}
"""What holds for the length of a run, in whatever session."""

_UNSET = ("spark.sql.files.maxPartitionNum",)  # where there are more files, it would join blocks
_LEGACY = "spark.sql.legacy."


@contextlib.contextmanager
def session_for_run(
    spark: SparkSession, settings: Mapping[str, str] = RUN
) -> Iterator[SparkSession]:
    """A session beside the caller's, on the same Spark, in which `settings` hold.

    The caller's session stays as it is, settings and all. Raises `UsageError`, which names the
    setting, where one that results rest on was fixed otherwise when Spark was started.
    """
    own = spark.newSession()
    for key in _set_otherwise(own, settings):
        own.conf.unset(key)
    for key, value in settings.items():
        _settle(own, key, value)
    sessions = _sessions(own)
    before, named = sessions.getActiveSession(), SparkSession._activeSession
    # What is parsed without a frame, such as a schema, is parsed in the active one.
    active_session(own)
    try:
        yield own
    finally:
        # Python keeps an active session of its own, which `createDataFrame` moves.
        SparkSession._activeSession = named
        if before.isDefined():
            sessions.setActiveSession(before.get())
        else:
            sessions.clearActiveSession()


def _set_otherwise(own: SparkSession, settings: Mapping[str, str]) -> list[str]:
    """What the Spark itself was started with that would change what an old job means."""
    legacy = [key for key in own.conf.getAll if key.startswith(_LEGACY) and key not in settings]
    return [*_UNSET, *legacy]


def _settle(own: SparkSession, key: str, value: str) -> None:
    try:
        own.conf.set(key, value)
    except Exception as error:
        found = own.conf.get(key, None)
        if found is not None and found.lower() == value.lower():
            return
        raise UsageError(
            f"this Spark was started with {key}={found}, which can only be chosen at its start, "
            f"and results rest on {value}: start it with {key}={value}, or without it"
        ) from error


def active_session(spark: SparkSession) -> None:
    """Make a session the active one of this thread."""
    _sessions(spark).setActiveSession(spark._jsparkSession)


def _sessions(spark: SparkSession) -> Any:
    return SparkSession._get_j_spark_session_class(spark._jvm)
