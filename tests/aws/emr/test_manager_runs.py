"""Runs of the job manager on EMR: submitted, seen through, and taken up when a worker dies."""

import json
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from simulator import Simulator
from tests.aws.emr.conftest import Command
from tests.support.process import BIN, ROOT, TIMEOUT, Finished, environment, finish

Manager = Callable[..., Finished]


@pytest.fixture
def manager(command: Command, tmp_path: Path) -> Manager:
    """Does commands of the job manager on a new ledger, beside a cluster that is up."""

    def do(*words: str, folder: Path = ROOT) -> Finished:
        return finish([BIN / "gristmill", *words], folder, GRISTMILL_LEDGER=ledger_of(tmp_path))

    return do


def ledger_of(folder: Path) -> str:
    return f"sqlite:///{folder}/ledger.db"


def shown(manager: Manager, run: str) -> Any:
    done = manager("runs", "show", run, "--json")
    assert done.code == 0, done.err
    return json.loads(done.out)


def submit(
    manager: Manager, simulator: Simulator, given: str, output: str, folder: Path = ROOT
) -> str:
    bucket = f"s3://{simulator.bucket}"
    flags = ("--input", f"{bucket}/in/{given}", "--output", f"{bucket}/{output}")
    done = manager(
        "submit", "--on", "cluster:dev", "word-count", *flags, "--corpus", "sample", folder=folder
    )
    assert done.code == 0, done.err
    return done.out.strip()


def steps_of(simulator: Simulator, run: str) -> list[str]:
    """The names of steps that were added for a run."""
    client = simulator.client("emr")
    names = []
    for cluster in client.list_clusters()["Clusters"]:
        steps = client.list_steps(ClusterId=cluster["Id"])["Steps"]
        names += [step["Name"] for step in steps if run in step["Name"]]
    return names


@pytest.mark.thorough
def test_a_run_goes_to_a_cluster_and_what_it_published_comes_back(
    manager: Manager, simulator: Simulator, tmp_path: Path
) -> None:
    # What follows runs is what the project of the folder says that it was submitted from.
    (tmp_path / "project" / "deep").mkdir(parents=True)
    settings = '[tool.gristmill.lineage]\nto = "events.jsonl"\n'
    (tmp_path / "project" / "pyproject.toml").write_text(settings)
    run = submit(manager, simulator, "text", "managed", tmp_path / "project" / "deep")
    done = manager("worker", "--burst", "--slots", "0")
    assert done.code == 0, done.err
    found = shown(manager, run)
    assert found["state"] == "succeeded", found
    (attempt,) = found["attempts"]
    assert attempt["place"] == "cluster:dev"
    assert attempt["cost"] > 0
    (dataset,) = found["result"]["datasets"]
    assert dataset["name"] == "word_counts"
    assert dataset["rows"] > 100
    assert len(steps_of(simulator, run)) == 1
    (event,) = (tmp_path / "project" / "events.jsonl").read_text().splitlines()
    assert json.loads(event)["outputs"][0]["name"] == "managed/word_counts"


@pytest.mark.thorough
def test_a_step_whose_worker_is_killed_is_taken_up_and_added_once(
    manager: Manager, simulator: Simulator, tmp_path: Path
) -> None:
    run = submit(manager, simulator, "text", "taken-up")
    words = [str(BIN / "gristmill"), "worker", "--slots", "0"]
    environ = environment(GRISTMILL_LEDGER=ledger_of(tmp_path))
    with subprocess.Popen(words, env=environ, stderr=subprocess.DEVNULL) as worker:
        until = time.monotonic() + TIMEOUT
        while not steps_of(simulator, run):
            assert time.monotonic() < until
            time.sleep(0.1)
        worker.kill()
    done = manager("worker", "--burst", "--slots", "0")
    assert done.code == 0, done.err
    assert shown(manager, run)["state"] == "succeeded"
    assert len(steps_of(simulator, run)) == 1


@pytest.mark.thorough
def test_a_cluster_that_is_not_up_is_waited_for_and_said(manager: Manager) -> None:
    flags = ("--input", "s3://gristmill/in/text", "--output", "s3://gristmill/later")
    done = manager("submit", "--on", "cluster:nightly", "word-count", *flags)
    run = done.out.strip()
    finish_one = manager("worker", "--burst", "--slots", "0")
    assert finish_one.code == 0
    found = shown(manager, run)
    assert found["state"] == "ready"
    assert "is not up" in found["reason"]
    assert found["attempts"][0]["outcome"] == "refused"
