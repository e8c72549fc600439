"""What a state machine's role may do: what its integrations need, on what it names, and no more.

https://docs.aws.amazon.com/step-functions/latest/dg/service-integration-iam-templates.html.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from gristmill.workflow.definition.resources import Resource, resource_of
from gristmill.workflow.definition.states import Machine, Map, State, Task
from gristmill.workflow.lint.walking import machines_of
from gristmill.workflow.values import Json

_ANY = "*"
_RULES = {
    "states": "StepFunctionsGetEventsForStepFunctionsExecutionRule",
    "batch": "StepFunctionsGetEventsForBatchJobsRule",
    "emr-serverless": "StepFunctionsGetEventsForEMRServerlessJobRule",
}
_ACTIONS: Mapping[str, tuple[str, ...]] = {
    "lambda:invoke": ("lambda:InvokeFunction",),
    "sqs:sendMessage": ("sqs:SendMessage",),
    "sns:publish": ("sns:Publish",),
    "events:putEvents": ("events:PutEvents",),
    "eventbridge:putEvents": ("events:PutEvents",),
    "dynamodb:getItem": ("dynamodb:GetItem",),
    "dynamodb:putItem": ("dynamodb:PutItem",),
    "dynamodb:updateItem": ("dynamodb:UpdateItem",),
    "dynamodb:deleteItem": ("dynamodb:DeleteItem",),
    "dynamodb:query": ("dynamodb:Query",),
    "dynamodb:scan": ("dynamodb:Scan",),
    "s3:getObject": ("s3:GetObject",),
    "s3:headObject": ("s3:GetObject",),
    "s3:putObject": ("s3:PutObject",),
    "s3:deleteObject": ("s3:DeleteObject",),
    "s3:copyObject": ("s3:GetObject", "s3:PutObject"),
    "s3:listObjectsV2": ("s3:ListBucket",),
    "s3:listObjects": ("s3:ListBucket",),
    "s3:listBuckets": ("s3:ListAllMyBuckets",),
    "ses:sendEmail": ("ses:SendEmail",),
    "sesv2:sendEmail": ("ses:SendEmail",),
    "states:startExecution": ("states:StartExecution",),
    "batch:submitJob": ("batch:SubmitJob",),
    "elasticmapreduce:addStep": ("elasticmapreduce:AddJobFlowSteps",),
    "elasticmapreduce:cancelStep": ("elasticmapreduce:CancelSteps",),
    "elasticmapreduce:createCluster": ("elasticmapreduce:RunJobFlow", "iam:PassRole"),
    "elasticmapreduce:terminateCluster": ("elasticmapreduce:TerminateJobFlows",),
    "elasticmapreduce:setClusterTerminationProtection": (
        "elasticmapreduce:SetTerminationProtection",
    ),
    "emr-serverless:startJobRun": ("emr-serverless:StartJobRun", "iam:PassRole"),
    "http:invoke": (
        "states:InvokeHTTPEndpoint",
        "events:RetrieveConnectionCredentials",
        "secretsmanager:GetSecretValue",
        "secretsmanager:DescribeSecret",
    ),
}
# What is needed besides where the end of it is waited for.
_AWAITED: Mapping[str, tuple[str, ...]] = {
    "states:startExecution": ("states:DescribeExecution", "states:StopExecution"),
    "batch:submitJob": ("batch:DescribeJobs", "batch:TerminateJob"),
    "elasticmapreduce:addStep": ("elasticmapreduce:DescribeStep", "elasticmapreduce:CancelSteps"),
    "elasticmapreduce:createCluster": (
        "elasticmapreduce:DescribeCluster",
        "elasticmapreduce:TerminateJobFlows",
    ),
    "elasticmapreduce:terminateCluster": ("elasticmapreduce:DescribeCluster",),
    "emr-serverless:startJobRun": ("emr-serverless:GetJobRun", "emr-serverless:CancelJobRun"),
}
_PASSES = {
    "elasticmapreduce:createCluster": ["elasticmapreduce.amazonaws.com", "ec2.amazonaws.com"],
    "emr-serverless:startJobRun": ["emr-serverless.amazonaws.com"],
}


@dataclass(frozen=True, order=True)
class Permission:
    """One action on one thing; a thing may be text for CloudFormation's Sub. `passed_to` bounds to
    whom a role may be passed."""

    action: str
    on: str
    passed_to: tuple[str, ...] = ()


def permissions(machine: Machine, name: str) -> list[Permission]:
    """What a machine needs, in order. Raises `LookupError` for what is not known."""
    found: set[Permission] = set()
    for one in machines_of(machine):
        for state in one.states.values():
            if isinstance(state, Task):
                found |= set(_of_task(state))
            elif isinstance(state, Map) and state.is_distributed:
                found |= set(_of_map(state, name))
    return sorted(found)


def _of_task(state: Task) -> Iterator[Permission]:
    resource = resource_of(state.resource)
    if resource.kind == "function":
        yield Permission("lambda:InvokeFunction", resource.text)
        return
    if resource.kind == "activity":
        return
    call = resource.call.removeprefix("aws-sdk:")
    if call not in _ACTIONS:
        raise LookupError(f"{state.name}: nobody knows what {resource.call} needs to be allowed")
    thing = _thing(resource, state)
    for action in _ACTIONS[call]:
        if action == "iam:PassRole":
            yield Permission(action, _ANY, tuple(_PASSES[call]))
        else:
            yield Permission(action, thing)
            if action == "lambda:InvokeFunction" and thing != _ANY:
                yield Permission(action, f"{thing}:*")
    if resource.pattern.startswith("sync"):
        yield from _awaited(resource, call, thing)


def _awaited(resource: Resource, call: str, thing: str) -> Iterator[Permission]:
    for action in _AWAITED.get(call, ()):
        # What is started has an id that is not known before.
        is_of_run = resource.service in {"states", "batch", "emr-serverless"}
        yield Permission(action, _ANY if is_of_run else thing)
    rule = _RULES.get(resource.service)
    if rule is not None:
        on = f"arn:${{AWS::Partition}}:events:${{AWS::Region}}:${{AWS::AccountId}}:rule/{rule}"
        for action in ("events:PutTargets", "events:PutRule", "events:DescribeRule"):
            yield Permission(action, on)


def _of_map(state: Map, name: str) -> Iterator[Permission]:
    base = "arn:${AWS::Partition}:states:${AWS::Region}:${AWS::AccountId}"
    yield Permission("states:StartExecution", f"{base}:stateMachine:{name}")
    yield Permission("states:DescribeExecution", f"{base}:execution:{name}:*")
    yield Permission("states:StopExecution", f"{base}:execution:{name}:*")
    if state.reader is not None:
        given = state.reader.parameters.value if state.reader.parameters else {}
        bucket = _literal(given, "Bucket")
        if state.reader.resource.endswith("listObjectsV2"):
            yield Permission("s3:ListBucket", _bucket(bucket))
        else:
            yield Permission("s3:GetObject", _objects(bucket))
    if state.writer is not None:
        given = state.writer.parameters.value if state.writer.parameters else {}
        objects = _objects(_literal(given, "Bucket"))
        for action in (
            "PutObject",
            "GetObject",
            "ListMultipartUploadParts",
            "AbortMultipartUpload",
        ):
            yield Permission(f"s3:{action}", objects)


def _literal(value: Json, name: str) -> str | None:
    """A field that stands there as it is; None where it is computed."""
    found = value.get(name) if isinstance(value, dict) else None
    return found if isinstance(found, str) and not found.startswith("{%") else None


def _bucket(name: str | None) -> str:
    return _ANY if name is None else f"arn:${{AWS::Partition}}:s3:::{name}"


def _objects(name: str | None) -> str:
    return _ANY if name is None else f"arn:${{AWS::Partition}}:s3:::{name}/*"


_NAMED: Mapping[str, tuple[str, str, str]] = {
    # The field that names it, what its ARN begins with, and what parts its name from the rest.
    "lambda": ("FunctionName", "lambda:{here}:function:", ":function:"),
    "sqs": ("QueueUrl", "sqs:{here}:", "/"),
    "sns": ("TopicArn", "sns:{here}:", ":"),
    "dynamodb": ("TableName", "dynamodb:{here}:table/", "/"),
    "states": ("StateMachineArn", "states:{here}:stateMachine:", ":"),
    "elasticmapreduce": ("ClusterId", "elasticmapreduce:{here}:cluster/", "/"),
}


def _thing(resource: Resource, state: State) -> str:
    """What a call is about, where its arguments name it; else anything."""
    given: Any = state.parameters.value if isinstance(state, Task) and state.parameters else {}
    service = resource.service.removeprefix("aws-sdk:")
    if service == "s3" and resource.action not in {"listBuckets", "copyObject"}:
        bucket = _literal(given, "Bucket")
        return _bucket(bucket) if "list" in resource.action else _objects(bucket)
    field, prefix, mark = _NAMED.get(service, ("", "", ""))
    is_new = resource.action == "createCluster"
    name = None if is_new or not field else _literal(given, field)
    if service == "elasticmapreduce" and not is_new:
        name = name or "*"
    if name is None:
        return _ANY
    about = prefix.format(here="${AWS::Region}:${AWS::AccountId}")
    return f"arn:${{AWS::Partition}}:{about}{name.rpartition(mark)[2]}"
