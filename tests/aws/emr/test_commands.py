"""`gristmill emr` as a user types it, from the laptop to the cluster and back."""

import os
import platform
import pty
import re
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pyarrow.dataset as arrow
import pytest
from pyspark.sql import SparkSession

import gristmill
from gristmill.emr.aws import Aws
from gristmill.emr.runs import Runs
from gristmill.engine.run import Run, execute
from gristmill.jobs import CATALOGUE
from gristmill.model.job import Request
from gristmill.publish.locations import open_output
from gristmill.storage.remote import RemoteStorage
from simulator import Simulator
from tests.support.process import BIN, ROOT, TIMEOUT, Finished, environment, finish
from tests.support.publishing import table_of

Emr = Callable[..., Finished]


@pytest.fixture
def emr(command: Emr) -> Emr:
    """`gristmill emr …`."""
    return command


JOBS = {
    "word-count": ("text", ("--corpus", "sample")),
    "access-logs": ("logs", ()),
    "billing-charges": ("billing/focus", ("--export", "focus")),
}


def place(simulator: Simulator, name: str) -> str:
    return f"s3://{simulator.bucket}/{name}"


def content(folder: str | Path) -> list[str]:
    """All rows of a dataset, in an order of their own, without where they were read."""
    if isinstance(folder, Path):
        found = arrow.dataset(folder, format="parquet", partitioning="hive").to_table()
    else:
        storage = RemoteStorage(folder)
        found = arrow.dataset(
            storage.folder,
            filesystem=storage.filesystem,
            format="parquet",
            partitioning="hive",
        ).to_table()
    found = found.drop_columns([name for name in found.column_names if name == "source_file"])
    return sorted(map(repr, found.to_pylist()))


@pytest.mark.parametrize(
    "names", [["word-count"], pytest.param([*JOBS], marks=pytest.mark.thorough)]
)
def test_jobs_give_on_emr_what_they_give_here(
    emr: Emr,
    simulator: Simulator,
    samples: Path,
    spark: SparkSession,
    tmp_path: Path,
    names: list[str],
) -> None:
    runs = {}
    for name in names:
        given, flags = JOBS[name]
        where = ("--input", place(simulator, f"in/{given}"), "--output", place(simulator, "out"))
        done = emr("submit", "--detach", name, *where, *flags)
        assert done.code == 0, done.err
        runs[name] = done.out.strip()
    for name in names:
        given, flags = JOBS[name]
        done = emr("attach", runs[name])
        assert done.code == 0, done.err
        assert re.search(r"it cost about 0\.\d+ USD", done.err)
        job = CATALOGUE[name]
        request = Request(
            inputs=(str(samples / given),),
            output=str(tmp_path / "out"),
            options=job.options.parse(list(flags)),
        )
        here = execute(spark, job, request, Run.new(), lambda _text: None)
        first, *table = done.out.splitlines()
        assert first.startswith(f"{name}: {here.lines:,} lines in")
        for dataset in here.datasets:
            assert any(
                line.split()[:3] == [dataset.name, f"{dataset.rows:,}", str(dataset.partitions)]
                for line in table
            )
            there = content(place(simulator, f"out/{dataset.name}"))
            assert there == content(tmp_path / "out" / dataset.name)
    listed = emr("status")
    assert listed.code == 0
    for name, run in runs.items():
        (line,) = [line for line in listed.out.splitlines() if run in line]
        assert line.split()[1:3] == [name, "succeeded"]
    assert finish([BIN / "gristmill", "verify", place(simulator, "out")]).code == 0


def test_a_run_that_fails_says_why_and_where_the_logs_are(emr: Emr, simulator: Simulator) -> None:
    nothing = place(simulator, "in/nothing")
    done = emr("submit", "word-count", "--input", nothing, "--output", place(simulator, "none"))
    assert done.code == 1
    assert done.out == ""
    assert f"no such input: {nothing}" in done.err
    assert f"logs: {simulator.account['home']}/logs/j-" in done.err
    assert "Traceback" not in done.err
    (run,) = re.findall(r"^run (\S+):", done.err, re.MULTILINE)
    logs = emr("logs", run)
    assert logs.code == 0
    assert "==> s3://" in logs.out
    assert f"no such input: {nothing}" in logs.out
    told = emr("status", run).out
    assert "arguments: word-count --input" in told
    assert re.search(r"^look at it: https://\S+#/clusterDetails/j-\w+$", told, re.MULTILINE)


@pytest.mark.thorough
def test_one_run_key_is_one_run(emr: Emr, simulator: Simulator) -> None:
    wanted = ("word-count", "--input", place(simulator, "in/text"), "--output")
    before = simulator.faults.count("AddJobFlowSteps")
    for _ in range(2):
        done = emr("submit", "--run", "nightly-7", *wanted, place(simulator, "keyed"))
        assert done.code == 0, done.err
    assert "run nightly-7 was submitted before, by" in done.err
    assert "lines in" in done.out
    assert simulator.faults.count("AddJobFlowSteps") == before + 1
    other = emr("submit", "--run", "nightly-7", *wanted, place(simulator, "other"))
    assert other.code == 2
    assert "run nightly-7 is another one" in other.err
    # One that died between the call and the note of its answer.
    runs = Runs(Aws(simulator.account["region"]), simulator.account["home"])
    record = runs.load("nightly-7")
    runs.save(replace(record, handle=None, claim=""))
    assert "not submitted" in emr("status", "nightly-7").out
    assert emr("submit", "--run", "nightly-7", *wanted, place(simulator, "keyed")).code == 0
    assert runs.load("nightly-7").handle == record.handle
    assert simulator.faults.count("AddJobFlowSteps") == before + 1


