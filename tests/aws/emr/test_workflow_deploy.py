"""State machines deployed to a simulated AWS: what is there then is the file that ran here."""

import json
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
from moto import mock_aws

from examples.run import EXAMPLES
from gristmill.cli.main import main
from tests.support.cloudformation import REGION

FILES = sorted(EXAMPLES.glob("*/*.asl.json"))


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    monkeypatch.setenv("AWS_REGION", REGION)
    with mock_aws():
        yield


@pytest.mark.usefixtures("account")
@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_what_is_deployed_is_the_file(file: Path, tmp_path: Path) -> None:
    name = file.name.removesuffix(".asl.json")
    written = tmp_path / "template.json"
    assert main(["workflow", "deploy", str(file), "--template", str(written)]) == 0
    cloudformation = boto3.client("cloudformation")
    cloudformation.create_stack(
        StackName=name, TemplateBody=written.read_text(), Capabilities=["CAPABILITY_IAM"]
    )
    (machine,) = boto3.client("stepfunctions").list_state_machines()["stateMachines"]
    there = boto3.client("stepfunctions").describe_state_machine(
        stateMachineArn=machine["stateMachineArn"]
    )
    assert there["definition"] == file.read_text(encoding="utf-8")
    role = there["roleArn"].rpartition("/")[2]
    assert boto3.client("iam").get_role(RoleName=role)["Role"]


@pytest.mark.usefixtures("account")
def test_a_stack_is_made_by_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "small.asl.json"
    definition = {"StartAt": "A", "States": {"A": {"Type": "Pass", "End": True}}}
    file.write_text(json.dumps(definition))
    assert main(["workflow", "deploy", str(file), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["name"], told["changed"]) == ("small", True)
    # moto has no outputs of a change set.
    assert told["arn"] is None
    (machine,) = boto3.client("stepfunctions").list_state_machines()["stateMachines"]
    assert machine["name"] == "small"
