"""What AWS is given to start runs by itself, deployed and started; and a call from Python."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gristmill.api import emr
from gristmill.errors import RunError
from gristmill.model.report import Report
from simulator import Simulator
from tests.aws.emr.asked import ended
from tests.support.process import Finished

Emr = Callable[..., Finished]

# moto warns of each type that it leaves out.
pytestmark = pytest.mark.filterwarnings("ignore:Tried to parse:UserWarning")
NAME = "5f1c7f0e-execution"


@pytest.fixture
def where(simulator: Simulator, tmp_path: Path) -> tuple[str, str]:
    """An input that is there, and an output of the test's own."""
    place = f"s3://{simulator.bucket}"
    return f"{place}/in/text", f"{place}/{tmp_path.name}"


@pytest.mark.thorough
def test_what_the_scheduler_is_given_runs_the_job(
    command: Emr, simulator: Simulator, where: tuple[str, str]
) -> None:
    source, output = where
    words = ("word-count", "--input", source, "--output", output, "--corpus", "a")
    done = command("template", "--schedule", "rate(1 day)", "--upload", *words)
    assert done.code == 0, done.err
    simulator.client("cloudformation").create_stack(
        StackName="nightly", TemplateBody=done.out, Capabilities=["CAPABILITY_IAM"]
    )
    target = json.loads(done.out)["Resources"]["Schedule"]["Properties"]["Target"]
    text = target["Input"].replace("<aws.scheduler.execution-id>", NAME)
    emr = simulator.client("emr")
    made = emr.run_job_flow(**json.loads(text))["JobFlowId"]
    assert ended(emr, made) == ("TERMINATED", "ALL_STEPS_COMPLETED")
    assert report(simulator, output).state == "succeeded"


def report(simulator: Simulator, output: str) -> Report:
    key = f"{output.rpartition('/')[2]}/_gristmill/reports/{NAME}.json"
    found = simulator.client("s3").get_object(Bucket=simulator.bucket, Key=key)
    return Report.from_bytes(found["Body"].read())


def test_a_state_machine_can_be_deployed(
    command: Emr, simulator: Simulator, where: tuple[str, str]
) -> None:
    source, output = where
    words = ("word-count", "--input", source, "--output", output, "--corpus", "a")
    done = command("template", "--with", "step-functions", *words)
    assert done.code == 0, done.err
    assert "--upload brings it there" in done.err
    simulator.client("cloudformation").create_stack(
        StackName="machine", TemplateBody=done.out, Capabilities=["CAPABILITY_IAM"]
    )
    machines = simulator.client("stepfunctions").list_state_machines()["stateMachines"]
    assert "gristmill-word-count-dev" in [one["name"] for one in machines]


@pytest.mark.thorough
def test_a_call_from_python_is_one_run_however_often_it_is_made(
    command: Emr,
    simulator: Simulator,
    where: tuple[str, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    del command
    _, output = where
    monkeypatch.chdir(tmp_path)
    settings = '[tool.gristmill.lineage]\nto = "events.jsonl"\n'
    (tmp_path / "pyproject.toml").write_text(settings)
    account = simulator.write_account(tmp_path / "account.toml")
    more: dict[str, Any] = {"key": f"call-{tmp_path.name}", "account": account, "corpus": "a"}
    told: list[str] = []
    later = f"s3://{simulator.bucket}/late-{tmp_path.name}"
    with pytest.raises(RunError, match="no such input"):
        emr.run("word-count", input=later, output=output, notice=told.append, **more)
    simulator.client("s3").put_object(
        Bucket=simulator.bucket, Key=f"late-{tmp_path.name}/a.txt", Body=b"one two two\n"
    )
    first = emr.run("word-count", input=later, output=output, notice=told.append, **more)
    assert (first.state, first.lines) == ("succeeded", 1)
    again = emr.run("word-count", input=later, output=output, notice=told.append, **more)
    assert again == first
    # What the project has follow runs follows this one, once.
    events = [json.loads(one) for one in (tmp_path / "events.jsonl").read_text().splitlines()]
    assert [one["eventType"] for one in events] == ["FAIL", "COMPLETE"]
