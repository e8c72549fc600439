"""What is wrong with a submission is found on the spot: files that no cluster sees, above all."""

from dataclasses import replace
from pathlib import Path

import pytest

from gristmill.emr.prepare import Step, SubmitRequest, prepare
from gristmill.errors import UsageError
from gristmill.jobs import CATALOGUE
from tests.support.emr_specs import cluster

WHERE = ("--input", "s3://logs/", "--output", "s3://out/web")


def wanted(job: str, *argv: str) -> SubmitRequest:
    return SubmitRequest(CATALOGUE[job], argv, cluster(), "r1")


@pytest.mark.parametrize(
    ("job", "argv", "seen"),
    [
        ("access-logs", ("--input", "data", "--output", "s3://out/web"), "--input data"),
        ("access-logs", ("--input", "file:///d", "--output", "s3://o/w"), "--input file:///d"),
        ("access-logs", ("--input", "s3n://logs/", "--output", "s3://o/w"), "--input s3n://logs/"),
        ("access-logs", ("--input", "s3:///logs", "--output", "s3://o/w"), "--input s3:///logs"),
        ("access-logs", (*WHERE, "--report", "r.json"), "--report r.json"),
        ("access-logs", (*WHERE, "--report", "hdfs:///r.json"), "--report hdfs:///r.json"),
        (
            "billing-summary",
            (*WHERE, "--rates", "rates.csv", "--report-currency", "EUR"),
            "--rates rates.csv",
        ),
        ("utility-statements", (*WHERE, "--tariff", "/t.csv", "--zone", "UTC"), "--tariff /t.csv"),
    ],
)
def test_what_only_this_machine_sees_is_refused(job: str, argv: tuple[str, ...], seen: str) -> None:
    with pytest.raises(UsageError, match="upload it to S3") as caught:
        prepare(wanted(job, *argv))
    assert seen in str(caught.value)


def test_all_that_is_wrong_is_named_at_once() -> None:
    argv = ("--input", "a", "s3://b/c", "d", "--output", "o", "--tariff", "t.csv", "--zone", "UTC")
    with pytest.raises(UsageError) as caught:
        prepare(wanted("utility-statements", *argv))
    said = str(caught.value)
    named = [" ".join(line.split()[:2]) for line in said.splitlines()]
    assert named == ["--input a", "--input d", "--output o", "--tariff t.csv"]


@pytest.mark.parametrize(
    ("job", "argv"),
    [
        ("access-logs", ("--input", "s3a://logs/a b/*.gz", "--output", "s3://o/w ü")),
        ("access-logs", ("--input", "hdfs:///logs", "--output", "s3://o/w")),
        ("billing-summary", (*WHERE, "--rates", "s3://b/r.csv", "--report-currency", "EUR")),
        ("billing-summary", (*WHERE, "--report", "s3://b/mine.json")),
    ],
)
def test_what_a_cluster_sees_is_taken(job: str, argv: tuple[str, ...]) -> None:
    assert prepare(wanted(job, *argv)).submission.argv[: len(argv)] == argv


def test_a_report_that_is_asked_for_is_where_the_answer_looks() -> None:
    record = prepare(wanted("access-logs", *WHERE, "--report", "s3://b/mine.json"))
    assert record.reports == ("s3://b/mine.json",)
    assert record.submission.argv.count("--report") == 1


def test_a_list_on_this_machine_is_read_here_and_one_in_s3_there(tmp_path: Path) -> None:
    path = tmp_path / "inputs.txt"
    path.write_text("s3://logs/a\ns3://logs/b c\n")
    argv = ("--input", f"@{path}", "@s3://lists/more", "--output", "s3://out/web")
    found = prepare(wanted("access-logs", *argv)).submission.argv
    assert found[:6] == (
        *("--input", "s3://logs/a", "s3://logs/b c", "@s3://lists/more"),
        *("--output", "s3://out/web"),
    )
    path.write_text("here.gz\n")
    with pytest.raises(UsageError, match="upload it to S3"):
        prepare(wanted("access-logs", *argv))


def chain(*steps: tuple[str, tuple[str, ...]]) -> SubmitRequest:
    first, *then = [Step(CATALOGUE[job], argv) for job, argv in steps]
    return SubmitRequest(first.job, first.argv, cluster(), "r1", then=tuple(then))


def test_a_chain_is_one_run_with_a_report_for_each_job() -> None:
    again = ("--input", "s3://out/web", "--output", "s3://out/web")
    record = prepare(chain(("access-logs", WHERE), ("traffic-summary", again)))
    reports = [f"s3://out/web/_gristmill/reports/r1-{number}.json" for number in (1, 2)]
    assert record.run == "r1"
    assert record.reports == tuple(reports)
    assert record.submission.job == "access-logs"
    assert record.submission.argv == (
        *(*WHERE, "--report", reports[0]),
        *("then", "traffic-summary", *again, "--report", reports[1]),
    )
    assert record.submission.words == ("access-logs", *record.submission.argv)
    # Tried again, each job knows what was done since it was submitted.
    again_ = replace(record.submission, attempt=2, since=record.created)
    assert again_.words == (
        *("access-logs", *WHERE, "--report", reports[0], "--resume", record.created),
        *("then", "traffic-summary", *again, "--report", reports[1], "--resume", record.created),
    )


def test_what_is_wrong_with_a_later_job_of_a_chain_is_found_on_the_spot() -> None:
    with pytest.raises(UsageError, match="--input here"):
        prepare(chain(("access-logs", WHERE), ("traffic-summary", ("--input", "here", *WHERE[2:]))))


def test_two_jobs_of_a_chain_do_not_write_one_report() -> None:
    one = (*WHERE, "--report", "s3://b/r.json")
    with pytest.raises(UsageError, match="a --report of its own"):
        prepare(chain(("access-logs", one), ("access-logs", one)))
