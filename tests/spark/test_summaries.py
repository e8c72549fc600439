"""Summaries of the logs of AWS, against figures worked out by hand or by plain Python."""

import random
from collections import defaultdict
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from gristmill import Dataset
from gristmill.jobs import api_activity, flow_summary
from gristmill.jobs.traffic_summary import TrafficSummaryOptions, summarise
from gristmill.model.options import Options
from gristmill.readers.logs.cloudtrail import CLOUDTRAIL_EVENTS
from gristmill.readers.logs.http import views
from gristmill.readers.logs.vpc_flow import VPC_FLOWS

DAY = date(2026, 10, 5)
AT = datetime(2026, 10, 5, 14, 1, tzinfo=UTC)


def rows(spark: SparkSession, dataset: Dataset, *given: dict[str, Any]) -> DataFrame:
    """Rows of a dataset that have what is given, and nulls."""
    names = sorted({name for row in given for name in row})
    types = {field.name: field.type for field in dataset.fields}
    ddl = ", ".join(f"`{name}` {types[name]}" for name in names)
    frame = spark.createDataFrame([tuple(row.get(name) for name in names) for row in given], ddl)
    others = [
        F.lit(None).cast(type_).alias(name) for name, type_ in types.items() if name not in names
    ]
    return frame.select("*", *others)


S3: dict[str, Any] = {"request_datetime": AT, "date": DAY, "remote_ip": "192.0.2.1"}
ALB: dict[str, Any] = {"time": AT, "date": DAY, "client_ip": "192.0.2.1", "elb_status_code": 200}
CLOUDFRONT: dict[str, Any] = {"timestamp": AT, "date": DAY, "c_ip": "2001:db8::1"}
COMMON = ["dataset", "client", "method", "path", "status", "bytes", "seconds"]


@pytest.mark.parametrize(
    ("dataset", "given", "expected"),
    [
        (
            "s3_requests",
            S3
            | {"request_uri": "GET /b/k%2520.txt?x=1 HTTP/1.1", "http_status": 206}
            | {"bytes_sent": 7, "total_time": 1250},
            ("192.0.2.1", "GET", "/b/k%2520.txt", 206, 7, 1.25),
        ),
        ("s3_requests", S3 | {"http_status": 204}, ("192.0.2.1", None, None, 204, None, None)),
        (
            "alb_requests",
            ALB
            | {"request_verb": "POST", "request_url": "https://example.com:443/a/b?c=/d"}
            | {"sent_bytes": 5, "request_processing_time": 0.001}
            | {"target_processing_time": 0.25, "response_processing_time": 0.0},
            ("192.0.2.1", "POST", "/a/b", 200, 5, 0.251),
        ),
        (
            "alb_requests",
            ALB | {"request_url": "http://example.com:80-", "request_processing_time": 0.5},
            ("192.0.2.1", None, None, 200, None, None),
        ),
        (
            "cloudfront_requests",
            CLOUDFRONT
            | {"cs_method": "GET", "cs_uri_stem": "/a", "sc_status": 0}
            | {"sc_bytes": 9, "time_taken": 0.125},
            ("2001:db8::1", "GET", "/a", None, 9, 0.125),
        ),
    ],
)
def test_the_view_of_a_log_has_what_all_have(
    spark: SparkSession, dataset: str, given: dict[str, Any], expected: tuple[Any, ...]
) -> None:
    kind, view = views()[dataset]
    (row,) = view(rows(spark, kind, given)).select(*COMMON).collect()
    assert tuple(row) == (dataset, *expected)


def nearest_rank(times: list[float], percent: int) -> float:
    """The least time that so many percent of all took no longer than."""
    for time in sorted(times):
        if sum(other <= time for other in times) * 100 >= percent * len(times):
            return time
    raise ValueError("no times")


def test_a_percentile_is_a_time_that_there_was(spark: SparkSession) -> None:
    chosen = random.Random(7)
    kind, view = views()["alb_requests"]
    expected, given = {}, []
    for number in range(40):
        counts = chosen.choice([1, 2, 3, 19, 20, 21, 99, 100, 101])
        times = [chosen.randrange(30) / 1000 for _ in range(counts)]
        day = DAY + timedelta(days=number)
        expected[day] = tuple(nearest_rank(times, percent) for percent in (50, 95, 99))
        given += [
            {"time": datetime(day.year, day.month, day.day, tzinfo=UTC), "date": day}
            | {"client_ip": "192.0.2.1", "request_processing_time": time}
            | {"target_processing_time": 0.0, "response_processing_time": 0.0}
            for time in times
        ]
    hourly = summarise(view(rows(spark, kind, *given)), TrafficSummaryOptions())["traffic_hourly"]
    found = hourly.select("date", "seconds_p50", "seconds_p95", "seconds_p99").collect()
    assert {row[0]: tuple(row[1:]) for row in found} == expected


