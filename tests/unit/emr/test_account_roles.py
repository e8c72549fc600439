"""What EMR, its instances and jobs may do: what they need, and who may be them.

Policies are evaluated as IAM does (tests/support/iam.py), with the context that AWS documents for a
call (the Service Authorization Reference). None of this has been asked of AWS itself.
"""

import pytest

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
    OTHER_ROLE,
    OURS,
    RUNTIME,
    SERVICE,
    THROUGH_EC2,
    THROUGH_S3,
    TO_EC2,
    TO_SERVERLESS,
    VPC,
    actions,
    ec2,
    policies,
    shown,
    trust,
)
from tests.support.cloudformation import ACCOUNT, REGION
from tests.support.iam import Call, is_allowed

OF_EMR = {"aws:ResourceTag/for-use-with-amazon-emr-managed-policies": "true"}
IN_VPC = {"ec2:Vpc": ec2(f"vpc/{VPC}")}
ELSEWHERE = {"ec2:Vpc": ec2("vpc/vpc-00000000000000000")}

ALLOWED = {
    "runtime": [
        *(
            Call(f"s3:{action}", bucket)
            for action in ("ListBucket", "ListBucketMultipartUploads", "GetBucketLocation")
            for bucket in (f"arn:aws:s3:::{one}" for one in (BUCKET, "landing", "archive", "lake"))
        ),
        Call("s3:GetObject", f"{HOME}/packages/1a2b/entry.py"),
        Call("s3:GetObject", "arn:aws:s3:::landing/logs/raw/2026/11/21/a.gz"),
        Call("s3:GetObject", "arn:aws:s3:::archive/anything"),
        # The names above a folder, which Spark looks at.
        Call("s3:GetObject", "arn:aws:s3:::landing/logs"),
        Call("s3:GetObject", "arn:aws:s3:::landing/logs/raw"),
        Call("s3:GetObject", "arn:aws:s3:::lake/mill"),
        *(
            Call(f"s3:{action}", f"arn:aws:s3:::{key}")
            for action in (
                "GetObject",
                "PutObject",
                "DeleteObject",
                "AbortMultipartUpload",
                "ListMultipartUploadParts",
            )
            for key in (
                "lake/mill/word_counts/corpus=a/1.parquet",
                f"{BUCKET}/data/out/word_counts/1.parquet",
                "lake/mill/_gristmill/reports/20261121T231500Z-1a2b3c4d.json",
            )
        ),
        # EMR Serverless.
        Call("s3:PutObject", f"{HOME}/logs/applications/1/jobs/2/SPARK_DRIVER/stderr.gz"),
        *(
            Call(action, key, THROUGH_S3)
            for action in ("kms:Decrypt", "kms:GenerateDataKey")
            for key in (KEY, DATA_KEY)
        ),
    ],
    "instance": [
        Call("sts:AssumeRole", RUNTIME),
        Call("sts:TagSession", RUNTIME),
        Call("s3:GetObject", f"{HOME}/packages/1a2b/bootstrap.sh"),
        Call("s3:PutObject", f"{HOME}/logs/j-1ABC/node/i-1/daemons.gz"),
        Call(
            "s3:GetObject",
            f"arn:aws:s3:::{REGION}.elasticmapreduce/libs/script-runner/script-runner.jar",
        ),
        Call("s3:AbortMultipartUpload", f"{HOME}/logs/j-1ABC/node/i-1/daemons.gz"),
        *(
            Call(f"kms:{action}", KEY)
            for action in (
                "Decrypt",
                "DescribeKey",
                "Encrypt",
                "GenerateDataKey",
                "ReEncryptFrom",
                "ReEncryptTo",
            )
        ),
    ],
    "service": [
        Call("iam:PassRole", INSTANCE, TO_EC2),
        Call("ec2:RunInstances", ec2("subnet/subnet-1"), IN_VPC),
        Call("ec2:RunInstances", ec2("security-group/sg-1"), IN_VPC | OF_EMR),
        Call("ec2:RunInstances", ec2("instance/*"), FOR_EMR),
        Call("ec2:RunInstances", ec2("volume/*"), FOR_EMR),
        Call("ec2:RunInstances", ec2("network-interface/*")),
        Call("ec2:RunInstances", f"arn:aws:ec2:{REGION}::image/ami-0123456789abcdef0"),
        Call("ec2:CreateFleet", ec2("fleet/*")),
        Call("ec2:CreateFleet", ec2("launch-template/lt-1"), OF_EMR),
        Call("ec2:CreateLaunchTemplate", ec2("launch-template/*"), FOR_EMR),
        Call("ec2:CreateNetworkInterface", ec2("network-interface/*"), FOR_EMR),
        Call("ec2:CreateTags", ec2("instance/*"), {"ec2:CreateAction": "RunInstances"}),
        Call("ec2:TerminateInstances", ec2("instance/i-1"), OF_EMR),
        Call("ec2:CreateSecurityGroup", ec2("security-group/*"), FOR_EMR),
        Call("ec2:CreateSecurityGroup", ec2(f"vpc/{VPC}")),
        Call("ec2:CreateLaunchTemplateVersion", ec2("launch-template/lt-1"), OF_EMR),
        Call("ec2:DeleteLaunchTemplate", ec2("launch-template/lt-1"), OF_EMR),
        Call("ec2:DeleteNetworkInterface", ec2("network-interface/eni-1"), OF_EMR),
        Call("ec2:DeleteTags", ec2("instance/i-1"), OF_EMR),
        Call("ec2:ModifyInstanceAttribute", ec2("instance/i-1"), OF_EMR),
        *(
            Call(f"ec2:{action}SecurityGroup{way}", ec2("security-group/sg-1"), OF_EMR)
            for action in ("Authorize", "Revoke")
            for way in ("Egress", "Ingress")
        ),
        *(
            Call(f"kms:{action}", KEY, THROUGH_EC2)
            for action in (
                "Decrypt",
                "Encrypt",
                "GenerateDataKeyWithoutPlaintext",
                "ReEncryptFrom",
                "ReEncryptTo",
            )
        ),
        Call("kms:DescribeKey", KEY),
        Call("kms:CreateGrant", KEY, {"kms:GrantIsForAWSResource": "true"}),
    ],
}

