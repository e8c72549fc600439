"""Logs as CloudWatch Logs brings them to S3, and those that lie in Parquet files."""

import gzip
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession

from gristmill.errors import InputError
from gristmill.jobs import access_logs
from gristmill.jobs.access_logs import AccessLogOptions
from tests.conftest import RunJob
from tests.spark.test_vpc_logs import V2
from tests.support.aws_lines import DNS, TGW, envelope

COMBINED = (
    '192.0.2.7 - - [05/Oct/2026:10:00:00 +0000] "GET /a HTTP/1.1" 200 5 "-" "a \\"quoted\\" b"'
)
EVENT = json.dumps(
    {
        "eventVersion": "1.09",
        "eventTime": "2026-03-04T00:00:00Z",
        "eventID": "11111111-2222-3333-4444-555555555555",
        "eventSource": "s3.amazonaws.com",
        "eventName": "ListBuckets",
        "requestParameters": {"a": "}{", "n": 0.10},
    }
)
OF: dict[str, tuple[str, str]] = {
    "vpc_flow": ("vpc_flows", V2),
    "transit_gateway": ("transit_gateway_flows", TGW),
    "route53_resolver": ("dns_queries", DNS),
    "cloudtrail": ("cloudtrail_events", EVENT),
    "combined": ("web_requests", COMBINED),
}


def content(spark: SparkSession, out: Path, dataset: str) -> list[dict[str, Any]]:
    rows = spark.read.parquet(str(out / dataset)).drop("source_file").collect()
    return sorted((row.asDict() for row in rows), key=str)


@pytest.mark.parametrize("named", list(OF))
def test_a_line_is_the_same_in_an_envelope_and_behind_a_time(
    spark: SparkSession, run_job: RunJob, tmp_path: Path, named: str
) -> None:
    dataset, line = OF[named]
    # CloudTrail's events have an id, and are skipped where they come again.
    lines = [line, line.replace("5555", "6666"), line.replace("5555", "7777")]
    control = envelope(["CWL CONTROL MESSAGE: Checking health of destination."], "CONTROL_MESSAGE")
    two, one = envelope(lines[:2]), envelope([f"{lines[2]}\n"])
    ways = {
        "plain": "".join(f"{line}\n" for line in lines),
        "exported": "".join(f"2026-03-04T00:00:0{n}.123Z {line}\n" for n, line in enumerate(lines)),
        "side by side": control + two + one,
        "on lines": f"{two}\n{control}\n{one}\n",
    }
    found = {}
    for way, text in ways.items():
        folder = tmp_path / way
        (folder / "logs").mkdir(parents=True)
        (folder / "logs" / "a.log.gz").write_bytes(gzip.compress(text.encode()))
        run_job(access_logs.JOB, folder / "logs", output=folder / "out")
        found[way] = content(spark, folder / "out", dataset)
    assert len(found["plain"]) == 3
    for way in ways:
        assert found[way] == found["plain"], way


def test_what_is_broken_in_an_envelope_is_rejected_and_nothing_is_lost(
    spark: SparkSession, run_job: RunJob, tmp_path: Path
) -> None:
    whole = envelope([V2, "no flow at all", V2, ""])
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "a.log").write_text(f"{whole}\n{envelope([V2])[:-7]}\n{whole}")
    out = tmp_path / "out"
    flows = AccessLogOptions(format="vpc_flow")
    run_job(access_logs.JOB, tmp_path / "logs", output=out, options=flows, max_reject_rate=0.9)
    assert len(content(spark, out, "vpc_flows")) == 4
    rejects = spark.read.parquet(str(out / "rejects")).select("reason", "line_number").collect()
    assert sorted(map(tuple, rejects)) == [
        ("empty_line", 1),
        ("empty_line", 3),
        ("wrong_fields", 1),
        ("wrong_fields", 2),
        ("wrong_fields", 3),
    ]


_NUMBERS = {"version", "srcport", "dstport", "protocol", "packets", "bytes", "start", "end"}


def _parquet(file: Path, names: Sequence[str], lines: Sequence[str]) -> None:
    """The columns of lines, as AWS's types are."""
    cells = [line.split() for line in lines]
    columns = {
        name: [
            None if row[place] == "-" else int(row[place]) if name in _NUMBERS else row[place]
            for row in cells
        ]
        for place, name in enumerate(names)
    }
    pq.write_table(pa.table(columns), file)


