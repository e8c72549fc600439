"""What moto makes of the account's template: that it can be made at all, as far as moto goes.

moto leaves out the bucket's policy, lifecycle and versioning and the instances' policy, has outputs
only where CreateStack was called, and no change set that changes nothing: for those see
tests/unit/emr/test_deploy.py and tests/unit/emr/test_account_template.py.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import boto3
import pytest
from moto import mock_aws

from gristmill.emr.deploy import StackRequest, deploy, plan
from gristmill.errors import GristmillError
from tests.support.account import DEPLOYMENT
from tests.support.cloudformation import REGION

# moto warns of each type that it leaves out.
pytestmark = pytest.mark.filterwarnings("ignore:Tried to parse:UserWarning")


@pytest.fixture
def network(monkeypatch: pytest.MonkeyPatch) -> Iterator[StackRequest]:
    """A deployment into a VPC that there is."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    # Else what other tests have set would be asked.
    for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    with mock_aws():
        ec2 = boto3.client("ec2")
        vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
        subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.0.0/24")["Subnet"]["SubnetId"]
        table = ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"]
        # With everything that is optional, as moto leaves null for what is not there.
        yield replace(DEPLOYMENT, vpc=vpc, subnets=(subnet,), route_tables=(table,))


def test_the_stack_can_be_made(network: StackRequest) -> None:
    request = plan(network)
    given = ("StackName", "TemplateBody", "Parameters", "Capabilities", "Tags")
    cloudformation = boto3.client("cloudformation")
    cloudformation.create_stack(**{key: request[key] for key in given})
    (stack,) = cloudformation.describe_stacks(StackName="gristmill")["Stacks"]
    outputs = {one["OutputKey"]: one["OutputValue"] for one in stack["Outputs"]}
    bucket = outputs["Home"].removeprefix("s3://").removesuffix("/gristmill")
    encryption = boto3.client("s3").get_bucket_encryption(Bucket=bucket)
    (rule,) = encryption["ServerSideEncryptionConfiguration"]["Rules"]
    assert rule["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"] == "aws:kms"
    iam = boto3.client("iam")
    profile = iam.get_instance_profile(InstanceProfileName=outputs["InstanceProfile"])
    assert profile["InstanceProfile"]["Roles"][0]["RoleName"] == outputs["InstanceProfile"]
    assert iam.get_role(RoleName=outputs["ServiceRole"])["Role"]["AssumeRolePolicyDocument"]
    # moto has checked the policies' syntax.
    for arn in outputs["SubmitterPolicies"].split(","):
        assert iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"] == "v1"
    (endpoint,) = boto3.client("ec2").describe_vpc_endpoints()["VpcEndpoints"]
    assert endpoint["RouteTableIds"] == list(network.route_tables or ())
    assert outputs["Subnets"].split(",") == list(network.subnets or ())


def test_a_change_set_is_made_and_carried_out(network: StackRequest, tmp_path: Path) -> None:
    lines: list[str] = []
    account = tmp_path / "account.toml"
    # As moto has no outputs for it.
    with pytest.raises(GristmillError, match="has no output"):
        deploy(network, lines.append, boto3.client("cloudformation"), account, poll=0)
    assert lines[0].endswith("resources to make or change")
    roles = {role["RoleName"] for role in boto3.client("iam").list_roles()["Roles"]}
    kinds = ("service", "instance", "runtime")
    assert roles == {f"gristmill-emr-{kind}-{REGION}" for kind in kinds}
