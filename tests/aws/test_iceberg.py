"""Tables of Iceberg in S3: written through Spark's Hadoop, read through fsspec and by pyiceberg."""

from pathlib import Path

import pytest
from pyspark.sql import SparkSession

import gristmill
from gristmill.cli.main import main
from gristmill.cli.output import check
from gristmill.engine.run import Run, execute
from gristmill.jobs import word_count
from gristmill.model.job import Request
from gristmill.publish.locations import open_output
from simulator.s3 import S3Server
from tests.support.publishing import table_of


def test_a_table_in_s3_is_published_read_verified_and_named(
    spark: SparkSession, server: S3Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = f"s3://{server.bucket}/iceberg/words"
    for text in ("one two two", "three"):
        (tmp_path / "a.txt").write_text(text)
        request = Request(
            (str(tmp_path / "a.txt"),), output, word_count.JOB.options(), table_format="iceberg"
        )
        execute(spark, word_count.JOB, request, Run.new(), lambda _text: None)

    def counts(as_of: int | None = None) -> list[tuple[str, int]]:
        rows = gristmill.open(output, as_of)["word_counts"].arrow(["word", "count"]).to_pylist()
        return sorted((row["word"], row["count"]) for row in rows)

    assert counts() == [("three", 1)]
    assert counts(1) == [("one", 1), ("two", 2)]
    assert check(output).is_whole
    table = table_of(open_output(output), "word_counts")
    assert table is not None
    assert table.location() == f"{output}/word_counts"
    assert table.scan().to_arrow().column("word").to_pylist() == ["three"]
    assert len(table.snapshots()) == 2
    assert main(["ddl", output, "word_counts", "--dialect", "trino"]) == 0
    assert f"table_location => '{output}/word_counts'" in capsys.readouterr().out
    assert main(["ddl", output, "word_counts", "--dialect", "athena"]) == 2
    assert "gristmill catalog register" in capsys.readouterr().err
