"""What EMR needs in an account: made or brought up to date, and remembered in emr/account.toml.

The template is emr/account/template.yaml; docs/emr-account.md says what is in it.
"""

import hashlib
import json
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from gristmill.emr.aws import explained
from gristmill.emr.files import ACCOUNT
from gristmill.emr.partitions import Partition, partition_in
from gristmill.emr.stacks import Stacks
from gristmill.errors import GristmillError, UsageError

TEMPLATE = Path(__file__).parent / "account" / "template.yaml"
DEFAULT_PREFIX = "com.amazonaws"
"""What the template has S3's endpoint begin with."""
# How much of a template may be part of the request
# (https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html).
_LARGEST = 51_200
_BUCKET = r"s3://([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])"
_TEXT = {
    "stack": (r"[A-Za-z][A-Za-z0-9-]{0,127}", "a letter, then letters, digits and dashes"),
    "name_prefix": (r"[a-z][a-z0-9-]{0,23}", "at most 24 lower-case letters, digits and dashes"),
    "vpc": (r"vpc-[0-9a-f]{8,17}", "a VPC: vpc-0123456789abcdef0"),
    "subnets": (r"subnet-[0-9a-f]{8,17}", "a subnet: subnet-0123456789abcdef0"),
    "route_tables": (r"rtb-[0-9a-f]{8,17}", "a route table: rtb-0123456789abcdef0"),
    # No wildcards, as IAM would take them for its own.
    "inputs": (_BUCKET + r"(/[^*?$,\s]*)?", "a bucket or a folder: s3://BUCKET/FOLDER"),
    "outputs": (_BUCKET + r"(/[^*?$,\s]*)?", "a bucket or a folder: s3://BUCKET/FOLDER"),
    # Empty: no longer.
    "access_logs": (r"|" + _BUCKET + r"(/[^*?$,\s]*)?", "a bucket or a folder: s3://BUCKET/FOLDER"),
    "kms_key": (r"|arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:key/[a-f0-9-]+", "the ARN of a key"),
    "data_kms_keys": (r"arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:key/[a-f0-9-]+", "the ARN of a key"),
    # Empty: no longer.
    "catalog_database": (r"[a-z0-9_*?]*", "the name of a database of Glue; * and ? are wildcards"),
    "cluster_names": (r"[A-Za-z0-9._*?-]{1,64}", "the name of a spec; * and ? are wildcards"),
}


@dataclass(frozen=True)
class StackRequest:
    """What to deploy. What is None stays as it is, in a new stack as the template has it.

    A new stack needs `vpc` and `subnets`. Jobs may read below `inputs`, and read and write below
    `outputs`, folders in S3: where one of the two is given, it is all there is. `kms_key` encrypts
    the bucket and the disks of clusters, `data_kms_keys` are those of other buckets. Objects below
    `access_logs`, a bucket or a folder of yours, are S3's logs of who reads and writes the bucket.
    Whoever has the policy for it may change the tables of Glue's `catalog_database`. `partition`
    is that of the region.

    Raises `UsageError` with everything that is wrong.
    """

    stack: str = "gristmill"
    vpc: str | None = None
    subnets: tuple[str, ...] | None = None
    route_tables: tuple[str, ...] | None = None
    inputs: tuple[str, ...] | None = None
    outputs: tuple[str, ...] | None = None
    kms_key: str | None = None
    data_kms_keys: tuple[str, ...] | None = None
    name_prefix: str | None = None
    cluster_names: tuple[str, ...] | None = None
    log_days: int | None = None
    old_version_days: int | None = None
    access_logs: str | None = None
    catalog_database: str | None = None
    partition: str = "aws"
    endpoint_prefix: str | None = None

    def __post_init__(self) -> None:
        wrong = []
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name in _TEXT and value is not None:
                pattern, what = _TEXT[field.name]
                wrong += [
                    f"{field.name}: {one!r} is not {what}"
                    for one in ((value,) if isinstance(value, str) else value)
                    if not re.fullmatch(pattern, one)
                ]
            elif isinstance(value, int) and value < 1:
                wrong.append(f"{field.name}: must be 1 or more, not {value}")
        keys = [self.kms_key or None, *(self.data_kms_keys or ())]
        wrong += [
            f"{key}: is of another partition than {self.partition}"
            for key in keys
            if key and partition_in(key) != self.partition
        ]
        if self.subnets == ():
            wrong.append("subnets: name one or more")
        if wrong:
            raise UsageError(f"cannot deploy: {'; '.join(wrong)}")


def plan(request: StackRequest, previous: Collection[str] = ()) -> dict[str, Any]:
    """The request of CreateChangeSet. Nobody is asked.

    `previous` names the parameters that the stack has a value for, none where it is new.
    """
    body = TEMPLATE.read_text(encoding="utf-8")
    if len(body.encode()) > _LARGEST:
        raise GristmillError(f"{TEMPLATE} has more than {_LARGEST:,} bytes")
    given = _parameters(request)
    if not previous and (missing := sorted({"VpcId", "SubnetIds"} - set(given))):
        raise UsageError(
            f"stack {request.stack} would be new, and needs {' and '.join(missing)}: "
            "say which VPC and which subnets clusters go to"
        )
    values = [{"ParameterKey": key, "ParameterValue": given[key]} for key in sorted(given)]
    kept = [
        {"ParameterKey": key, "UsePreviousValue": True}
        for key in sorted(set(previous) - set(given))
        if re.search(rf"^  {key}:$", body, re.MULTILINE)
    ]
    digest = hashlib.sha256(json.dumps([body, values, kept]).encode()).hexdigest()
    return {
        "StackName": request.stack,
        "ChangeSetName": f"gristmill-{digest[:12]}",
        "ChangeSetType": "UPDATE" if previous else "CREATE",
        "Description": "gristmill emr deploy",
        "TemplateBody": body,
        "Parameters": [*values, *kept],
        # Roles and policies with names of their own.
        "Capabilities": ["CAPABILITY_NAMED_IAM"],
        "Tags": [{"Key": "gristmill:stack", "Value": request.stack}],
    }


