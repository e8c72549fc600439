"""How often each word occurs in a corpus."""

from collections.abc import Mapping
from dataclasses import dataclass

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from gristmill import Dataset, Field, Job, main, option
from gristmill.readers.text.lines import Lines, TextOptions
from gristmill.readers.text.words import PATTERNS, counted

WORD_COUNTS = Dataset(
    name="word_counts",
    help="How often each word occurs in a corpus.",
    fields=(
        Field("word", "string", "the word"),
        Field("count", "bigint", "how often it occurs, at least --min-count"),
        Field("corpus", "string", "the text that was counted, as --corpus names it"),
    ),
    partitioned_by=("corpus",),
    key=("corpus", "word"),
    sorted_by=("-count", "word"),
    write_mode="partition",
)


@dataclass(frozen=True)
class WordCountOptions(TextOptions):
    """What counts as a word, and where the counts go."""

    tokenizer: str = option("words", choices=tuple(PATTERNS), help="what a word is")
    lowercase: bool = option(default=True, help="count The and the as one word")
    min_count: int = option(1, minimum=1, help="leave out words that occur less often")
    corpus: str = option(
        "default", pattern=r".*\S.*", metavar="NAME", help="the partition that the counts replace"
    )


def count_words(lines: DataFrame, options: WordCountOptions) -> Mapping[str, DataFrame]:
    """Rows of `line string` to rows of `WORD_COUNTS`."""
    # Lower-casing a line first would change what its words are: İ becomes i and a combining dot.
    words = counted(lines, options.tokenizer)
    if options.lowercase:
        words = words.withColumn("word", F.lower("word"))
    counts = words.groupBy("word").agg(F.sum("count").alias("count"))
    kept = counts.where(F.col("count") >= options.min_count)
    return {WORD_COUNTS.name: kept.withColumn("corpus", F.lit(options.corpus))}


JOB = Job(
    name="word-count",
    help="Count the words of text files.",
    options=WordCountOptions,
    reads=Lines(),
    writes=(WORD_COUNTS,),
    transform=count_words,
    scope=lambda options: {"corpus": options.corpus},
)

if __name__ == "__main__":
    main(JOB)