DENIED = {
    "runtime": [
        *(
            Call(f"s3:{action}", f"{HOME}/{key}")
            for action in ("PutObject", "DeleteObject")
            for key in ("packages/1a2b/gristmill.zip", "runs/1.json", "logs/j-1ABC/steps/1.gz")
        ),
        Call("s3:GetObject", f"{HOME}/runs/1.json"),
        Call("s3:DeleteObject", f"{HOME}/logs/applications/1/jobs/2/SPARK_DRIVER/stderr.gz"),
        Call("s3:GetObject", f"{HOME}/logs/j-1ABC/steps/s-1/stderr.gz"),
        # Inputs are read, and nothing beside them.
        Call("s3:PutObject", "arn:aws:s3:::landing/logs/raw/a.gz"),
        Call("s3:DeleteObject", "arn:aws:s3:::archive/a.gz"),
        Call("s3:GetObject", "arn:aws:s3:::landing/logs/rawer/a.gz"),
        Call("s3:GetObject", "arn:aws:s3:::landing/payroll/a.csv"),
        Call("s3:GetObject", "arn:aws:s3:::lake/other/1.parquet"),
        Call("s3:PutObject", "arn:aws:s3:::lake/mill"),
        Call("s3:GetObject", "arn:aws:s3:::others/a"),
        Call("s3:PutObject", "arn:aws:s3:::others/a"),
        Call("s3:ListBucket", "arn:aws:s3:::others"),
        Call("s3:ListAllMyBuckets"),
        Call("s3:DeleteObjectVersion", "arn:aws:s3:::lake/mill/1.parquet"),
        Call("s3:DeleteBucket", "arn:aws:s3:::lake"),
        Call("s3:PutBucketPolicy", f"arn:aws:s3:::{BUCKET}"),
        Call("sts:AssumeRole", OTHER_ROLE),
        Call("iam:PassRole", RUNTIME, TO_SERVERLESS),
        Call("elasticmapreduce:AddJobFlowSteps", CLUSTER, OURS | AS_RUNTIME),
        Call("kms:Decrypt", KEY),
        Call("glue:GetTable"),
        Call("ec2:DescribeInstances"),
    ],
    "instance": [
        Call("sts:AssumeRole", OTHER_ROLE),
        Call("sts:AssumeRole", SERVICE),
        Call("sts:TagSession", OTHER_ROLE),
        Call("s3:GetObject", f"arn:aws:s3:::{BUCKET}/data/out/1.parquet"),
        Call("s3:GetObject", "arn:aws:s3:::landing/logs/raw/a.gz"),
        Call("s3:PutObject", "arn:aws:s3:::lake/mill/1.parquet"),
        Call("s3:GetObject", f"{HOME}/logs/j-1ABC/steps/s-1/stderr.gz"),
        Call("s3:DeleteObject", f"{HOME}/logs/j-1ABC/steps/s-1/stderr.gz"),
        Call("s3:PutObject", f"{HOME}/packages/1a2b/bootstrap.sh"),
        Call("s3:ListBucket", f"arn:aws:s3:::{BUCKET}"),
        Call("s3:GetObject", "arn:aws:s3:::others.elasticmapreduce/a"),
        Call("iam:PassRole", RUNTIME, TO_SERVERLESS),
        Call("ec2:DescribeInstances"),
        Call("kms:Decrypt", DATA_KEY),
        Call("elasticmapreduce:TerminateJobFlows", CLUSTER, OURS),
    ],
    "service": [
        Call("ec2:RunInstances", ec2("subnet/subnet-1"), ELSEWHERE | OF_EMR),
        Call("ec2:RunInstances", ec2("security-group/sg-1"), IN_VPC),
        Call("ec2:RunInstances", ec2("instance/*")),
        Call("ec2:RunInstances", ec2("subnet/subnet-1", "us-east-1"), IN_VPC),
        Call("ec2:RunInstances", ec2("key-pair/admin")),
        Call("ec2:TerminateInstances", ec2("instance/i-1")),
        Call("ec2:TerminateInstances", ec2("instance/i-1", "us-east-1"), OF_EMR),
        Call("ec2:CreateTags", ec2("instance/i-1")),
        Call("ec2:CreateTags", ec2("instance/i-1"), FOR_EMR),
        Call("ec2:CreateTags", ec2("security-group/sg-1"), FOR_EMR),
        Call("ec2:AuthorizeSecurityGroupIngress", ec2("security-group/sg-1")),
        Call("ec2:CreateSecurityGroup", ec2("vpc/vpc-00000000000000000"), OF_EMR),
        Call("ec2:DeleteSecurityGroup", ec2("security-group/sg-1"), OF_EMR),
        Call("iam:PassRole", OTHER_ROLE, TO_EC2),
        Call("iam:PassRole", RUNTIME, TO_EC2),
        Call("s3:GetObject", f"{HOME}/packages/1a2b/entry.py"),
        Call("kms:Decrypt", KEY),
        Call("kms:Decrypt", KEY, THROUGH_S3),
        Call("kms:CreateGrant", KEY, {"kms:GrantIsForAWSResource": "false"}),
        Call("kms:CreateGrant", DATA_KEY, {"kms:GrantIsForAWSResource": "true"}),
    ],
}


