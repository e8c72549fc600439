"""`states:startExecution`, with `.sync`, `.sync:2` and `.waitForTaskToken`: one workflow starts
another.

https://docs.aws.amazon.com/step-functions/latest/dg/connect-stepfunctions.html.
"""

import hashlib
from typing import Protocol

from gristmill.workflow.bindings.calls import Call, Done, Started
from gristmill.workflow.bindings.sdk import need, refusal, told
from gristmill.workflow.errors import TASK_FAILED, StatesError
from gristmill.workflow.interpreter.branch import Execution, Status
from gristmill.workflow.values import Json, dump, timestamp


class NoSuchMachineError(LookupError):
    """There is no state machine of that name."""


class Executions(Protocol):
    """Who starts executions, and knows how they are."""

    def start(self, machine_arn: str, name: str, given: Json) -> Execution:
        """Start one; the same name with the same input is the one that is there. Raises
        `NoSuchMachineError`, and `StatesError` for a name that was used for something else."""

    def find(self, arn: str) -> Execution:
        """How one is."""

    def stop(self, arn: str) -> None:
        """Stop one."""


class Nested:
    """Starts executions. A call that is repeated finds the one that it started."""

    is_idempotent = True

    def __init__(self, executions: Executions) -> None:
        self.executions = executions

    def start(self, call: Call) -> Done | Started:
        """Start an execution."""
        arguments = need(call.resource, call.arguments, "StateMachineArn")
        name = arguments.get("Name") or hashlib.sha256(call.key.encode()).hexdigest()[:36]
        given = arguments.get("Input")
        try:
            one = self.executions.start(
                str(arguments["StateMachineArn"]), str(name), {} if given is None else given
            )
        except NoSuchMachineError as error:
            raise refusal(
                call.resource, "StateMachineDoesNotExistException", str(error), status=400
            ) from error
        answer = told(call.resource, {"ExecutionArn": one.arn, "StartDate": timestamp(one.started)})
        if call.resource.pattern.startswith("sync"):
            return Started(one.arn, answer)
        return Done(answer)

    def poll(self, call: Call, handle: Json) -> Done | None:
        """Whether it has ended."""
        one = self.executions.find(str(handle))
        if not one.status.is_final:
            return None
        is_parsed = call.resource.pattern == "sync:2"

        def shown(value: Json) -> Json:
            return value if is_parsed else dump(value)

        answer: dict[str, Json] = {
            "ExecutionArn": one.arn,
            "Input": shown(one.input),
            "InputDetails": {"Included": True},
            "Name": one.name,
            "StartDate": int(one.started * 1000),
            "StateMachineArn": one.machine_arn,
            "Status": str(one.status),
            "StopDate": int((one.ended or one.started) * 1000),
        }
        if one.status is Status.SUCCEEDED:
            answer |= {"Output": shown(one.output), "OutputDetails": {"Included": True}}
            return Done(answer)
        if one.error is not None:
            answer["Error"] = one.error
        if one.cause is not None:
            answer["Cause"] = one.cause
        raise StatesError(TASK_FAILED, dump(answer))

    def stop(self, call: Call, handle: Json) -> None:  # noqa: ARG002  the protocol's
        """Stop what was started, where its end was waited for."""
        if handle is not None:
            self.executions.stop(str(handle))
