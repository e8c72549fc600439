"""Deploying, by what CloudFormation is asked and answers: botocore checks both against its model.

The answers are made by hand after the API reference; moto has no change set that changes nothing,
fails or gives outputs.
"""

import tomllib
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import NoCredentialsError
from botocore.stub import ANY, Stubber

from gristmill.emr.deploy import StackRequest, deploy, first_use, plan
from gristmill.emr.partitions import partition_of
from gristmill.emr.stacks import Stacks
from gristmill.errors import BusyError, GristmillError, UsageError
from tests.support.account import DEPLOYMENT, MINIMAL, stack

STACK = "arn:aws:cloudformation:eu-central-1:111122223333:stack/gristmill/1a2b"
SET = "arn:aws:cloudformation:eu-central-1:111122223333:changeSet/gristmill-1/3c4d"
WHEN = datetime(2026, 11, 21, 23, 15, tzinfo=UTC)
BOTH = {"ChangeSetName": SET, "StackName": STACK}


class Script(Stubber):  # type: ignore[misc]  # botocore has no types
    """What is asked of CloudFormation, in this order, and what it answers."""

    def describe(self, status: str, name: str = STACK, **more: Any) -> None:
        found = {"StackId": STACK, "StackName": "gristmill", "StackStatus": status}
        answer = {"Stacks": [found | {"CreationTime": WHEN} | more]}
        self.add_response("describe_stacks", answer, {"StackName": name})

    def describe_nothing(self) -> None:
        self.add_client_error(
            "describe_stacks", "ValidationError", "Stack with id gristmill does not exist"
        )

    def change_set(self, request: dict[str, Any], *answers: dict[str, Any]) -> None:
        self.add_response("create_change_set", {"Id": SET, "StackId": STACK}, request)
        for answer in answers:
            self.add_response("describe_change_set", answer, BOTH)

    def carried_out(self) -> None:
        self.events([("gristmill", "REVIEW_IN_PROGRESS", "")])
        self.add_response("execute_change_set", {}, BOTH)

    def events(self, events: list[tuple[str, str, str]]) -> None:
        """A page of events, given oldest first."""
        found = [
            {
                "StackId": STACK,
                "StackName": "gristmill",
                "EventId": f"{resource} {status}",
                "Timestamp": WHEN,
                "LogicalResourceId": resource,
                "PhysicalResourceId": STACK if resource == "gristmill" else "",
                "ResourceStatus": status,
                "ResourceStatusReason": reason,
            }
            for resource, status, reason in reversed(events)
        ]
        self.add_response("describe_stack_events", {"StackEvents": found}, {"StackName": STACK})

    def outputs(self) -> None:
        outputs = [
            {"OutputKey": key, "OutputValue": value} for key, value in stack().outputs().items()
        ]
        self.describe("CREATE_COMPLETE", "gristmill", Outputs=outputs)


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> Iterator[Script]:
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    keys = {"aws_access_key_id": "key", "aws_secret_access_key": "secret"}
    client = boto3.client("cloudformation", region_name="eu-central-1", **keys)
    with Script(client) as running:
        yield running
        running.assert_no_pending_responses()


def run(script: Script, account: Path, request: StackRequest = DEPLOYMENT) -> list[str]:
    lines: list[str] = []
    deploy(request, lines.append, script.client, account, poll=0)
    return lines


CREATED = {"Status": "CREATE_COMPLETE", "Changes": [{"Type": "Resource"}] * 11}
NOTHING = {
    "Status": "FAILED",
    "StatusReason": "The submitted information didn't contain changes. Submit different "
    "information to create a change set.",
}
PREVIOUS = [{"ParameterKey": one["ParameterKey"]} for one in plan(DEPLOYMENT)["Parameters"]]