FLOW = [
    "version",
    "account_id",
    "interface_id",
    "srcaddr",
    "dstaddr",
    "srcport",
    "dstport",
    "protocol",
    "packets",
    "bytes",
    "start",
    "end",
    "action",
    "log_status",
]


def test_flow_logs_in_parquet_are_what_they_are_as_text(
    spark: SparkSession, run_job: RunJob, tmp_path: Path
) -> None:
    nothing = "2 111122223333 eni-0a1b2c3d - - - - - - - 1772582399 1772582459 - NODATA"
    bad = V2.replace("192.0.2.16", "nowhere")
    for way in ("text", "parquet"):
        (tmp_path / way).mkdir()
    (tmp_path / "text" / "a.log").write_text(f"{V2}\n{nothing}\n{bad}\n")
    _parquet(tmp_path / "parquet" / "a.log.parquet", FLOW, [V2, nothing, bad])
    # Other columns, in another order, in another file.
    _parquet(tmp_path / "parquet" / "b.log.parquet", ["start", "bytes", "srcaddr"], [
        "1772582400 7 10.0.0.4"
    ])  # fmt: skip
    found = {}
    for way in ("text", "parquet"):
        run_job(access_logs.JOB, tmp_path / way, output=tmp_path / f"{way}-out")
        found[way] = content(spark, tmp_path / f"{way}-out", "vpc_flows")
        rejects = spark.read.parquet(str(tmp_path / f"{way}-out" / "rejects")).collect()
        assert [(row["reason"], row["line_number"]) for row in rejects] == [("bad_address", 3)]
    (more,) = (row for row in found["parquet"] if row["bytes"] == 7)
    assert more["srcaddr"] == "10.0.0.4"
    assert more["account_id"] is None
    assert [row for row in found["parquet"] if row is not more] == found["text"]


def test_cloudfront_s_parquet_is_what_its_json_is(
    spark: SparkSession, run_job: RunJob, tmp_path: Path
) -> None:
    row = {
        "date": "2026-03-04",
        "time": "10:00:00",
        "x-edge-location": "FRA56-P1",
        "sc-bytes": "1000",
        "c-ip": "192.0.2.9",
        "cs-method": "GET",
        "cs(Host)": "d1.cloudfront.net",
        "cs-uri-stem": "/a%20b",
        "sc-status": "200",
        "cs(Referer)": "https://a.example/",
        "cs(User-Agent)": "Mozilla/5.0%20(X11)",
        "x-edge-result-type": "Hit",
        "x-edge-request-id": "abc==",
        "time-taken": "0.25",
        "c-port": "-",
    }
    plain = {"cs(Host)": "cs_host", "cs(Referer)": "cs_referer", "cs(User-Agent)": "cs_user_agent"}
    for way in ("json", "parquet"):
        (tmp_path / way).mkdir()
    (tmp_path / "json" / "a.json").write_text(json.dumps(row) + "\n")
    columns = {plain.get(name, name.replace("-", "_")): [value] for name, value in row.items()}
    pq.write_table(pa.table(columns), tmp_path / "parquet" / "a.parquet")
    found = []
    for way in ("json", "parquet"):
        run_job(access_logs.JOB, tmp_path / way, output=tmp_path / f"{way}-out")
        found.append(content(spark, tmp_path / f"{way}-out", "cloudfront_requests"))
    assert found[0] == found[1]
    assert found[0][0]["cs_user_agent"] == "Mozilla/5.0 (X11)"
    assert found[0][0]["cs_referrer"] == "https://a.example/"


def test_parquet_that_is_no_log_or_lies_beside_text_is_refused_by_name(
    run_job: RunJob, tmp_path: Path
) -> None:
    pq.write_table(pa.table({"a": [1], "b": ["x"]}), tmp_path / "a.parquet")
    with pytest.raises(InputError, match=r"a\.parquet has not the columns of a log .*\(a, b …\)"):
        run_job(access_logs.JOB, tmp_path / "a.parquet")
    with pytest.raises(InputError, match=r"a\.parquet has not the columns of vpc_flow"):
        run_job(
            access_logs.JOB, tmp_path / "a.parquet", options=AccessLogOptions(format="vpc_flow")
        )
    (tmp_path / "b.log").write_text(f"{V2}\n")
    with pytest.raises(InputError, match=r"a\.parquet is Parquet and .*b\.log is not"):
        run_job(access_logs.JOB, tmp_path)
