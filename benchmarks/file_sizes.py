"""How large are the files of one partition, and how many shuffled bytes make a byte of Parquet?

    python benchmarks/file_sizes.py FOLDER [GB]

Writes GB gigabytes (default 3) of shuffled rows into one partition, of three kinds: log lines as
`gristmill sample` makes them, words that repeat, and random text, which hardly compresses. Prints
the sizes of the files. Results: docs/publishing.md.
"""

import contextlib
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from py4j.protocol import Py4JJavaError
from pyspark.sql import Column, SparkSession
from pyspark.sql import functions as F

from gristmill.engine.parquet import write
from gristmill.model.dataset import Dataset, Field
from gristmill.spark.session import session, use_java

_STAGES = 50
_DATASET = Dataset(
    "sized",
    "Rows of some kind.",
    (Field("a", "string", ""), Field("b", "bigint", ""), Field("day", "string", "")),
    partitioned_by=("day",),
    write_mode="partition",
)


def kinds() -> dict[str, tuple[Column, int]]:
    """Text by kind, and about how many bytes a row of it has in the shuffle."""
    number = F.xxhash64("id")
    path = F.concat(F.lit("/products/"), F.pmod(number, F.lit(5000)), F.lit("?ref="), F.col("id"))
    return {
        "words that repeat": (F.concat(F.lit("word"), F.pmod(number, F.lit(50_000))), 20),
        "paths": (path, 30),
        "random text": (F.concat(*(F.sha2(F.concat("id", F.lit(n)), 256) for n in range(4))), 270),
    }


def shuffled(spark: SparkSession) -> int:
    """The bytes that all stages so far have shuffled."""
    context: Any = spark._jsc
    store = context.sc().statusStore()
    total = 0
    for number in range(_STAGES):
        # Not every number was given to a stage that ran.
        with contextlib.suppress(Py4JJavaError):
            total += store.lastStageAttempt(number).shuffleWriteBytes()
    return total


def measure(folder: Path, gigabytes: float) -> Iterator[str]:
    """A line for each kind."""
    use_java()
    spark = session("file sizes")
    before = 0
    for kind, (text, width) in kinds().items():
        rows = int(gigabytes * 1e9 / width)
        place = folder / kind.replace(" ", "-")
        shutil.rmtree(place, ignore_errors=True)
        frame = spark.range(rows, numPartitions=64)
        frame = frame.select(text.alias("a"), F.col("id").alias("b"), F.lit("x").alias("day"))
        write(_DATASET, frame, str(place))
        sizes = sorted(path.stat().st_size / 1e6 for path in place.rglob("*.parquet"))
        after = shuffled(spark)
        ratio = (after - before) / 1e6 / sum(sizes)
        before = after
        shutil.rmtree(place)
        shown = " ".join(f"{size:.0f}" for size in sizes)
        yield f"{kind}: {rows:,} rows, {ratio:.1f} shuffled bytes a byte, files of {shown} MB"


if __name__ == "__main__":
    for line in measure(Path(sys.argv[1]), float(sys.argv[2]) if len(sys.argv) > 2 else 3.0):
        print(line, flush=True)
