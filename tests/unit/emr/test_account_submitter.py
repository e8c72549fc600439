"""What those who submit may do: every call that `emr` makes, on what is ours, and no other.

Policies are evaluated as IAM does (tests/support/iam.py), with the context that AWS documents for a
call (the Service Authorization Reference). None of this has been asked of AWS itself.
"""

import ast
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import boto3
import pytest

from gristmill.emr.requests import CLUSTER_TAG
from tests.support.account import (
    APPLICATIONS,
    AS_RUNTIME,
    BUCKET,
    CLUSTER,
    DATA_KEY,
    FOR_EMR,
    HOME,
    INSTANCE,
    KEY,
    MINIMAL,
    OTHER_ROLE,
    OURS,
    RUNTIME,
    SERVICE,
    THROUGH_EC2,
    THROUGH_S3,
    TO_EC2,
    TO_EMR,
    TO_SERVERLESS,
    actions,
    ec2,
    policies,
    role,
    shown,
)
from tests.support.cloudformation import ACCOUNT, REGION
from tests.support.iam import Call, is_allowed

NEW_CLUSTER = f"arn:aws:elasticmapreduce:{REGION}:{ACCOUNT}:cluster/*"
APPLICATION = f"{APPLICATIONS}/00abcdef12345678"
RUN = f"{APPLICATION}/jobruns/00fedcba87654321"

FOREIGN = {"elasticmapreduce:ResourceTag/department": "dev"}
OUR_APP = {f"aws:ResourceTag/{CLUSTER_TAG}": "serverless"}
TAGGED = FOR_EMR | {f"aws:RequestTag/{CLUSTER_TAG}": "dev"}

ON_A_CLUSTER = (
    "AddTags",
    "CancelSteps",
    "CreatePersistentAppUI",
    "DescribeCluster",
    "DescribeStep",
    "ListInstances",
    "ListSteps",
    "PutAutoTerminationPolicy",
    "PutManagedScalingPolicy",
    "SetTerminationProtection",
    "TerminateJobFlows",
)


EMR = "elasticmapreduce"


def emr(action: str) -> str:
    return f"{EMR}:{action}"


def serverless(action: str) -> str:
    return f"emr-serverless:{action}"


ALLOWED = [
    Call("sts:GetCallerIdentity"),
    # A cluster: what RunJobFlow asks for, and what it is given.
    Call(emr("RunJobFlow"), context=TAGGED),
    Call(emr("AddTags"), NEW_CLUSTER, TAGGED),
    Call(emr("PutAutoTerminationPolicy"), NEW_CLUSTER),
    Call(emr("PutManagedScalingPolicy"), NEW_CLUSTER),
    Call("iam:PassRole", SERVICE, TO_EMR),
    Call("iam:PassRole", INSTANCE, TO_EC2),
    # Steps, and what becomes of them.
    Call(emr("AddJobFlowSteps"), CLUSTER, OURS | AS_RUNTIME),
    Call(emr("ListClusters")),
    Call(emr("DescribePersistentAppUI")),
    Call(emr("GetPersistentAppUIPresignedURL")),
    *(Call(emr(action), CLUSTER, OURS) for action in ON_A_CLUSTER),
    # EMR Serverless.
    Call(serverless("CreateApplication"), context=TAGGED),
    Call(serverless("TagResource"), f"{APPLICATIONS}/*", TAGGED),
    Call(serverless("TagResource"), APPLICATION, OUR_APP | TAGGED),
    Call(serverless("TagResource"), f"{APPLICATION}/jobruns/*", TAGGED),
    Call(serverless("ListApplications")),
    *(
        Call(serverless(action), APPLICATION, OUR_APP)
        for action in (
            *("GetApplication", "ListJobRuns", "StartApplication", "StopApplication"),
            *("UpdateApplication", "DeleteApplication"),
        )
    ),
    Call(serverless("StartJobRun"), APPLICATION, OUR_APP | TAGGED),
    *(
        Call(serverless(action), RUN, OUR_APP)
        for action in ("CancelJobRun", "GetDashboardForJobRun", "GetJobRun")
    ),
    Call("iam:PassRole", RUNTIME, TO_SERVERLESS),
    Call(
        "ec2:CreateNetworkInterface",
        ec2("network-interface/*"),
        {"aws:CalledViaLast": "ops.emr-serverless.amazonaws.com"},
    ),
    # Packages and runs, logs and reports.
    Call("s3:ListBucket", f"arn:aws:s3:::{BUCKET}"),
    Call("s3:GetBucketLocation", f"arn:aws:s3:::{BUCKET}"),
    Call("s3:ListBucket", "arn:aws:s3:::lake"),
    *(
        Call(f"s3:{action}Object", f"{HOME}/{key}")
        for action in ("Get", "Put")
        for key in (
            *("packages/1a2b/gristmill.zip", "runs/20261121T231500Z-1a2b3c4d/run.json"),
            "spark-events/20261121T231500Z-1a2b3c4d/.folder",
        )
    ),
    Call("s3:DeleteObject", f"{HOME}/runs/1.json"),
    Call("s3:AbortMultipartUpload", f"{HOME}/packages/1a2b/env.tar.gz"),
    Call("s3:GetObject", f"{HOME}/logs/j-1ABC/steps/s-1/stderr.gz"),
    Call("s3:GetObject", f"arn:aws:s3:::{BUCKET}/data/words/_gristmill/reports/1.json"),
    Call("s3:GetObject", "arn:aws:s3:::lake/mill/_gristmill/reports/1.json"),
    Call("kms:Decrypt", KEY, THROUGH_S3),
    Call("kms:GenerateDataKey", KEY, THROUGH_S3),
    Call("kms:Decrypt", DATA_KEY, THROUGH_S3),
]