def cases(lists: dict[str, list[Call]]) -> list[object]:
    return [
        pytest.param(name, call, id=f"{name}: {shown(call)}")
        for name, calls in lists.items()
        for call in calls
    ]


@pytest.mark.parametrize(("name", "call"), cases(ALLOWED))
def test_what_is_needed_is_allowed(name: str, call: Call) -> None:
    assert is_allowed(policies(name), call)


@pytest.mark.parametrize(("name", "call"), cases(DENIED))
def test_what_is_not_needed_is_not_allowed(name: str, call: Call) -> None:
    assert not is_allowed(policies(name), call)


@pytest.mark.parametrize("name", ["runtime", "instance", "service"])
def test_what_nobody_needs_is_not_given(name: str) -> None:
    # EMR may look at what there is in EC2.
    given = {one for one in actions(policies(name)) if not one.startswith("ec2:Describe")}
    assert given == {call.action for call in ALLOWED[name]}
    assert is_allowed(policies("service"), Call("ec2:DescribeSubnets"))


@pytest.mark.parametrize(
    ("name", "action", "principal", "allowed"),
    [
        ("service", "sts:AssumeRole", "elasticmapreduce.amazonaws.com", True),
        ("service", "sts:AssumeRole", "ec2.amazonaws.com", False),
        ("instance", "sts:AssumeRole", "ec2.amazonaws.com", True),
        ("instance", "sts:AssumeRole", RUNTIME, False),
        ("runtime", "sts:AssumeRole", INSTANCE, True),
        ("runtime", "sts:TagSession", INSTANCE, True),
        ("runtime", "sts:AssumeRole", OTHER_ROLE, False),
        ("runtime", "sts:AssumeRole", "ec2.amazonaws.com", False),
        ("runtime", "sts:AssumeRole", "emr-serverless.amazonaws.com", True),
    ],
)
def test_who_may_be_a_role(name: str, action: str, principal: str, allowed: bool) -> None:
    # EMR Serverless names the application for which it asks, EMR the cluster.
    place = f"{APPLICATIONS}/1" if principal.startswith("emr-serverless") else CLUSTER
    context = {"aws:SourceAccount": ACCOUNT, "aws:SourceArn": place}
    assert is_allowed(trust(name), Call(action, "*", context, principal)) == allowed
    if principal.startswith(("elasticmapreduce", "emr-serverless")):
        # A service on behalf of somebody else's account.
        for odd in ({}, context | {"aws:SourceAccount": "444455556666"}):
            assert not is_allowed(trust(name), Call(action, "*", odd, principal))
