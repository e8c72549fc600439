"""Every partition of AWS: plans as they were gone through by eye, for one region of each."""

import json
import re
from pathlib import Path
from typing import Any

import boto3
import botocore.session
import pytest
from botocore.config import Config

from gristmill.cli import main
from gristmill.emr.deploy import TEMPLATE, StackRequest
from gristmill.emr.package import Shipped
from gristmill.emr.partitions import partition_of
from gristmill.emr.requests.clusters import run_job_flow_for
from gristmill.emr.requests.serverless import start_job_run
from gristmill.emr.specs import ClusterSpec, ServerlessSpec
from gristmill.emr.specs.load import check
from gristmill.errors import UsageError
from gristmill.runs import Submission
from tests.support.cloudformation import ACCOUNT, Stack, read
from tests.support.emr_specs import CLUSTER, SERVERLESS, made

GOLDEN = Path(__file__).with_name("golden") / "partitions"
REGIONS = {
    "aws": "eu-central-1",
    "aws-cn": "cn-northwest-1",
    "aws-eusc": "eusc-de-east-1",
    "aws-iso": "us-iso-east-1",
    "aws-iso-b": "us-isob-east-1",
    "aws-iso-e": "eu-isoe-west-1",
    "aws-iso-f": "us-isof-south-1",
    "aws-us-gov": "us-gov-west-1",
}
RUN = Submission("r1", "word-count", ("--input", "s3://a/b", "--output", "s3://a/c"))
SHIPPED = Shipped("s3://b/gristmill.zip", "s3://b/entry.py")


def planned(partition: str, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    """What would be asked for in a partition, where, and whom its roles trust."""
    region = REGIONS[partition]
    key = f"arn:{partition}:kms:{region}:{ACCOUNT}:key/1234abcd-12ab-34cd-56ef-1234567890ab"
    role = f"arn:{partition}:iam::{ACCOUNT}:role/gristmill-runtime"
    flags = ["--vpc", "vpc-0123456789abcdef0", "--subnet", "subnet-0123456789abcdef0"]
    flags += ["--output", "s3://lake/mill", "--kms-key", key]
    flags += ["--route-table", "rtb-0123456789abcdef0"]
    assert main(["emr", "plan", "deploy", "--region", region, *flags]) == 0
    change = json.loads(capsys.readouterr().out)["CreateChangeSet"]
    given = {one["ParameterKey"]: one["ParameterValue"] for one in change["Parameters"]}
    cluster = made(CLUSTER | {"region": region, "runtime_role": role})
    application = made(SERVERLESS | {"region": region, "runtime_role": role})
    assert isinstance(cluster, ClusterSpec)
    assert isinstance(application, ServerlessSpec)
    request = run_job_flow_for(cluster, SHIPPED, RUN)
    found = partition_of(region)
    services = ("elasticmapreduce", "ops.emr-serverless", "spot")
    return {
        "endpoints": {name: endpoint(name, region) for name in ("emr", "s3", "sts")},
        "deploy": given,
        "service_linked_roles": [found.principal(name) for name in services],
        "template": in_template(partition, region, found.dns_suffix, given),
        "RunJobFlow": {"StepExecutionRoleArn": request["StepExecutionRoleArn"]},
        "StartJobRun": {
            "executionRoleArn": start_job_run(application, "00f1", SHIPPED, RUN)["executionRoleArn"]
        },
    }


def endpoint(service: str, region: str) -> str:
    keys = {"aws_access_key_id": "key", "aws_secret_access_key": "secret"}
    # Not what the environment says, which other tests set.
    config = Config(ignore_configured_endpoint_urls=True)
    client = boto3.client(service, region_name=region, config=config, **keys)
    return str(client.meta.endpoint_url)


def in_template(partition: str, region: str, suffix: str, given: dict[str, str]) -> dict[str, Any]:
    """What of the template depends on where it is."""
    names = {"AWS::Partition": partition, "AWS::Region": region, "AWS::URLSuffix": suffix}
    resources = {"Bucket", "ServiceRole", "InstanceRole", "RuntimeRole"}
    made_of = {name: name for name in resources}
    arns = {f"{name}.Arn": f"arn:{partition}:x:::{name}" for name in resources}
    stack = Stack(read(TEMPLATE), given, names | made_of | arns)
    return {
        "trust": {
            name: [one["Principal"] for one in properties["AssumeRolePolicyDocument"]["Statement"]]
            for name in ("ServiceRole", "InstanceRole", "RuntimeRole")
            for properties in [stack.properties(name)]
        },
        "emr_ships": next(
            one["Resource"]
            for one in stack.properties("InstancePolicy")["PolicyDocument"]["Statement"]
            if one["Sid"] == "ReadWhatEmrShips"
        ),
        "endpoint": stack.properties("S3Endpoint")["ServiceName"],
    }


def test_there_is_a_plan_for_every_partition_that_botocore_knows() -> None:
    loader = botocore.session.Session().get_component("data_loader")
    known = {one["id"] for one in loader.load_data("partitions")["partitions"]}
    assert known == set(REGIONS) == {path.stem for path in GOLDEN.glob("*.json")}


@pytest.mark.parametrize("partition", sorted(REGIONS))
def test_plans_are_as_they_were_gone_through(
    partition: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert planned(partition, capsys) == json.loads((GOLDEN / f"{partition}.json").read_text())


def test_no_partition_is_written_into_what_goes_to_aws() -> None:
    for path in (Path(__file__).parents[3] / "emr").rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        assert "arn:aws:" not in text, path
        assert not re.search(r"(?<!docs\.aws\.)(?<!//aws\.)amazonaws\.com", _code(text)), path


def _code(text: str) -> str:
    """Without comments and what is explained."""
    return re.sub(r'"""[\s\S]*?"""|#.*', "", text)


def test_a_region_that_is_none_is_refused_with_the_nearest() -> None:
    with pytest.raises(UsageError, match=r"eu-centrl-1 is no region .* did you mean eu-central-1"):
        partition_of("eu-centrl-1")
    for region in ("eu-centrl-1", "aws-global", "us-east-99"):
        assert "region" in dict(check(CLUSTER | {"region": region})[1])


def test_a_role_or_a_key_of_another_partition_is_refused() -> None:
    wrong = dict(check(CLUSTER | {"region": "cn-north-1"})[1])
    assert wrong["runtime_role"] == "is of aws, and cn-north-1 of aws-cn"
    key = f"arn:aws:kms:eu-central-1:{ACCOUNT}:key/1234abcd-12ab-34cd-56ef-1234567890ab"
    with pytest.raises(UsageError, match="of another partition than aws-cn"):
        StackRequest(kms_key=key, partition="aws-cn")
