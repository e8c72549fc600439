"""How fast does access-logs read each format of AWS, and the plain Spark that one would write?

    python benchmarks/log_formats.py FOLDER [LINES] [FORMAT…]

Makes LINES lines (default 300,000; of CloudTrail a fifth) of each format with `gristmill sample`'s
generator, then loads them in one warm Spark, in turn with `access-logs`, from its recognising the
format to its publishing, and with a peer: one `regexp_extract` a column with a regular expression
such as AWS's pages have for Athena, Spark's CSV reader for CloudFront and flow logs, its JSON
reader and `explode` for CloudTrail, to the same typed columns in Parquet by date. A peer loses
what it cannot read, and does not say so. Prints medians of ROUNDS: rows a second, and rows for each
second of CPU that the tasks took, which neighbours on the machine change little.
"""

import gzip
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from typing import Any

from py4j.protocol import Py4JJavaError
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from gristmill.engine.run import Run, execute
from gristmill.jobs.access_logs import JOB, AccessLogOptions
from gristmill.model.dataset import Field
from gristmill.model.job import Request
from gristmill.readers.logs import formats
from gristmill.readers.logs.alb import FIELDS as ALB
from gristmill.readers.logs.cloudfront import FIELDS as CLOUDFRONT
from gristmill.readers.logs.cloudtrail import FIELDS as CLOUDTRAIL
from gristmill.readers.logs.cloudtrail import key
from gristmill.readers.logs.s3_access import FIELDS as S3
from gristmill.readers.logs.vpc_flow import FIELDS as VPC
from gristmill.sample.aws import FEEDS, write_feed
from gristmill.sample.aws_account import FLOW_HEADER
from gristmill.spark.session import session, use_java

WARM_UP, ROUNDS = 2, 3
_STAGES = 5000
_BARE, _TEXT, _QUOTED = "([^ ]*)", r"(\"[^\"]*\"|-)", r"\"([^\"]*)\""
_S3 = (
    "^"
    + " ".join(
        [
            *(*[_BARE] * 2, r"\[(.*?)\]", *[_BARE] * 5, _TEXT, "(-|[0-9]*)", *[_BARE] * 5),
            *(_TEXT, _TEXT, _BARE),
        ]
    )
    + "(?: ([^ ]*))?" * 8
    + ".*$"
)
_ALB = (
    "^"
    + " ".join(
        [
            *(*[_BARE] * 3, "([^ ]*):([0-9]*)", "([^ ]*?)[:-]([0-9]*)", *["([-.0-9]*)"] * 3),
            *("(|[-0-9]*)", "(-|[-0-9]*)", *["([-0-9]*)"] * 2),
            *(r"\"([^ ]*) (.*) (- |[^ ]*)\"", _QUOTED, *[_BARE] * 3, *[_QUOTED] * 3),
            *("([-.0-9]*)", _BARE, *[_QUOTED] * 7),
        ]
    )
    + "(?: ([^ ]*))?" * 4
    + ".*$"
)


def typed(text: Column, field: Field) -> Column:
    """What a user writes to get a number, or a time, where there may be a dash."""
    if field.type == "string":
        return text.alias(field.name)
    return F.nullif(text, F.lit("-")).try_cast(field.type).alias(field.name)


def by_expression(
    expression: str, fields: tuple[Field, ...], pattern: str | None
) -> Callable[[SparkSession, str], DataFrame]:
    """Each column by a `regexp_extract` of its own; its second one is the time."""
    time_field = next(field for field in fields if field.type == "timestamp")

    def read(spark: SparkSession, folder: str) -> DataFrame:
        lines = spark.read.text(folder)
        columns = []
        for number, field in enumerate(fields, 1):
            text = F.regexp_extract("value", expression, number)
            is_odd = field is time_field and pattern
            value = F.try_to_timestamp(text, F.lit(pattern)) if is_odd else None
            columns.append(typed(text, field) if value is None else value.alias(field.name))
        return lines.select(*columns).withColumn("date", F.to_date(time_field.name))

    return read


def cloudfront(spark: SparkSession, folder: str) -> DataFrame:
    """With the columns that the header has, which a user writes down as a schema."""
    fields = CLOUDFRONT[1:]
    schema = ", ".join(f"`{field.name}` string" for field in fields)
    rows = spark.read.csv(folder, schema=schema, sep="\t", comment="#")
    when = F.concat_ws(" ", "date", "time").try_cast("timestamp")
    columns = [typed(F.col(field.name), field) for field in fields]
    return rows.select(when.alias("timestamp"), *columns)


