"""Services that stay AWS's own: asked by boto3, with the credentials of the usual environment.

https://docs.aws.amazon.com/step-functions/latest/dg/supported-services-awssdk.html.
"""

import contextlib
import hashlib
import json
import re
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gristmill.errors import GristmillError
from gristmill.workflow.bindings.calls import Call, Done, Started
from gristmill.workflow.bindings.sdk import need, refusal, second_name, told
from gristmill.workflow.definition.resources import Resource
from gristmill.workflow.errors import TASK_FAILED, StatesError
from gristmill.workflow.values import Json, dump

if TYPE_CHECKING:
    from gristmill.emr.aws import Aws
    from gristmill.emr.services import ServiceRefusalError, Services


@dataclass(frozen=True)
class _Ending:
    """How the end of what an action began is known: what is asked, with which of the names that
    were given or came back, where the status stands in the answer, and what it may be."""

    ask: str
    names: tuple[tuple[str, str], ...]
    status: tuple[str, ...]
    good: str
    bad: frozenset[str]
    stop: str


_ENDINGS: Mapping[str, _Ending] = {
    "athena:startQueryExecution": _Ending(
        "getQueryExecution",
        (("QueryExecutionId", "QueryExecutionId"),),
        ("QueryExecution", "Status", "State"),
        "SUCCEEDED",
        frozenset({"FAILED", "CANCELLED"}),
        "stopQueryExecution",
    ),
    "glue:startJobRun": _Ending(
        "getJobRun",
        (("JobName", "JobName"), ("RunId", "JobRunId")),
        ("JobRun", "JobRunState"),
        "SUCCEEDED",
        frozenset({"FAILED", "STOPPED", "TIMEOUT", "ERROR", "EXPIRED"}),
        "batchStopJobRun",
    ),
    "states:startExecution": _Ending(
        "describeExecution",
        (("ExecutionArn", "ExecutionArn"),),
        ("Status",),
        "SUCCEEDED",
        frozenset({"FAILED", "TIMED_OUT", "ABORTED"}),
        "stopExecution",
    ),
}


def is_on_aws(resource: Resource, aws: frozenset[str]) -> bool:
    """Whether a resource is AWS's own, where the services of `aws` are, and its end can be known.

    Where runs of jobs run is said by their place, not here.
    """
    if resource.kind not in {"service", "function"} or resource.provider in OF_PLACES:
        return False
    if "all" not in aws and resource.provider not in aws:
        return False
    return not resource.pattern.startswith("sync") or resource.call in _ENDINGS


OF_PLACES = frozenset({"gristmill", "batch", "elasticmapreduce", "emr-serverless"})
"""What submits runs, which their place runs."""


