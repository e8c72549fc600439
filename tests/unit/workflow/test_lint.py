"""What lint says of definitions: all at once, each with its path and line."""

import json
from typing import Any

import pytest

from gristmill.errors import UsageError
from gristmill.workflow.lint import check, check_text
from tests.support.workflows import machine, task

Json = Any
PASS = {"Type": "Pass", "End": True}


def said(definition: Json, **how: Any) -> list[str]:
    return [str(one) for one in check(definition, **how).problems]


def test_a_sound_machine_has_nothing_said_of_it() -> None:
    assert said(machine(("A", {"Type": "Pass", "Next": "B"}), ("B", {"Type": "Succeed"}))) == []


def test_all_that_is_wrong_is_said_at_once_by_line() -> None:
    text = json.dumps(
        {
            "StartAt": "Nowhere",
            "States": {
                "A": {"Type": "Pass", "Nxt": "B", "End": True},
                "B": {"Type": "Tsk", "End": True},
                "C": {"Type": "Wait", "End": True},
            },
        },
        indent=1,
    )
    checked = check_text(text)
    assert [(one.line, one.path) for one in checked.problems] == [
        (2, "/StartAt"),
        (6, "/States/A/Nxt"),
        (10, "/States/B/Type"),
        (13, "/States/C"),
    ]
    assert checked.machine is None
    with pytest.raises(
        UsageError, match=r"Nowhere(.|\n)*did you mean Next(.|\n)*did you mean Task"
    ):
        checked.sound("mine")


@pytest.mark.parametrize(
    ("definition", "text"),
    [
        ({}, "the field StartAt is required"),
        ([], "a state machine is a JSON object"),
        (machine(("A", {})), "the field Type is required"),
        (machine(("A", {"Type": "Pass"})), "Next, or End as true, is required"),
        (machine(("A", {**PASS, "Next": "A"})), "Next and End exclude each other"),
        (machine(("A", PASS), ("B", PASS)), "nothing leads to the state 'B'"),
        (machine(("A", {"Type": "Pass", "Next": "B"})), "there is no state 'B'"),
        (machine(("A", {"Type": "Pass", "Next": "A"})), "no state ends it"),
        (machine(("x" * 81, PASS)), "up to 80 characters"),
        (machine(("A", {**PASS, "Output": 1})), "has no field 'Output'; did you mean OutputPath?"),
        (machine(("A", {**PASS, "InputPath": 1})), "InputPath is a path or null"),
        (machine(("A", {**PASS, "InputPath": "x"})), "'x' is no path"),
        (machine(("A", {**PASS, "ResultPath": "$[*]"})), "names no one place"),
        (machine(("A", {**PASS, "Parameters": {"a.$": 1}})), "has a path or a call"),
        (
            machine(("A", {**PASS, "Parameters": {"a.$": "States.Formt('x')"}})),
            "did you mean Format",
        ),
        (machine(("A", {**PASS, "Parameters": {"b": [{"a.$": "$.["}]}})), "is no path"),
        (
            machine(("A", task("arn:aws:states:::glue:startJobRun"))),
            "glue:startJobRun is not bound",
        ),
        (
            machine(("A", task("arn:aws:states:::dynamodb:getItem.sync"))),
            "is not bound with .sync",
        ),
        (machine(("A", task("nothing"))), "'nothing' is no resource"),
        (machine(("A", task(TimeoutSeconds=0))), "TimeoutSeconds is 1 to"),
        (machine(("A", task(TimeoutSeconds=5, HeartbeatSeconds=5))), "less than TimeoutSeconds"),
        (machine(("A", task(Credentials={}))), "the field RoleArn is required"),
        (
            machine(
                ("A", task(Catch=[{"ErrorEquals": ["States.ALL", "x"], "Next": "B"}])), ("B", PASS)
            ),
            "stands alone in its list",
        ),
        (
            machine(
                (
                    "A",
                    task(Retry=[{"ErrorEquals": ["States.ALL"]}, {"ErrorEquals": ["x"]}]),
                )
            ),
            "States.ALL is the last of Retry",
        ),
        (machine(("A", task(Retry=[{"ErrorEquals": []}]))), "ErrorEquals has nothing in it"),
        (
            machine(("A", task(Retry=[{"ErrorEquals": ["x"], "BackoffRate": 0.5}]))),
            "BackoffRate is 1 to",
        ),
        (
            machine(
                ("A", {"Type": "Choice", "Choices": [{"Variable": "$.a", "Next": "B"}]}),
                ("B", PASS),
            ),
            "exactly one of And, Or, Not and a comparison",
        ),
        (
            machine(
                (
                    "A",
                    {
                        "Type": "Choice",
                        "Choices": [{"Variable": "$.a", "NumericEquals": "1", "Next": "B"}],
                    },
                ),
                ("B", PASS),
            ),
            "NumericEquals is a number",
        ),
        (
            machine(("A", {"Type": "Wait", "Seconds": 1, "Timestamp": "x", "End": True})),
            "exactly one of Seconds",
        ),
        (
            machine(("A", {**PASS, "QueryLanguage": "JSONPath"}), QueryLanguage="JSONata"),
            "cannot be JSONPath where that of the machine is JSONata",
        ),
        (machine(("A", {**PASS, "Output": "{% 1 + %}"}), QueryLanguage="JSONata"), "no JSONata"),
        (machine(("A", {"Type": "Map", "End": True})), "ItemProcessor is required"),
        (
            machine(
                (
                    "A",
                    {
                        "Type": "Map",
                        "ItemProcessor": machine(("B", PASS)),
                        "Label": "x",
                        "End": True,
                    },
                )
            ),
            "needs a ProcessorConfig whose Mode is DISTRIBUTED",
        ),
        (
            machine(
                (
                    "A",
                    {"Type": "Parallel", "Branches": [machine(("A", PASS))], "End": True},
                )
            ),
            "is there twice",
        ),
    ],
)
def test_what_is_wrong_is_said(definition: Json, text: str) -> None:
    found = said(definition)
    assert any(text in one for one in found), found
    assert check(definition).errors


