"""The state machines: a loop that counts, and one that calls a function each time."""

from typing import Any

_COUNT = {"i.$": "States.MathAdd($.i, 1)", "n.$": "$.n"}
_AGAIN = {"Variable": "$.i", "NumericLessThanPath": "$.n", "Next": "One"}


def _machine(one: dict[str, Any]) -> dict[str, Any]:
    return {
        "StartAt": "One",
        "States": {
            "One": one,
            "More": {"Type": "Choice", "Choices": [_AGAIN], "Default": "Done"},
            "Done": {"Type": "Succeed"},
        },
    }


def loop() -> dict[str, Any]:
    """Two states a round: a Pass that counts, and a Choice."""
    return _machine({"Type": "Pass", "Parameters": _COUNT, "Next": "More"})


def tasks() -> dict[str, Any]:
    """Two states a round: a function that is called, and a Choice."""
    return _machine(
        {
            "Type": "Task",
            "Resource": "arn:aws:states:::lambda:invoke",
            "Parameters": {"FunctionName": "work", "Payload": _COUNT},
            "OutputPath": "$.Payload",
            "Next": "More",
        }
    )
