"""Tables over an output, made and asked by DuckDB and by Spark: the rows are those of Arrow."""

from pathlib import Path
from typing import Any

import duckdb
import pytest
from pyspark.sql import SparkSession

import gristmill
from gristmill.cli.main import main
from gristmill.jobs import word_count
from tests.conftest import RunJob


@pytest.fixture
def output(run_job: RunJob, tmp_path: Path) -> Path:
    for name in ("it's a", "2026", "50% {x}"):
        (tmp_path / "in").mkdir(exist_ok=True)
        (tmp_path / "in" / "a.txt").write_text(f"one two two {len(name)}\n")
        options = word_count.JOB.options.parse([f"--corpus={name}"])
        run_job(word_count.JOB, tmp_path / "in", options=options)
    return tmp_path / "out"


def statements(output: Path, dialect: str, capsys: pytest.CaptureFixture[str]) -> list[str]:
    capsys.readouterr()
    assert main(["ddl", str(output), "--dialect", dialect, "--database", "lake"]) == 0
    return [one for one in capsys.readouterr().out.split(";\n\n") if one.strip()]


def rows(output: Path) -> list[tuple[Any, ...]]:
    table = gristmill.open(output)["word_counts"].arrow()
    return sorted(tuple(row[name] for name in sorted(row)) for row in table.to_pylist())


def test_duckdb_reads_what_was_published(output: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        for one in statements(output, "duckdb", capsys):
            connection.execute(one)
        found = connection.sql("SELECT * FROM lake.word_counts").to_arrow_table()
        comments = connection.sql(
            "SELECT column_name, comment FROM duckdb_columns() WHERE table_name = 'word_counts'"
        ).fetchall()
    told = sorted(tuple(row[name] for name in sorted(row)) for row in found.to_pylist())
    assert told == rows(output)
    assert len({row[0] for row in told}) > 1
    assert all(comment for _, comment in comments)


def test_spark_reads_what_was_published(
    output: Path, spark: SparkSession, capsys: pytest.CaptureFixture[str]
) -> None:
    spark.sql("CREATE DATABASE lake")
    try:
        for one in statements(output, "spark", capsys):
            spark.sql(one)
        found = [row.asDict() for row in spark.table("lake.word_counts").collect()]
        described = spark.sql("DESCRIBE lake.word_counts").collect()
    finally:
        spark.sql("DROP DATABASE lake CASCADE")
    assert sorted(tuple(row[name] for name in sorted(row)) for row in found) == rows(output)
    comments = {
        row["col_name"]: row["comment"] for row in described if row["data_type"] == "bigint"
    }
    assert all(comments.values())
    assert comments
