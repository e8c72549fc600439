"""Files of AWS's logs through whole runs: headers, gzip members, ends of lines, accounts."""

import gzip
import random
import zlib
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from urllib.parse import unquote

import pytest
from pyspark.sql import SparkSession

from gristmill.errors import InputError, TooManyRejectsError
from gristmill.jobs import word_count
from gristmill.jobs.access_logs import JOB, AccessLogOptions
from gristmill.model.report import Report
from tests.conftest import RunJob
from tests.spark import (
    test_alb_logs,
    test_cloudfront_logs,
    test_cloudtrail_logs,
    test_s3_logs,
    test_vpc_logs,
)
from tests.support.process import Gristmill
from tests.support.reference_logs import CLOUDFRONT, VPC

VERSION = "#Version: 1.0"
V24, V33 = test_cloudfront_logs.V24, test_cloudfront_logs.V33
HEADER_24 = f"#Fields: {' '.join(CLOUDFRONT[:24])}"
HEADER_33 = f"#Fields: {' '.join(CLOUDFRONT)}"
HEADER_TABS = "\t".join(["#Fields:", *CLOUDFRONT])
HEADER_2 = " ".join(VPC[:14])
V2, V29 = test_vpc_logs.V2, test_alb_logs.V29
CONTROL = "Enable AccessLog for ELB: app/web/50dc6c495c0c9188 at 2026-03-03T23:55:00Z"


def accounts(report: Report) -> tuple[int, int, int, Mapping[str, int]]:
    """Rows, rejects and skipped lines, which are all the lines, and the rejects' reasons."""
    (rows,) = (one.rows for one in report.datasets if one.name != "rejects")
    rejected, skipped = report.rejected or 0, report.skipped or 0
    assert report.lines == rows + rejected + skipped
    return rows, rejected, skipped, report.rejects


@pytest.mark.parametrize(
    ("line_format", "lines", "expected"),
    [
        ("s3_access", [test_s3_logs.V26, "", test_s3_logs.V18, "x"], (2, 2, 0)),
        ("alb", [CONTROL, V29, V29[:200], V29.replace("2026", "0001")], (2, 1, 1)),
        (
            "cloudtrail",
            ['{"Records":[]}', f'{{"Records":[{test_cloudtrail_logs.CALL},{{}}]}}', "{"],
            (1, 2, 1),
        ),
    ],
)
def test_every_line_is_accounted_for(
    spark: SparkSession,
    run_job: RunJob,
    tmp_path: Path,
    line_format: str,
    lines: list[str],
    expected: tuple[int, int, int],
) -> None:
    # A byte order mark, \r\n, and members of gzip of which one is empty.
    members = [b"", *(gzip.compress(f"{line}\r\n".encode()) for line in lines)]
    whole = gzip.compress(b"") + gzip.compress(b"\xef\xbb\xbf") + b"".join(members)
    (tmp_path / "a.log.gz").write_bytes(whole)
    report = run_job(JOB, tmp_path / "a.log.gz")
    assert report.notes == (f"format: {line_format} (recognised)",)
    assert accounts(report)[:3] == expected


@pytest.mark.thorough
def test_each_file_of_cloudfront_is_read_by_its_own_header(
    spark: SparkSession, run_job: RunJob, tmp_path: Path
) -> None:
    folder = tmp_path / "in" / "50% [1]{a},é 100%20"
    folder.mkdir(parents=True)
    turned = "\t".join(reversed(V33.split("\t")))
    files = {
        "a.log": ["\ufeff" + VERSION, HEADER_33, V33, "", V24, VERSION, HEADER_TABS, V33],
        "b c.log": [VERSION, f"#Fields: {' '.join(reversed(CLOUDFRONT))}", turned, V33[:40]],
        "without [a] header*.log": [V33, V24],
        "empty.log": [],
    }
    for name, lines in files.items():
        (folder / name).write_text("\r\n".join(lines), encoding="utf-8")
    member = gzip.compress(f"{VERSION}\n{HEADER_33} \n{V33}\n#Remark\n".encode())
    (folder / "e.log.gz").write_bytes(gzip.compress(b"") + member * 3)
    report = run_job(JOB, tmp_path / "in")
    assert accounts(report) == (8, 3, 15, {"empty_line": 1, "wrong_fields": 2})
    rows = spark.read.parquet(str(tmp_path / "out" / "cloudfront_requests"))
    found = {(row["c_ip"], row["cs_protocol_version"], row["date"]) for row in rows.collect()}
    assert found == {("192.0.2.100", "HTTP/2.0", date(2026, 3, 3))}
    ports = sorted(str(row["c_port"]) for row in rows.collect())
    assert ports == [*["11040"] * 7, "None"]


