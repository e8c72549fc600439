"""What a user sees of a run that goes well."""

import gzip
import json
import re
import time
from pathlib import Path
from typing import Any

import duckdb
import pytest

from gristmill.model.report import Report
from gristmill.sample import write_samples
from tests.support.process import TIMEOUT, Gristmill, rows, shared_folder, snapshot
from tests.support.reference import access_line


@pytest.fixture(scope="module")
def output(gristmill: Gristmill, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An output root that access-logs has written, for all workers: a run takes its time."""
    place = shared_folder(tmp_path_factory) / "access-logs-run"
    out, done_with = place / "out", place / "stderr"
    try:
        place.mkdir()
    except FileExistsError:
        deadline = time.monotonic() + TIMEOUT
        while not done_with.exists():
            assert time.monotonic() < deadline, "the worker that runs it has failed"
            time.sleep(0.1)
        return out
    write_samples(place / "samples", requests=2000, words=3000)
    report = out.parent / "reports" / "logs.json"
    done = gristmill(
        "run",
        "access-logs",
        "--input",
        place / "samples" / "logs",
        "--output",
        out,
        "--report",
        report,
    )
    assert done.code == 0, done.err
    (out.parent / "stdout").write_text(done.out)
    done_with.write_text(done.err)
    return out


@pytest.fixture(scope="module")
def samples(output: Path) -> Path:
    """What it was run on."""
    return output.parent / "samples"


def lines_of(samples: Path) -> list[str]:
    lines: list[str] = []
    for file in sorted((samples / "logs").iterdir()):
        data = gzip.decompress(file.read_bytes()) if file.suffix == ".gz" else file.read_bytes()
        lines += data.decode().split("\n")[:-1]
    return lines


def test_every_line_is_a_row_or_a_reject(output: Path, samples: Path) -> None:
    lines = lines_of(samples)
    good = sum(access_line(line, "combined") is not None for line in lines)
    assert rows(output / "web_requests") == good
    assert rows(output / "rejects") == len(lines) - good > 0


def test_a_table_says_what_was_published(output: Path) -> None:
    told = (output.parent / "stdout").read_text().splitlines()
    assert re.fullmatch(r"access-logs: 2,000 lines in, \d rejected \(.+\), \d+\.\d s", told[0]), (
        told[0]
    )
    assert told[1].split() == ["dataset", "rows", "partitions", "files", "bytes", "where"]
    name, count, partitions, files, *_, where = told[3].split()
    assert (name, int(count.replace(",", ""))) == ("web_requests", rows(output / "web_requests"))
    folders = list((output / "web_requests").glob("date=*"))
    assert int(partitions) == len(folders)
    assert int(files) == len(list((output / "web_requests").glob("*/*.parquet")))
    assert where == (output / "web_requests").as_uri()


def test_a_pipe_gets_plain_lines_and_nothing_of_sparks_own(output: Path) -> None:
    lines = (output.parent / "stderr").read_text().splitlines()
    assert all(re.match(r"\d\d:\d\d:\d\dZ  \S", line) for line in lines)
    told = [line[11:] for line in lines]
    spark = r"starting Spark 4\.1\.\d+ on|Spark 4\.1\.\d+ is warm, on"
    assert re.fullmatch(rf"({spark}) Java \d+ \(.+\)", told[0])
    assert "format: combined (recognised)" in told
    phases = r"(starting|waiting|listing|reading|writing|publishing)(: .+)?"
    said = {
        "format: combined (recognised)",
        "Spark stays warm for the next run (gristmill help warm)",
    }
    others = [line for line in told[1:] if line not in said]
    assert all(re.fullmatch(phases, line) for line in others)


def test_the_report_says_the_same_as_json(output: Path) -> None:
    report = json.loads((output.parent / "reports" / "logs.json").read_text())
    assert set(report) == set(Report.__dataclass_fields__)
    assert report["state"] == "succeeded"
    assert report["error"] is None
    assert report["lines"] == 2000
    assert report["rejected"] == sum(report["rejects"].values()) == rows(output / "rejects")
    published = {dataset["name"]: dataset for dataset in report["datasets"]}
    for name, dataset in published.items():
        files = list((output / name).glob("*/*.parquet"))
        assert dataset["rows"] == rows(output / name)
        assert dataset["files"] == len(files)
        assert dataset["bytes"] == sum(file.stat().st_size for file in files)
        assert all(report["run"] in file.name for file in files)


def test_other_readers_find_types_and_partitions(output: Path) -> None:
    def query(sql: str) -> list[tuple[Any, ...]]:
        return duckdb.connect().execute(sql).fetchall()

    requests = f"'{output}/web_requests/*/*.parquet'"
    columns = {row[0]: row[1] for row in query(f"DESCRIBE SELECT * FROM {requests}")}
    assert columns["timestamp"] == "TIMESTAMP WITH TIME ZONE"
    assert (columns["status"], columns["bytes"], columns["date"]) == ("INTEGER", "BIGINT", "DATE")
    strays = "(timestamp AT TIME ZONE 'UTC')::DATE <> date"
    assert query(f"SELECT count(*) FROM {requests} WHERE {strays}") == [(0,)]


def test_rejects_are_shown_at_their_place_without_starting_java(
    gristmill: Gristmill, samples: Path, output: Path
) -> None:
    shown = gristmill("rejects", output, JAVA_HOME="/nowhere", PATH="/nowhere")
    assert shown.code == 0, shown.err
    plain = (samples / "logs" / "access-2026-10-05.log").read_text().split("\n")
    found = re.findall(r"access-2026-10-05\.log:(\d+)  (.*)", shown.out)
    assert found
    for number, raw in found:
        assert plain[int(number) - 1].startswith(raw.rstrip("…"))
        assert access_line(plain[int(number) - 1], "combined") is None


def test_looking_changes_nothing(gristmill: Gristmill, output: Path) -> None:
    before = snapshot(output)
    assert gristmill("head", output / "web_requests", "-n", "3").out.count("\n") == 5
    assert gristmill("rejects", output).code == 0
    assert snapshot(output) == before
