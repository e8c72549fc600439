"""The two forms in which boto3 puts a call: EMR's JSON 1.1, and EMR Serverless's REST with JSON."""

import json
import re
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, Protocol
from urllib.parse import parse_qs, unquote

import botocore.session
from werkzeug.wrappers import Request, Response

from simulator import shapes
from simulator.errors import ApiError, ValidationError


@dataclass(frozen=True)
class Asked:
    """A call: the operation's model, and its parameters with times as epochs."""

    operation: Any
    parameters: dict[str, Any]


class Wire(Protocol):
    """One of the forms."""

    def parse(self, request: Request) -> Asked:
        """The call that a request makes. Raises `ApiError`."""

    def error(self, error: ApiError) -> Response:
        """An error as an answer."""


@cache
def model(service: str) -> Any:
    """What botocore knows of a service's operations and their shapes."""
    return botocore.session.get_session().get_service_model(service)


class Json:
    """JSON 1.1: the operation in a header, its parameters in the body."""

    def parse(self, request: Request) -> Asked:
        name = request.headers["X-Amz-Target"].partition(".")[2]
        if name not in model("emr").operation_names:
            raise ApiError("UnknownOperationException", f"Unknown operation: {name}")
        return _asked(model("emr").operation_model(name), _body(request))

    def error(self, error: ApiError) -> Response:
        key = "Message" if error.code == "InvalidRequestException" else "message"
        body = {"__type": error.code, key: error.message}
        return _response(body, error.status, "application/x-amz-json-1.1", error.code)


class RestJson:
    """REST: the operation in the method and the path, its parameters in path, query and body."""

    def parse(self, request: Request) -> Asked:
        path = request.environ["REQUEST_URI"].partition("?")[0]
        for name in model("emr-serverless").operation_names:
            operation = model("emr-serverless").operation_model(name)
            if operation.http["method"] != request.method:
                continue
            found = _route(operation.http["requestUri"]).fullmatch(path)
            if found:
                return _asked(operation, _rest_parameters(operation, request, found.groupdict()))
        raise ApiError("UnknownOperationException", f"{request.method} {path}", 404)

    def error(self, error: ApiError) -> Response:
        status = 429 if error.code == "ThrottlingException" else error.status
        return _response({"message": error.message}, status, "application/json", error.code)


def answer(operation: Any, value: dict[str, Any]) -> Response:
    """What an operation gives, as the answer that boto3 understands; times are epochs.

    Raises `AssertionError` where it is not of the operation's shape: AWS would never give it.
    """
    if operation.output_shape:
        found = shapes.problems(operation.output_shape, value)
        if found:
            raise AssertionError(f"{operation.name}: {shapes.told(found)}")
    protocol = operation.service_model.metadata["protocol"]
    kind = "application/x-amz-json-1.1" if protocol == "json" else "application/json"
    return _response(value, 200, kind)


def _asked(operation: Any, parameters: dict[str, Any]) -> Asked:
    found = shapes.problems(operation.input_shape, parameters)
    if found:
        raise ValidationError(shapes.told(found))
    # Parameters that are null are not there.
    return Asked(operation, {k: v for k, v in parameters.items() if v is not None})


def _body(request: Request) -> dict[str, Any]:
    try:
        given = json.loads(request.get_data() or b"{}")
    except ValueError as error:
        raise ApiError("SerializationException", f"not JSON: {error}") from error
    if not isinstance(given, dict):
        raise ApiError("SerializationException", "not a JSON object")
    return given


@cache
def _route(template: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/]+)", re.escape(template)))


def _rest_parameters(operation: Any, request: Request, path: dict[str, str]) -> dict[str, Any]:
    query = parse_qs(request.query_string.decode(), keep_blank_values=True)
    given = _body(request)
    for name, member in operation.input_shape.members.items():
        where = member.serialization.get("location")
        wire = member.serialization.get("name", name)
        if where == "uri":
            given[name] = unquote(path[wire])
        elif where == "querystring" and wire in query:
            is_list = member.type_name == "list"
            given[name] = query[wire] if is_list else _scalar(member, query[wire][0])
    return given


def _scalar(shape: Any, text: str) -> object:
    try:
        if shape.type_name in {"integer", "long"}:
            return int(text)
        if shape.type_name == "timestamp":
            return datetime.fromisoformat(text).timestamp()
    except ValueError as error:
        raise ValidationError(f"not of type {shape.type_name}: {text}") from error
    return text == "true" if shape.type_name == "boolean" else text


def _response(body: dict[str, Any], status: int, kind: str, error: str = "") -> Response:
    headers = {"x-amzn-ErrorType": error} if error else {}
    return Response(json.dumps(body), status, headers, content_type=kind)
