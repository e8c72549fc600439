"""Books and the Universal Declaration of Human Rights."""

import unicodedata
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from gristmill.jobs.word_count import JOB, WordCountOptions
from tests.conftest import RunJob
from tests.real.conftest import Expected
from tests.support.reference import word_counts


@pytest.mark.parametrize(
    ("figures", "tokenizer", "lowercase"),
    [("mit", "letters", False), ("lower", "letters", True), ("ws", "whitespace", False)],
)
def test_the_words_of_seven_books(
    spark: SparkSession,
    run_job: RunJob,
    data: Path,
    expected: Expected,
    tmp_path: Path,
    figures: str,
    tokenizer: str,
    lowercase: bool,
) -> None:
    options = WordCountOptions(tokenizer=tokenizer, lowercase=lowercase, corpus="gutenberg")
    run_job(JOB, data / "text" / "gutenberg", options=options)
    rows = spark.read.parquet(str(tmp_path / "out" / "word_counts")).collect()
    found = {row["word"]: row["count"] for row in rows}
    assert len(rows) == len(found)
    assert found == {
        row["word"]: int(row["count"]) for row in expected(f"gutenberg_share7.{figures}.csv")
    }


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_no_script_is_split_at_its_combining_marks(
    spark: SparkSession, run_job: RunJob, data: Path, tmp_path: Path, form: str
) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    whole = ""
    for file in sorted((data / "text" / "udhr").glob("*.txt")):
        text = unicodedata.normalize(form, file.read_text(encoding="utf-8"))  # type: ignore[arg-type]
        (folder / file.name).write_text(text, encoding="utf-8")
        whole += text + "\n"
    run_job(JOB, folder, options=WordCountOptions(tokenizer="words", lowercase=False))
    rows = spark.read.parquet(str(tmp_path / "out" / "word_counts")).collect()
    found = {row["word"]: row["count"] for row in rows}
    assert found == word_counts(whole, "words", lowercase=False)
    if form == "NFD":
        assert unicodedata.normalize("NFD", "être") in {word.lower() for word in found}
        assert not [word for word in found if unicodedata.combining(word[0])]
