"""The words of requests in a template: the run's key where an execution has its name."""

import json
from collections.abc import Mapping
from typing import Any

from gristmill.errors import UsageError
from gristmill.runs.encoded import decode, is_encoded

# It stands for the run's key until the very text of the request is there.
KEY = "gristmill-run-key-5b1f"
EVENTS = "scheduled"
"""The folder of events that all runs of templates share."""
APPLICATION = "${ApplicationId}"
_CHANGED_BY_YARN = ("{{", "}}", "<LOG_DIR>", "<CPS>")


def plain(value: Any) -> Any:
    """A request with the job's arguments as words in place of the encoded one, in which no key
    could be put. Raises `UsageError` for words that YARN would change."""
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, str):
        # Spark begins no log in a folder that is not there, as that of a run to come.
        return value.replace(f"spark-events/{KEY}", f"spark-events/{EVENTS}")
    if not isinstance(value, list | tuple):
        return value
    found: list[Any] = []
    for item in value:
        if not (isinstance(item, str) and is_encoded(item)):
            found.append(plain(item))
            continue
        for word in decode(item):
            if not word or any(sign in word for sign in _CHANGED_BY_YARN):
                raise UsageError(f"a scheduled run cannot be given {word!r}: YARN would change it")
            found.append(word)
    return found


def capitalised(value: Any) -> Any:
    """Names as Step Functions and EventBridge Scheduler have them: `applicationId` is
    `ApplicationId`. Tags keep theirs."""
    if isinstance(value, Mapping):
        return {
            f"{key[:1].upper()}{key[1:]}": item if key == "tags" else capitalised(item)
            for key, item in value.items()
        }
    return [capitalised(item) for item in value] if isinstance(value, list) else value


def keyed(value: Any) -> Any:
    """Parameters with the execution's name where the run's key is: `States.Format` makes them."""
    if isinstance(value, Mapping):
        found: dict[str, Any] = {}
        for key, item in value.items():
            if isinstance(item, str) and KEY in item:
                found[f"{key}.$"] = _formatted(item)
            elif isinstance(item, list) and any(KEY in one for one in item if isinstance(one, str)):
                words = [_formatted(one) if KEY in one else _quoted(one) for one in item]
                found[f"{key}.$"] = f"States.Array({', '.join(words)})"
            else:
                found[key] = keyed(item)
        return found
    return value


def _formatted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("'", "\\'").replace("{", "\\{").replace("}", "\\}")
    places = ", $$.Execution.Name" * text.count(KEY)
    return f"States.Format('{escaped.replace(KEY, '{}')}'{places})"


def _quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def text_of(value: object) -> str:
    """JSON in which CloudFormation fills in nothing but what is ours."""
    text = json.dumps(value, ensure_ascii=False)
    for ours in (APPLICATION, "${AWS::Partition}"):
        text = text.replace(ours, ours.replace("${", "\0"))
    return text.replace("${", "${!").replace("\0", "${")


def sub(text: str) -> Any:
    """Text in which CloudFormation fills something in, where it does."""
    rest = text.replace("${!", "")
    return {"Fn::Sub": text} if "${" in rest else text.replace("${!", "${")
