"""Events of CloudTrail: of every kind, wrapped and one a line, and JSON that is broken."""

import gzip
import json
import random
from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import Row, SparkSession

from gristmill.jobs import access_logs
from gristmill.model.checks import REASON, SKIPPED
from gristmill.readers.logs.cloudtrail import FIELDS, REJECTS
from gristmill.readers.text.lines import LINE_NUMBER
from tests.conftest import RunJob
from tests.spark.lines import Values, assert_as_expected, broken, nothing, outcome, parsed
from tests.support.reference_logs import Parsed, as_json, cloudtrail

NESTED = nothing(
    "user_identity request_parameters response_elements additional_event_data resources "
    "service_event_details addendum edge_device_details tls_details insight_details"
)
TIME = '"eventTime":"2026-03-03T23:59:59Z"'
CALL = (
    '{"eventVersion":"1.08","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ann",'
    '"sessionContext":{"sessionIssuer":{},"attributes":{"mfaAuthenticated":"false"}}},'
    f'{TIME},"eventSource":"s3.amazonaws.com","eventName":"PutObject","awsRegion":"eu-west-1",'
    '"sourceIPAddress":"192.0.2.7","userAgent":"[\\u003caws-cli\\u003e \\"2\\"]",'
    '"requestParameters":{"key":"a \\"b\\" \\\\c","n":[1,-2,0.10,1E400,12345678901234567890.5],'
    '"time":1772582399.120,"none":null,"text":"x: 1.50, [2.5]"},"responseElements":null,'
    '"additionalEventData":{"bytesTransferredIn":0.0},"requestID":"R1","eventID":"e-1",'
    '"readOnly":false,"resources":[{"ARN":"arn:aws:s3:::b/k"}],"eventType":"AwsApiCall",'
    '"managementEvent":false,"recipientAccountId":"011122223333","eventCategory":"Data",'
    '"apiVersion":"2006-03-01","vpcEndpointId":"vpce-1","vpcEndpointAccountId":"111122223333",'
    '"sharedEventID":"s-1","tlsDetails":{"tlsVersion":"TLSv1.3"},"notYetKnown":{"a":[{}]},'
    '"sessionCredentialFromConsole":"true"}'
)
NO_ROW: Values = dict.fromkeys(field.name for field in FIELDS)
TIMED = NO_ROW | {
    "event_time": datetime(2026, 3, 3, 23, 59, 59, tzinfo=UTC),
    "date": date(2026, 3, 3),
}
ROW = TIMED | {
    "event_version": "1.08",
    "user_identity": '{"type":"AssumedRole","principalId":"AROAEXAMPLE:ann",'
    '"sessionContext":{"sessionIssuer":{},"attributes":{"mfaAuthenticated":"false"}}}',
    "event_source": "s3.amazonaws.com",
    "event_name": "PutObject",
    "aws_region": "eu-west-1",
    "source_ip_address": "192.0.2.7",
    "user_agent": '[<aws-cli> "2"]',
    "request_parameters": '{"key":"a \\"b\\" \\\\c","n":[1,-2,0.10,1E400,12345678901234567890.5],'
    '"time":1772582399.120,"none":null,"text":"x: 1.50, [2.5]"}',
    "additional_event_data": '{"bytesTransferredIn":0.0}',
    "request_id": "R1",
    "event_id": "e-1",
    "read_only": False,
    "resources": '[{"ARN":"arn:aws:s3:::b/k"}]',
    "event_type": "AwsApiCall",
    "management_event": False,
    "recipient_account_id": "011122223333",
    "event_category": "Data",
    "api_version": "2006-03-01",
    "vpc_endpoint_id": "vpce-1",
    "vpc_endpoint_account_id": "111122223333",
    "shared_event_id": "s-1",
    "tls_details": '{"tlsVersion":"TLSv1.3"}',
    "session_credential_from_console": "true",
}


