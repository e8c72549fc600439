"""What several datasets of a run are made of, and the audit of what lies in its stage."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path

import pytest
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from gristmill import Job, Options
from gristmill.errors import AuditError
from gristmill.readers.text.lines import Lines
from tests.conftest import RunJob
from tests.spark.test_execute import NUMBERS
from tests.support.process import rows, snapshot

LARGE = dataclasses.replace(NUMBERS, name="large")
GIVEN: list[DataFrame] = []


def numbers(lines: DataFrame, _options: Options) -> DataFrame:
    n = F.col("line").cast("int")
    return lines.select(n.alias("n"), F.when(n % 2 == 0, "yes").otherwise("no").alias("even"))


def both(shared: DataFrame, _options: Options) -> Mapping[str, DataFrame]:
    GIVEN.append(shared)
    return {"numbers": shared, "large": shared.where("n > 9")}


def audit(lines: DataFrame, staged: Mapping[str, DataFrame], _options: Options) -> None:
    lost = lines.count() - staged["numbers"].count()
    if lost or staged["large"].where("n <= 9").count():
        raise AuditError(f"numbers: {lost} of the lines are lost")


JOB = Job(
    name="numbers",
    help="Load numbers, and those that are large.",
    options=Options,
    reads=Lines(),
    writes=(NUMBERS, LARGE),
    transform=both,
    shared=numbers,
    audit=audit,
)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    (tmp_path / "in.txt").write_text("1\n12\n13\n")
    return tmp_path / "in.txt"


def test_a_dataset_that_comes_out_empty_is_replaced_where_another_has_rows(
    run_job: RunJob, source: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    for text, large in (("1\n2\n13\n", 1), ("2\n", 1), ("1\n2\n", 0)):
        source.write_text(text)
        report = run_job(JOB, source)
        assert report.lines == text.count("\n")
        found = rows(out / "large") if (out / "large").is_dir() else 0
        assert found == large, text
    assert not any(frame.storageLevel.useMemory for frame in GIVEN)


def test_an_audit_that_fails_publishes_nothing(
    run_job: RunJob, source: Path, tmp_path: Path
) -> None:
    def losing(shared: DataFrame, options: Options) -> Mapping[str, DataFrame]:
        assert shared.storageLevel.useMemory
        return both(shared.where("n <> 1"), options)

    run_job(JOB, source)
    before = snapshot(tmp_path / "out")
    with pytest.raises(AuditError, match="numbers: 1 of the lines are lost"):
        run_job(dataclasses.replace(JOB, transform=losing), source)
    assert snapshot(tmp_path / "out") == before
