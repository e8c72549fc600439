"""Runs that are handed over to a warm process: the same as without it, and it ends in time."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow.dataset as arrow
import pytest

from gristmill.sample import write_samples
from tests.support.own_job import write_own_job
from tests.support.process import BIN, TIMEOUT, Finished, failure, finish, rows, snapshot, staged
from tests.support.warm import Warm, warm


@pytest.fixture(scope="module")
def started() -> Iterator[Warm]:
    with warm() as made:
        yield made


@pytest.fixture(scope="module")
def long_text(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Texts that take seconds to count."""
    folder = tmp_path_factory.mktemp("long")
    write_samples(folder, requests=1, words=400_000)
    return folder / "text"


def wait_for(what: Callable[[], object]) -> None:
    deadline = time.monotonic() + TIMEOUT
    while not what():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def count(texts: Path, output: Path) -> list[str | Path]:
    return ["run", "word-count", "--input", texts, "--output", output]


def writing(process: subprocess.Popen[str], output: Path) -> None:
    """Wait until a run writes."""

    def is_writing() -> bool:
        assert process.poll() is None, process.communicate()
        return bool(list(output.glob("_gristmill/staging/*/word_counts")))

    wait_for(is_writing)


def contents(output: Path) -> list[dict[str, object]]:
    table = arrow.dataset(str(output / "word_counts"), partitioning="hive").to_table()
    return sorted(table.to_pylist(), key=str)


def test_a_second_run_is_done_by_the_spark_of_the_first(
    started: Warm, samples: Path, tmp_path: Path
) -> None:
    first = started.run(*count(samples / "text", tmp_path / "first"))
    assert first.code == 0, first.err
    kept = started.sparks()
    second = started.run(*count(samples / "text", tmp_path / "second"))
    assert second.code == 0, second.err
    assert "is warm" in second.err
    assert "starting Spark" not in second.err
    assert len(kept) == 1
    assert started.sparks() == kept
    cold = finish([BIN / "gristmill", *count(samples / "text", tmp_path / "cold")])
    assert "is warm" not in cold.err
    expected = contents(tmp_path / "cold")
    assert contents(tmp_path / "second") == contents(tmp_path / "first") == expected != []


@pytest.mark.thorough
def test_what_goes_wrong_is_told_as_without_it(
    started: Warm, samples: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    broken = tmp_path / "broken.log"
    broken.write_text("this is no line of a log\n" * 20)
    wrong: list[list[str | Path]] = [
        ["run", "nothing", "--input", samples, "--output", out],
        ["run", "word-count", "--input", samples / "text"],
        ["run", "word-count", "--input", tmp_path / "nowhere", "--output", out],
        ["run", "access-logs", "--input", broken, "--output", out, "--format", "combined"],
    ]
    for words in wrong:
        warmed, cold = started.run(*words), finish([BIN / "gristmill", *words])
        assert warmed.code == cold.code != 0
        assert failure(warmed.err) == failure(cold.err)
        assert warmed.out == cold.out


@pytest.mark.thorough
def test_it_runs_where_its_client_does(started: Warm, tmp_path: Path) -> None:
    def run(folder: Path) -> Finished:
        words = ("run", "word-count", "--input", "in.txt", "--output", "out")
        return finish([BIN / "gristmill", *words], folder, **started.changes)

    for name in ("one", "two"):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "in.txt").write_text(f"{name}\n")
        for _ in range(2):
            done = run(folder)
            assert done.code == 0, done.err
        assert "is warm" in done.err
        assert [row["word"] for row in contents(folder / "out")] == [name]


@pytest.mark.thorough
def test_the_workers_of_a_job_have_its_code_as_it_is(started: Warm, tmp_path: Path) -> None:
    write_own_job(tmp_path)
    helper = tmp_path / "loud_words.py"
    (tmp_path / "in.txt").write_text("one\n")
    said = []
    for end in ("!", "?"):
        helper.write_text(helper.read_text().replace('"!"', f'"{end}"'))
        words = ("run", "shout_job.py", "--input", "in.txt", "--output", f"out-{ord(end)}")
        done = finish([BIN / "gristmill", *words], tmp_path, **started.changes)
        assert done.code == 0, done.err
        table = arrow.dataset(tmp_path / f"out-{ord(end)}" / "loud_lines").to_table()
        said += table["line"].to_pylist()
    assert "is warm" in done.err
    assert said == ["ONE!", "ONE?"]


def test_ctrl_c_ends_the_run_and_not_what_is_warm(
    started: Warm, long_text: Path, tmp_path: Path
) -> None:
    process = started.start(*count(long_text, tmp_path / "out"))
    writing(process, tmp_path / "out")
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=TIMEOUT)
    assert process.returncode == 130
    assert failure(err) == "gristmill: interrupted; nothing was published"
    assert not snapshot(tmp_path / "out")
    assert not staged(tmp_path / "out")
    assert started.sparks()


