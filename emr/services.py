"""Any action of any service of AWS, asked as the SDK integrations of Step Functions ask: names in
CamelCase, values as JSON.

https://docs.aws.amazon.com/step-functions/latest/dg/supported-services-awssdk.html.
"""

import base64
import json
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import cache
from typing import Any

from botocore import xform_name
from botocore.exceptions import BotoCoreError, ClientError
from botocore.loaders import Loader
from botocore.model import ListShape, MapShape, Shape, StructureShape

from gristmill.emr.aws import Aws, explained
from gristmill.errors import UsageError
from gristmill.nearest import near

# Step Functions names services as the AWS SDK for Java does. Where boto3's name is not that, less
# its hyphens:
_OTHERWISE = {
    "applicationdiscoveryservice": "discovery",
    "cloudwatchlogs": "logs",
    "cognitoidentityprovider": "cognito-idp",
    "configservice": "config",
    "costandusagereportservice": "cur",
    "costexplorer": "ce",
    "databasemigrationservice": "dms",
    "directoryservice": "ds",
    "directoryservicedata": "ds-data",
    "elasticloadbalancing": "elb",
    "elasticloadbalancingv2": "elbv2",
    "elasticmapreduce": "emr",
    "elasticsearchservice": "es",
    "eventbridge": "events",
    "iotdataplane": "iot-data",
    "iotjobsdataplane": "iot-jobs-data",
    "lexmodelbuildingservice": "lex-models",
    "lexmodelsv2": "lexv2-models",
    "lexruntimeservice": "lex-runtime",
    "lexruntimev2": "lexv2-runtime",
    "marketplaceentitlementservice": "marketplace-entitlement",
    "marketplacemetering": "meteringmarketplace",
    "migrationhub": "mgh",
    "serverlessapplicationrepository": "serverlessrepo",
    "sfn": "stepfunctions",
    "simpledb": "sdb",
    "states": "stepfunctions",
}


class ServiceRefusalError(Exception):
    """A service has refused a request. `service` is what it calls itself, as in DynamoDB."""

    def __init__(self, client: Any, error: ClientError) -> None:
        told = error.response.get("Error", {})
        more = error.response.get("ResponseMetadata", {})
        model = client.meta.service_model
        super().__init__(told.get("Message") or str(error))
        self.service = str(model.service_id).replace(" ", "")
        self.code = str(told.get("Code", "Unknown"))
        self.text = str(self)
        self.status = int(more.get("HTTPStatusCode", 0))
        self.request = str(more.get("RequestId", "-"))
        self.is_known = model.shape_for_error_code(self.code) is not None


class Services:
    """The services of a region, with the credentials of the usual environment."""

    def __init__(self, region: str | None = None) -> None:
        self._aws = Aws(region)
        self._clients: dict[str, Any] = {}

    def call(self, service: str, action: str, arguments: Mapping[str, Any], token: str) -> Any:
        """Ask for an action, as in `secretsmanager` and `getSecretValue`. `token` goes where an
        action takes one that makes it happen once.

        Raises `ServiceRefusalError`, `UsageError` for what the service does not know, and
        `GristmillError` where it cannot be reached.
        """
        client = self._client(service)
        operations = client.meta.method_to_api_mapping
        method = xform_name(action[:1].upper() + action[1:])
        if method not in operations:
            known = (one[:1].lower() + one[1:] for one in operations.values())
            raise UsageError(f"{service} has no action {action}{near(action, known)}")
        model = client.meta.service_model.operation_model(operations[method])
        given = _given(model.input_shape, dict(arguments)) if model.input_shape else {}
        if model.idempotent_members:
            given = {**dict.fromkeys(model.idempotent_members, token[:32]), **given}
        with explained(f"{action} of {service}"):
            try:
                answer = getattr(client, method)(**given)
            except ClientError as error:
                raise ServiceRefusalError(client, error) from error
            except BotoCoreError as error:
                if "Parameter validation" in str(error):
                    raise UsageError(f"{action} of {service}: {error}") from error
                raise
        answer.pop("ResponseMetadata", None)
        return _told(model.output_shape, answer) if model.output_shape else {}

    def _client(self, service: str) -> Any:
        if service not in self._clients:
            self._clients[service] = self._aws.client(boto_name(service))
        return self._clients[service]


def boto_name(service: str) -> str:
    """What boto3 calls a service. Raises `UsageError`."""
    known = _services()
    name = _OTHERWISE.get(service) or known.get(service.replace("-", ""))
    if name is None:
        raise UsageError(f"AWS has no service {service}{near(service, [*known, *_OTHERWISE])}")
    return name


@cache
def _services() -> Mapping[str, str]:
    names = Loader().list_available_services("service-2")
    return {name.replace("-", ""): name for name in names}


def _given(shape: Shape, value: Any) -> Any:
    """JSON in Step Functions' names, as botocore wants it."""
    if value is None:
        return None
    if isinstance(shape, StructureShape) and isinstance(value, dict):
        if shape.is_document_type:
            return value
        names = {_capital(name): name for name in shape.members}
        return {
            names.get(_capital(name), name): _given(shape.members[names[_capital(name)]], one)
            if _capital(name) in names
            else one
            for name, one in value.items()
        }
    if shape.type_name == "blob":
        return _bytes(value)
    if shape.type_name == "string" and isinstance(value, dict | list):
        # What a service takes as text is written as JSON, as the optimised integrations do.
        return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    return _through(shape, value, _given)


def _bytes(value: Any) -> bytes:
    if isinstance(value, str):
        return value.encode("utf-8", "surrogatepass")
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def _told(shape: Shape, value: Any) -> Any:
    """What botocore gave, as JSON in Step Functions' names."""
    if isinstance(shape, StructureShape) and isinstance(value, dict):
        if shape.is_document_type:
            return value
        members = shape.members
        return {
            _capital(name): _told(members[name], one) if name in members else one
            for name, one in value.items()
        }
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
    if hasattr(value, "read"):
        value = value.read()
    if isinstance(value, bytes):
        try:
            return value.decode("utf-8")
        except UnicodeDecodeError:
            return base64.b64encode(value).decode()
    return _through(shape, value, _told)


def _through(shape: Shape, value: Any, each: Callable[[Shape, Any], Any]) -> Any:
    if isinstance(shape, ListShape) and isinstance(value, list):
        return [each(shape.member, one) for one in value]
    if isinstance(shape, MapShape) and isinstance(value, dict):
        return {name: each(shape.value, one) for name, one in value.items()}
    return value


def _capital(name: str) -> str:
    return name[:1].upper() + name[1:]
