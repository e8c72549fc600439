"""Reports: JSON that keeps to what is documented, and the same in a few words for a terminal."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

from gristmill.errors import OutputError
from gristmill.model.report import DatasetReport, Report, size, summary, table

DATASET = DatasetReport(
    name="word_counts",
    rows=12_345,
    partitions=1_000,
    files=2,
    bytes=1_500,
    uri="file:///out/word_counts",
)


def report(**changes: Any) -> Report:
    """The report of a run that went well, but for `changes`."""
    values: dict[str, Any] = {
        "run": "20261121T134200Z-1f0c",
        "job": "word-count",
        "state": "succeeded",
        "options": {"corpus": "Bücher", "min_count": 1, "lowercase": True},
        "inputs": ("a.txt", "b.txt"),
        "output": "file:///out",
        "started": "2026-11-21T13:42:00+00:00",
        "seconds": 1.25,
        "phases": {"starting": 0.25, "working": 1.0},
        "lines": 1_234,
        "rejected": 0,
        "skipped": 0,
        "datasets": (DATASET,),
    }
    return Report(**(values | changes))


def test_the_json_of_a_run_has_the_documented_names(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    report(rejected=3, skipped=2, rejects={"bad_status": 3}, notes=("format: common",)).write(path)
    assert json.loads(path.read_text(encoding="utf-8")) == {
        "run": "20261121T134200Z-1f0c",
        "job": "word-count",
        "state": "succeeded",
        "options": {"corpus": "Bücher", "min_count": 1, "lowercase": True},
        "inputs": ["a.txt", "b.txt"],
        "output": "file:///out",
        "started": "2026-11-21T13:42:00+00:00",
        "seconds": 1.25,
        "phases": {"starting": 0.25, "working": 1.0},
        "lines": 1_234,
        "rejected": 3,
        "skipped": 2,
        "rejects": {"bad_status": 3},
        "unread": {},
        "datasets": [
            {
                "name": "word_counts",
                "rows": 12_345,
                "partitions": 1_000,
                "files": 2,
                "bytes": 1_500,
                "uri": "file:///out/word_counts",
            }
        ],
        "notes": ["format: common"],
        "tuning": [],
        "event_log": None,
        "error": None,
    }


def test_the_json_of_a_failed_run_has_the_same_names() -> None:
    failed = report(state="failed", lines=None, rejected=None, datasets=(), error="no such input")
    values = failed.to_json()
    assert list(values) == [field.name for field in dataclasses.fields(Report)]
    assert (values["state"], values["error"]) == ("failed", "no such input")
    assert (values["lines"], values["rejected"]) == (None, None)


def test_a_report_can_be_read_by_people_and_tools(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    report().write(path)
    text = path.read_text(encoding="utf-8")
    assert "Bücher" in text
    assert text.startswith('{\n  "run"')
    assert text.endswith("}\n")


def test_writing_makes_the_folders_above(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "report.json"
    report().write(path)
    assert json.loads(path.read_text(encoding="utf-8"))["job"] == "word-count"


def test_writing_takes_the_place_of_an_earlier_report(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    report(job="access-logs", notes=("long" * 1000,)).write(path)
    report().write(path)
    assert json.loads(path.read_text(encoding="utf-8"))["job"] == "word-count"


def test_a_report_that_cannot_be_written_is_an_output_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for path in (tmp_path, tmp_path / "file" / "report.json"):
        with pytest.raises(OutputError, match="cannot write the report to") as refused:
            report().write(path)
        assert str(path) in str(refused.value)
        assert "None" not in str(refused.value)


def test_a_name_that_is_not_utf8_does_not_keep_a_report_from_being_written(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    report(inputs=("caf\udce9.txt",)).write(path)  # as Python reads caf\xe9.txt from a command line
    assert json.loads(path.read_text(encoding="utf-8"))["inputs"][0].startswith("caf")


@pytest.mark.parametrize(
    ("count", "expected"),
    [
        (0, "0 B"),
        (1, "1 B"),
        (999, "999 B"),
        (1_000, "1.0 kB"),
        (1_049, "1.0 kB"),
        (1_500, "1.5 kB"),
        (999_900, "999.9 kB"),
        (1_000_000, "1.0 MB"),
        (1_500_000, "1.5 MB"),
        (999_900_000, "999.9 MB"),
        (1_000_000_000, "1.0 GB"),
        (999_900_000_000, "999.9 GB"),
        (1_000_000_000_000, "1.0 TB"),
        (5_000_000_000_000_000, "5000.0 TB"),
    ],
)
def test_sizes_are_short_and_decimal(count: int, expected: str) -> None:
    assert size(count) == expected


@pytest.mark.parametrize(
    ("count", "expected"), [(999_999, "1.0 MB"), (999_999_999, "1.0 GB"), (999_960, "1.0 MB")]
)
def test_sizes_that_round_up_take_the_next_unit(count: int, expected: str) -> None:
    assert size(count) == expected


def test_a_summary_is_a_line() -> None:
    assert summary(report()) == "word-count: 1,234 lines in, 0 rejected, 1.2 s"
    assert summary(report(lines=0, seconds=61.06)) == "word-count: 0 lines in, 0 rejected, 61.1 s"


def test_a_summary_gives_the_reasons_of_rejects_by_name() -> None:
    rejects = {"unclosed_quote": 2, "bad_status": 1_000}
    assert summary(report(rejected=1_002, rejects=rejects)) == (
        "word-count: 1,234 lines in, 1,002 rejected (bad_status 1,000, unclosed_quote 2), 1.2 s"
    )


def test_a_summary_of_a_run_that_read_nothing_is_one_too() -> None:
    assert summary(report(lines=None, rejected=None)).startswith("word-count: 0 lines in, 0 rej")


def test_a_table_has_a_row_for_each_dataset() -> None:
    other = dataclasses.replace(DATASET, name="rejects", rows=0, bytes=0)
    heading, rows = table(report(datasets=(DATASET, other)))
    assert tuple(heading) == ("dataset", "rows", "partitions", "files", "bytes", "where")
    assert [tuple(row) for row in rows] == [
        ("word_counts", "12,345", "1,000", "2", "1.5 kB", "file:///out/word_counts"),
        ("rejects", "0", "1,000", "2", "0 B", "file:///out/word_counts"),
    ]


def test_a_report_of_before_is_read() -> None:
    written = report().to_bytes().replace(b'"succeeded"', b'"done"')
    assert Report.from_bytes(written) == report()


def test_a_report_is_read_back_as_it_was_written() -> None:
    for written in (report(notes=("a", "b")), report(state="failed", error="no", datasets=())):
        assert Report.from_bytes(written.to_bytes()) == written


@pytest.mark.parametrize("data", [b"", b"[]", b"{}", b'{"run": 1}', b"\xff"])
def test_what_is_no_report_is_not_read_as_one(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        Report.from_bytes(data)