def event(more: str) -> str:
    """An event with a time and little else."""
    return f"{{{TIME},{more}}}"


HUGE = json.dumps({"document": 'Ω"\\' * 100_000}, ensure_ascii=False, separators=(",", ":"))
GOOD: dict[str, Values] = {
    CALL: ROW,
    f"  {CALL}\t ": ROW,
    CALL.replace('"type":"AssumedRole",', ""): ROW
    | {"user_identity": str(ROW["user_identity"]).replace('"type":"AssumedRole",', "")},
    f"{{{TIME}}}": TIMED,
    event('"userIdentity":{"invokedBy":"rds.amazonaws.com"},"eventType":"AwsServiceEvent"'): TIMED
    | {"user_identity": '{"invokedBy":"rds.amazonaws.com"}', "event_type": "AwsServiceEvent"},
    event('"serviceEventDetails":{"keyId":"k"},"requestParameters":null'): TIMED
    | {"service_event_details": '{"keyId":"k"}'},
    event('"eventName":"ConsoleLogin","responseElements":{"ConsoleLogin":"Failure"}'): TIMED
    | {"event_name": "ConsoleLogin", "response_elements": '{"ConsoleLogin":"Failure"}'},
    event('"eventType":"AwsCloudTrailInsight","insightDetails":{"baseline":{"average":2.0E-4}}'): (
        TIMED
        | {"event_type": "AwsCloudTrailInsight"}
        | {"insight_details": '{"baseline":{"average":2.0E-4}}'}
    ),
    event('"errorCode":"AccessDenied","errorMessage":"no\\n\\u00e9\\ud83d\\ude42 \\/"'): TIMED
    | {"error_code": "AccessDenied", "error_message": "no\né🙂 /"},
    event('"addendum":{"reason":"DELIVERY_DELAY"},"edgeDeviceDetails":{"a":1}'): TIMED
    | {"addendum": '{"reason":"DELIVERY_DELAY"}', "edge_device_details": '{"a":1}'},
    event('"requestParameters":"HIDDEN_DUE_TO_SECURITY_REASONS"'): TIMED
    | {"request_parameters": "HIDDEN_DUE_TO_SECURITY_REASONS"},
    event('"readOnly":"true","apiVersion":1.50,"managementEvent":null'): TIMED
    | {"read_only": True, "api_version": "1.50"},
    event('"readOnly":"perhaps"'): TIMED,
    event(f'"requestParameters":{HUGE}'): TIMED | {"request_parameters": HUGE},
    event('"eventname":"of another case"'): TIMED,
    CALL.replace("59Z", "59.123456Z"): ROW
    | {"event_time": datetime(2026, 3, 3, 23, 59, 59, 123456, tzinfo=UTC)},
}
BAD = {
    "": "empty_line",
    CALL.replace("ann", "\0"): "nul_byte",
    CALL[:-1]: "bad_json",
    CALL[:300]: "bad_json",
    f"{CALL},": "bad_json",
    f"{CALL}]": "bad_json",
    f"{CALL}] x": "bad_json",
    f"{CALL},{CALL}": "bad_json",
    f"[{CALL}]": "bad_json",
    "{": "bad_json",
    "null": "bad_json",
    '"text"': "bad_json",
    "no JSON": "bad_json",
    f"{{'eventName':'x',{TIME}}}": "bad_json",
    event('"a":NaN'): "bad_json",
    event('"a":01.5'): "bad_json",
    event('"a":1.5.2'): "bad_json",
    event("1.5:2"): "bad_json",
    event('"a":"tab\there"'): "bad_json",
    event(f'"a":{"[" * 5000}{"]" * 5000}'): "bad_json",
    "{}": "not_this_format",
    '{"Records":"none"}': "not_this_format",
    '{"Records":null}': "not_this_format",
    '{"eventTime":null}': "not_this_format",
    '{"level":"info","message":"hello"}': "not_this_format",
    '{"eventTime":"03/03/2026"}': "bad_timestamp",
    '{"eventTime":"2026-02-30T00:00:00Z"}': "bad_timestamp",
    '{"eventTime":1772582399}': "bad_timestamp",
    '{"eventTime":{"a":1}}': "bad_timestamp",
    f'{{"Records":[{CALL}': "bad_json",
    f'{{"Records":[{CALL}]': "bad_json",
    f'{{"Records":[{CALL}]}}]': "bad_json",
}


