"""What a recording says against what came out here."""

import json
import re
from typing import Any

Json = Any

# What differs between any two runs.
_DROPPED = {
    "SdkHttpMetadata",
    "SdkResponseMetadata",
    "requestId",
    "stackTrace",
    "ServerSideEncryption",
    "LogResult",
    "RoleArn",
    "roleArn",
    "inputDetails",
    "outputDetails",
    "assignedVariablesDetails",
    "taskCredentials",
    "InputDetails",
    "OutputDetails",
    "region",
    "RedriveCount",  # older recordings have none
    "EnteredTime",
    "StartTime",
    "LastModified",
    "StartDate",
    "StopDate",
}
# What the recordings put in the place of names and times.
_STANDS_FOR_ANYTHING = re.compile(
    r"<[^<>]*(?:<[^<>]*>)?[^<>]*>"
    r"|^(?:date|datetime|timestamp|start-date|stop-date|topic-arn|detail-type|file-key|table-name"
    r"|bucket-name|sqs_queue_url|map_run_arn|activity_arn|snf_role_arn|generated-uuid"
    r"|RandomNumberGenerated|lambda_function_name|function_name_branch\d|someNonexistentBucketName"
    r"|Request ID.*|executionSucceededEventDetails\.output)$"
)
_ARN = re.compile(r"arn:(?:aws|<partition>)[^\s\"',)]*")
_REQUEST = re.compile(r"(Request ID: )[^,;)]*")
_HOST = re.compile(r"no-such-queue-[0-9a-f]+|no-such-queue-uid")


def differences(recorded: Json, here: Json, at: str = "") -> list[str]:
    """Where the two differ; nothing where they do not."""
    one, other = _clean(recorded), _clean(here)
    if isinstance(one, str) and _STANDS_FOR_ANYTHING.search(one):
        return [] if _matches(one, other) else [f"{at}: {one!r}, here {other!r}"]
    if isinstance(one, dict) and isinstance(other, dict):
        found = []
        for name in sorted(one.keys() | other.keys()):
            if name in _DROPPED:
                continue
            if name not in one or name not in other:
                where = "here only" if name in other else "not here"
                found.append(f"{at}/{name}: {where}: {str(other.get(name, one.get(name)))[:80]}")
            else:
                found += differences(one[name], other[name], f"{at}/{name}")
        return found
    if isinstance(one, list) and isinstance(other, list):
        if len(one) != len(other):
            return [f"{at}: {len(one)} items, here {len(other)}"]
        return [
            text
            for index, (left, right) in enumerate(zip(one, other, strict=True))
            for text in differences(left, right, f"{at}[{index}]")
        ]
    if isinstance(one, bool) != isinstance(other, bool) or one != other:
        return [f"{at}: {one!r}, here {other!r}"]
    return []


def _matches(pattern: str, other: Json) -> bool:
    if not isinstance(other, str):
        return _STANDS_FOR_ANYTHING.fullmatch(pattern) is not None
    parts = _STANDS_FOR_ANYTHING.split(pattern)
    return re.fullmatch(".*".join(map(re.escape, parts)), other, re.DOTALL) is not None


def _clean(value: Json) -> Json:
    """JSON in a text is what it says, ARNs are all alike, and so are ids of requests."""
    if not isinstance(value, str):
        return value
    # One placeholder took a quote with it.
    value = value.replace('"requestId":<request-id>"', '"requestId":"-"')
    text = value.strip()
    if (
        text[:1] in '{["'
        or text in {"true", "false", "null"}
        or re.fullmatch(r"-?\d+(\.\d+)?", text)
    ):
        try:
            return _clean(json.loads(text))
        except ValueError:
            pass
    return _HOST.sub("no-such-queue", _REQUEST.sub(r"\1-", _ARN.sub("ARN", value)))
