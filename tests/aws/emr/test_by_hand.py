"""The simulator as somebody starts it by hand, with faults."""

import argparse
import re
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from simulator import Simulator
from simulator.by_hand import Fault, watch
from tests.aws.emr.asked import cluster, ended, refused, step
from tests.support.process import ROOT, finish


def test_help_is_help_and_writes_no_file(tmp_path: Path) -> None:
    done = finish([sys.executable, "-m", "simulator", "--help"], tmp_path, PYTHONPATH=str(ROOT))
    assert done.code == 0
    assert "It has not been held against AWS itself" in " ".join(done.out.split())
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("text", ["kill", "kill-cluster@noon", "throttle", "lose@list", "@step"])
def test_what_is_no_fault_is_refused(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="is no fault"):
        Fault.of(text)
    words = [sys.executable, "-m", "simulator", "--fault", text]
    done = subprocess.run(words, capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 2


@pytest.mark.parametrize(
    ("when", "code"),
    [
        ("step", "INSTANCE_FAILURE"),
        ("start", "INTERNAL_ERROR"),
        ("bootstrap", "BOOTSTRAP_FAILURE"),
    ],
)
def test_a_cluster_is_gone_when_it_was_to_be(aws: Simulator, when: str, code: str) -> None:
    aws.timing.starting = aws.timing.bootstrapping = 1.0
    emr, over, said = aws.client("emr"), threading.Event(), list[str]()
    faults = [Fault.of(f"kill-cluster@{when}")]
    thread = threading.Thread(target=watch, args=(aws, faults, over, said.append))
    thread.start()
    try:
        made = emr.run_job_flow(**cluster(aws, Steps=[step("sleep", "600")]))["JobFlowId"]
        assert ended(emr, made) == ("TERMINATED_WITH_ERRORS", code)
    finally:
        over.set()
        thread.join()
    assert re.fullmatch(rf"kill-cluster@{when}: {made} is gone \({code}\)", said[0])


def test_calls_meet_the_faults_that_were_named(aws: Simulator) -> None:
    over = threading.Event()
    over.set()
    watch(aws, [Fault.of("throttle@ListClusters")], over, print)
    emr = aws.client("emr")
    assert refused(emr.list_clusters) == "ThrottlingException: Rate exceeded"
    emr.list_clusters()
