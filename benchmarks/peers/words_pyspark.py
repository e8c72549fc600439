"""Word count with PySpark, as its users write it."""

import sys

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

source, target, threads = sys.argv[1:]
spark = SparkSession.builder.master(f"local[{threads}]").getOrCreate()
lines = spark.read.text(f"{source}/*.txt")
words = lines.select(F.explode(F.split(F.lower("value"), r"[^\p{L}\p{M}\p{Nd}'’]+")).alias("word"))
counts = words.where("word <> ''").groupBy("word").count()
counts.orderBy(F.desc("count"), "word").write.parquet(target)
