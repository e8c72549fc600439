"""Which integration is bound to what, here. What is in no table is refused by lint, by name."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from gristmill.manager.ledger import Ledger
from gristmill.workflow.bindings.buses import Buses, Mails
from gristmill.workflow.bindings.calls import Binding
from gristmill.workflow.bindings.elsewhere import Buckets, Elsewhere, is_on_aws
from gristmill.workflow.bindings.functions import Function, Functions
from gristmill.workflow.bindings.http import Http
from gristmill.workflow.bindings.items import Items, Table
from gristmill.workflow.bindings.map_io import MapFiles
from gristmill.workflow.bindings.nested import Executions, Nested
from gristmill.workflow.bindings.objects import Folders, Objects
from gristmill.workflow.bindings.queues import Queue, Queues
from gristmill.workflow.bindings.topics import Topic, Topics
from gristmill.workflow.definition.resources import Resource

_DYNAMODB = ("getItem", "putItem", "updateItem", "deleteItem", "query", "scan")
_S3 = (
    "getObject",
    "putObject",
    "listObjectsV2",
    "listObjects",
    "listBuckets",
    "copyObject",
    "deleteObject",
    "headObject",
)
_SFN = (
    "startExecution",
    "describeExecution",
    "stopExecution",
    "sendTaskSuccess",
    "sendTaskFailure",
    "sendTaskHeartbeat",
)

BOUND: Mapping[str, frozenset[str]] = {
    "lambda:invoke": frozenset({"", "waitForTaskToken"}),
    "sqs:sendMessage": frozenset({"", "waitForTaskToken"}),
    "sns:publish": frozenset({"", "waitForTaskToken"}),
    "events:putEvents": frozenset({"", "waitForTaskToken"}),
    "http:invoke": frozenset({""}),
    "states:startExecution": frozenset({"", "sync", "sync:2", "waitForTaskToken"}),
    "batch:submitJob": frozenset({"", "sync", "waitForTaskToken"}),
    "elasticmapreduce:addStep": frozenset({"", "sync"}),
    "elasticmapreduce:cancelStep": frozenset({""}),
    "elasticmapreduce:createCluster": frozenset({"", "sync"}),
    "elasticmapreduce:terminateCluster": frozenset({"", "sync"}),
    "elasticmapreduce:setClusterTerminationProtection": frozenset({""}),
    "emr-serverless:startJobRun": frozenset({"", "sync"}),
    "gristmill:run": frozenset({"sync"}),
    **{f"dynamodb:{action}": frozenset({""}) for action in _DYNAMODB},
    "aws-sdk:sqs:sendMessage": frozenset({"", "waitForTaskToken"}),
    "aws-sdk:sns:publish": frozenset({"", "waitForTaskToken"}),
    "aws-sdk:eventbridge:putEvents": frozenset({"", "waitForTaskToken"}),
    "aws-sdk:ses:sendEmail": frozenset({""}),
    "aws-sdk:sesv2:sendEmail": frozenset({""}),
    **{f"aws-sdk:dynamodb:{action}": frozenset({"", "waitForTaskToken"}) for action in _DYNAMODB},
    **{f"aws-sdk:s3:{action}": frozenset({"", "waitForTaskToken"}) for action in _S3},
    **{f"aws-sdk:sfn:{action}": frozenset({""}) for action in _SFN},
}
"""The integrations that are bound here, and how their end may be known."""


@dataclass(frozen=True)
class LocalResources:
    """What stands here for AWS's: functions, queues, topics, tables, and folders for buckets.
    `aws` are the services that stay AWS's own, or `all`."""

    functions: Mapping[str, Function] = field(default_factory=dict)
    queues: Mapping[str, Queue] = field(default_factory=dict)
    topics: Mapping[str, Topic] = field(default_factory=dict)
    tables: Mapping[str, Table] = field(default_factory=dict)
    buckets: Mapping[str, Path] = field(default_factory=dict)
    aws: frozenset[str] = frozenset()


class LocalBindings(MapFiles):
    """All that is bound: to this machine, or to AWS where that is asked for. `more` comes first,
    as mocks do."""

    def __init__(
        self,
        ledger: Ledger,
        resources: LocalResources,
        executions: Executions,
        more: Mapping[str, Binding] | None = None,
    ) -> None:
        is_s3_aws = bool({"s3", "all"} & resources.aws)
        super().__init__(Buckets() if is_s3_aws else Folders(resources.buckets))
        self._aws = resources.aws
        self._elsewhere = Elsewhere()
        buses, mails = Buses(ledger), Mails(ledger)
        queues = Queues(ledger, resources.queues)
        topics = Topics(ledger, resources.topics, resources.queues)
        self._services: dict[str, Binding] = {
            "lambda": Functions(resources.functions),
            "sqs": queues,
            "sns": topics,
            "events": buses,
            "ses": mails,
            "sesv2": mails,
            "dynamodb": Items(ledger, resources.tables),
            "s3": Objects(resources.buckets),
            "http": Http(),
            "states": Nested(executions),
            **(more or {}),
        }

    def of(self, resource: Resource, state: str) -> Binding | None:  # noqa: ARG002  for mocks
        """The binding of a resource; None where there is none."""
        if is_on_aws(resource, self._aws):
            return self._elsewhere
        if resource.kind == "function":
            return self._services["lambda"]
        if resource.pattern not in BOUND.get(resource.call, ()):
            return None
        return self._services.get(resource.provider)
