"""The account's template, filled in, and what its roles may do."""

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

from gristmill.emr.deploy import TEMPLATE, StackRequest, plan
from gristmill.emr.requests import CLUSTER_TAG
from tests.support.cloudformation import ACCOUNT, REGION, Stack, read
from tests.support.iam import Call, many

BUCKET = "gristmill-bucket-1a2b3c4d5e6f"
HOME = f"arn:aws:s3:::{BUCKET}/gristmill"
KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/1234abcd-12ab-34cd-56ef-1234567890ab"
DATA_KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/99999999-12ab-34cd-56ef-1234567890ab"
VPC, SUBNETS = "vpc-0123456789abcdef0", ("subnet-0123456789abcdef0", "subnet-0fedcba9876543210")


def role(name: str) -> str:
    """The ARN of a role."""
    return f"arn:aws:iam::{ACCOUNT}:role/{name}"


SERVICE, INSTANCE, RUNTIME = (
    role(f"gristmill-emr-{name}-{REGION}") for name in ("service", "instance", "runtime")
)
OTHER_ROLE = role("administrator")
CLUSTER = f"arn:aws:elasticmapreduce:{REGION}:{ACCOUNT}:cluster/j-1ABCDEFGHIJKL"
APPLICATIONS = f"arn:aws:emr-serverless:{REGION}:{ACCOUNT}:/applications"

# What comes with a call.
OURS = {f"elasticmapreduce:ResourceTag/{CLUSTER_TAG}": "dev"}
AS_RUNTIME = {"elasticmapreduce:ExecutionRoleArn": RUNTIME}
FOR_EMR = {"aws:RequestTag/for-use-with-amazon-emr-managed-policies": "true"}
TO_EMR = {"iam:PassedToService": "elasticmapreduce.amazonaws.com"}
TO_EC2 = {"iam:PassedToService": "ec2.amazonaws.com"}
TO_SERVERLESS = {"iam:PassedToService": "emr-serverless.amazonaws.com"}
THROUGH_S3 = {"kms:ViaService": f"s3.{REGION}.amazonaws.com"}
THROUGH_EC2 = {"kms:ViaService": f"ec2.{REGION}.amazonaws.com"}

DEPLOYMENT = StackRequest(
    vpc=VPC,
    subnets=SUBNETS,
    inputs=("s3://landing/logs/raw", "s3://archive"),
    outputs=("s3://lake/mill",),
    kms_key=KEY,
    data_kms_keys=(DATA_KEY,),
    route_tables=("rtb-0123456789abcdef0",),
    catalog_database="web",
)
MINIMAL = StackRequest(vpc=VPC, subnets=SUBNETS)

_POLICIES = {
    "service": ("ServiceRole", "Policies"),
    "instance": ("InstancePolicy", "PolicyDocument"),
    "runtime": ("RuntimeRole", "Policies"),
    "submitter": ("SubmitterPolicy", "PolicyDocument"),
    "submitter-data": ("SubmitterDataPolicy", "PolicyDocument"),
    "catalog": ("CatalogPolicy", "PolicyDocument"),
}
NAMES = tuple(_POLICIES)


@cache
def template() -> dict[str, Any]:
    """The template as it is in the repository."""
    return read(TEMPLATE)


@cache
def stack(deployment: StackRequest = DEPLOYMENT) -> Stack:
    """The template with what `deployment` gives its parameters."""
    values = {one["ParameterKey"]: one["ParameterValue"] for one in plan(deployment)["Parameters"]}
    prefix = values.get("NamePrefix", "gristmill")
    attributes: dict[str, str] = {
        "Bucket": BUCKET,
        "Bucket.Arn": f"arn:aws:s3:::{BUCKET}",
        "SubmitterPolicy": f"arn:aws:iam::{ACCOUNT}:policy/{prefix}-emr-submitter-{REGION}",
        "SubmitterDataPolicy": f"arn:aws:iam::{ACCOUNT}:policy/{prefix}-emr-submitter-data",
        "SecurityConfiguration": "SecurityConfiguration-1a2b3c",
    }
    for name in ("service", "instance", "runtime"):
        attributes[f"{name.title()}Role"] = f"{prefix}-emr-{name}-{REGION}"
        attributes[f"{name.title()}Role.Arn"] = role(f"{prefix}-emr-{name}-{REGION}")
    attributes["InstanceProfile"] = attributes["InstanceRole"]
    return Stack(template(), values, attributes)


@cache
def policies(name: str, deployment: StackRequest = DEPLOYMENT) -> tuple[Mapping[str, Any], ...]:
    """The policies of the service, instance or runtime role, or one of the submitter's."""
    resource, field = _POLICIES[name]
    found = stack(deployment).properties(resource)[field]
    return tuple(one["PolicyDocument"] for one in found) if field == "Policies" else (found,)


@cache
def trust(name: str) -> tuple[Mapping[str, Any], ...]:
    """Who may assume the service, instance or runtime role."""
    return (stack().properties(f"{name.title()}Role")["AssumeRolePolicyDocument"],)


def ec2(resource: str, region: str = REGION) -> str:
    """The ARN of something of EC2."""
    return f"arn:aws:ec2:{region}:{ACCOUNT}:{resource}"


def shown(call: Call) -> str:
    """A call as the name of a test."""
    return f"{call.action} {call.resource.rpartition(':::')[2]} {dict(call.context)}"


def actions(policies: Iterable[Mapping[str, Any]]) -> set[str]:
    """All actions that are in them."""
    return {
        action
        for policy in policies
        for statement in policy["Statement"]
        for action in many(statement["Action"])
    }
