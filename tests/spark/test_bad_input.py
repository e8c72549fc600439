"""What a user sees of a run that fails: one clear message, the right exit code, nothing lost."""

import gzip
import json
import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from jobs import access_logs
from tests.conftest import RunJob
from tests.process import Gristmill, failure, snapshot


@pytest.fixture
def output(run_job: RunJob, samples: Path, tmp_path: Path) -> Path:
    """An output root that holds a good load."""
    run_job(access_logs.JOB, samples / "logs")
    return tmp_path / "out"


def damaged(folder: Path) -> Path:
    whole = gzip.compress(
        b'192.0.2.7 - - [10/Oct/2026:13:55:36 -0700] "GET / HTTP/1.1" 200 5\n' * 9999
    )
    path = folder / "cut.log.gz"
    path.write_bytes(whole[: len(whole) // 2])
    return path


def empty(folder: Path) -> Path:
    (folder / "empty.log").write_bytes(b"")
    return folder / "empty.log"


def binary(folder: Path) -> Path:
    (folder / "photo.log").write_bytes(bytes(range(256)) * 99)
    return folder / "photo.log"


def nothing(folder: Path) -> Path:
    (folder / "empty").mkdir()
    return folder / "empty"


def prose(folder: Path) -> Path:
    (folder / "prose.log").write_text("Once upon a time\nthere was a mill.\n")
    return folder / "prose.log"


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda folder: folder / "nowhere", "no such input: .*nowhere"),
        (empty, "nothing to read: no lines in .*empty.log"),
        (nothing, "no files in .*empty"),
        (binary, "photo.log is binary, not text"),
        (damaged, r"cut\.log\.gz: the gzip file is damaged or cut off"),
        (prose, "prose.log is not a log in a known format"),
    ],
)
def test_bad_input_fails_and_leaves_the_last_good_output(
    command: Gristmill,
    output: Path,
    tmp_path: Path,
    make: Callable[[Path], Path],
    says: str,
) -> None:
    before = snapshot(output)
    report = tmp_path / "report.json"
    done = command(
        "run", "access-logs", "--input", make(tmp_path), "--output", output, "--report", report
    )
    assert done.code == 1
    assert re.search(says, failure(done.err)), done.err
    assert done.out == ""
    assert snapshot(output) == before
    told = json.loads(report.read_text())
    assert told["state"] == "failed"
    assert re.search(says, told["error"])


def test_too_many_rejects_publish_nothing(command: Gristmill, samples: Path, output: Path) -> None:
    before = snapshot(output)
    done = command(
        *("run", "access-logs", "--input", samples / "logs", "--output", output),
        *("--format", "common", "--max-reject-rate", "0.5"),
    )
    assert done.code == 3
    assert re.search(
        r"2,000 of 2,000 lines were rejected \(100\.0%: .*extra_fields 1,9\d\d.*\), "
        r"more than --max-reject-rate 0\.5 allows; nothing was published",
        failure(done.err),
    ), done.err
    assert snapshot(output) == before


def test_an_output_that_is_not_ours_is_left_alone(
    command: Gristmill, samples: Path, tmp_path: Path
) -> None:
    (tmp_path / "thesis.doc").write_text("irreplaceable")
    done = command("run", "word-count", "--input", samples / "text", "--output", tmp_path)
    assert done.code == 1
    assert "files that Gristmill did not write (thesis.doc, …)" in failure(done.err)
    assert snapshot(tmp_path) == {"thesis.doc": b"irreplaceable"}


def test_where_nobody_may_write_the_message_says_so(
    command: Gristmill, samples: Path, tmp_path: Path
) -> None:
    place = tmp_path / "closed"
    place.mkdir(mode=0o555)
    # Root may write to a closed folder, but nobody may make one in /proc.
    target = Path("/proc/gristmill") if os.geteuid() == 0 else place / "out"
    done = command("run", "word-count", "--input", samples / "text", "--output", target)
    assert done.code == 1
    assert "ask for access, or name another place" in failure(done.err)


def test_debug_prints_everything(command: Gristmill, tmp_path: Path) -> None:
    done = command(
        "run", "word-count", "--input", tmp_path / "nowhere", "--output", tmp_path / "o", "--debug"
    )
    assert done.code == 1
    assert "Traceback" in done.err