def test_a_run_ends_with_its_client(started: Warm, long_text: Path, tmp_path: Path) -> None:
    process = started.start(*count(long_text, tmp_path / "out"))
    writing(process, tmp_path / "out")
    process.kill()
    process.communicate(timeout=TIMEOUT)
    wait_for(lambda: not any(one["runs"] for one in started.processes()))
    assert not snapshot(tmp_path / "out")
    assert not staged(tmp_path / "out")


@pytest.mark.thorough
@pytest.mark.parametrize("killed", ["process", "run", "spark"])
def test_whatever_is_killed_the_next_run_is_as_any_other(
    started: Warm, long_text: Path, samples: Path, tmp_path: Path, killed: str
) -> None:
    process = started.start(*count(long_text, tmp_path / "out"))
    writing(process, tmp_path / "out")
    (one,) = [one for one in started.processes() if one["runs"]]
    (run,) = one["runs"]
    (spark,) = [spark["process"] for spark in one["sparks"] if spark["runs"]]
    os.kill(
        {"run": run, "spark": {"process": spark}, "process": one}[killed]["process"], signal.SIGKILL
    )
    _, err = process.communicate(timeout=TIMEOUT)
    assert process.returncode == 1
    assert "run it again" in err or "Spark" in err
    again = started.run(*count(samples / "text", tmp_path / "out"))
    assert again.code == 0, again.err
    assert rows(tmp_path / "out" / "word_counts")
    assert not staged(tmp_path / "out")
    assert spark not in started.sparks()


@pytest.mark.thorough
def test_two_at_once_share_a_spark_and_each_gets_its_own(
    started: Warm, samples: Path, tmp_path: Path
) -> None:
    started.run("warm", "stop")
    both = [started.start(*count(samples / "text", tmp_path / name)) for name in ("one", "two")]
    said = ""
    for process in both:
        _, err = process.communicate(timeout=TIMEOUT)
        assert process.returncode == 0, err
        said += err
    assert (said.count("starting Spark"), said.count("is warm")) == (1, 1)
    assert contents(tmp_path / "one") == contents(tmp_path / "two") != []


@pytest.mark.thorough
def test_it_ends_when_it_is_told_to_and_lets_runs_end(
    started: Warm, long_text: Path, tmp_path: Path
) -> None:
    process = started.start(*count(long_text, tmp_path / "out"))
    writing(process, tmp_path / "out")
    (one,) = [one for one in started.processes() if one["runs"]]
    told = started.run("warm", "stop")
    assert "ends as soon as what is run has ended: 1 under way" in told.out
    _, err = process.communicate(timeout=TIMEOUT)
    assert process.returncode == 0, err
    wait_for(lambda: not Path(f"/proc/{one['process']}").exists())
    assert started.run("warm", "status").out == "nothing is warm\n"


@pytest.mark.thorough
def test_several_in_one_go_take_one_spark_and_leave_nothing(samples: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    logs: list[str | Path] = ["access-logs", "--input", samples / "logs", "--output", out]
    summary: list[str | Path] = ["traffic-summary", "--input", out, "--output", out]
    words = [*count(samples / "text", out), "then", *logs, "then", *summary]
    # A socket's path may not be long.
    with TemporaryDirectory() as own:
        done = finish([BIN / "gristmill", *words], TMPDIR=own)
        assert not list(Path(own).glob("gristmill-*"))
    assert done.code == 0, done.err
    assert done.err.count("starting Spark") == 1
    assert done.err.count("is warm") == 2
    for dataset in ("word_counts", "web_requests", "traffic_hourly"):
        assert rows(out / dataset)


@pytest.mark.parametrize(
    ("job", "told"),
    [
        (["nothing", "--input", "a", "--output", "b"], "no job is named 'nothing'"),
        (["access-logs", "--input", "a", "--output", "b", "--oops"], "--oops"),
        (["access-logs", "--input", "a"], "--output"),
    ],
)
def test_a_wrong_flag_of_a_later_job_is_told_before_the_first_is_run(
    samples: Path, tmp_path: Path, job: list[str], told: str
) -> None:
    words = [*count(samples / "text", tmp_path / "out"), "then", *job]
    done = finish([BIN / "gristmill", *words])
    assert done.code == 2
    assert told in done.err
    assert "starting Spark" not in done.err
    assert not (tmp_path / "out").exists()


def test_after_one_that_fails_no_other_is_run(samples: Path, tmp_path: Path) -> None:
    failing = count(tmp_path / "nowhere", tmp_path / "out")
    then = ["then", *count(samples / "text", tmp_path / "out")[1:]]
    done = finish([BIN / "gristmill", *failing, *then])
    assert done.code == 1
    assert failure(done.err) == f"gristmill: no such input: {tmp_path}/nowhere"
    assert not (tmp_path / "out").exists()