def interrupted(
    command: list[str | Path], answer: bytes | None, number: int = signal.SIGINT
) -> tuple[int, str]:
    """Press Ctrl-C once the run is running; on a terminal if there is an answer to give."""
    leader, follower = pty.openpty()
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL if answer is None else follower,
        stdout=follower,
        stderr=follower,
        cwd=ROOT,
        env=environment(),
        start_new_session=True,
    )
    os.close(follower)
    said, asked = b"", False
    deadline = time.monotonic() + TIMEOUT
    while time.monotonic() < deadline:
        try:
            said += os.read(leader, 4096)
        except OSError:  # Linux's word for its end
            break
        if b"running" in said and not asked:
            asked = True
            process.send_signal(number)
        if answer is not None and b"[y/N]" in said:
            os.write(leader, answer)
            answer = None
    os.close(leader)
    return process.wait(TIMEOUT), said.decode()


def test_ctrl_c_asks_and_what_is_left_running_can_be_attached_to_and_cancelled(
    emr: Emr, simulator: Simulator
) -> None:
    where = ("--input", place(simulator, "in/text"), "--output", place(simulator, "left"))
    command: list[str | Path] = [BIN / "gristmill", "emr", "submit", "word-count", *where]
    code, said = interrupted(command, b"n\n")
    assert code == 130
    (run,) = re.findall(r"left run (\S+) running", said)
    assert f"gristmill emr attach {run}" in said
    attach: list[str | Path] = [BIN / "gristmill", "emr", "attach", "--cancel-on-interrupt", run]
    # As whoever runs the script ends it.
    code, said = interrupted(attach, None, signal.SIGTERM)
    assert code == 130
    assert f"asked that run {run} end" in said
    done = emr("attach", run)
    assert done.code == 130
    assert f"run {run} was cancelled" in done.err
    assert emr("cancel", run).code == 0
    listed = simulator.client("s3").list_objects_v2(Bucket=simulator.bucket, Prefix="left/word")
    assert not listed.get("Contents")


@pytest.mark.thorough
def test_a_deadline_of_ours_leaves_the_run_alone(emr: Emr, simulator: Simulator) -> None:
    where = ("--input", place(simulator, "in/text"), "--output", place(simulator, "slow"))
    done = emr("submit", "--deadline", "1s", "word-count", *where)
    assert done.code == 5
    assert "the run goes on" in done.err
    (run,) = re.findall(r"gristmill emr attach (\S+)", done.err)
    assert re.search(rf"{run} +word-count +(pending|running)", emr("status", run).out)
    assert emr("cancel", run).code == 0


@pytest.mark.thorough
def test_what_runs_on_a_cluster_of_its_own_leaves_none(emr: Emr, simulator: Simulator) -> None:
    where = ("--input", place(simulator, "in/text"), "--output", place(simulator, "alone"))
    done = emr("submit", "--cluster", "nightly", "--transient", "word-count", *where)
    assert done.code == 0, done.err
    assert re.search(r"instance hours, \d+% of them Spot", done.err)
    assert "nightly" not in emr("clusters").out.replace("TERMINATING", "")


@pytest.mark.thorough
def test_serverless_runs_without_a_cluster(emr: Emr, simulator: Simulator) -> None:
    flags = ("--cluster", "serverless")
    where = ("--input", place(simulator, "in/text"), "--output", place(simulator, "less"))
    early = emr("submit", *flags, "word-count", *where)
    assert early.code == 2
    assert "serverless is not up: gristmill emr up --cluster serverless" in early.err
    assert emr("up", *flags).code == 0
    done = emr("submit", *flags, "word-count", *where)
    assert done.code == 0, done.err
    assert "lines in" in done.out
    assert emr("down", *flags).code == 0


@pytest.mark.thorough
def test_tables_of_iceberg_are_made_on_a_cluster_and_glue_follows(
    emr: Emr, simulator: Simulator, tmp_path: Path
) -> None:
    output = place(simulator, "tables")
    where = ("--input", place(simulator, "in/text"), "--output", output)
    asked = ("word-count", *where, "--table-format", "iceberg")
    without = emr("submit", *asked)
    assert without.code == 1
    assert "ship pyiceberg and pyarrow with gristmill emr submit --requirements" in without.err
    needs = tmp_path / "requirements.txt"
    needs.write_text("pyiceberg>=0.11\npyarrow>=18\n")
    (tmp_path / "pyproject.toml").write_text('[tool.gristmill.catalog]\ndatabase = "words"\n')
    # What is shipped is of the cluster's processors, and the simulator's are this machine's.
    spec = tmp_path / "here.toml"
    text = (ROOT / "emr" / "clusters" / "dev.toml").read_text()
    is_arm = platform.machine() in {"aarch64", "arm64"}
    spec.write_text(text if is_arm else re.sub(r"m(\d)g\.", r"m\1i.", text))
    submit: list[str | Path] = [BIN / "gristmill", "emr", "submit", "--cluster", spec]
    submit += ["--transient", "--requirements", needs]
    done = finish([*submit, *asked], tmp_path)
    assert done.code == 0, done.err
    table = table_of(open_output(output), "word_counts")
    assert table is not None
    rows = table.scan().to_arrow().num_rows
    assert rows == gristmill.open(output)["word_counts"].rows > 0
    glue = simulator.client("glue")
    found = glue.get_table(DatabaseName="words", Name="word_counts")["Table"]
    assert found["Parameters"]["metadata_location"] == table.metadata_location
    assert found["Parameters"]["table_type"] == "ICEBERG"
