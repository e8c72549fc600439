"""Chains of jobs, and runs that are tried again, from the command line to the cluster and back."""

import json
import re
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from gristmill.emr.aws import Aws
from gristmill.emr.runs import Runs
from simulator import Simulator
from tests.aws.emr.asked import until
from tests.support.process import BIN, TIMEOUT, Finished, environment, finish

Emr = Callable[..., Finished]


@pytest.fixture
def chain(simulator: Simulator, tmp_path: Path) -> Path:
    """Two jobs, the last of which reads what the first publishes."""
    place = f"s3://{simulator.bucket}"
    out = f"{place}/chain-{tmp_path.name}"
    file = tmp_path / "nightly.chain"
    file.write_text(
        f"access-logs --input {place}/in/logs --output {out}\n"
        f"traffic-summary --input {out} --output {out}\n"
    )
    return file


def names(done: Finished) -> list[str]:
    """The jobs of which a result was shown, in order."""
    return re.findall(r"^([a-z-]+): [\d,]+ lines in", done.out, re.MULTILINE)


def published(output: str, dataset: str) -> int:
    """How often a dataset was published."""
    done = finish([BIN / "gristmill", "history", output, dataset, "--json"])
    return len(json.loads(done.out)["publishes"])


@pytest.fixture
def killed_once(
    simulator: Simulator, command: Emr
) -> Iterator[Callable[[Callable[[Simulator, str], bool], str], threading.Thread]]:
    """Has the cluster of a run be gone once something is so."""
    del command
    threads: list[threading.Thread] = []

    def kill(is_due: Callable[[Simulator, str], bool], name: str) -> threading.Thread:
        emr = simulator.client("emr")

        def look() -> None:
            def found() -> str | None:
                for cluster in emr.list_clusters()["Clusters"]:
                    if cluster["Name"].endswith(name) and is_due(simulator, cluster["Id"]):
                        return str(cluster["Id"])
                return None

            simulator.kill_cluster(until(found))

        thread = threading.Thread(target=look)
        thread.start()
        threads.append(thread)
        return thread

    yield kill
    for thread in threads:
        thread.join()


def has_report(simulator: Simulator, folder: str, name: str) -> bool:
    """Whether a job of a chain has written its report."""
    listed = simulator.client("s3").list_objects_v2(
        Bucket=simulator.bucket, Prefix=f"{folder}/_gristmill/reports/"
    )
    return any(name in one["Key"] for one in listed.get("Contents", []))


@pytest.mark.thorough
def test_a_chain_whose_cluster_is_lost_goes_on_where_it_was(
    command: Emr,
    simulator: Simulator,
    chain: Path,
    tmp_path: Path,
    killed_once: Callable[..., threading.Thread],
) -> None:
    folder = f"chain-{tmp_path.name}"
    killed_once(lambda aws, _cluster: has_report(aws, folder, "-1.json"), "lost-once")
    done = command("submit", "--transient", "--run", "lost-once", "--chain", chain)
    assert done.code == 0, done.err
    assert "run lost-once: its cluster was lost" in done.err
    assert "trying it once more, under the same key" in done.err
    assert names(done) == ["access-logs", "traffic-summary"]
    told = command("status", "lost-once").out
    assert re.search(r"^lost before: j-\w+, s-\w+$", told, re.MULTILINE)
    # What was done before its cluster was lost was not done again.
    output = f"s3://{simulator.bucket}/{folder}"
    assert published(output, "web_requests") == 1
    assert finish([BIN / "gristmill", "verify", output]).code == 0


@pytest.mark.thorough
def test_a_chain_that_fails_or_is_cancelled_is_resumed_as_a_whole(
    command: Emr, simulator: Simulator, tmp_path: Path
) -> None:
    place, out = f"s3://{simulator.bucket}", f"s3://{simulator.bucket}/resume-{tmp_path.name}"
    later = f"later-{tmp_path.name}"
    words = (
        *("word-count", "--input", f"{place}/in/text", "--output", out, "--corpus", "a"),
        *("then", "word-count", "--input", f"{place}/{later}", "--output", out, "--corpus", "b"),
    )
    done = command("submit", "--run", "resumed", *words)
    assert done.code == 1
    assert names(done) == ["word-count"]
    assert f"no such input: {place}/{later}" in done.err
    assert "trying it once more" not in done.err
    simulator.client("s3").put_object(
        Bucket=simulator.bucket, Key=f"{later}/a.txt", Body=b"one two two\n"
    )
    done = command("resume", "resumed")
    assert done.code == 0, done.err
    assert names(done) == ["word-count", "word-count"]
    assert published(out, "word_counts") == 2
    again = command("resume", "resumed")
    assert (again.code, "has succeeded already" in again.err) == (0, True)
    # Submitted once more under its key it is the run that was, whichever attempt.
    assert command("submit", "--run", "resumed", *words).code == 0


@pytest.mark.thorough
def test_a_watcher_that_is_killed_while_a_run_is_tried_again_leaves_it_to_the_next(
    command: Emr,
    simulator: Simulator,
    reach: Aws,
    chain: Path,
    killed_once: Callable[..., threading.Thread],
) -> None:
    killed_once(
        lambda aws, cluster: bool(aws.client("emr").list_steps(ClusterId=cluster)["Steps"]),
        "killed-twice",
    )
    flags = ("--transient", "--run", "killed-twice", "--chain", str(chain))
    words = [str(BIN / "gristmill"), "emr", "submit", *flags]
    pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(words, env=environment(), **pipes) as process:
        assert process.stderr is not None
        deadline = time.monotonic() + TIMEOUT
        while time.monotonic() < deadline:
            if "trying it once more" in process.stderr.readline():
                break
        process.send_signal(signal.SIGKILL)
        process.communicate()
    runs = Runs(reach, simulator.account["home"])
    done = command("resume", "killed-twice")
    if "is about to submit run" in done.err:
        # It had said so, and not yet asked AWS: another may after the claim has run out.
        record = runs.find("killed-twice")
        assert record is not None
        assert record.record.handle is None
        runs.replace(record, type(record.record)(**{**vars(record.record), "claim": ""}))
        done = command("resume", "killed-twice")
    elif "goes on" in done.err:
        done = command("attach", "killed-twice")
    assert done.code == 0, done.err
    assert names(done) == ["access-logs", "traffic-summary"]
    # Nobody has asked for a third cluster.
    made = [
        one["Name"]
        for one in simulator.client("emr").list_clusters()["Clusters"]
        if "killed-twice" in one["Name"]
    ]
    assert len(made) == 2


def test_then_reads_as_it_does_here(command: Emr) -> None:
    done = command("submit", "--dry-run", "word-count", "then", "access-logs")
    assert done.code == 2
    assert "--input" in done.err
