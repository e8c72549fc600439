"""Access logs with PySpark, as its users write it: one `regexp_extract` for each column."""

import sys

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

_LINE = (
    r'^(\S+) (\S+) (\S+) \[([^\]]+)\] "((?:[^"\\]|\\.)*)" (\d{3}) (\d+|-) '
    r'"((?:[^"\\]|\\.)*)" "((?:[^"\\]|\\.)*)"'
)
_NAMES = ["client", "ident", "user", "time", "request", "status", "bytes", "referer", "user_agent"]

source, target, threads = sys.argv[1:]
spark = SparkSession.builder.master(f"local[{threads}]").getOrCreate()
spark.conf.set("spark.sql.session.timeZone", "UTC")
lines = spark.read.text(f"{source}/*.log").withColumn("source_file", F.input_file_name())
found = lines.select(
    "source_file",
    *(F.regexp_extract("value", _LINE, n).alias(name) for n, name in enumerate(_NAMES, 1)),
).where("client <> ''")
words = F.split("request", " ")
target_of = F.get(words, F.lit(1))
rows = found.select(
    F.try_to_timestamp("time", F.lit("dd/MMM/yyyy:HH:mm:ss Z")).alias("timestamp"),
    "client",
    F.nullif("ident", F.lit("-")).alias("ident"),
    F.nullif("user", F.lit("-")).alias("user"),
    F.when(F.size(words) == 3, words[0]).alias("method"),
    F.get(F.split(target_of, r"\?"), F.lit(0)).alias("path"),
    F.get(F.split(target_of, r"\?"), F.lit(1)).alias("query"),
    F.get(words, F.lit(2)).alias("protocol"),
    F.col("status").try_cast("int").alias("status"),
    F.nullif("bytes", F.lit("-")).try_cast("bigint").alias("bytes"),
    F.nullif("referer", F.lit("-")).alias("referer"),
    F.regexp_replace(F.nullif("user_agent", F.lit("-")), r"\\(.)", "$1").alias("user_agent"),
    "source_file",
)
rows = rows.where("timestamp is not null").withColumn("date", F.to_date("timestamp"))
rows.write.partitionBy("date").parquet(target)