@pytest.mark.thorough
def test_each_file_of_flow_logs_is_read_by_its_own_header(
    spark: SparkSession, run_job: RunJob, tmp_path: Path
) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    files = {
        "default.log": [HEADER_2, V2, f" {HEADER_2}  ", V2.replace(" ", "  "), "", HEADER_2],
        "without header.log": [V2, V2.replace("ACCEPT", "REJECT"), f"{V2} 7"],
        "chosen.log": ["bytes end dstport flow-direction", "7 1772582459 443 egress"],
    }
    for name, lines in files.items():
        (folder / name).write_text("\n".join(lines), encoding="utf-8")
    report = run_job(JOB, folder)
    assert accounts(report) == (5, 2, 4, {"empty_line": 1, "wrong_fields": 1})
    rows = spark.read.parquet(str(tmp_path / "out" / "vpc_flows")).collect()
    by_port = sorted((row["dstport"], row["bytes"], str(row["date"])) for row in rows)
    assert by_port == [*[(22, 4249, "2026-03-03")] * 4, (443, 7, "2026-03-04")]


@pytest.mark.parametrize(
    ("line_format", "before", "changed"),
    [
        ("cloudfront", [HEADER_33, V33], HEADER_24),
        pytest.param("vpc_flow", [V2], "start end bytes", marks=pytest.mark.thorough),
    ],
)
def test_a_file_that_changes_its_columns_fails_the_run_by_name(
    command: Gristmill, tmp_path: Path, line_format: str, before: list[str], changed: str
) -> None:
    log = tmp_path / "a b.log"
    # So that the change is behind what is looked at to find the header.
    log.write_text("\n".join([*before, *[before[-1]] * 600, changed, before[-1]]))
    arguments = ["--input", log, "--output", tmp_path / "out", "--format", line_format]
    done = command("run", "access-logs", *arguments)
    assert done.code == 1
    (told,) = (line for line in done.err.splitlines() if "columns" in line)
    assert told == (
        f"gristmill: {log.as_uri()} changes its columns half-way, at: {changed[:80]} … "
        "Split it there, and load the parts together"
    )
    assert not [line for line in done.err.splitlines() if "SQLSTATE" in line or "Exception" in line]
    assert not list((tmp_path / "out").glob("cloudfront_requests/date=*"))


def test_input_that_mixes_formats_is_refused_by_name(run_job: RunJob, tmp_path: Path) -> None:
    (tmp_path / "a.log").write_text(f"{V29}\n")
    (tmp_path / "b.log").write_text(f"{HEADER_2}\n{V2}\n")
    with pytest.raises(InputError, match=r"a\.log is alb, .*b\.log is vpc_flow"):
        run_job(JOB, tmp_path / "a.log", tmp_path / "b.log")


COMMON = '192.0.2.7 - - [10/Oct/2026:13:55:36 +0000] "GET /a HTTP/1.1" 200 5'
COMBINED = f'{COMMON} "-" "UA"'


def test_common_lines_are_read_beside_combined_ones(
    spark: SparkSession, run_job: RunJob, tmp_path: Path
) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "a.log").write_text(f"{COMBINED}\n{COMBINED}\n")
    (folder / "b.log").write_text(f"{COMMON}\n")
    (folder / "c.log").write_text(f"{COMBINED}\n{COMMON}\n{COMMON} 7\n")
    report = run_job(JOB, folder)
    assert report.notes == ("format: web (recognised)",)
    assert accounts(report) == (5, 1, 0, {"extra_fields": 1})
    rows = spark.read.parquet(str(tmp_path / "out" / "web_requests")).collect()
    assert sorted(str(row["user_agent"]) for row in rows) == ["None", "None", "UA", "UA", "UA"]


def test_digests_beside_logs_of_cloudtrail_are_skipped_and_said(
    run_job: RunJob, tmp_path: Path
) -> None:
    logs = tmp_path / "AWSLogs" / "111122223333"
    event = f'{{"Records":[{test_cloudtrail_logs.CALL}]}}'
    digest = (
        '{"awsAccountId":"111122223333","digestStartTime":"2026-03-03T23:00:00Z",'
        '"digestEndTime":"2026-03-04T00:00:00Z","digestS3Bucket":"logs","logFiles":[{"s3Bucket":'
        '"logs","newestEventTime":"2026-03-03T23:59:59Z"}]}'
    )
    for name, text in {
        "CloudTrail/eu-west-1/111122223333_CloudTrail_eu-west-1_1.json.gz": event,
        "CloudTrail-Digest/eu-west-1/111122223333_CloudTrail-Digest_eu-west-1_1.json.gz": digest,
        "CloudTrail-Digest/eu-west-1/111122223333_CloudTrail-Digest_eu-west-1_2.json.gz": digest,
    }.items():
        (logs / name).parent.mkdir(parents=True, exist_ok=True)
        (logs / name).write_bytes(gzip.compress(text.encode()))
    report = run_job(JOB, tmp_path / "AWSLogs")
    assert accounts(report) == (1, 0, 2, {})
    assert report.notes == (
        "format: cloudtrail (recognised)",
        "2 of 3 files are digests, not logs: skipped",
    )