def test_percentiles_are_exact_and_clients_are_counted_once(spark: SparkSession) -> None:
    times = [0.001 * (n * n % 997) for n in range(400)]
    given = [
        ALB
        | {"client_ip": f"192.0.2.{n % 7}", "request_verb": "GET", "sent_bytes": n}
        | {"request_processing_time": time, "target_processing_time": 0.0}
        | {"response_processing_time": 0.0, "request_url": f"http://example.com:80/{n % 3}"}
        for n, time in enumerate(times)
    ]
    # One that never reached a target has no time, and counts all the same.
    given.append(ALB | {"client_ip": "192.0.2.200", "request_verb": "GET", "sent_bytes": 1})
    kind, view = views()["alb_requests"]
    found = summarise(view(rows(spark, kind, *given)), TrafficSummaryOptions(top=2))
    (hour,) = found["traffic_hourly"].collect()
    assert (hour["hour"], hour["requests"], hour["clients"]) == (14, 401, 8)
    assert hour["bytes"] == sum(range(400)) + 1
    expected = [round(nearest_rank(times, percent), 6) for percent in (50, 95, 99)]
    assert [hour[f"seconds_p{percent}"] for percent in (50, 95, 99)] == expected
    clients = {row["hour"]: row["clients"] for row in found["traffic_clients"].collect()}
    assert clients == {14: 8, None: 8}
    top = [(row["rank"], row["path"], row["requests"]) for row in found["top_paths"].collect()]
    assert sorted(top) == [(1, "/0", 134), (2, "/1", 133)]


def test_logs_are_summarised_side_by_side(spark: SparkSession) -> None:
    frames = [
        view(rows(spark, kind, given))
        for given, (kind, view) in (
            (S3 | {"http_status": 200}, views()["s3_requests"]),
            (CLOUDFRONT | {"sc_status": 200}, views()["cloudfront_requests"]),
        )
    ]
    hourly = summarise(frames[0].unionByName(frames[1]), TrafficSummaryOptions())["traffic_hourly"]
    found = {(row["dataset"], row["status_class"], row["seconds_p99"]) for row in hourly.collect()}
    assert found == {("s3_requests", "2xx", None), ("cloudfront_requests", "2xx", None)}


def test_flows_are_summed_and_records_without_data_are_left_out(spark: SparkSession) -> None:
    flow = {"date": DAY, "action": "ACCEPT", "protocol": 6, "dstport": 443, "log_status": "OK"}
    given: list[dict[str, Any]] = [
        flow | {"packets": 3, "bytes": 100},
        flow | {"packets": 4, "bytes": 50},
        flow | {"action": "REJECT", "packets": 1, "bytes": 40},
        flow | {"protocol": 17, "packets": 1, "bytes": 40, "log_status": None},
        {"date": DAY, "log_status": "NODATA"},
        {"date": DAY, "log_status": "SKIPDATA"},
    ]
    found = flow_summary.summarise(rows(spark, VPC_FLOWS, *given), Options())["flow_summary"]
    names = ("action", "protocol", "dstport", "flows", "packets", "bytes")
    assert {tuple(row[name] for name in names) for row in found.collect()} == {
        ("ACCEPT", 6, 443, 2, 7, 150),
        ("REJECT", 6, 443, 1, 1, 40),
        ("ACCEPT", 17, 443, 1, 1, 40),
    }


def test_events_are_counted_by_who_called(spark: SparkSession) -> None:
    identities = {
        '{"type":"IAMUser","principalId":"AIDA","arn":"arn:aws:iam::1:user/ann"}': (
            "arn:aws:iam::1:user/ann"
        ),
        '{"principalId":"anonymous"}': "anonymous",
        '{"type":"AWSService","invokedBy":"ec2.amazonaws.com"}': "ec2.amazonaws.com",
        '{"type":"AWSAccount","accountId":"123456789012"}': "123456789012",
        '{"type":"Unknown"}': "Unknown",
        None: None,
    }
    event = {"date": DAY, "event_source": "s3.amazonaws.com", "event_name": "ListBuckets"}
    given = [event | {"user_identity": identity} for identity in identities]
    given += [given[0] | {"error_code": "AccessDenied"}, given[0] | {"event_name": "PutObject"}]
    events = rows(spark, CLOUDTRAIL_EVENTS, *given)
    found = api_activity.summarise(events, Options())["api_activity"].collect()
    counts: dict[str, dict[str, tuple[int, int]]] = defaultdict(dict)
    for row in found:
        counts[row["event_name"]][row["principal"]] = (row["events"], row["errors"])
    expected = dict.fromkeys(identities.values(), (1, 0)) | {"arn:aws:iam::1:user/ann": (2, 1)}
    assert counts["ListBuckets"] == expected
    assert counts["PutObject"] == {"arn:aws:iam::1:user/ann": (1, 0)}
