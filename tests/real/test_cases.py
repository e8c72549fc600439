"""Small inputs that failed once, each a kind of input that people have: see their README."""

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from gristmill.errors import InputError, ShrinkError, TooManyRejectsError
from gristmill.jobs import (
    access_logs,
    billing_charges,
    billing_summary,
    cost_anomalies,
    traffic_summary,
    web_sessions,
)
from gristmill.jobs.access_logs import AccessLogOptions
from gristmill.jobs.billing_charges import BillingChargesOptions
from gristmill.jobs.billing_summary import BillingSummaryOptions
from gristmill.jobs.traffic_summary import TrafficSummaryOptions
from gristmill.jobs.web_sessions import WebSessionsOptions
from tests.conftest import RunJob

Rows = Sequence[dict[str, Any]]
GET_A = {"client": "203.0.113.9", "ident": None, "user": None, "path": "/a", "status": 200}


@pytest.fixture(scope="session")
def cases(data: Path) -> Path:
    folder = data.parent / "cases"
    if not folder.is_dir():
        pytest.skip(f"no cases: {folder} is not there")
    return folder


def rows(spark: SparkSession, dataset: Path, columns: Sequence[str]) -> Rows:
    found = spark.read.parquet(str(dataset)).orderBy(columns[0]).select(*columns)
    return [row.asDict(recursive=True) for row in found.collect()]


REFUSED = (
    "05_vhost_with_ident.log",
    "06_extra_quoted_field_is_not_xff.log",
)
"""Layouts that are not read yet: none of their columns may stand in another's place."""


@pytest.mark.parametrize("name", REFUSED)
def test_a_layout_that_is_not_known_gives_no_rows(
    run_job: RunJob, cases: Path, tmp_path: Path, name: str
) -> None:
    with pytest.raises(InputError, match="is not a log in a known format"):
        run_job(access_logs.JOB, cases / "logs" / name)
    with pytest.raises(TooManyRejectsError, match="nothing was published"):
        run_job(
            access_logs.JOB,
            cases / "logs" / name,
            options=AccessLogOptions(format="web"),
            max_reject_rate=1.0,
        )
    assert not (tmp_path / "out" / "web_requests").exists()


LOADED: dict[str, tuple[tuple[str, ...], str, Rows]] = {
    "events over lines": (
        ("19_cloudtrail_pretty.json",),
        "cloudtrail_events",
        [{"event_id": "e-1", "event_name": "ListBuckets"}],
    ),
    "an event twice": (
        ("21_cloudtrail_duplicate_a.json", "21_cloudtrail_duplicate_b.json"),
        "cloudtrail_events",
        [{"event_id": "e-1"}],
    ),
    "virtual host": (
        ("14_vhost_combined.log",),
        "server_requests",
        [GET_A | {"vhost": "www.example.com", "port": 443, "bytes": 12}],
    ),
    "ingress": (
        ("15_ingress_nginx.log",),
        "server_requests",
        [GET_A | {"seconds": 0.004, "upstream_seconds": 0.004, "request_id": "0123abcd"}],
    ),
    "time taken": (("16_trailing_D.log",), "server_requests", [GET_A | {"seconds": 0.001234}]),
    "times": (
        ("18_ms_and_iso_time.log",),
        "server_requests",
        [
            {"timestamp": datetime(2026, 11, 25, 10, 0, 0, micros)} | GET_A
            for micros in (0, 123_000)
        ],
    ),
    "empty user": (("11_apache_empty_user.log",), "web_requests", [GET_A]),
    "two spaces": (("13_two_spaces_after_time.log",), "web_requests", [GET_A]),
    "addresses of proxies": (
        ("01_xff_first_3_addresses.log",),
        "web_requests",
        [
            GET_A | {"client": "198.51.100.7", "forwarded_for": proxies}
            for proxies in ("10.0.0.1", "70.132.0.1, 10.0.0.1")
        ],
    ),
    "syslog": (("02_syslog_prefix.log",), "web_requests", [GET_A]),
    "common and combined": (
        ("25_common_and_combined_a.log", "25_common_and_combined_b.log"),
        "web_requests",
        [
            {"path": "/", "user_agent": None},
            {"path": "/a", "user_agent": "Mozilla/5.0"},
        ],
    ),
    "vpc header without numbers": (
        ("07_vpc_header_without_numbers.log",),
        "vpc_flows",
        [{"srcaddr": "10.0.0.1", "dstaddr": "10.0.0.2", "action": "ACCEPT", "bytes": None}],
    ),
    "cloudfront header without numbers": (
        ("09_cloudfront_v2_no_number.log",),
        "cloudfront_requests",
        [{"x_edge_location": "SOF50", "c_ip": "203.0.113.1", "cs_uri_stem": "/"}],
    ),
    "s3 requester with spaces": (
        ("12_s3_oai_requester.log",),
        "s3_requests",
        [
            {
                "requester": "arn:aws:iam::cloudfront:user/CloudFront Origin Access Identity "
                "E2EXAMPLEID",
                "request_id": "3E57427F3EXAMPLE",
            }
        ],
    ),
}