DENIED = [
    # Roles: only these, and only to these services.
    Call("iam:PassRole", OTHER_ROLE, TO_EMR),
    Call("iam:PassRole", OTHER_ROLE, TO_EC2),
    Call("iam:PassRole", OTHER_ROLE, TO_SERVERLESS),
    Call("iam:PassRole", SERVICE, TO_EC2),
    Call("iam:PassRole", INSTANCE, {"iam:PassedToService": "lambda.amazonaws.com"}),
    Call("iam:PassRole", RUNTIME, TO_EC2),
    Call("iam:PassRole", RUNTIME),
    Call("sts:AssumeRole", RUNTIME),
    # Steps: only as the runtime role, only on clusters of ours.
    Call(emr("AddJobFlowSteps"), CLUSTER, OURS),
    Call(
        emr("AddJobFlowSteps"),
        CLUSTER,
        OURS | {"elasticmapreduce:ExecutionRoleArn": OTHER_ROLE},
    ),
    Call(emr("AddJobFlowSteps"), CLUSTER, FOREIGN | AS_RUNTIME),
    Call(emr("AddJobFlowSteps"), CLUSTER, AS_RUNTIME),
    # Clusters of others, and clusters that nobody would know for ours.
    *(Call(emr(action), CLUSTER, context) for action in ON_A_CLUSTER for context in (FOREIGN, {})),
    Call(emr("AddTags"), CLUSTER, FOREIGN | TAGGED),
    Call(emr("RemoveTags"), CLUSTER, OURS),
    Call(emr("RunJobFlow")),
    Call(emr("RunJobFlow"), context=FOR_EMR),
    Call(emr("DeleteSecurityConfiguration")),
    Call(emr("PutBlockPublicAccessConfiguration")),
    # Applications of others.
    Call(serverless("CreateApplication")),
    Call(serverless("StartJobRun"), APPLICATION, TAGGED),
    Call(serverless("StartJobRun"), APPLICATION, OUR_APP),
    Call(serverless("StopApplication"), APPLICATION),
    Call(serverless("CancelJobRun"), RUN),
    Call(serverless("TagResource"), APPLICATION, TAGGED),
    Call(serverless("UntagResource"), APPLICATION, OUR_APP),
    Call(serverless("DeleteApplication"), APPLICATION),
    Call(serverless("UpdateApplication"), APPLICATION),
    # S3.
    Call("s3:PutObject", f"{HOME}/logs/j-1ABC/steps/s-1/stderr.gz"),
    Call("s3:DeleteObject", f"{HOME}/logs/j-1ABC/steps/s-1/stderr.gz"),
    Call("s3:DeleteObject", f"{HOME}/packages/1a2b/gristmill.zip"),
    Call("s3:PutObject", "arn:aws:s3:::lake/mill/_gristmill/reports/1.json"),
    Call("s3:GetObject", "arn:aws:s3:::lake/mill/_gristmill/log/0000000042.json"),
    Call("s3:GetObject", f"arn:aws:s3:::{BUCKET}/data/out/word_counts/1.parquet"),
    Call("s3:GetObject", "arn:aws:s3:::lake/mill/word_counts/1.parquet"),
    Call("s3:GetObject", f"arn:aws:s3:::{BUCKET}/data/out/people.json"),
    Call("s3:GetObject", "arn:aws:s3:::lake/mill/people.json"),
    Call("s3:GetObject", "arn:aws:s3:::landing/logs/raw/a.gz"),
    Call("s3:GetObject", "arn:aws:s3:::others/gristmill/packages/1a2b/gristmill.zip"),
    Call("s3:GetObject", "arn:aws:s3:::others/_gristmill/reports/1.json"),
    Call("s3:ListBucket", "arn:aws:s3:::others"),
    Call("s3:DeleteBucket", f"arn:aws:s3:::{BUCKET}"),
    Call("s3:PutBucketPolicy", f"arn:aws:s3:::{BUCKET}"),
    Call("s3:DeleteObjectVersion", f"{HOME}/runs/1.json"),
    # Anything else.
    Call("iam:CreateRole", role("gristmill-emr-new")),
    Call("iam:AttachRolePolicy", RUNTIME),
    Call("iam:PutRolePolicy", RUNTIME),
    Call("iam:UpdateAssumeRolePolicy", RUNTIME),
    Call("iam:CreateServiceLinkedRole", role("aws-service-role/spot.amazonaws.com/x")),
    Call("cloudformation:UpdateStack"),
    Call("ec2:RunInstances", ec2("instance/*"), FOR_EMR),
    Call("ec2:CreateNetworkInterface", ec2("network-interface/*")),
    Call("kms:Decrypt", KEY),
    Call("kms:Decrypt", KEY, THROUGH_EC2),
    Call("kms:GenerateDataKey", DATA_KEY, THROUGH_S3),
    Call("kms:ScheduleKeyDeletion", KEY),
]

