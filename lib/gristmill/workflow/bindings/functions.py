"""`lambda:invoke`, and functions by their ARN: Python functions `handler(event, context)`."""

import json
import traceback
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from gristmill.workflow.bindings.calls import Answering, Call, Done
from gristmill.workflow.bindings.sdk import need, refusal, told
from gristmill.workflow.errors import StatesError
from gristmill.workflow.values import Json, dump


@dataclass(frozen=True)
class FunctionContext:
    """What a function is told of its call, with the names of Lambda's. The same
    `idempotency_key` means the same call, which may come again after a crash."""

    function_name: str
    aws_request_id: str
    idempotency_key: str
    task_token: str
    invoked_function_arn: str = ""
    function_version: str = "$LATEST"

    def get_remaining_time_in_millis(self) -> int:
        """As Lambda has it; here a function has as long as its task."""
        return 15 * 60 * 1000


Function = Callable[[Json, FunctionContext], Any]


class Functions(Answering):
    """Calls functions. They may be called again for one task, after a crash: what such a call does
    is theirs to do once."""

    is_idempotent = False

    def __init__(self, functions: Mapping[str, Function]) -> None:
        self._functions = functions

    def start(self, call: Call) -> Done:
        """Call a function, and wait for it."""
        resource = call.resource
        if resource.kind == "function":
            return Done(self._invoke(call, resource.name, call.arguments, separators=(", ", ": ")))
        arguments = need(resource, call.arguments, "FunctionName")
        name = function_name(str(arguments["FunctionName"]))
        event = arguments.get("Payload")
        result = self._invoke(call, name, _event(event), separators=(",", ":"))
        if arguments.get("InvocationType") == "Event":
            return Done(told(resource, {"StatusCode": 202}))
        answer = {"ExecutedVersion": "$LATEST", "Payload": result, "StatusCode": 200}
        if arguments.get("LogType") == "Tail":
            answer["LogResult"] = ""
        return Done(told(resource, answer))

    def _invoke(self, call: Call, name: str, event: Json, separators: tuple[str, str]) -> Json:
        function = self._functions.get(name)
        if function is None:
            raise refusal(
                call.resource,
                "ResourceNotFoundException",
                f"Function not found: {name}; there are: {', '.join(self._functions) or 'none'}",
                status=404,
            )
        request = str(uuid.uuid5(uuid.NAMESPACE_URL, call.key))
        context = FunctionContext(name, request, call.key, call.token)
        try:
            # What a function gets and gives goes through JSON, as at AWS.
            return json.loads(dump(function(json.loads(dump(event)), context)))
        except StatesError:
            raise
        except Exception as error:
            raise _failure(error, request, separators) from error


def _event(payload: Json) -> Json:
    """What a function gets: nothing is an empty object, and a text is JSON already."""
    if payload is None:
        return {}
    if isinstance(payload, str):
        try:
            return json.loads(payload)
        except ValueError:
            return payload
    return payload


def _failure(error: Exception, request: str, separators: tuple[str, str]) -> StatesError:
    frames = traceback.extract_tb(error.__traceback__)[1:]
    cause = {
        "errorMessage": str(error),
        "errorType": type(error).__name__,
        "requestId": request,
        "stackTrace": traceback.format_list(frames),
    }
    return StatesError(type(error).__name__, json.dumps(cause, separators=separators))


def function_name(text: str) -> str:
    """The name of a function, of its name or ARN, with or without a version."""
    if ":function:" in text:
        text = text.rpartition(":function:")[2]
    return text.partition(":")[0]