def test_a_new_stack_is_made_and_remembered(script: Script, tmp_path: Path) -> None:
    script.describe_nothing()
    script.change_set(plan(DEPLOYMENT), {"Status": "CREATE_PENDING"}, CREATED)
    script.carried_out()
    script.describe("CREATE_IN_PROGRESS")
    first = [("gristmill", "REVIEW_IN_PROGRESS", ""), ("Bucket", "CREATE_IN_PROGRESS", "")]
    script.events(first)
    script.describe("CREATE_COMPLETE")
    second = [*first, ("Bucket", "CREATE_COMPLETE", ""), ("gristmill", "CREATE_COMPLETE", "")]
    script.events(second)
    script.outputs()
    account = tmp_path / "account.toml"
    assert run(script, account) == [
        "stack gristmill: 11 resources to make or change",
        "  Bucket: create complete",
        f"wrote {account}",
        f"to submit takes the policies {stack().outputs()['SubmitterPolicies']}",
    ]
    outputs = stack().outputs()
    assert tomllib.loads(account.read_text()) == {
        "region": outputs["Region"],
        "home": outputs["Home"],
        "service_role": outputs["ServiceRole"],
        "instance_profile": outputs["InstanceProfile"],
        "runtime_role": outputs["RuntimeRole"],
        "security_configuration": outputs["SecurityConfiguration"],
        "subnets": outputs["Subnets"].split(","),
    }


def test_deployed_again_nothing_changes(script: Script, tmp_path: Path) -> None:
    script.describe("CREATE_COMPLETE", "gristmill", Parameters=PREVIOUS)
    request = plan(DEPLOYMENT, [one["ParameterKey"] for one in PREVIOUS])
    assert request["ChangeSetType"] == "UPDATE"
    script.change_set(request, NOTHING)
    script.add_response("delete_change_set", {}, BOTH)
    script.outputs()
    account = tmp_path / "account.toml"
    assert run(script, account)[:2] == ["stack gristmill is up to date", f"wrote {account}"]
    assert account.exists()


def test_a_failure_tells_its_first_reason(script: Script, tmp_path: Path) -> None:
    script.describe_nothing()
    script.change_set(plan(DEPLOYMENT), CREATED)
    script.carried_out()
    script.describe("ROLLBACK_COMPLETE")
    script.events(
        [
            ("gristmill", "REVIEW_IN_PROGRESS", ""),
            ("S3Endpoint", "CREATE_FAILED", "Resource creation cancelled"),
            ("RuntimeRole", "CREATE_FAILED", "gristmill-emr-runtime already exists"),
            ("Bucket", "CREATE_FAILED", "access denied"),
            ("gristmill", "ROLLBACK_COMPLETE", ""),
        ]
    )
    account = tmp_path / "account.toml"
    reason = "ROLLBACK_COMPLETE.* RuntimeRole: gristmill-emr-runtime already exists"
    with pytest.raises(GristmillError, match=reason):
        run(script, account)
    assert not account.exists()


def test_what_an_earlier_failure_left_is_removed_first(script: Script, tmp_path: Path) -> None:
    script.describe("ROLLBACK_COMPLETE", "gristmill")
    script.add_response("delete_stack", {}, {"StackName": STACK})
    script.describe("DELETE_IN_PROGRESS")
    script.describe("DELETE_COMPLETE")
    script.change_set(plan(DEPLOYMENT), NOTHING)
    script.add_response("delete_change_set", {}, BOTH)
    script.outputs()
    run(script, tmp_path / "account.toml")


def test_a_change_set_of_an_attempt_that_was_cut_off_is_made_anew(
    script: Script, tmp_path: Path
) -> None:
    script.describe("REVIEW_IN_PROGRESS", "gristmill")
    script.add_client_error("create_change_set", "AlreadyExistsException", "it is there")
    request = plan(DEPLOYMENT)
    both = {key: request[key] for key in ("ChangeSetName", "StackName")}
    script.add_response("delete_change_set", {}, both)
    script.change_set(request, NOTHING)
    script.add_response("delete_change_set", {}, BOTH)
    script.outputs()
    run(script, tmp_path / "account.toml")


def test_two_do_not_deploy_at_once(script: Script, tmp_path: Path) -> None:
    script.describe("UPDATE_IN_PROGRESS", "gristmill")
    with pytest.raises(BusyError, match="UPDATE_IN_PROGRESS"):
        run(script, tmp_path / "account.toml")


def test_a_stack_that_is_none_of_ours_is_told(script: Script, tmp_path: Path) -> None:
    script.describe("CREATE_COMPLETE", "gristmill", Parameters=PREVIOUS)
    script.add_response("create_change_set", {"Id": SET, "StackId": STACK}, {**ANY_REQUEST})
    script.add_response("describe_change_set", NOTHING, BOTH)
    script.add_response("delete_change_set", {}, BOTH)
    script.describe("CREATE_COMPLETE", "gristmill", Outputs=[])
    with pytest.raises(GristmillError, match=r"no output .*: name another stack"):
        run(script, tmp_path / "account.toml")