def deploy(
    request: StackRequest,
    tell: Callable[[str], None],
    client: Any,
    account: Path = ACCOUNT,
    poll: float = 2.0,
) -> dict[str, str]:
    """Make the stack or bring it up to date, write `account`, and give the stack's outputs.

    `client` is boto3's for CloudFormation, `poll` the seconds between two looks. Deploying what is
    there already changes nothing. Raises `GristmillError` with the first reason of a failure.
    """
    stacks = Stacks(client, tell, poll)
    found = stacks.find(request.stack)
    previous = [one["ParameterKey"] for one in found.get("Parameters", [])] if found else []
    if not stacks.apply(plan(request, previous)):
        tell(f"stack {request.stack} is up to date")
    outputs = {_snake(key): value for key, value in stacks.outputs(request.stack).items()}
    account.parent.mkdir(parents=True, exist_ok=True)
    account.write_text(account_toml(request.stack, outputs), encoding="utf-8")
    tell(f"wrote {account}")
    tell(f"to submit takes the policies {outputs['submitter_policies']}")
    return outputs


def first_use(iam: Any, tell: Callable[[str], None], partition: Partition) -> None:
    """Make the roles that EMR, EMR Serverless and Spot have in each account that uses them.

    AWS makes them in the name of who uses a service first, which submitters may not do. They hold
    for the whole account, so they are in no stack. `iam` is boto3's client for IAM.

    https://docs.aws.amazon.com/emr/latest/ManagementGuide/using-service-linked-roles.html
    """
    for service in ("elasticmapreduce", "ops.emr-serverless", "spot"):
        principal = partition.principal(service)
        with explained(f"make the service-linked role of {service}"):
            try:
                iam.create_service_linked_role(AWSServiceName=principal)
            except ClientError as error:
                if not any(known in str(error) for known in ("has been taken", "already exists")):
                    raise
            else:
                tell(f"made the service-linked role of {principal}")


def account_toml(stack: str, outputs: Mapping[str, str]) -> str:
    """What emr/account.toml holds."""
    keys = ("region", "home", "service_role", "instance_profile", "runtime_role")
    if missing := sorted({*keys, "security_configuration", "subnets"} - set(outputs)):
        raise GristmillError(
            f"stack {stack} has no output {', '.join(missing)}, so it is none of ours: "
            "name another stack"
        )
    values: dict[str, Any] = {key: outputs[key] for key in (*keys, "security_configuration")}
    values["subnets"] = outputs["subnets"].split(",")
    # Strings and lists of strings are written in TOML as in JSON.
    lines = [f"{key} = {json.dumps(value)}" for key, value in values.items()]
    return "\n".join([f"# Of the stack {stack}; gristmill emr deploy writes it.", *lines, ""])


def _parameters(request: StackRequest) -> dict[str, str]:
    """What is given, as the template's parameters."""
    found: dict[str, str | None] = {
        "NamePrefix": request.name_prefix,
        "ClusterNames": _joined(request.cluster_names),
        "VpcId": request.vpc,
        "SubnetIds": _joined(request.subnets),
        "RouteTableIds": _joined(request.route_tables),
        "KmsKeyArn": request.kms_key,
        "EndpointPrefix": request.endpoint_prefix,
        "CatalogDatabase": request.catalog_database,
        **_access_logs(request.access_logs),
        "DataKmsKeyArns": _joined(request.data_kms_keys),
        "LogDays": None if request.log_days is None else str(request.log_days),
        "OldVersionDays": (
            None if request.old_version_days is None else str(request.old_version_days)
        ),
    }
    if request.inputs is not None or request.outputs is not None:
        found |= _data(request.inputs or (), request.outputs or (), request.partition)
    return {key: value for key, value in found.items() if value is not None}


def _access_logs(uri: str | None) -> dict[str, str | None]:
    if uri is None:
        return {}
    bucket, _, folder = uri.removeprefix("s3://").rstrip("/").partition("/")
    return {"AccessLogBucket": bucket, "AccessLogPrefix": f"{folder}/" if folder else ""}


def _data(inputs: Iterable[str], outputs: Iterable[str], partition: str) -> dict[str, str]:
    """What may be listed, read and written, as ARNs.

    To get at a folder, Spark looks at the names of those above it, as files too: where it may not,
    S3 answers 403, and Spark gives up. There are no such files, so nothing is given away.
    """
    buckets: list[str] = []
    reads: list[str] = []
    writes: list[str] = []
    for uri, patterns in [(one, reads) for one in inputs] + [(one, writes) for one in outputs]:
        bucket, _, folder = uri.removeprefix("s3://").rstrip("/").partition("/")
        buckets.append(bucket)
        above = folder.split("/") if folder else []
        reads += ["/".join([bucket, *above[:count]]) for count in range(1, len(above) + 1)]
        patterns.append("/".join([bucket, *above, "*"]))
    found = {"DataBuckets": buckets, "ReadObjects": reads, "WriteObjects": writes}
    return {
        key: ",".join(f"arn:{partition}:s3:::{one}" for one in dict.fromkeys(values))
        for key, values in found.items()
    }


def _joined(values: tuple[str, ...] | None) -> str | None:
    return None if values is None else ",".join(values)


def _snake(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()
