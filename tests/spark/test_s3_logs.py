"""Lines of S3's server access logs: of every length, as S3 writes them, and broken."""

from datetime import UTC, date, datetime
from pathlib import Path

from pyspark.sql import SparkSession

from gristmill.readers.logs.format import REJECTS
from gristmill.readers.logs.s3_access import FIELDS
from tests.spark.lines import (
    Values,
    assert_as_expected,
    assert_as_the_reference_says,
    many_broken,
    nothing,
    parsed,
)
from tests.support.reference_logs import s3_access

OWNER = "0a1b2c3d4e5f60718293a4b5c6d7e8f90a1b2c3d4e5f60718293a4b5c6d7e8f9"
HEAD = f"{OWNER} logs-example [03/Mar/2026:23:59:59 +0000] 192.0.2.3"
USER = "arn:aws:iam::111122223333:user/ann"
IDENTITY = "arn:aws:iam::cloudfront:user/CloudFront Origin Access Identity E2EXAMPLEID"
START = f"{HEAD} {USER} 7D1F2A3B4C5D6E7F"
GET = f'{START} REST.GET.OBJECT a/b.txt "GET /a/b.txt?x=1 HTTP/1.1" 200 - 2900 2901 60 14'
AGENT = '"https://example.com/" "aws-cli/2.15"'
V18 = f"{GET} {AGENT} 3HL4kqtJvjVBH40N"
V24 = f"{V18} 9vKBE6vMhrNiWHZmb2L0mXOc+s= SigV4 ECDHE-RSA-AES128-GCM-SHA256 AuthHeader"
V24 += " logs-example.s3.eu-west-1.amazonaws.com TLSv1.3"
V25 = f"{V24} arn:aws:s3:eu-west-1:111122223333:accesspoint/ap"
V26 = f"{V25} Yes"

ROW_18: Values = {
    **dict.fromkeys(field.name for field in FIELDS),
    "bucket_owner": OWNER,
    "bucket_name": "logs-example",
    "request_datetime": datetime(2026, 3, 3, 23, 59, 59, tzinfo=UTC),
    "remote_ip": "192.0.2.3",
    "requester": USER,
    "request_id": "7D1F2A3B4C5D6E7F",
    "operation": "REST.GET.OBJECT",
    "key": "a/b.txt",
    "request_uri": "GET /a/b.txt?x=1 HTTP/1.1",
    "http_status": 200,
    "bytes_sent": 2900,
    "object_size": 2901,
    "total_time": 60,
    "turn_around_time": 14,
    "referrer": "https://example.com/",
    "user_agent": "aws-cli/2.15",
    "version_id": "3HL4kqtJvjVBH40N",
    "date": date(2026, 3, 3),
}
ROW_24 = ROW_18 | {
    "host_id": "9vKBE6vMhrNiWHZmb2L0mXOc+s=",
    "sigv": "SigV4",
    "cipher_suite": "ECDHE-RSA-AES128-GCM-SHA256",
    "auth_type": "AuthHeader",
    "endpoint": "logs-example.s3.eu-west-1.amazonaws.com",
    "tls_version": "TLSv1.3",
}
ROW_25 = ROW_24 | {"access_point_arn": "arn:aws:s3:eu-west-1:111122223333:accesspoint/ap"}
ROW_26 = ROW_25 | {"acl_required": "Yes"}
NOTHING = nothing(
    "requester request_uri http_status bytes_sent object_size total_time turn_around_time referrer "
    "user_agent version_id host_id sigv cipher_suite auth_type endpoint tls_version"
)

# So long that a pattern which recurses, or tries again, would overflow or take for ever.
LONG = 'a" "b\\' * 50_000