@pytest.mark.parametrize(
    ("resource", "text"),
    [
        ("arn:aws:states:::sqs:sendMessage.waitForTaskToken", "'.waitForTaskToken'"),
        ("arn:aws:states:::states:startExecution.sync", "'.sync'"),
        ("arn:aws:states:us-east-1:111111111111:activity:a", "no activities"),
    ],
)
def test_an_express_machine_waits_for_nobody(resource: str, text: str) -> None:
    definition = machine(("A", task(resource)))
    assert said(definition) == []
    assert any(text in one for one in said(definition, is_express=True))


@pytest.mark.parametrize(
    ("state", "text"),
    [
        (task("gristmill:run", Parameters={"Job": "word-count"}), "bound here only"),
        ({"Type": "Wait", "Seconds": 40_000_000, "End": True}, "a year"),
        ({**PASS, "Result": "x" * 300_000}, "256 KiB"),
        (
            {
                "Type": "Map",
                "MaxConcurrency": 50,
                "ItemProcessor": machine(("B", PASS)),
                "End": True,
            },
            "up to 40 iterations",
        ),
    ],
)
def test_what_aws_has_bounds_for_is_warned_of_when_it_is_asked_for(state: Json, text: str) -> None:
    definition = machine(("A", state))
    assert said(definition) == []
    checked = check(definition, for_aws=True)
    assert any(text in str(one) for one in checked.problems)
    assert checked.errors == ()


def test_a_result_with_dollars_is_warned_of() -> None:
    checked = check(machine(("A", {**PASS, "Result": {"a.$": "$.b"}})))
    assert checked.machine is not None
    assert "Parameters fills in" in str(checked.problems[0])


def test_a_name_of_a_state_may_hold_anything() -> None:
    assert said(machine(("A/B [1]", {**PASS, "Parameters": {"a.$": "$.b"}}))) == []