def test_an_event_a_line_becomes_its_row_or_is_rejected(
    spark: SparkSession, tmp_path: Path
) -> None:
    expected = GOOD | BAD | {'{"Records":[]}': SKIPPED, ' { "Records" : [ ] } ': SKIPPED}
    lines = [line.encode() for line in expected]
    assert_as_expected(parsed(spark, tmp_path / "a.json", "cloudtrail", lines), expected)
    assert set(BAD.values()) == set(REJECTS)


def test_each_event_of_a_file_is_one(spark: SparkSession, tmp_path: Path) -> None:
    wrapped = [CALL, "{}", "null", "7", event('"eventName":"B"'), '{"eventTime":"?"}']
    line = f'{{ "Records" : [{", ".join(wrapped)}], "more":1}}'
    rows = parsed(spark, tmp_path / "a.json", "cloudtrail", [line.encode()])
    assert [row["_raw"] for row in rows] == [json_without_spaces(text) for text in wrapped]
    assert [row[REASON] for row in rows] == [
        *(None, "not_this_format", "bad_json", "bad_json", None, "bad_timestamp"),
    ]
    assert outcome(rows[0]) == ROW
    assert outcome(rows[4]) == TIMED | {"event_name": "B"}


def json_without_spaces(text: str) -> str:
    """JSON as Spark writes it: escapes are gone where they are not needed."""
    return text.replace("\\u003c", "<").replace("\\u003e", ">")


def test_broken_json_is_read_as_plain_python_reads_it(spark: SparkSession, tmp_path: Path) -> None:
    rng = random.Random(20261122)
    whole = [line for line in GOOD if len(line) < 5000]
    several = [f'{{"Records":[{one},{other}]}}' for one in whole[:4] for other in whole[4:8]]
    lines = [broken(rng.choice([*whole, *several]), ",", rng) for _ in range(2000)]
    rows = parsed(spark, tmp_path / "a.json", "cloudtrail", lines)
    found: dict[int, list[Row]] = defaultdict(list)
    for row in rows:
        found[row[LINE_NUMBER]].append(row)
    assert sorted(found) == list(range(1, len(lines) + 1))
    right = sum(len(as_expected(found[n], line)) for n, line in enumerate(lines, 1))
    assert 200 < right < 1800


def as_expected(rows: Sequence[Row], line: bytes) -> list[Parsed]:
    """What a line became, which is what plain Python finds in it."""
    text = line.decode("utf-8", errors="replace").rstrip("\r").lstrip("\ufeff")
    wanted = cloudtrail(text)
    outcomes = [with_json(outcome(row)) for row in rows]
    assert outcomes == wanted, line
    assert {row[REASON] for row in rows} <= {None, SKIPPED, *REJECTS}
    return [outcome for outcome in outcomes if outcome]


def with_json(row: Parsed) -> Parsed:
    """A row with its nested parts read."""
    if not isinstance(row, dict):
        return row
    nested: dict[str, Any] = {
        name: as_json(row[name]) if str(row[name]).startswith(("{", "[")) else row[name]
        for name in NESTED
    }
    return row | nested


def of(number: int, text: str = "a") -> dict[str, Any]:
    return {
        "eventVersion": "1.08",
        "eventTime": "2026-03-03T23:59:59Z",
        "eventID": f"e-{number}",
        "requestParameters": {"text": text, "n": [1.50]},
    }


