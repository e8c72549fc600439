"""Inputs and outputs with names that mean something to others: patterns, links, twice the same."""

from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from gristmill.cli import look
from gristmill.errors import UsageError
from gristmill.jobs import access_logs, billing_charges, traffic_summary, word_count
from tests.conftest import RunJob
from tests.support import reference_billing as reference
from tests.support.process import rows

LINE = '203.0.113.9 - - [25/Nov/2026:10:0{minute}:00 +0000] "GET /a HTTP/1.1" 200 12\n'
CHARGE = {
    **dict.fromkeys(("BilledCost", "EffectiveCost", "ListCost", "ContractedCost"), "1"),
    "BillingCurrency": "EUR",
    "BillingAccountId": "1",
    "BillingPeriodStart": "2026-09-01T00:00:00Z",
    "BillingPeriodEnd": "2026-10-01T00:00:00Z",
    "ChargePeriodStart": "2026-09-05T10:00:00Z",
    "ChargePeriodEnd": "2026-09-05T11:00:00Z",
    "ChargeCategory": "Usage",
    "ServiceName": "Grinding",
    "SubAccountId": "1",
    "Tags": "",
}


@pytest.mark.thorough
@pytest.mark.parametrize(
    "name",
    [
        "50% {a,b} [é]\\",
        *(pytest.param(name, marks=pytest.mark.thorough) for name in ("a[1]b", "a{1}b", "a*b?")),
    ],
)
def test_an_output_may_have_any_name(run_job: RunJob, tmp_path: Path, name: str) -> None:
    out = tmp_path / name
    (tmp_path / "a.log").write_text(LINE.format(minute=1))
    (tmp_path / "b.csv").write_text(reference.to_csv([CHARGE], CHARGE))
    for _ in range(2):
        run_job(access_logs.JOB, tmp_path / "a.log", output=out)
        run_job(traffic_summary.JOB, out, output=out)
        # What looks at what is there before it replaces it, and what keeps the rest of it.
        run_job(billing_charges.JOB, tmp_path / "b.csv", output=out)
    options = billing_charges.JOB.options(scope="day")
    run_job(billing_charges.JOB, tmp_path / "b.csv", output=out, options=options)
    assert rows(out / "web_requests") == rows(out / "charges") == 1
    assert rows(out / "traffic_hourly") == 1
    assert look.head(str(out / "web_requests"), 1)


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    folder = tmp_path / "logs"
    for minute, name in enumerate(("a.log", "deep/b.log")):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(LINE.format(minute=minute))
    return folder


@pytest.mark.thorough
def test_what_is_linked_is_read_once(run_job: RunJob, logs: Path, tmp_path: Path) -> None:
    (logs / "again").symlink_to("deep")
    (logs / "c.log").symlink_to("a.log")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.symlink_to(logs)
    for place, inputs in enumerate(([logs], [elsewhere], [logs, elsewhere])):
        report = run_job(access_logs.JOB, *inputs, output=tmp_path / f"out-{place}")
        assert (report.lines, report.datasets[0].rows) == (2, 2), inputs


@pytest.mark.thorough
def test_what_is_named_twice_is_read_once(run_job: RunJob, logs: Path, tmp_path: Path) -> None:
    cases: list[list[Path | str]] = [
        [logs / "a.log", logs / "a.log", logs / "deep"],
        [logs, logs / "a.log"],
        [f"{logs}/*.log", f"{logs}/a*", logs / "deep" / "b.log"],
    ]
    for place, inputs in enumerate(cases):
        report = run_job(access_logs.JOB, *inputs, output=tmp_path / f"out-{place}")
        assert (report.lines, report.datasets[0].rows) == (2, 2), inputs


def test_standard_input_is_refused(spark: SparkSession, run_job: RunJob) -> None:
    with pytest.raises(UsageError, match="would be standard input, which is not read"):
        run_job(word_count.JOB, "-")
