"""`run --dry-run`: what a run would read and replace, and nothing is done."""

import json
from pathlib import Path

import pytest

from gristmill.jobs import access_logs
from tests.acceptance.test_own_jobs import inside
from tests.conftest import RunJob


@pytest.mark.thorough
def test_a_dry_run_says_what_would_be_replaced_and_writes_nothing(
    samples: Path, run_job: RunJob, tmp_path: Path
) -> None:
    logs = samples / "logs"
    report = run_job(access_logs.JOB, logs)
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").rglob("*")}
    words = ("run", "access-logs", "--input", logs, "--output", "out", "--dry-run")
    done = inside(tmp_path, *words, "--json")
    assert done.code == 0, done.err
    told = json.loads(done.out)
    assert told["options"]["format"] == "combined"
    files = [path for path in logs.rglob("*") if path.is_file()]
    assert (told["files"], told["bytes"]) == (len(files), sum(p.stat().st_size for p in files))
    (dataset,) = told["datasets"]
    rows = report.datasets[0].rows
    assert dataset == {
        "name": "web_requests",
        "write_mode": "batch",
        "rows": rows,
        "replaced_rows": rows,
    }
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "out").rglob("*")} == before


@pytest.mark.thorough
def test_a_dry_run_of_a_summary_and_of_what_is_not_there(tmp_path: Path, samples: Path) -> None:
    words = ("run", "word-count", "--input", samples / "text", "--output", "new", "--dry-run")
    done = inside(tmp_path, *words)
    assert done.code == 0, done.err
    assert "nothing was written to" in done.out
    assert not (tmp_path / "new").exists()
    wrong = inside(tmp_path, *words[:2], "--input", "none", "--output", "new", "--dry-run")
    assert (wrong.code, wrong.out) == (1, "")
    assert wrong.err.endswith(f"gristmill: no such input: {tmp_path / 'none'}\n")
