"""Workflows from the command line: run, looked at, killed and gone on with."""

import json
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from tests.support.process import BIN, Finished, environment, finish

FUNCTIONS = """
import pathlib

def work(event, context):
    with pathlib.Path(__file__).with_name("called.txt").open("a") as file:
        file.write(f"{context.idempotency_key}\\n")
    if event.get("bad"):
        raise ValueError("bad")
    return {"worked": event["n"]}
"""
PROJECT = """
[tool.gristmill.functions]
work = "mine:work"

[tool.gristmill.local]
queues = { told = {} }
"""
MACHINE = {
    "StartAt": "Work",
    "States": {
        "Work": {
            "Type": "Task",
            "Resource": "arn:aws:states:::lambda:invoke",
            "Parameters": {"FunctionName": "work", "Payload.$": "$"},
            "OutputPath": "$.Payload",
            "Next": "Wait",
        },
        "Wait": {"Type": "Wait", "Seconds": 3, "Next": "Tell"},
        "Tell": {
            "Type": "Task",
            "Resource": "arn:aws:states:::sqs:sendMessage",
            "Parameters": {"QueueUrl": "https://sqs.local/0/told", "MessageBody.$": "$"},
            "ResultPath": None,
            "End": True,
        },
    },
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "pyproject.toml").write_text(PROJECT)
    (tmp_path / "mine.py").write_text(FUNCTIONS)
    (tmp_path / "flow.asl.json").write_text(json.dumps(MACHINE, indent=2))
    return tmp_path


def workflow(folder: Path, *words: str) -> Finished:
    return finish([BIN / "gristmill", "workflow", *words], folder)


def shown(folder: Path, name: str) -> Any:
    return json.loads(workflow(folder, "show", name, "--history", "--json").out)


def test_a_workflow_is_run_looked_at_and_drawn(folder: Path) -> None:
    done = workflow(
        folder, "run", "flow.asl.json", "--input", '{"n": 1}', "--name", "one", "--jump"
    )
    assert (done.code, json.loads(done.out.partition("\n")[2])) == (0, {"worked": 1}), done.err
    assert "flow: Tell" in done.err
    told = shown(folder, "one")
    assert (told["status"], told["output"]) == ("SUCCEEDED", {"worked": 1})
    assert told["events"][0]["type"] == "ExecutionStarted"
    listed = workflow(folder, "list")
    assert "one" in listed.out
    drawn = workflow(folder, "graph", "one", "--format", "mermaid")
    assert "class s_2f_Tell succeeded" in drawn.out
    assert workflow(folder, "graph", "flow.asl.json").out.startswith("<svg")


def test_what_is_wrong_is_told_with_the_right_code(folder: Path) -> None:
    (folder / "bad.asl.json").write_text('{\n"StartAt": "A",\n"States": {"A": {"Type": "Pas"}}}')
    linted = workflow(folder, "lint", "bad.asl.json")
    assert linted.code == 2
    assert "bad.asl.json:3: error: /States/A/Type" in linted.out
    assert "did you mean Pass?" in linted.out
    ran = workflow(folder, "run", "bad.asl.json")
    assert (ran.code, "Traceback" in ran.err) == (2, False)


@pytest.mark.thorough
def test_a_failure_has_its_code_and_is_redriven(folder: Path) -> None:
    bad = '{"n": 1, "bad": true}'
    done = workflow(folder, "run", "flow.asl.json", "--input", bad, "--name", "two", "--json")
    told = json.loads(done.out)
    assert (done.code, told["status"], told["error"]) == (1, "FAILED", "ValueError")
    (folder / "mine.py").write_text(FUNCTIONS.replace('if event.get("bad"):', "if False:"))
    again = workflow(folder, "redrive", "two")
    assert again.code == 0, again.err
    assert shown(folder, "two")["redrives"] == 1


@pytest.mark.thorough
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_who_is_killed_is_gone_on_with(folder: Path, how: signal.Signals) -> None:
    words = ["run", "flow.asl.json", "--input", '{"n": 5}', "--name", "three"]
    process = subprocess.Popen(
        [BIN / "gristmill", "workflow", *words],
        cwd=folder,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    deadline = time.monotonic() + 60
    while not (folder / "called.txt").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    # It waits now, for three seconds.
    time.sleep(0.5)
    os.kill(process.pid, how)
    process.communicate(timeout=60)
    if how is signal.SIGINT:
        assert process.returncode == 130
        # It let go: the next one need not wait for a lease to run out.
        done = workflow(folder, *words)
        assert done.code == 0, done.err
    else:
        assert shown(folder, "three")["status"] == "RUNNING"
        _forget_lease(folder)
        assert workflow(folder, *words).code == 0
    assert len((folder / "called.txt").read_text().splitlines()) == 1
    events = [one["type"] for one in shown(folder, "three")["events"]]
    assert events.count("TaskSucceeded") == 2
    assert events[-1] == "ExecutionSucceeded"


def _forget_lease(folder: Path) -> None:
    """As if half a minute had passed."""
    from gristmill.manager.ledger import open_ledger  # noqa: PLC0415

    ledger = open_ledger(f"sqlite:///{folder / '.gristmill' / 'ledger.db'}")
    with ledger.begin() as tx:
        tx.connection.exec_driver_sql("UPDATE executions SET lease_until = 0")
    ledger.close()


@pytest.mark.thorough
def test_a_worker_drives_what_was_started(folder: Path) -> None:
    started = workflow(folder, "start", "flow.asl.json", "--input", '{"n": 7}', "--name", "four")
    assert started.code == 0, started.err
    worked = finish([BIN / "gristmill", "worker", "--burst"], folder)
    assert worked.code == 0, worked.err
    assert shown(folder, "four")["output"] == {"worked": 7}


@pytest.mark.thorough
def test_mocks_answer_as_step_functions_local_has_it(folder: Path) -> None:
    mocks = {
        "StateMachines": {"flow": {"TestCases": {"Sunny": {"Work": "Worked"}}}},
        "MockedResponses": {
            "Worked": {
                "0": {"Throw": {"Error": "Odd", "Cause": "first"}},
                "1-3": {"Return": {"Payload": {"worked": "by a mock"}}},
            }
        },
    }
    (folder / "mocks.json").write_text(json.dumps(mocks))
    machine = json.loads(json.dumps(MACHINE))
    machine["States"]["Work"]["Retry"] = [{"ErrorEquals": ["Odd"]}]
    (folder / "flow.asl.json").write_text(json.dumps(machine))
    done = workflow(
        folder, "run", "flow.asl.json", "--mock", "mocks.json:Sunny", "--jump", "--json"
    )
    assert json.loads(done.out)["output"] == {"worked": "by a mock"}, done.err
    assert not (folder / "called.txt").exists()
    wrong = workflow(folder, "run", "flow.asl.json", "--mock", "mocks.json:Suny")
    assert (wrong.code, "did you mean Sunny?" in wrong.err) == (2, True)


@pytest.mark.thorough
def test_an_express_run_leaves_no_execution(folder: Path) -> None:
    done = workflow(folder, "run", "flow.asl.json", "--input", '{"n": 1}', "--express", "--jump")
    assert done.code == 0, done.err
    assert "no executions" in workflow(folder, "list").out


def test_a_template_is_written_without_deploying(folder: Path) -> None:
    done = workflow(folder, "deploy", "flow.asl.json", "--template", "t.json")
    assert done.code == 0, done.err
    template = json.loads((folder / "t.json").read_text())
    machine = template["Resources"]["StateMachine"]["Properties"]
    assert machine["DefinitionString"] == (folder / "flow.asl.json").read_text()
