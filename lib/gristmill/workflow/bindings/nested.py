"""`states:startExecution`, with `.sync`, `.sync:2` and `.waitForTaskToken`: one workflow starts
another; and of the SDK what tells of executions, and answers for tokens.

https://docs.aws.amazon.com/step-functions/latest/dg/connect-stepfunctions.html and
https://docs.aws.amazon.com/step-functions/latest/apireference/API_Operations.html.
"""

import hashlib
import json
from typing import Protocol

from gristmill.workflow.bindings.calls import Call, Done, Started
from gristmill.workflow.bindings.sdk import need, refusal, told
from gristmill.workflow.definition.resources import Resource
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

    def stop(self, arn: str, error: str | None = None, cause: str | None = None) -> bool:
        """Stop one; gives whether there was one to be stopped."""

    def answer(
        self, token: str, kind: str, *, output: Json = None, error: str | None, cause: str | None
    ) -> None:
        """Tell what came of a task, by its token: success, failure or heartbeat. Raises
        `StatesError` for one that nobody waits for."""


class Nested:
    """Starts executions. A call that is repeated finds the one that it started."""

    is_idempotent = True

    def __init__(self, executions: Executions) -> None:
        self.executions = executions

    def start(self, call: Call) -> Done | Started:
        """Do what is asked."""
        if call.resource.action != "startExecution":
            return Done(self._other(call))
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

    def _other(self, call: Call) -> Json:
        resource = call.resource
        if resource.action == "describeExecution":
            return self._described(call)
        if resource.action == "stopExecution":
            arguments = need(resource, call.arguments, "ExecutionArn")
            arn = str(arguments["ExecutionArn"])
            if not self.executions.stop(arn, arguments.get("Error"), arguments.get("Cause")):
                raise _no_execution(resource, arn)
            return {"StopDate": timestamp(self.executions.find(arn).started)}
        names = ("TaskToken", "Output") if resource.action == "sendTaskSuccess" else ("TaskToken",)
        arguments = need(resource, call.arguments, *names)
        token = str(arguments["TaskToken"])
        kind = resource.action.removeprefix("sendTask").lower()
        output = _value(resource, arguments.get("Output"))
        try:
            self.executions.answer(
                token,
                kind,
                output=output,
                error=arguments.get("Error"),
                cause=arguments.get("Cause"),
            )
        except StatesError as error:
            text = "Invalid Token: 'Invalid token'"
            raise refusal(resource, "InvalidTokenException", text) from error
        return {}

    def _described(self, call: Call) -> Json:
        arguments = need(call.resource, call.arguments, "ExecutionArn")
        arn = str(arguments["ExecutionArn"])
        try:
            one = self.executions.find(arn)
        except LookupError as error:
            raise _no_execution(call.resource, arn) from error
        answer: dict[str, Json] = {
            "ExecutionArn": one.arn,
            "Input": dump(one.input),
            "InputDetails": {"Included": True},
            "Name": one.name,
            "StartDate": timestamp(one.started),
            "StateMachineArn": one.machine_arn,
            "Status": str(one.status),
        }
        if one.ended is not None:
            answer["StopDate"] = timestamp(one.ended)
        if one.status is Status.SUCCEEDED:
            answer |= {"Output": dump(one.output), "OutputDetails": {"Included": True}}
        ends = (("Error", one.error), ("Cause", one.cause))
        return answer | {name: text for name, text in ends if text is not None}

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


def _value(resource: Resource, output: Json) -> Json:
    """What a text of JSON stands for; what is no text is a value already."""
    if not isinstance(output, str):
        return output
    try:
        return json.loads(output)
    except ValueError as error:
        text = f"Invalid Output: '{error}'"
        raise refusal(resource, "InvalidOutputException", text) from error


def _no_execution(resource: Resource, arn: str) -> StatesError:
    text = f"Execution Does Not Exist: '{arn}'"
    return refusal(resource, "ExecutionDoesNotExistException", text)
