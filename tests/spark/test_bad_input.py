"""What a user sees of a run that fails: one clear message, the right exit code, nothing lost."""

import gzip
import json
import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from gristmill.errors import InputError, TooManyRejectsError
from gristmill.jobs import access_logs
from tests.conftest import RunJob
from tests.support.process import Gristmill, failure, rows, snapshot


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
        pytest.param(nothing, "no files in .*empty", marks=pytest.mark.thorough),
        pytest.param(binary, "photo.log is binary, not text", marks=pytest.mark.thorough),
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


@pytest.mark.thorough
def test_strict_fails_where_a_file_is_cut_off(
    command: Gristmill, output: Path, tmp_path: Path
) -> None:
    before = snapshot(output)
    for job, target in (("access-logs", output), ("word-count", tmp_path / "words")):
        done = command("run", job, "--input", damaged(tmp_path), "--output", target, "--strict")
        assert done.code == 1
        assert re.search(r"cut\.log\.gz: the gzip file is damaged or cut off", failure(done.err)), (
            done.err
        )
    assert snapshot(output) == before


def test_too_many_rejects_publish_nothing(command: Gristmill, samples: Path, output: Path) -> None:
    before = snapshot(output)
    done = command(
        *("run", "access-logs", "--input", samples / "logs", "--output", output),
        *("--format", "common", "--max-reject-rate", "1"),
    )
    assert done.code == 3
    assert re.search(
        r"2,000 of 2,000 lines were rejected \(100\.0%: extra_fields 1,9\d\d.*\), and nothing is "
        r"left to publish; nothing was published, and what was there stays\. "
        r"The first extra_fields: file:///\S+\.log:1: '192\.0\.2\.",
        failure(done.err),
    ), done.err
    assert snapshot(output) == before


@pytest.mark.thorough
def test_logs_may_be_wrong_in_half_of_their_lines_unless_more_is_allowed(
    run_job: RunJob, tmp_path: Path
) -> None:
    log = tmp_path / "a.log"
    good = '192.0.2.7 - - [10/Oct/2026:13:55:36 -0700] "GET / HTTP/1.1" 200 5'
    log.write_text(f"{good}\n{good}\nnonsense\nmore\n")
    assert run_job(access_logs.JOB, log).rejected == 2
    before = snapshot(tmp_path / "out")
    log.write_text(f"nonsense\n{good}\n\x00 and more\n")
    says = (
        r"2 of 3 lines were rejected \(66\.7%: .*\), more than --max-reject-rate 0\.5 allows; "
        r"nothing was published.* allow more with --max-reject-rate\. "
        r"The first \w+: file:///.*/a\.log:1: 'non"
    )
    with pytest.raises(TooManyRejectsError, match=says):
        run_job(access_logs.JOB, log)
    assert snapshot(tmp_path / "out") == before
    assert run_job(access_logs.JOB, log, max_reject_rate=0.7).rejected == 2
    assert rows(tmp_path / "out" / "web_requests") == 1


def test_a_file_that_holds_nothing_but_its_header_any_more_takes_no_rows_away(
    run_job: RunJob, tmp_path: Path
) -> None:
    log = tmp_path / "a.log"
    header = "version srcaddr dstaddr bytes packets start end action log-status\n"
    row = "2 192.0.2.1 192.0.2.2 10 1 1780000000 1780000060 ACCEPT OK\n"
    log.write_text(header)
    assert run_job(access_logs.JOB, log).skipped == 1
    log.write_text(header + row)
    run_job(access_logs.JOB, log)
    before = snapshot(tmp_path / "out")
    log.write_text(header)
    with pytest.raises(InputError, match=r"all 1 lines .* skipped.*the 1 rows .* stay as they are"):
        run_job(access_logs.JOB, log)
    assert snapshot(tmp_path / "out") == before


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
