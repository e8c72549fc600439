"""`http:invoke`: a request to a web service.

https://docs.aws.amazon.com/step-functions/latest/dg/call-https-apis.html. Credentials of a
connection are not known here: give them as headers.
"""

import http.client
import json
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from typing import TYPE_CHECKING

from gristmill.workflow.bindings.calls import Answering, Call, Done
from gristmill.workflow.bindings.sdk import need
from gristmill.workflow.errors import StatesError
from gristmill.workflow.values import Json, dump

if TYPE_CHECKING:
    from email.message import Message

_PATIENCE = 60.0
_LARGEST = 64 * 1024 * 1024


class Http(Answering):
    """Makes requests. After a crash one may be made again, with the same Idempotency-Key."""

    is_idempotent = False

    def start(self, call: Call) -> Done:
        """Make a request, and wait for the answer."""
        arguments = need(call.resource, call.arguments, "ApiEndpoint", "Method")
        request = _request(call, arguments)
        try:
            with urllib.request.urlopen(request, timeout=_PATIENCE) as answer:  # noqa: S310  checked
                return Done(_told(answer.status, answer.reason, answer.headers, answer))
        except urllib.error.HTTPError as error:
            with error:
                said = _told(error.code, error.reason, error.headers, error)
            raise StatesError(f"States.Http.StatusCode.{error.code}", dump(said)) from error
        except (OSError, http.client.HTTPException) as error:
            raise StatesError("States.Http.Socket", str(error)) from error


def _request(call: Call, arguments: Mapping[str, Json]) -> urllib.request.Request:
    url = str(arguments["ApiEndpoint"])
    if urllib.parse.urlsplit(url).scheme not in {"http", "https"}:
        raise StatesError("States.Http.InvalidUrl", f"{url} is no address of a web service")
    query = arguments.get("QueryParameters") or {}
    if query:
        url += ("&" if "?" in url else "?") + urllib.parse.urlencode(query, doseq=True)
    headers = {str(name): str(value) for name, value in (arguments.get("Headers") or {}).items()}
    headers.setdefault("Idempotency-Key", call.key)
    body = arguments.get("RequestBody")
    data = None
    if body is not None:
        is_form = "urlencoded" in headers.get("Content-Type", "")
        text = (
            urllib.parse.urlencode(body)
            if is_form
            else body
            if isinstance(body, str)
            else dump(body)
        )
        data = text.encode()
        headers.setdefault("Content-Type", "application/json")
    method = str(arguments["Method"])
    return urllib.request.Request(url, data, headers, method=method)  # noqa: S310  checked


def _told(
    status: int,
    reason: str,
    headers: "Message[str, str]",
    answer: "http.client.HTTPResponse | urllib.error.HTTPError",
) -> dict[str, Json]:
    text = answer.read(_LARGEST).decode("utf-8", "replace")
    try:
        body: Json = json.loads(text)
    except ValueError:
        body = text
    grouped: dict[str, list[str]] = {}
    for name, value in headers.items():
        grouped.setdefault(name.lower(), []).append(value)
    return {"Headers": grouped, "ResponseBody": body, "StatusCode": status, "StatusText": reason}
