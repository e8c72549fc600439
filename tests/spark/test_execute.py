"""The road of a run, on a job made for it: checks, audits, and an interrupt at the worst moment."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from gristmill import Check, Dataset, Field, Job, Options
from gristmill.errors import AuditError, SchemaError, UsageError
from gristmill.model.job import Request, Transform
from gristmill.publish.publication import Publication
from gristmill.publish.settle import apply
from gristmill.readers.text.lines import Lines
from gristmill.storage import StoredFile
from tests.conftest import RunJob
from tests.support.process import rows, snapshot, staged

NUMBERS = Dataset(
    name="numbers",
    help="Whole numbers, by whether they are even.",
    fields=(Field("n", "int", "the number"), Field("even", "string", "yes or no")),
    partitioned_by=("even",),
    write_mode="partition",
    checks=(Check("even_is_true", lambda: (F.col("n") % 2 == 0) == (F.col("even") == "yes")),),
)


def numbers(lines: DataFrame, _options: Options) -> Mapping[str, DataFrame]:
    n = F.col("line").cast("int")
    even = F.when(n % 2 == 0, "yes").otherwise("no")
    return {"numbers": lines.select(n.alias("n"), even.alias("even"))}


def lying(lines: DataFrame, options: Options) -> Mapping[str, DataFrame]:
    return {"numbers": numbers(lines, options)["numbers"].withColumn("even", F.lit("yes"))}


def mistyped(lines: DataFrame, _options: Options) -> Mapping[str, DataFrame]:
    return {"numbers": lines.select(F.col("line").alias("n"))}


JOB = Job(
    name="numbers",
    help="Load numbers.",
    options=Options,
    reads=Lines(),
    writes=(NUMBERS,),
    transform=numbers,
    checks=(
        Check("not_a_number", lambda: F.col("line").try_cast("int").isNotNull()),
        Check("negative", lambda: F.col("line").try_cast("int") >= 0),
    ),
)


@pytest.fixture
def lines(tmp_path: Path) -> Path:
    (tmp_path / "in.txt").write_text("1\n2\nthree\n-4\n5\n")
    return tmp_path / "in.txt"


def test_a_row_that_breaks_a_check_becomes_a_reject_with_its_place(
    spark: SparkSession, run_job: RunJob, lines: Path, tmp_path: Path
) -> None:
    report = run_job(JOB, lines)
    assert (report.lines, report.rejected) == (5, 2)
    assert report.rejects == {"not_a_number": 1, "negative": 1}
    rejects = spark.read.parquet(str(tmp_path / "out" / "rejects"))
    found = rejects.select("job", "reason", "line_number", "raw").orderBy("line_number").collect()
    assert [tuple(row) for row in found] == [
        ("numbers", "not_a_number", 3, "three"),
        ("numbers", "negative", 4, "-4"),
    ]
    assert rows(tmp_path / "out" / "numbers") == 3


def test_a_key_that_several_rows_have_publishes_nothing(
    run_job: RunJob, lines: Path, tmp_path: Path
) -> None:
    keyed = dataclasses.replace(NUMBERS, key=("even", "n"))
    job = dataclasses.replace(JOB, writes=(keyed,))
    run_job(job, lines)
    with lines.open("a") as file:
        file.write("6\n6\n6\n")
    before = snapshot(tmp_path / "out")
    says = r"numbers: 3 rows have the key even = 'yes', n = 6; nothing was published"
    with pytest.raises(AuditError, match=says):
        run_job(job, lines)
    assert snapshot(tmp_path / "out") == before
    assert not staged(tmp_path / "out")
    run_job(JOB, lines)


@pytest.mark.parametrize(
    ("transform", "error", "says"),
    [
        (lying, AuditError, "numbers: 2 rows break even_is_true"),
        (mistyped, SchemaError, "n is string, not int; even is missing"),
    ],
)
def test_a_transform_that_breaks_the_contract_publishes_nothing(
    run_job: RunJob,
    lines: Path,
    tmp_path: Path,
    transform: Transform[Options],
    error: type,
    says: str,
) -> None:
    run_job(JOB, lines)
    before = snapshot(tmp_path / "out")
    with pytest.raises(error, match=says):
        run_job(dataclasses.replace(JOB, transform=transform), lines)
    assert snapshot(tmp_path / "out") == before


def test_files_that_went_missing_from_the_stage_are_noticed(
    run_job: RunJob, lines: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    list_staged = Publication.staged

    def losing(self: Publication, dataset: str) -> list[StoredFile]:
        for folder in staged(tmp_path / "out"):
            for file in folder.glob("even=no/*.parquet"):
                file.unlink()
        return list_staged(self, dataset)

    monkeypatch.setattr(Publication, "staged", losing)
    with pytest.raises(AuditError, match="numbers: 3 rows were made, 1 written"):
        run_job(JOB, lines)
    assert not snapshot(tmp_path / "out")
    assert not staged(tmp_path / "out")


def test_an_interrupt_after_the_commit_does_not_undo_it(
    run_job: RunJob, lines: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = 0

    def interrupted_once(*arguments: object) -> None:
        nonlocal calls
        calls += 1
        if calls == 1:
            raise KeyboardInterrupt
        apply(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr("gristmill.publish.publication.apply", interrupted_once)
    report = run_job(JOB, lines)
    assert report.state == "succeeded"
    assert rows(tmp_path / "out" / "numbers") == 3
    assert not staged(tmp_path / "out")


def test_the_sessions_job_group_is_left_as_it_was(
    spark: SparkSession, run_job: RunJob, lines: Path
) -> None:
    run_job(JOB, lines)
    assert spark.sparkContext.getLocalProperty("spark.jobGroup.id") is None


def test_a_file_that_is_named_twice_is_read_once(
    run_job: RunJob, lines: Path, tmp_path: Path
) -> None:
    assert run_job(JOB, lines, lines, tmp_path / "*.txt").lines == 5


@pytest.mark.parametrize("rate", [-0.1, 1.1, float("nan")])
def test_a_rate_of_rejects_is_a_share(rate: float) -> None:
    with pytest.raises(UsageError, match="--max-reject-rate takes 0 to 1"):
        Request(("in",), "out", Options(), rate)