SUBMITTER = (*policies("submitter"), *policies("submitter-data"))


@pytest.mark.parametrize("call", ALLOWED, ids=shown)
def test_what_is_needed_is_allowed(call: Call) -> None:
    assert is_allowed(SUBMITTER, call)


@pytest.mark.parametrize("call", DENIED, ids=shown)
def test_what_is_not_needed_is_not_allowed(call: Call) -> None:
    assert not is_allowed(SUBMITTER, call)


def test_what_nobody_needs_is_not_given() -> None:
    assert actions(SUBMITTER) == {call.action for call in ALLOWED}


def test_every_call_that_we_make_is_among_what_is_needed() -> None:
    keys = {"aws_access_key_id": "key", "aws_secret_access_key": "secret"}
    operations = {
        method: f"{prefix}:{operation}"
        for service, prefix in (("s3", "s3"), ("emr-serverless", "emr-serverless"), ("emr", EMR))
        for method, operation in boto3.client(
            service, REGION, **keys
        ).meta.method_to_api_mapping.items()
    }
    made = {operations[name] for name in names_called() if name in operations}
    # What S3 calls otherwise.
    made = {{"s3:HeadObject": "s3:GetObject"}.get(one, one) for one in made}
    made = {{"s3:ListObjectsV2": "s3:ListBucket"}.get(one, one) for one in made}
    assert len(made) > 15
    assert made <= {call.action for call in ALLOWED}


def names_called() -> Iterator[str]:
    """The methods that are called anywhere in `emr`, and those of the pages that it asks for."""
    for path in (Path(__file__).parents[3] / "emr").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                yield node.func.attr
                if node.func.attr == "get_paginator" and isinstance(node.args[0], ast.Constant):
                    yield str(node.args[0].value)


def test_submitters_can_be_held_to_clusters_by_name() -> None:
    held = policies("submitter", replace(MINIMAL, cluster_names=("dev*",)))
    for tag, allowed in (("dev-2", True), ("nightly", False)):
        ours = {f"elasticmapreduce:ResourceTag/{CLUSTER_TAG}": tag}
        assert is_allowed(held, Call(emr("TerminateJobFlows"), CLUSTER, ours)) == allowed
        asked = TAGGED | {f"aws:RequestTag/{CLUSTER_TAG}": tag}
        assert is_allowed(held, Call(emr("RunJobFlow"), context=asked)) == allowed
    # A cluster of one's own cannot become another's.
    away = OURS | {f"aws:RequestTag/{CLUSTER_TAG}": "nightly"}
    assert not is_allowed(held, Call(emr("AddTags"), CLUSTER, away))
