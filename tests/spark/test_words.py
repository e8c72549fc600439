"""Tokenizers and counts, against plain Python."""

import random
import unicodedata
from collections import Counter
from pathlib import Path

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from gristmill.jobs.word_count import JOB, WordCountOptions
from gristmill.readers import kernels
from gristmill.readers.text.words import counted, tokens
from tests.conftest import RunJob
from tests.support.reference import word_counts

# Blocks that every Unicode since 6.0 knows alike: Java's and Python's versions differ.
CHARACTERS = "aàZßİıéе́Жъ'’ -_.1٣२कि्षไทย中日\u0301\u0327\u200c\u200dαΣς\tשׁ“”²Ⅷ🙂"


def tokenize(spark: SparkSession, lines: list[str], tokenizer: str) -> list[list[str]]:
    frame = spark.createDataFrame([(i, line) for i, line in enumerate(lines)], "i int, line string")
    rows = frame.select("i", tokens(F.col("line"), tokenizer).alias("words")).collect()
    return [row["words"] for row in sorted(rows, key=lambda row: row["i"])]


@pytest.mark.parametrize(
    ("tokenizer", "line", "expected"),
    [
        ("letters", "It's 2 o'clock_now", ["It", "s", "o", "clock", "now"]),
        ("words", "It's 2 o'clock_now", ["It's", "2", "o'clock", "now"]),
        ("words", "'quoted' l’été rock'n'roll '' '", ["quoted", "l’été", "rock'n'roll"]),
        ("words", "हिन्दी में क्‍ष", ["हिन्दी", "में", "क्‍ष"]),
        ("words", "Vie\u0323\u0302t می‌خواهم", ["Vie\u0323\u0302t", "می‌خواهم"]),
        ("words", "१२ 3rd x²", ["१२", "3rd", "x"]),
        ("letters", "Vie\u0323\u0302t", ["Vie", "t"]),
        ("whitespace", "a\u00a0b\tc  d,e\u3000f\r", ["a", "b", "c", "d,e", "f"]),
        ("words", "", []),
    ],
)
def test_a_line_is_cut_as_its_tokenizer_says(
    spark: SparkSession, tokenizer: str, line: str, expected: list[str]
) -> None:
    assert tokenize(spark, [line], tokenizer) == [expected]


@pytest.mark.parametrize("tokenizer", ["letters", "words", "whitespace"])
def test_tokens_are_those_of_plain_python(spark: SparkSession, tokenizer: str) -> None:
    rng = random.Random(20261121)
    lines = ["".join(rng.choices(CHARACTERS, k=rng.randrange(30))) for _ in range(3000)]
    found = tokenize(spark, lines, tokenizer)
    for line, words in zip(lines, found, strict=True):
        assert Counter(words) == word_counts(line, tokenizer, lowercase=False), line


@pytest.mark.parametrize("tokenizer", ["letters", "words", "whitespace"])
def test_by_kernels_the_words_are_the_same(
    spark: SparkSession, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, tokenizer: str
) -> None:
    rng = random.Random(20261129)
    lines = ["".join(rng.choices(CHARACTERS, k=rng.randrange(60))) for _ in range(3000)]
    expected: Counter[str] = Counter()
    for line in lines:
        expected.update(word_counts(line, tokenizer, lowercase=False))
    (tmp_path / "text.txt").write_text("\n".join(lines), encoding="utf-8")
    frame = spark.read.text(str(tmp_path / "text.txt"), lineSep="\n").toDF("line")
    found = {}
    for small in (0, 1 << 30):
        monkeypatch.setattr(kernels, "SMALL", small)
        words = counted(frame, tokenizer)
        plan = words._jdf.queryExecution().toString()
        assert ("MapInArrow" in plan) == (small == 0)
        summed = words.groupBy("word").agg(F.sum("count").alias("count")).collect()
        found[small] = {row["word"]: row["count"] for row in summed}
    assert found[0] == found[1 << 30] == dict(expected)


@pytest.mark.parametrize("tokenizer", ["letters", "words", "whitespace"])
@pytest.mark.parametrize("lowercase", [True, False])
def test_counts_are_those_of_plain_python(
    spark: SparkSession, run_job: RunJob, tmp_path: Path, tokenizer: str, lowercase: bool
) -> None:
    text = "The cat the CAT\nİstanbul'da été ÉTÉ 3rd 3RD\n\nthe end\n"
    (tmp_path / "text.txt").write_text(text, encoding="utf-8")
    options = WordCountOptions(tokenizer=tokenizer, lowercase=lowercase, corpus="c")
    report = run_job(JOB, tmp_path / "text.txt", options=options)
    rows = spark.read.parquet(str(tmp_path / "out" / "word_counts")).collect()
    expected = word_counts(text, tokenizer, lowercase=lowercase)
    assert {row["word"]: row["count"] for row in rows} == dict(expected)
    assert (report.lines, report.datasets[0].rows) == (4, len(expected))


def test_rare_words_are_left_out_and_the_rest_comes_in_order(
    spark: SparkSession, run_job: RunJob, tmp_path: Path
) -> None:
    (tmp_path / "text.txt").write_text("b a b a c b d")
    run_job(JOB, tmp_path / "text.txt", options=WordCountOptions(min_count=2))
    rows = spark.read.parquet(str(tmp_path / "out" / "word_counts")).collect()
    assert [(row["word"], row["count"], row["corpus"]) for row in rows] == [
        ("b", 3, "default"),
        ("a", 2, "default"),
    ]


def test_the_reference_itself_takes_marks_for_parts_of_words() -> None:
    assert unicodedata.category("\u0301") == "Mn"
    assert word_counts("e\u0301t", "words", lowercase=False) == {"e\u0301t": 1}
    assert word_counts("e\u0301t", "letters", lowercase=False) == {"e": 1, "t": 1}