def vpc_flow(spark: SparkSession, folder: str) -> DataFrame:
    """With the names of the header, the same in all files."""
    known = {field.name.replace("_", "-"): field for field in VPC}
    fields = [known[name] for name in FLOW_HEADER.split()]
    schema = ", ".join(f"`{field.name}` string" for field in fields)
    rows = spark.read.csv(folder, schema=schema, sep=" ", header=True)
    columns = [
        F.timestamp_seconds(F.col(field.name).try_cast("bigint")).alias(field.name)
        if field.type == "timestamp"
        else typed(F.col(field.name), field)
        for field in fields
    ]
    return rows.select(*columns).withColumn("date", F.to_date("start"))


def cloudtrail(spark: SparkSession, folder: str) -> DataFrame:
    """With the schema that Spark finds; nested parts are written as JSON again."""
    events = spark.read.json(folder).select(F.explode("Records").alias("event")).select("event.*")
    found = dict(events.dtypes)
    columns = []
    for field in CLOUDTRAIL:
        name = key(field.name)
        if name in found:
            nested = found[name].startswith(("struct", "array"))
            value = F.to_json(name) if nested else F.col(name).try_cast(field.type)
            columns.append(value.alias(field.name))
    return events.select(*columns).withColumn("date", F.to_date("event_time"))


PEERS = {
    "s3_access": by_expression(_S3, S3, "dd/MMM/yyyy:HH:mm:ss Z"),
    "alb": by_expression(_ALB, ALB, None),
    "cloudfront": cloudfront,
    "vpc_flow": vpc_flow,
    "cloudtrail": cloudtrail,
}


def size(folder: Path) -> int:
    """Bytes of all files, unpacked."""
    total = 0
    for path in folder.iterdir():
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            while data := file.read(1 << 20):
                total += len(data)
    return total


def cpu(spark: SparkSession) -> float:
    """Seconds of CPU that all tasks so far have taken."""
    context: Any = spark._jsc
    store = context.sc().statusStore()
    total = 0
    for number in range(_STAGES):
        try:
            total += store.lastStageAttempt(number).executorCpuTime()
        except Py4JJavaError as error:
            if "NoSuchElement" not in str(error):
                raise
            break
    return total / 1e9


def load(spark: SparkSession, name: str, inputs: Path, output: Path) -> tuple[float, int]:
    """Seconds of an access-logs run, and the rows that it wrote."""
    began = time.perf_counter()
    request = Request((str(inputs),), str(output), AccessLogOptions(), max_reject_rate=1.0)
    report = execute(spark, JOB, request, Run.new(), lambda _text: None)
    rows = {found.name: found.rows for found in report.datasets}[formats()[name].dataset.name]
    return time.perf_counter() - began, rows


def load_plainly(spark: SparkSession, name: str, inputs: Path, output: Path) -> tuple[float, int]:
    """Seconds of the peer, and the rows that it wrote, those of nulls among them."""
    began = time.perf_counter()
    rows = PEERS[name](spark, str(inputs))
    rows.write.partitionBy("date").parquet(str(output))
    seconds = time.perf_counter() - began
    return seconds, spark.read.parquet(str(output)).where("date is not null").count()


def measure(folder: Path, lines: int, names: list[str]) -> Iterator[str]:
    """A row of the table for each format."""
    use_java()
    spark = session("log formats")
    yield (
        "| format | MB | rows | rows/s | MB/s | rows/CPU s | plain Spark: rows | rows/s "
        "| rows/CPU s | ratios |"
    )
    yield "|---|" + "--:|" * 9
    for feed in FEEDS:
        if names and feed.name not in names:
            continue
        inputs, output = folder / feed.name, folder / "out"
        if not inputs.exists():
            write_feed(inputs, feed, 7, lines // 5 if feed.name == "cloudtrail" else lines)
        megabytes = size(inputs) / 1e6
        took: dict[str, list[tuple[float, float]]] = {"ours": [], "plain": []}
        rows = {}
        for turn in range(WARM_UP + ROUNDS):
            for who in ("ours", "plain") if turn % 2 else ("plain", "ours"):
                shutil.rmtree(output, ignore_errors=True)
                run, before = load if who == "ours" else load_plainly, cpu(spark)
                seconds, rows[who] = run(spark, feed.name, inputs, output)
                took[who].append((seconds, cpu(spark) - before))
        ours, plain = (
            [rows[who] / median(column) for column in zip(*took[who][WARM_UP:], strict=True)]
            for who in ("ours", "plain")
        )
        yield (
            f"| `{feed.name}` | {megabytes:.0f} | {rows['ours']:,} | {ours[0]:,.0f} "
            f"| {megabytes * ours[0] / rows['ours']:.1f} | {ours[1]:,.0f} | {rows['plain']:,} "
            f"| {plain[0]:,.0f} | {plain[1]:,.0f} "
            f"| {ours[0] / plain[0]:.1f}, {ours[1] / plain[1]:.1f} |"
        )
    shutil.rmtree(folder / "out", ignore_errors=True)


if __name__ == "__main__":
    _FOLDER, _LINES = Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 300_000
    for row in measure(_FOLDER, _LINES, sys.argv[3:]):
        print(row, flush=True)