@pytest.mark.parametrize("case", LOADED)
def test_a_log_is_loaded(
    spark: SparkSession, run_job: RunJob, cases: Path, tmp_path: Path, case: str
) -> None:
    names, dataset, wanted = LOADED[case]
    report = run_job(access_logs.JOB, *(cases / "logs" / name for name in names))
    assert report.rejected == 0
    found = rows(spark, tmp_path / "out" / dataset, list(wanted[0]))
    assert sorted(found, key=str) == sorted(wanted, key=str)


def test_what_is_whole_of_a_cut_off_file_is_read(run_job: RunJob, cases: Path) -> None:
    report = run_job(access_logs.JOB, cases / "logs" / "22_truncated.log.gz")
    assert report.rejects == {"truncated_file": 1}
    assert report.datasets[0].rows > 0


def test_a_session_is_on_one_day(
    spark: SparkSession, run_job: RunJob, cases: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    for day in ("day2", "day1"):
        run_job(access_logs.JOB, cases / "logs" / f"26_midnight_{day}.log")
        run_job(web_sessions.JOB, out)
    (session,) = rows(spark, out / "web_sessions", ["date", "requests"])
    assert (str(session["date"]), session["requests"]) == ("2026-11-25", 2)


def test_four_visitors_behind_a_proxy_are_four(
    spark: SparkSession, run_job: RunJob, cases: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    run_job(access_logs.JOB, cases / "logs" / "27_proxy_xff.log")
    run_job(traffic_summary.JOB, out, options=TrafficSummaryOptions(trusted_proxy=("private",)))
    run_job(web_sessions.JOB, out, options=WebSessionsOptions(trusted_proxy=("10.0.0.0/8",)))
    (day,) = spark.read.parquet(str(out / "traffic_clients")).where("hour is null").collect()
    assert day["clients"] == 4
    sessions = spark.read.parquet(str(out / "web_sessions")).collect()
    assert sorted(row["client"] for row in sessions) == [f"198.51.100.{n}" for n in range(4)]
    assert [row["requests"] for row in sessions] == [1, 1, 1, 1]


def charged(spark: SparkSession, out: Path, *columns: str) -> dict[str, tuple[Any, ...]]:
    """The columns of charges, by the resource."""
    found = rows(spark, out / "charges", ["resource_id", *columns])
    return {row["resource_id"]: tuple(row[name] for name in columns) for row in found}


@pytest.mark.parametrize(
    ("name", "cost"), [("01_secondary_amount.csv", None), ("04_newline.csv", Decimal(101))]
)
def test_no_line_of_a_bill_is_lost(
    spark: SparkSession, run_job: RunJob, cases: Path, tmp_path: Path, name: str, cost: Any
) -> None:
    report = run_job(billing_charges.JOB, cases / "billing" / name)
    assert report.rejected == 0
    found = charged(spark, tmp_path / "out", "billed_cost")
    assert cost is None or sum(amount for (amount,) in found.values()) == cost


def test_tags_of_every_spelling(
    spark: SparkSession, run_job: RunJob, cases: Path, tmp_path: Path
) -> None:
    run_job(billing_charges.JOB, cases / "billing" / "02_gcp_labels.csv")
    assert charged(spark, tmp_path / "out", "tags") == {
        "g": ({"env": "prod", "team": "a"},),
        "j": ({"env": "b"},),
        "az": ({"env": "prod", "cc": "1042"},),
    }


def test_a_final_month_is_not_replaced_by_less(run_job: RunJob, cases: Path) -> None:
    run_job(billing_charges.JOB, cases / "billing" / "03_partial_final_1.csv")
    with pytest.raises(ShrinkError, match=r"rows 10, now 1.*--force"):
        run_job(billing_charges.JOB, cases / "billing" / "03_partial_final_2.csv")


@pytest.mark.thorough
def test_tags_that_differ_in_case_are_joined(
    spark: SparkSession, run_job: RunJob, cases: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    run_job(billing_charges.JOB, cases / "billing" / "07_tag_case.csv")
    options = BillingSummaryOptions(tag=("application",), tag_case="any")
    run_job(billing_summary.JOB, out, options=options)
    found = rows(spark, out / "cost_by_tag", ["tag_value", "billed_cost"])
    assert found == [{"tag_value": "shop", "billed_cost": Decimal(2)}]


@pytest.mark.thorough
def test_the_costs_of_every_kind_of_line(
    spark: SparkSession, run_job: RunJob, cases: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    run_job(billing_charges.JOB, cases / "billing" / "08_cur_kinds.csv.gz")
    found = charged(spark, out, "effective_cost", "list_cost", "contracted_cost")
    effective = {resource: costs[0] for resource, costs in found.items()}
    refunds = ("ml_refund", "co_refund", "ri_upfront_refund")
    assert [effective[name] for name in refunds] == [0, 0, 0]
    assert [found[name][1] for name in ("edp_on_sp", "bundled", "spp", "prd")] == [0, 0, 0, 0]
    assert found["ri_used"][2] == 5
    run_job(billing_summary.JOB, out)
    bought = rows(spark, out / "commitments", ["commitment_discount_id", "purchased_cost"])
    assert {row["commitment_discount_id"][-4:]: row["purchased_cost"] for row in bought} == {
        "aaaa": 8,
        "ml01": 0 + 1200 - 1200,
        "bbbb": 2 + 100 - 100,
    }
    services = rows(spark, out / "cost_by_service", ["x_product_code", "service_name"])
    assert [row["service_name"] for row in services if row["x_product_code"] == "AmazonEC2"] == [
        "Amazon Elastic Compute Cloud"
    ]
    split = charged(spark, out, "billed_cost", "x_split_cost", "x_cost_categories")
    assert split["eks_pod1"] == (0, 30, {"Dept": "Platform"})
    assert split["eks_pod2"] == (0, 10, None)
    net = charged(spark, out, "x_net_unblended_cost", "x_net_effective_cost")
    assert net["usage"] == (18, 18)


@pytest.mark.thorough
def test_subscriptions_of_one_month_add_up(
    spark: SparkSession, run_job: RunJob, cases: Path, tmp_path: Path
) -> None:
    folder, options = (
        cases / "billing" / "12_per_subscription",
        BillingChargesOptions(scope="account"),
    )
    run_job(billing_charges.JOB, folder, options=options)
    one_by_one = tmp_path / "one by one"
    for name in ("a", "b"):
        run_job(billing_charges.JOB, folder / name, options=options, output=one_by_one)
    columns = ["sub_account_id", "billed_cost"]
    together = rows(spark, tmp_path / "out" / "charges", columns)
    assert len(together) == 2
    assert rows(spark, one_by_one / "charges", columns) == together


def test_daily_costs_of_thirteen_shapes(
    spark: SparkSession, run_job: RunJob, cases: Path, tmp_path: Path
) -> None:
    run_job(billing_charges.JOB, cases / "billing" / "09_series.csv.gz")
    run_job(cost_anomalies.JOB, tmp_path / "out")
    found: dict[str, list[tuple[str, int]]] = {}
    for row in rows(
        spark,
        tmp_path / "out" / "cost_anomalies",
        ("start_date", "service_name", "kind"),
    ):
        day = (row["start_date"] - date(2026, 4, 1)).days
        found.setdefault(row["service_name"], []).append((row["kind"], day))
    # Weekly shapes, noise, a fee on the first, and a price that rises by less than a twentieth are
    # no events; the month's end is one the first time alone.
    assert found == {
        "growth 1% a day, noise 2%": [("growth", 0)],
        "growth 0.5% a day, noise 2%": [("growth", 0)],
        "step 100 to 150 on day 60, noise 2%": [("step_up", 60)],
        "spike x5 on day 100, noise 3%": [("spike", 100)],
        "new on day 60, 50 a day": [("new", 60)],
        "stops on day 90": [("vanished", 90)],
        "month end load: last 3 days x2": [("spike", 28)],
    }


@pytest.mark.parametrize(
    ("rate_on", "rates"),
    [("day", 3), ("month-average", 1)],
)
def test_a_month_has_one_rate_where_that_is_asked_for(
    spark: SparkSession, run_job: RunJob, cases: Path, tmp_path: Path, rate_on: str, rates: int
) -> None:
    run_job(billing_charges.JOB, cases / "billing" / "10_fx.csv")
    file = str(cases / "billing" / "10_fx_rates.csv")
    options = BillingSummaryOptions(
        rates=file, report_currency="EUR", rate_on=rate_on, fill="previous"
    )
    run_job(billing_summary.JOB, tmp_path / "out", options=options)
    found = rows(
        spark,
        tmp_path / "out" / "cost_by_service",
        ("service_name", "billed_cost", "report_billed_cost", "billing_period"),
    )
    september = [row for row in found if row["service_name"] != "gbp"]
    used = {
        (row["report_billed_cost"] / row["billed_cost"]).quantize(Decimal("1e-9"))
        for row in september
    }
    assert len(used) == rates
