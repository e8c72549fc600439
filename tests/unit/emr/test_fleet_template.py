"""The fleet's template: right by CloudFormation's rules, and its role may do little."""

from typing import Any

import pytest
from cfnlint.api import lint_file
from cfnlint.config import ManualArgs

from gristmill.emr.fleet import TEMPLATE
from tests.support.cloudformation import REGION, read


@pytest.fixture(scope="module")
def resources() -> dict[str, Any]:
    found: dict[str, Any] = read(TEMPLATE)["Resources"]
    return found


@pytest.mark.parametrize("region", [REGION, "us-east-1", "cn-north-1", "us-gov-west-1"])
def test_cfn_lint_finds_nothing(region: str) -> None:
    assert not lint_file(TEMPLATE, config=ManualArgs(include_checks=["I"], regions=[region]))


def test_the_role_may_do_what_a_worker_does_and_nothing_else(resources: dict[str, Any]) -> None:
    (policy,) = resources["WorkerRole"]["Properties"]["Policies"]
    statements = policy["PolicyDocument"]["Statement"]
    allowed: list[str] = []
    for one in statements:
        assert one["Effect"] == "Allow"
        actions = one["Action"] if isinstance(one["Action"], list) else [one["Action"]]
        allowed += actions
        # Of metrics, CloudWatch knows no resource: the namespace bounds them.
        assert one["Resource"] != "*" or one["Condition"] == {
            "StringEquals": {"cloudwatch:namespace": "Gristmill"}
        }
    assert sorted(allowed) == [
        "autoscaling:CompleteLifecycleAction",
        "autoscaling:RecordLifecycleActionHeartbeat",
        "autoscaling:SetInstanceProtection",
        "cloudwatch:PutMetricData",
        "s3:GetObject",
        "secretsmanager:GetSecretValue",
        "sqs:DeleteMessage",
        "sqs:GetQueueAttributes",
        "sqs:ReceiveMessage",
    ]


def test_a_busy_worker_is_not_scaled_in_and_one_that_goes_has_time(
    resources: dict[str, Any],
) -> None:
    group = resources["Workers"]["Properties"]
    assert group["NewInstancesProtectedFromScaleIn"] is True
    (hook,) = group["LifecycleHookSpecificationList"]
    assert hook["LifecycleTransition"] == "autoscaling:EC2_INSTANCE_TERMINATING"
    assert hook["HeartbeatTimeout"] == {"Ref": "DrainSeconds"}


def test_it_scales_by_what_waits_and_what_goes_on(resources: dict[str, Any]) -> None:
    policy = resources["KeepTheBacklog"]["Properties"]["TargetTrackingConfiguration"]
    metrics = {one["Id"]: one for one in policy["CustomizedMetricSpecification"]["Metrics"]}
    assert metrics["per_worker"]["Expression"] == "IF(workers > 0, backlog / workers, backlog)"
    backlog = metrics["backlog"]["MetricStat"]["Metric"]
    assert (backlog["Namespace"], backlog["MetricName"]) == ("Gristmill", "Backlog")
    assert [one["ReturnData"] for one in metrics.values()].count(True) == 1


def test_metadata_are_by_tokens_and_disks_encrypted(resources: dict[str, Any]) -> None:
    data = resources["WorkerTemplate"]["Properties"]["LaunchTemplateData"]
    assert data["MetadataOptions"]["HttpTokens"] == "required"
    (disk,) = data["BlockDeviceMappings"]
    assert disk["Ebs"]["Encrypted"] is True


def test_what_cannot_be_taken_in_goes_to_dead_letters_that_stay(
    resources: dict[str, Any],
) -> None:
    redrive = resources["Inbox"]["Properties"]["RedrivePolicy"]
    assert redrive["deadLetterTargetArn"] == {"Fn::GetAtt": ["DeadLetters", "Arn"]}
    assert resources["DeadLetters"]["DeletionPolicy"] == "Retain"