def cut(data: bytes, share: float) -> bytes:
    """A file that was cut off."""
    return data[: int(len(data) * share)]


def spoiled(data: bytes, at: int) -> bytes:
    """A file of which some bytes are others."""
    return data[:at] + bytes(255 - byte for byte in data[at : at + 4]) + data[at + 4 :]


def whole_lines(data: bytes) -> int:
    """How many whole lines unpack of a gzip file that is cut off."""
    lines = 0
    while data:
        member = zlib.decompressobj(wbits=31)
        lines += member.decompress(data).count(b"\n")
        data = member.unused_data
    return lines


@pytest.mark.thorough
def test_what_is_whole_of_a_file_that_is_cut_off_is_read(
    spark: SparkSession, run_job: RunJob, tmp_path: Path
) -> None:
    rng = random.Random(20261126)
    lines = [COMBINED.replace("/a", f"/{rng.random()}") for _ in range(20_000)]
    packed = gzip.compress("".join(f"{line}\n" for line in lines).encode())
    files = {
        "whole.log.gz": packed,
        "plain.log": f"{COMBINED}\n".encode(),
        "50% [1]{a},é 100%20.log.gz": cut(packed, 0.7),
        "cut 2.log.gz": packed + cut(packed, 0.3),
        "in its header.log.gz": packed[:5],
        "in its checksum.log.gz": packed[:-6],
        "empty.log.gz": gzip.compress(b""),
        "nothing.log.gz": b"",
        "checksum.log.gz": spoiled(packed, len(packed) - 8),
        "middle.log.gz": spoiled(packed, len(packed) // 2),
        "start.log.gz": spoiled(packed, 200),
    }
    folder = tmp_path / "in"
    folder.mkdir()
    for name, data in files.items():
        (folder / name).write_bytes(data)
    cuts = [name for name in files if name.startswith(("50%", "cut", "in its"))]
    found = {name: whole_lines(files[name]) for name in cuts}
    broken = ("checksum.log.gz", "middle.log.gz", "start.log.gz")
    told = {name: (lines + 1, f"cut off behind line {lines:,}") for name, lines in found.items()}
    told |= dict.fromkeys(broken, (1, "damaged: no line of it was read"))

    report = run_job(JOB, folder)
    rows = 20_001 + sum(found.values())
    assert accounts(report) == (rows, len(told), 0, {"truncated_file": len(told)})
    rejects = spark.read.parquet(str(tmp_path / "out" / "rejects")).collect()
    places = {f"{folder}/{name}": place for name, place in told.items()}
    files_told = [unquote(row["source_file"].removeprefix("file://")) for row in rejects]
    told_at = [(row["line_number"], row["raw"]) for row in rejects]
    assert dict(zip(files_told, told_at, strict=True)) == places

    counted = run_job(word_count.JOB, folder, output=tmp_path / "words")
    assert (counted.lines, counted.rejects) == (rows + len(told), {"truncated_file": len(told)})


@pytest.mark.parametrize("share", [pytest.param(0.5, marks=pytest.mark.thorough), None])
def test_logs_with_headers_are_read_as_far_as_they_go(
    run_job: RunJob, tmp_path: Path, share: float | None
) -> None:
    packed = gzip.compress(f"{HEADER_2}\n{V2}\n".encode() * 2000)
    data = cut(packed, share) if share else spoiled(packed, len(packed) - 8)
    files = tmp_path / "a.log.gz", tmp_path / "b.log"
    files[0].write_bytes(data)
    files[1].write_text(f"{HEADER_2}\n{V2}\n")
    report = run_job(JOB, *files, options=AccessLogOptions(format="vpc_flow"))
    rows, rejected, skipped, reasons = accounts(report)
    assert (rejected, reasons) == (1, {"truncated_file": 1})
    assert rows + skipped == 2 + (whole_lines(data) if share else 0)


def test_where_all_files_are_damaged_the_message_says_so(run_job: RunJob, tmp_path: Path) -> None:
    packed = gzip.compress(f"{HEADER_2}\n{V2}\n".encode())
    (tmp_path / "a.log.gz").write_bytes(spoiled(packed, len(packed) - 8))
    with pytest.raises(TooManyRejectsError, match=r"truncated_file: .*a\.log\.gz"):
        run_job(JOB, tmp_path / "a.log.gz", options=AccessLogOptions(format="vpc_flow"))