ANY_REQUEST = dict.fromkeys(plan(DEPLOYMENT), ANY)


@pytest.mark.parametrize(
    ("code", "message", "told"),
    [
        ("AccessDenied", "not authorized to perform: cloudformation", "docs/emr-account.md"),
        ("ExpiredToken", "The security token is expired", "log in again"),
        ("ValidationError", "Parameter VpcId: no such VPC", "no such VPC"),
    ],
)
def test_what_aws_refuses_is_told(
    script: Script, tmp_path: Path, code: str, message: str, told: str
) -> None:
    script.describe_nothing()
    script.add_client_error("create_change_set", code, message)
    with pytest.raises(GristmillError, match=told):
        run(script, tmp_path / "account.toml")


def test_a_change_that_cloudformation_refuses_is_told(script: Script, tmp_path: Path) -> None:
    script.describe_nothing()
    refused = {"Status": "FAILED", "StatusReason": "Parameter LogDays must be a number"}
    script.change_set(plan(DEPLOYMENT), refused)
    script.add_response("delete_change_set", {}, BOTH)
    with pytest.raises(UsageError, match="LogDays must be a number"):
        run(script, tmp_path / "account.toml")


def test_missing_credentials_are_told() -> None:
    class Client:
        def describe_stacks(self, **_: Any) -> None:
            raise NoCredentialsError

    with pytest.raises(GristmillError, match="AWS_PROFILE"):
        Stacks(Client(), print).find("gristmill")


def test_everything_that_is_wrong_with_a_deployment_is_told_at_once() -> None:
    with pytest.raises(UsageError) as refused:
        replace(MINIMAL, vpc="vpc1", subnets=("subnet-1", "x"), outputs=("s3://a*",), log_days=0)
    for said in ("vpc: 'vpc1'", "'subnet-1'", "'x'", "outputs: 's3://a*'", "log_days: must be 1"):
        assert said in str(refused.value)


def test_a_new_stack_needs_a_network() -> None:
    with pytest.raises(UsageError, match="SubnetIds and VpcId"):
        plan(StackRequest())


def test_a_plan_says_what_is_given_and_keeps_the_rest() -> None:
    request = plan(StackRequest(log_days=7), ["VpcId", "SubnetIds", "LogDays", "OfAnOlderTemplate"])
    assert request["Parameters"] == [
        {"ParameterKey": "LogDays", "ParameterValue": "7"},
        {"ParameterKey": "SubnetIds", "UsePreviousValue": True},
        {"ParameterKey": "VpcId", "UsePreviousValue": True},
    ]


def test_folders_become_what_may_be_listed_read_and_written() -> None:
    outputs = ("s3://lake", "s3://landing/c")
    request = plan(replace(MINIMAL, inputs=("s3://landing/a/b/",), outputs=outputs))
    given = {one["ParameterKey"]: one["ParameterValue"] for one in request["Parameters"]}
    reads = ("landing/a", "landing/a/b", "landing/a/b/*", "landing/c")
    assert given["DataBuckets"] == "arn:aws:s3:::landing,arn:aws:s3:::lake"
    assert given["ReadObjects"] == ",".join(f"arn:aws:s3:::{one}" for one in reads)
    assert given["WriteObjects"] == "arn:aws:s3:::lake/*,arn:aws:s3:::landing/c/*"


def test_roles_of_services_are_made_once_in_an_account() -> None:
    keys = {"aws_access_key_id": "key", "aws_secret_access_key": "secret"}
    client = boto3.client("iam", region_name="eu-central-1", **keys)
    lines: list[str] = []
    with Stubber(client) as script:
        for service in ("elasticmapreduce", "ops.emr-serverless"):
            script.add_client_error(
                "create_service_linked_role",
                "InvalidInput",
                f"Service role name {service} has been taken in this account",
            )
        script.add_response(
            "create_service_linked_role", {}, {"AWSServiceName": "spot.amazonaws.com"}
        )
        first_use(client, lines.append, partition_of("eu-central-1"))
        script.assert_no_pending_responses()
    assert lines == ["made the service-linked role of spot.amazonaws.com"]
