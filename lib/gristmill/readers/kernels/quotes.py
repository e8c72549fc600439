"""How many lines of files have an odd number of quotes, which tells of line breaks inside them."""

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import partial

from pyspark.sql import SparkSession

from gristmill.readers import kernels
from gristmill.readers.kernels.blocks import DamagedError, lines_of
from gristmill.readers.kernels.direct import Direct, reached
from gristmill.readers.kernels.shares import Share, done, share_of


def odd_lines(spark: SparkSession, files: Sequence[str]) -> Mapping[str, int] | None:
    """The number of such lines, by file; None where that is left to Spark."""
    direct = reached(spark, files) if kernels.are_wanted(spark) else None
    if direct is None or kernels.missing(spark):
        return None
    found = done(spark, share_of(spark, [files]), partial(_counted, files=direct))
    counts = [one for one in found if one is not None]
    return sum(counts, Counter()) if len(counts) == len(found) else None


def _counted(share: Share, files: Direct) -> Counter[str] | None:
    counts: Counter[str] = Counter()
    try:
        for _, block in share:
            for lines in lines_of(block, files):
                counts[block.file] += sum(line.count(b'"') % 2 for line in lines)
    except DamagedError:
        return None
    return counts
