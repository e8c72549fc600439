"""Records of CSV that go on over several lines, as quoted line breaks make them (RFC 4180, 2.6)."""

from collections.abc import Sequence

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from gristmill.readers.kernels.quotes import odd_lines
from gristmill.readers.text.lines import (
    BLOCK_START,
    LINE_NUMBER,
    ORIGIN,
    RAW,
    SOURCE_FILE,
    TextFiles,
    has_odd_quotes,
)

_LINES, _RECORD = "_lines", "_record"


def with_breaks(lines: DataFrame) -> list[str]:
    """The files, by URI, that have line breaks inside quotes: all their quotes have a partner, but
    not on the same line. One look at all lines."""
    odd = lines.where(has_odd_quotes()).groupBy(SOURCE_FILE).agg(F.count(F.lit(1)).alias("odd"))
    # Where one quote is left over, nobody knows which: each line is then judged by itself.
    return sorted(row[SOURCE_FILE] for row in odd.where(F.col("odd") % 2 == 0).collect())


def breaks_in(found: TextFiles) -> list[str]:
    """The same of files that were found."""
    odd = None if found.damage else odd_lines(found.spark, found.files)
    if odd is None:
        return with_breaks(found.lines)
    return sorted(file for file, count in odd.items() if count and count % 2 == 0)


def told_breaks(files: Sequence[str]) -> str:
    """How a message names files that have line breaks inside quotes."""
    more = f" and {len(files) - 1:,} more" if len(files) > 1 else ""
    return f"{files[0]}{more}: line breaks inside quotes, read in one piece"


def joined(lines: DataFrame, separator: str) -> DataFrame:
    r"""Records in place of lines, each where its first line stood, with its lines joined by \n.

    Lines that make no whole record together stay as they are. A file is taken in one piece.
    """
    order = Window.partitionBy(SOURCE_FILE).orderBy(BLOCK_START, LINE_NUMBER)
    before = F.sum(has_odd_quotes().cast("int")).over(
        order.rowsBetween(Window.unboundedPreceding, -1)
    )
    is_first = F.coalesce(before, F.lit(0)) % 2 == 0
    counted = lines.select(*ORIGIN, is_first.cast("long").alias("_first"))
    numbered = counted.withColumn(_RECORD, F.sum("_first").over(order))
    place = F.struct(BLOCK_START, LINE_NUMBER, RAW)
    found = numbered.groupBy(SOURCE_FILE, _RECORD).agg(
        F.sort_array(F.collect_list(place)).alias(_LINES)
    )
    return found.select(SOURCE_FILE, F.inline(_whole_or_each(separator))).select(*ORIGIN)


def _whole_or_each(separator: str) -> Column:
    lines = F.col(_LINES)
    text = F.array_join(F.transform(lines, lambda line: line[RAW]), "\n")
    first = lines[0]
    whole = F.struct(
        first[BLOCK_START].alias(BLOCK_START),
        first[LINE_NUMBER].alias(LINE_NUMBER),
        text.alias(RAW),
    )
    is_one = (F.size(lines) == 1) | text.rlike(_record(separator))
    return F.when(is_one, F.array(whole)).otherwise(lines)


def _record(separator: str) -> str:
    """What a record of RFC 4180 looks like, all of whose breaks are inside quotes."""
    mark = f"\\x{ord(separator):02x}"
    cell = rf'(?:"(?:[^"]++|"")*+"|[^"\n{mark}][^\n{mark}]*+|)'
    return rf"\A{cell}(?:{mark}{cell})*+\z"