class Elsewhere:
    """Asks AWS. A call that is repeated has one effect where its action takes a client token, and
    `states:startExecution`, which gets a name; others may happen again after a crash."""

    is_idempotent = False

    @cached_property
    def _services(self) -> "Services":
        # botocore takes a moment to load, and most workflows do without.
        from gristmill.emr.services import Services  # noqa: PLC0415

        return Services()

    def start(self, call: Call) -> Done | Started:
        """Ask, and wait for the answer."""
        resource = call.resource
        if resource.provider == "lambda" and resource.action == "invoke":
            return Done(self._invoke(call))
        arguments = dict(need(resource, call.arguments or {}))
        if resource.call == "states:startExecution":
            arguments.setdefault("Name", hashlib.sha256(call.key.encode()).hexdigest()[:36])
        answer = self._ask(call, resource.action, arguments)
        result = told(resource, answer)
        if not resource.pattern.startswith("sync"):
            return Done(result)
        ending = _ENDINGS[resource.call]
        known = {**arguments, **answer}
        return Started({asked: known.get(name) for asked, name in ending.names}, result)

    def poll(self, call: Call, handle: Json) -> Done | None:
        """Whether what was begun has ended. Raises `StatesError` where it failed."""
        ending = _ENDINGS[call.resource.call]
        answer = self._ask(call, ending.ask, handle)
        status: Any = answer
        for name in ending.status:
            status = status.get(name, {})
        if status == ending.good:
            if call.resource.pattern == "sync:2":
                answer |= {
                    name: json.loads(answer[name]) for name in ("Input", "Output") if name in answer
                }
            return Done(answer)
        if status in ending.bad:
            raise StatesError(TASK_FAILED, dump(answer))
        return None

    def stop(self, call: Call, handle: Json) -> None:
        """Stop what was begun, where its end was waited for."""
        ending = _ENDINGS.get(call.resource.call)
        if ending is None or handle is None or not call.resource.pattern.startswith("sync"):
            return
        if ending.stop.startswith("batch"):
            handle = {"JobName": handle["JobName"], "JobRunIds": [handle["RunId"]]}
        self._ask(call, ending.stop, handle)

    def _invoke(self, call: Call) -> Json:
        resource = call.resource
        if resource.kind == "function":
            arguments = {"FunctionName": resource.text, "Payload": call.arguments}
        else:
            arguments = dict(need(resource, call.arguments, "FunctionName"))
        answer = self._ask(call, "invoke", arguments)
        payload = answer.get("Payload") or "null"
        if "FunctionError" in answer:
            failure = json.loads(payload)
            raise StatesError(failure.get("errorType") or "Lambda.Unknown", payload)
        if resource.kind == "function":
            return json.loads(payload)
        if not resource.is_sdk:
            answer["Payload"] = json.loads(payload)
        return told(resource, answer)

    def _ask(self, call: Call, action: str, arguments: Mapping[str, Json]) -> dict[str, Json]:
        from gristmill.emr.services import ServiceRefusalError  # noqa: PLC0415  as above

        resource = call.resource
        token = hashlib.sha256(call.key.encode()).hexdigest()
        try:
            answer: dict[str, Json] = self._services.call(
                resource.provider, action, arguments, token
            )
        except ServiceRefusalError as error:
            raise _refused(resource, error) from error
        except GristmillError as error:
            name = f"{second_name(resource.provider)}.SdkClientException"
            raise StatesError(name, str(error)) from error
        return answer


def _refused(resource: Resource, error: "ServiceRefusalError") -> StatesError:
    """A refusal by the name that it has in Java's SDK, which Step Functions tells of."""
    name = re.sub(r"[^A-Za-z0-9]", "", error.code.rpartition(".")[2])
    if not error.is_known:
        name = f"{second_name(error.service)}Exception"
    elif not name.endswith("Exception"):
        name = f"{name}Exception"
    return refusal(
        resource,
        name,
        error.text,
        code=error.code,
        status=error.status,
        request=error.request,
        provider=error.service,
    )


class Buckets:
    """AWS's buckets, which maps read from and write to."""

    @cached_property
    def _aws(self) -> "Aws":
        from gristmill.emr.aws import Aws  # noqa: PLC0415  as above

        return Aws(None)

    def has(self, bucket: str) -> bool:
        """Whether a bucket is there, and may be used."""
        return self._aws.has_bucket(bucket)

    def listed(self, bucket: str, prefix: str) -> Iterator[dict[str, Json]]:
        """The objects of a bucket with a prefix, by key."""
        pages = self._aws.s3.get_paginator("list_objects_v2")
        for page in pages.paginate(Bucket=bucket, Prefix=prefix):
            for one in page.get("Contents", []):
                yield {
                    "Etag": one["ETag"],
                    "Key": one["Key"],
                    "LastModified": int(one["LastModified"].timestamp()),
                    "Size": one["Size"],
                    "StorageClass": one.get("StorageClass", "STANDARD"),
                }

    @contextlib.contextmanager
    def opened(self, bucket: str, key: str) -> Iterator[Path | None]:
        """An object in a file of this machine, which goes afterwards; None where there is none."""
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / f"object{Path(key).suffix}"
            yield file if self._aws.download(f"s3://{bucket}/{key}", file) else None

    def write(self, bucket: str, key: str, content: bytes) -> None:
        """Write an object."""
        self._aws.write(f"s3://{bucket}/{key}", content)
