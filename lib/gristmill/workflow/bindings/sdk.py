"""How AWS's SDK answers and fails, as far as a state machine sees it."""

import re
import uuid
from collections.abc import Mapping

from gristmill.workflow.definition.resources import Resource
from gristmill.workflow.errors import StatesError
from gristmill.workflow.values import Json

_NAMES = {
    "sqs": ("SQS", "AmazonSQS"),
    "sns": ("SNS", "AmazonSNS"),
    "dynamodb": ("DynamoDB", "AmazonDynamoDBv2"),
    "lambda": ("Lambda", "AWSLambda"),
    "s3": ("S3", "Amazon S3"),
    "states": ("StepFunctions", "AWSStepFunctions"),
    "events": ("EventBridge", "AmazonCloudWatchEvents"),
    "batch": ("Batch", "AWSBatch"),
    "elasticmapreduce": ("ElasticMapReduce", "AmazonElasticMapReduce"),
    "emr-serverless": ("EmrServerless", "EMRServerless"),
    "ses": ("Ses", "Ses"),
}
# Of the SDK's second version, which `aws-sdk` integrations use: DynamoDb, and no abbreviations.
_SECOND = {"dynamodb": "DynamoDb", "sqs": "Sqs", "sns": "Sns", "sfn": "Sfn", "sesv2": "SesV2"}


def second_name(service: str) -> str:
    """The name that a service has in the SDK's second version: DynamoDb, SecretsManager."""
    if known := _SECOND.get(service.lower()):
        return known
    words = re.findall(r"[A-Z]+(?![a-z])\d*|[A-Z]?[a-z]+\d*|\d+", service)
    return "".join(word[:1].upper() + word[1:].lower() for word in words)


def told(resource: Resource, result: Mapping[str, Json], request: str | None = None) -> Json:
    """A result as the integration gives it: optimised ones tell of the request, too."""
    if resource.service.startswith("aws-sdk:"):
        return dict(result)
    request = request or str(uuid.uuid4())
    return {
        **result,
        "SdkHttpMetadata": {"HttpStatusCode": 200},
        "SdkResponseMetadata": {"RequestId": request},
    }


def refusal(
    resource: Resource,
    error: str,
    text: str,
    *,
    code: str | None = None,
    status: int = 400,
    request: str | None = None,
    provider: str | None = None,
) -> StatesError:
    """An error of a service. `error` is as in ResourceNotFoundException; `code` that of the wire,
    where it is another; `provider` what the service calls itself, where it is not known here."""
    service = resource.service.removeprefix("aws-sdk:")
    request = request or str(uuid.uuid4())
    if resource.service.startswith("aws-sdk:"):
        known = _NAMES.get(service, ("",))[0]
        name = second_name(provider or (service if service in _SECOND else known or service))
        extended = ", Extended Request ID: -" if service == "s3" else ""
        told_ = f"(Service: {name}, Status Code: {status}, Request ID: {request}{extended})"
        return StatesError(f"{name}.{error}", f"{text} {told_}")
    name, client = _NAMES.get(service, (service.capitalize(), service))
    return StatesError(
        f"{name}.{error}",
        f"{text} (Service: {client}; Status Code: {status}; Error Code: "
        f"{code or error}; Request ID: {request}; Proxy: null)",
    )


def need(resource: Resource, arguments: Json, *names: str) -> dict[str, Json]:
    """The arguments, with those that are required. Raises `StatesError`."""
    if not isinstance(arguments, dict):
        raise refusal(resource, "ValidationException", "the arguments are no object")
    for name in names:
        if arguments.get(name) is None:
            field = name[:1].lower() + name[1:]
            generic = _generic(resource)
            raise refusal(
                resource,
                generic,
                f"1 validation error detected: Value null at '{field}' failed to satisfy "
                "constraint: Member must not be null",
                code="ValidationException",
            )
    return arguments


def _generic(resource: Resource) -> str:
    service = resource.service.removeprefix("aws-sdk:")
    if resource.service.startswith("aws-sdk:"):
        return f"{_SECOND.get(service, service.capitalize())}Exception"
    return {"dynamodb": "AmazonDynamoDBException"}.get(service, "ValidationException")
