"""Spark's pages of a run: its events in S3, AWS's URL, and the History Server on this machine."""

import json
import re
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gristmill.emr import ui
from gristmill.emr.aws import Aws
from gristmill.errors import GristmillError
from gristmill.runs import Handle
from simulator import Simulator
from tests.aws.emr.asked import cluster, step, until
from tests.support.process import BIN, TIMEOUT, Finished, environment, finish

Emr = Callable[..., Finished]


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@pytest.mark.thorough
# By the output, whose report names it, and by the folder that is told.
@pytest.mark.parametrize("by", ["output", "folder"])
def test_a_run_s_events_are_in_s3_and_shown_by_spark_s_own_server(
    command: Emr, simulator: Simulator, by: str
) -> None:
    inputs, output = f"s3://{simulator.bucket}/in/text", f"s3://{simulator.bucket}/pages-{by}"
    done = command("submit", "word-count", "--input", inputs, "--output", output)
    assert done.code == 0, done.err
    (run,) = re.findall(r"^run (\S+):", done.err, re.MULTILINE)
    pages = command("ui", run, "--json")
    assert pages.code == 0, pages.err
    told = json.loads(pages.out)
    assert told["run"] == run
    assert re.fullmatch(r"https://p-\w+\.emrappui-prod\.\S+/shs/\?token=simulated", told["url"])
    assert told["event_logs"] == f"{simulator.account['home']}/spark-events/{run}"
    port = free_port()
    place = output if by == "output" else told["event_logs"]
    words = [BIN / "gristmill", "history-server", place, "--port", str(port)]
    with subprocess.Popen(
        words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment()
    ) as server:
        try:
            assert server.stdout is not None
            url = server.stdout.readline().strip()
            assert url == f"http://127.0.0.1:{port}"
            assert applications(url) == ["gristmill word-count"]
        finally:
            server.send_signal(signal.SIGINT)
        assert server.wait(TIMEOUT) == 130


def applications(url: str) -> list[str]:
    """The names of the applications that a History Server has read."""
    deadline = time.monotonic() + TIMEOUT
    while time.monotonic() < deadline:
        with urllib.request.urlopen(f"{url}/api/v1/applications") as answer:
            found = [one["name"] for one in json.load(answer)]
        if found:
            return found
        time.sleep(0.1)
    return []


def test_what_has_no_event_logs_is_told_so(simulator: Simulator, command: Emr) -> None:
    del command
    done = finish([BIN / "gristmill", "history-server", f"s3://{simulator.bucket}/in/text"])
    assert done.code == 1
    assert "has no event logs: a run here keeps one with --event-log" in done.err


def test_pages_of_a_step_with_a_role_are_asked_for_in_its_name(
    emr: Any, reach: Aws, aws: Simulator
) -> None:
    role = "arn:aws:iam::123456789012:role/gristmill-runtime"
    made = emr.run_job_flow(
        **cluster(aws, SecurityConfiguration=aws.security_configuration),
        StepExecutionRoleArn=role,
        Steps=[step("true")],
    )["JobFlowId"]
    (one,) = emr.list_steps(ClusterId=made)["Steps"]
    url = ui.spark_ui(reach, Handle("step", made, one["Id"]), pause=lambda _seconds: None)
    assert url.startswith("https://p-")
    asked = [c for c in aws.faults.calls if c.operation == "GetPersistentAppUIPresignedURL"][-1]
    assert asked.parameters["ExecutionRoleArn"] == role
    emr.terminate_job_flows(JobFlowIds=[made])


def test_pages_that_never_come_are_given_up(
    emr: Any, reach: Aws, aws: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("simulator.emr.pages._ASKED_UNTIL_READY", 1000)
    made = emr.run_job_flow(**cluster(aws))["JobFlowId"]
    with pytest.raises(GristmillError, match=r"takes longer than two minutes .*ATTACHING"):
        ui.spark_ui(reach, Handle("step", made, "s-1"), pause=lambda _seconds: None)
    emr.terminate_job_flows(JobFlowIds=[made])


@pytest.mark.thorough
def test_who_is_killed_while_pages_are_made_asks_again(
    command: Emr, simulator: Simulator, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    source, output = f"s3://{simulator.bucket}/in/text", f"s3://{simulator.bucket}/{tmp_path.name}"
    words = ("word-count", "--input", source, "--output", output, "--corpus", "a")
    done = command("submit", "--detach", *words)
    assert done.code == 0, done.err
    run = done.out.strip()
    monkeypatch.setattr("simulator.emr.pages._ASKED_UNTIL_READY", 1000)
    with subprocess.Popen([BIN / "gristmill", "emr", "ui", run], env=environment()) as asking:
        before = simulator.faults.count("GetPersistentAppUIPresignedURL")
        until(lambda: simulator.faults.count("GetPersistentAppUIPresignedURL") > before)
        asking.kill()
    monkeypatch.setattr("simulator.emr.pages._ASKED_UNTIL_READY", 1)
    pages = command("ui", run)
    assert pages.code == 0, pages.err
    assert pages.out.startswith("https://p-")
    assert command("cancel", run).code == 0
