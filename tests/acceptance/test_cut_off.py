"""Runs that are cut off from outside: a full disk, a kill, an interrupt."""

import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

from gristmill.jobs import access_logs, word_count
from gristmill.sample import write_samples
from tests.conftest import RunJob
from tests.support.process import BIN, TIMEOUT, failure, finish, rows, snapshot, staged, started


@pytest.mark.thorough
def test_a_full_disk_is_named_and_the_last_good_output_stays(
    run_job: RunJob, samples: Path, tmp_path: Path
) -> None:
    run_job(access_logs.JOB, samples / "logs")
    output, disk = tmp_path / "out", tmp_path / "disk"
    disk.mkdir()
    script = f"""
        mount -t tmpfs -o size=2m tmpfs {disk} && cp -r {output} {disk}/out
        cat /dev/zero > {disk}/filler 2>/dev/null
        truncate -s -24k {disk}/filler
        {BIN}/gristmill run access-logs --input {samples}/logs --output {disk}/out
        code=$?
        cp -r {disk}/out {tmp_path}/after
        exit $code
    """
    probe = subprocess.run(
        ["unshare", "-rm", "sh", "-c", f"mount -t tmpfs tmpfs {disk}"], check=False
    )
    if probe.returncode:
        pytest.skip("no mount namespaces here, and so no small disk")
    before = snapshot(output)
    done = finish(["unshare", "-rm", "sh", "-c", script])
    assert done.code == 1, done.err
    assert "the disk is full: make room, then run again" in failure(done.err)
    after = snapshot(tmp_path / "after")
    assert {name: after.get(name) for name in before} == before


@pytest.fixture(scope="module")
def long_text(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Texts that take seconds to count."""
    folder = tmp_path_factory.mktemp("long")
    write_samples(folder, requests=1, words=200_000)
    (text,) = [path for path in (folder / "text").iterdir() if path.name == "latin.txt"]
    for copy in range(12):
        shutil.copy(text, folder / "text" / f"copy-{copy}.txt")
    return folder / "text"


def cut_off(command: list[str | Path], output: Path, how: signal.Signals) -> tuple[int, str]:
    """Start a command, and end it and all its children while it writes."""
    with started(command) as process:
        deadline = time.monotonic() + TIMEOUT
        while not list(output.glob("_gristmill/staging/*/word_counts")):
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < deadline
            time.sleep(0.01)
        os.killpg(process.pid, how)
        _, err = process.communicate(timeout=TIMEOUT)
        return process.returncode, err


@pytest.mark.thorough
def test_a_rerun_that_is_killed_leaves_the_output_whole_and_can_be_run_again(
    run_job: RunJob, long_text: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    command: list[str | Path] = [BIN / "gristmill", "run", "word-count"]
    command += ["--input", long_text, "--output", out]
    run_job(word_count.JOB, long_text)
    before, count = snapshot(out), rows(out / "word_counts")
    code, _ = cut_off(command, out, signal.SIGKILL)
    assert code == -signal.SIGKILL
    after = snapshot(out)
    assert {name: after.get(name) for name in before} == before
    assert rows(out / "word_counts") == count
    run_job(word_count.JOB, long_text)
    assert rows(out / "word_counts") == count


@pytest.mark.thorough
def test_an_interrupt_puts_everything_away(long_text: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    command: list[str | Path] = [BIN / "gristmill", "run", "word-count"]
    code, err = cut_off([*command, "--input", long_text, "--output", out], out, signal.SIGINT)
    assert code == 130
    assert failure(err) == "gristmill: interrupted; nothing was published"
    assert not snapshot(out)
    assert not staged(out)