ODD_TEXT = '} {"a": [ }{ \\ ]'
LAYOUTS = {
    "pretty": json.dumps({"Records": [of(1), of(2, ODD_TEXT)]}, indent=2),
    "one event, pretty": json.dumps(of(1), indent=2),
    "a list": json.dumps([of(1), of(2, ODD_TEXT)]),
    "a list, pretty": json.dumps([of(1), of(2, ODD_TEXT)], indent=4),
    "concatenated": json.dumps({"Records": [of(1)]}) + json.dumps({"Records": [of(2, ODD_TEXT)]}),
    "concatenated, pretty": "\n".join(
        json.dumps({"Records": [one]}, indent=2) for one in (of(1), of(2, ODD_TEXT))
    ),
    "a list of files": json.dumps([{"Records": [of(1)]}, {"Records": [of(2)]}]),
    "lines": json.dumps(of(1)) + "\n" + json.dumps(of(2, ODD_TEXT)),
}


@pytest.mark.parametrize(
    "name",
    ["pretty", *(pytest.param(n, marks=pytest.mark.thorough) for n in LAYOUTS if n != "pretty")],
)
def test_events_are_read_however_their_json_is_laid_out(
    run_job: RunJob, tmp_path: Path, spark: SparkSession, name: str
) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.json").write_text(LAYOUTS[name])
    (tmp_path / "in" / "b.json.gz").write_bytes(gzip.compress(json.dumps(of(9)).encode()))
    report = run_job(access_logs.JOB, tmp_path / "in")
    assert report.rejected == 0
    found = spark.read.parquet(str(tmp_path / "out" / "cloudtrail_events")).collect()
    ids = sorted(row["event_id"] for row in found)
    assert ids == ["e-1", "e-9"] if name == "one event, pretty" else ["e-1", "e-2", "e-9"]
    texts = {row["event_id"]: json.loads(row["request_parameters"]) for row in found}
    assert texts["e-1"] == {"text": "a", "n": [1.5]}
    if "e-2" in texts and "files" not in name:
        assert texts["e-2"]["text"] == ODD_TEXT


def test_a_laid_out_file_that_is_broken_is_one_reject(run_job: RunJob, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.json").write_text(LAYOUTS["pretty"][:-3])
    (tmp_path / "in" / "b.json").write_text(LAYOUTS["lines"])
    report = run_job(access_logs.JOB, tmp_path / "in")
    assert (report.lines, report.rejected, report.rejects) == (3, 1, {"bad_json": 1})


def test_an_event_that_is_delivered_twice_is_one(
    run_job: RunJob, tmp_path: Path, spark: SparkSession
) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.json").write_text(json.dumps({"Records": [of(1), of(2)]}))
    (tmp_path / "in" / "b.json").write_text(json.dumps({"Records": [of(2), of(3)]}))
    report = run_job(access_logs.JOB, tmp_path / "in")
    assert (report.lines, report.skipped, report.rejected) == (4, 1, 0)
    found = spark.read.parquet(str(tmp_path / "out" / "cloudtrail_events")).collect()
    assert sorted(row["event_id"] for row in found) == ["e-1", "e-2", "e-3"]


def test_a_line_may_hold_several_events_that_are_broken(
    spark: SparkSession, run_job: RunJob, tmp_path: Path
) -> None:
    bad = '{"eventTime":"soon"}'
    (tmp_path / "a.json").write_text(f'{{"Records":[{CALL},{bad},{bad}]}}\n')
    run_job(access_logs.JOB, tmp_path / "a.json", max_reject_rate=0.9)
    assert spark.read.parquet(str(tmp_path / "out" / "cloudtrail_events")).count() == 1
    rejects = spark.read.parquet(str(tmp_path / "out" / "rejects")).collect()
    assert [(row["reason"], row["line_number"]) for row in rejects] == [("bad_timestamp", 1)] * 2
