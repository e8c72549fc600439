"""Words of a text.

Chinese, Japanese and Thai do not mark where a word ends; finding it needs a segmenter, which none
of these tokenizers is: there a run between two marks counts as one word.
"""

from collections.abc import Iterable
from typing import Any

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from gristmill.readers import kernels

_MARKED = r"[\p{L}\p{M}\p{Nd}]+"

PATTERNS = {
    "letters": r"\p{L}+",
    # An apostrophe, or a joiner as Persian and Hindi write it, belongs to the word it stands in.
    "words": rf"{_MARKED}(?:['’\x{{200C}}\x{{200D}}]{_MARKED})*+",
    "whitespace": r"[^\s\x{0085}\p{Z}]+",
}
"""Tokenizers by name, as Java regular expressions.

`letters`: runs of letters; combining marks and digits end a word. `words`: letters with their
combining marks, digits, and inner apostrophes. `whitespace`: runs of anything but white space.
"""


def tokens(text: Column, tokenizer: str) -> Column:
    """The words of a string, as an array of strings, in order."""
    return F.regexp_extract_all(text, F.lit(PATTERNS[tokenizer]), F.lit(0))


def counted(lines: DataFrame, tokenizer: str) -> DataFrame:
    """How often each word occurs in rows of `line string`, as rows of `word string, count bigint`,
    in which a word may stand more than once."""
    pieces = lines.select(F.col("line").alias("piece"), F.lit(1).cast("bigint").alias("count"))
    spark = lines.sparkSession
    if _is_large(lines) and kernels.are_wanted(spark) and not kernels.missing(spark):

        def work(batches: Iterable[Any]) -> Iterable[Any]:
            kernels.on_one_core()
            from gristmill.readers.kernels import words  # noqa: PLC0415 - polars is there

            return words.counted(batches, tokenizer)

        pieces = lines.select("line").mapInArrow(work, "piece string, count bigint")
    return pieces.select(F.explode(tokens(F.col("piece"), tokenizer)).alias("word"), "count")


def _is_large(lines: DataFrame) -> bool:
    plan: Any = lines._jdf
    return bool(plan.queryExecution().optimizedPlan().stats().sizeInBytes() > kernels.SMALL)