GOOD: dict[str, Values] = {
    V18: ROW_18,
    V24: ROW_24,
    V25: ROW_25,
    V26: ROW_26,
    f"{V26} eu-west-1": ROW_26,
    f"{V26} eu-west-1 - more": ROW_26,
    f"{V18} ": ROW_18,
    V26.replace(USER, "-"): ROW_26 | {"requester": None},
    V26.replace(USER, "svc:lifecycle"): ROW_26 | {"requester": "svc:lifecycle"},
    V26.replace("192.0.2.3", "2001:db8::3"): ROW_26 | {"remote_ip": "2001:db8::3"},
    V26.replace(USER, IDENTITY): ROW_26 | {"requester": IDENTITY},
    V26.replace("03/Mar/2026:23:59:59", "30/Jun/2015:23:59:60"): ROW_26
    | {"request_datetime": datetime(2015, 6, 30, 23, 59, 59, 999999, tzinfo=UTC)}
    | {"date": date(2015, 6, 30)},
    V26.replace("192.0.2.3", "-"): ROW_26 | {"remote_ip": None},
    V26.replace("03/Mar/2026:23:59:59 +0000", "03/Mar/2026:19:29:59 -0530"): ROW_26
    | {"request_datetime": datetime(2026, 3, 4, 0, 59, 59, tzinfo=UTC), "date": date(2026, 3, 4)},
    V26.replace("200 - 2900 2901 60 14", "403 AccessDenied 243 - 8 -"): ROW_26
    | {"http_status": 403, "error_code": "AccessDenied", "bytes_sent": 243}
    | {"object_size": None, "total_time": 8, "turn_around_time": None},
    # Encoded once in the key, and twice in the request.
    V26.replace(" a/b.txt ", " a+b/%C3%A9%2522 ").replace("/a/b.txt", "/a%2Bb/%25C3%25A9%252522"): (
        ROW_26
        | {
            "key": "a+b/%C3%A9%2522",
            "request_uri": "GET /a%2Bb/%25C3%25A9%252522?x=1 HTTP/1.1",
        }
    ),
    # S3 does not escape what clients send.
    V26.replace("/a/b.txt", '/"'): ROW_26 | {"request_uri": 'GET /"?x=1 HTTP/1.1'},
    V26.replace("/a/b.txt", '/a" b "c'): ROW_26 | {"request_uri": 'GET /a" b "c?x=1 HTTP/1.1'},
    V26.replace("aws-cli/2.15", 'a "b" c'): ROW_26 | {"user_agent": 'a "b" c'},
    V26.replace("aws-cli/2.15", 'Safari/604.1"'): ROW_26 | {"user_agent": 'Safari/604.1"'},
    V26.replace("aws-cli/2.15", '"a" "b"'): ROW_26 | {"user_agent": '"a" "b"'},
    V26.replace("aws-cli/2.15", LONG): ROW_26 | {"user_agent": LONG},
    V26.replace("https://example.com/", '[x" y]' * 50_000): ROW_26
    | {"referrer": '[x" y]' * 50_000},
    V26.replace("aws-cli/2.15", "a\\"): ROW_26 | {"user_agent": "a\\"},
    V26.replace("https://example.com/", 'foo "bar"'): ROW_26 | {"referrer": 'foo "bar"'},
    V26.replace("https://example.com/", 'x" y" z'): ROW_26 | {"referrer": 'x" y" z'},
    V26.replace(AGENT, '"" ""'): ROW_26 | {"referrer": None, "user_agent": None},
    V26.replace(AGENT, '"-" "-"'): ROW_26 | {"referrer": None, "user_agent": None},
    V26.replace("aws-cli/2.15", "[Mühle, 風車]"): ROW_26 | {"user_agent": "[Mühle, 風車]"},
    # Records of what S3 does by itself, and of single objects in a request for many.
    f"{HEAD} {USER} 7D1F BATCH.DELETE.OBJECT k - 204 - - 17 - - - - - - SigV4 - AuthHeader"
    " s3.amazonaws.com TLSv1.2 - -": ROW_26
    | NOTHING
    | {"requester": USER, "request_id": "7D1F", "operation": "BATCH.DELETE.OBJECT", "key": "k"}
    | {"http_status": 204, "object_size": 17, "sigv": "SigV4", "auth_type": "AuthHeader"}
    | {"endpoint": "s3.amazonaws.com", "tls_version": "TLSv1.2"}
    | {"access_point_arn": None, "acl_required": None},
    f'{HEAD} AmazonS3 7D1F S3.EXPIRE.OBJECT k "-" - - - 17 - - "-" "-" v1 h= - - - - -': ROW_26
    | NOTHING
    | {"requester": "AmazonS3", "request_id": "7D1F", "operation": "S3.EXPIRE.OBJECT", "key": "k"}
    | {"object_size": 17, "version_id": "v1", "host_id": "h="}
    | {"access_point_arn": None, "acl_required": None},
    f"{HEAD} AmazonS3 7D1F S3.TRANSITION_SIA.OBJECT k - - - - 17 - - - - -": ROW_26
    | NOTHING
    | {"requester": "AmazonS3", "request_id": "7D1F", "operation": "S3.TRANSITION_SIA.OBJECT"}
    | {"key": "k", "object_size": 17, "access_point_arn": None, "acl_required": None},
}
BAD = {
    f"{START} REST.GET.OBJECT k {LONG}": "wrong_fields",
    f'{START} REST.GET.OBJECT k "{LONG}x"': "wrong_fields",
    "": "empty_line",
    " \t ": "empty_line",
    V26.replace("aws-cli", "\0"): "nul_byte",
    "not a line of S3": "not_this_format",
    OWNER: "not_this_format",
    V26[: V26.index("aws-cli")]: "unclosed_quote",
    V26.replace('aws-cli/2.15"', "aws-cli/2.15"): "unclosed_quote",
    GET: "wrong_fields",
    f"{GET} {AGENT}": "wrong_fields",
    START: "wrong_fields",
    V26.replace(" a/b.txt ", " a b.txt "): "wrong_fields",
    V26.replace(" 200 ", "  200 "): "wrong_fields",
    V26.replace("03/Mar", "31/Feb"): "bad_timestamp",
    V26.replace("03/Mar", "03/Mär"): "bad_timestamp",
    V26.replace(":23:59:59 +0000", ":23:59:59"): "bad_timestamp",
    V26.replace("03/Mar/2026:23:59:59 +0000", "-"): "bad_timestamp",
    V26.replace("2026", "+12026"): "bad_timestamp",
    V26.replace("2026", "0000"): "bad_timestamp",
    V26.replace(" 200 ", " 2x0 "): "bad_status",
    V26.replace(" 200 ", " 20 "): "bad_status",
    V26.replace(" 200 ", " 099 "): "bad_status",
    V26.replace(" 200 ", " 600 "): "bad_status",
    V26.replace("192.0.2.3", "host.example.com"): "bad_address",
    V26.replace("192.0.2.3", "192.0.2.3:443"): "bad_address",
    V26.replace(USER, f"{USER} more"): "wrong_fields",
    V26.replace(USER, f"{IDENTITY} more"): "wrong_fields",
    V26.replace(" REST.GET.OBJECT", ""): "wrong_fields",
    V26.replace("REST.GET.OBJECT", "GET"): "wrong_fields",
    V26.replace(" 200 - ", " 200 404 "): "bad_value",
    V26.replace(" SigV4 ", " - - "): "bad_value",
    V26.replace(" AuthHeader ", " 9 "): "bad_value",
    V26.replace("7D1F2A3B4C5D6E7F", "a/b"): "bad_value",
    V26.replace("TLSv1.3", "eu-west-1"): "bad_value",
    V26.replace("Yes", "maybe"): "bad_value",
    V26.replace(" 2900 ", " 29.5 "): "bad_number",
    V26.replace(" 60 ", " -60 "): "bad_number",
    V26.replace(" 2901 ", f" {2**63} "): "bad_number",
}


def test_a_line_becomes_its_row_or_is_rejected(spark: SparkSession, tmp_path: Path) -> None:
    expected = GOOD | BAD
    rows = parsed(spark, tmp_path / "s3.log", "s3_access", [line.encode() for line in expected])
    assert_as_expected(rows, expected)
    assert set(BAD.values()) == set(REJECTS)


def test_a_broken_line_is_read_as_plain_python_reads_it(
    spark: SparkSession, tmp_path: Path
) -> None:
    # The reference knows of no leap seconds.
    whole = [line for line in GOOD if len(line) < 2000 and ":60 " not in line]
    lines = many_broken(whole, " ", 1500)
    rows = parsed(spark, tmp_path / "s3.log", "s3_access", lines)
    assert len(rows) == len(lines)
    assert_as_the_reference_says(rows, REJECTS, s3_access)
