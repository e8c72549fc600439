"""Workflows that ask AWS's own services, which are simulated here."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

from gristmill.emr.services import ServiceRefusalError, Services, boto_name
from gristmill.errors import GristmillError, UsageError
from gristmill.workflow.api import run_workflow
from gristmill.workflow.interpreter.branch import Execution
from gristmill.workflow.lint import check
from tests.support.cloudformation import REGION
from tests.support.workflows import machine

Json = Any
HERE: Any = {"LocationConstraint": REGION}


@pytest.fixture(autouse=True)
def account(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    monkeypatch.setenv("AWS_REGION", REGION)
    with mock_aws(config={"stepfunctions": {"execute_state_machine": True}}):
        yield


@pytest.fixture
def switch(monkeypatch: pytest.MonkeyPatch) -> Any:
    return lambda names: monkeypatch.setenv("GRISTMILL_WORKFLOW_AWS", names)


def run(tmp_path: Path, *states: tuple[str, Json], given: Json = None) -> Execution:
    ledger = f"sqlite:///{tmp_path / 'ledger.db'}"
    return run_workflow(machine(*states), given, folder=tmp_path, ledger=ledger, jump=True)


def asked(call: str, parameters: Json, then: str | None = None) -> Json:
    way = {"End": True} if then is None else {"Next": then}
    resource = f"arn:aws:states:::{call}"
    return {"Type": "Task", "Resource": resource, "Parameters": parameters, **way}


def test_a_service_is_asked_by_the_names_of_step_functions() -> None:
    boto3.client("secretsmanager").create_secret(Name="key", SecretString="opensesame")
    told = Services().call("secretsmanager", "getSecretValue", {"SecretId": "key"}, "t")
    assert (told["Name"], told["SecretString"]) == ("key", "opensesame")
    assert isinstance(told["CreatedDate"], str)
    assert "ResponseMetadata" not in told


def test_names_that_a_service_writes_small_are_taken_and_told_in_capitals() -> None:
    told = Services().call("cloudwatchlogs", "createLogGroup", {"LogGroupName": "here"}, "t")
    assert told == {}
    groups = Services().call("cloudwatchlogs", "describeLogGroups", {}, "t")["LogGroups"]
    assert [group["LogGroupName"] for group in groups] == ["here"]


def test_names_in_a_map_stay_as_they_are() -> None:
    services = Services()
    tags = {"lower": "1", "Upper": "2"}
    services.call("cloudwatchlogs", "createLogGroup", {"LogGroupName": "a", "Tags": tags}, "t")
    assert services.call("cloudwatchlogs", "listTagsLogGroup", {"LogGroupName": "a"}, "t") == {
        "Tags": tags
    }


def test_what_aws_does_not_have_is_said_with_what_is_near() -> None:
    with pytest.raises(UsageError, match=r"no action getSecretValu; did you mean getSecretValue"):
        Services().call("secretsmanager", "getSecretValu", {}, "t")
    with pytest.raises(UsageError, match=r"no service secretmanager; did you mean secretsmanager"):
        Services().call("secretmanager", "getSecretValue", {}, "t")
    with pytest.raises(UsageError, match=r"Unknown parameter in input"):
        Services().call("secretsmanager", "getSecretValue", {"SecretId": "a", "Who": 1}, "t")


def test_a_refusal_has_its_code() -> None:
    with pytest.raises(ServiceRefusalError) as caught:
        Services().call("secretsmanager", "getSecretValue", {"SecretId": "none"}, "t")
    assert (caught.value.code, caught.value.is_known) == ("ResourceNotFoundException", True)


@pytest.mark.thorough
def test_every_service_is_found_by_its_name_in_the_sdk() -> None:
    from botocore.loaders import Loader  # noqa: PLC0415

    loader = Loader()
    # Of one service there are two models.
    names = [one for one in loader.list_available_services("service-2") if one != "sms-voice"]
    for name in names:
        model = loader.load_service_model(name, "service-2")
        shown = model["metadata"]["serviceId"].replace(" ", "").replace("-", "").lower()
        assert boto_name(shown) == name


def test_a_workflow_asks_what_is_named(tmp_path: Path, switch: Any) -> None:
    switch("secretsmanager, dynamodb")
    boto3.client("secretsmanager").create_secret(Name="key", SecretString="opensesame")
    dynamodb = boto3.client("dynamodb")
    dynamodb.create_table(
        TableName="doors",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    item = {"id": {"S": "front"}, "said": {"S.$": "$.SecretString"}}
    ended = run(
        tmp_path,
        ("Look", asked("aws-sdk:secretsmanager:getSecretValue", {"SecretId": "key"}, "Put")),
        ("Put", asked("dynamodb:putItem", {"TableName": "doors", "Item": item})),
    )
    assert ended.status == "SUCCEEDED"
    assert ended.output["SdkHttpMetadata"]["HttpStatusCode"] == 200
    there = dynamodb.get_item(TableName="doors", Key={"id": {"S": "front"}})["Item"]
    assert there["said"] == {"S": "opensesame"}


@pytest.mark.parametrize(
    ("call", "parameters", "error"),
    [
        (
            "aws-sdk:secretsmanager:getSecretValue",
            {"SecretId": "none"},
            "SecretsManager.ResourceNotFoundException",
        ),
        (
            "aws-sdk:dynamodb:getItem",
            {"TableName": "none", "Key": {"id": {"S": "1"}}},
            "DynamoDb.ResourceNotFoundException",
        ),
        (
            "dynamodb:getItem",
            {"TableName": "none", "Key": {"id": {"S": "1"}}},
            "DynamoDB.ResourceNotFoundException",
        ),
        ("aws-sdk:s3:getObject", {"Bucket": "lake", "Key": "none"}, "S3.NoSuchKeyException"),
        ("aws-sdk:s3:getObject", {"Bucket": "no", "Key": "none"}, "S3.NoSuchBucketException"),
        ("aws-sdk:iam:getRole", {"RoleName": "none"}, "Iam.NoSuchEntityException"),
    ],
)
def test_refusals_have_the_names_that_states_catch(
    tmp_path: Path, switch: Any, call: str, parameters: Json, error: str
) -> None:
    switch("all")
    boto3.client("s3").create_bucket(Bucket="lake", CreateBucketConfiguration=HERE)
    ended = run(tmp_path, ("Ask", asked(call, parameters)))
    assert (ended.status, ended.error) == ("FAILED", error), ended.cause


def test_without_credentials_the_state_says_what_to_do(
    tmp_path: Path, switch: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    switch("secretsmanager")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    with pytest.raises(GristmillError, match="no AWS credentials"):
        Services().call("secretsmanager", "getSecretValue", {"SecretId": "key"}, "t")
    ended = run(
        tmp_path, ("Ask", asked("aws-sdk:secretsmanager:getSecretValue", {"SecretId": "key"}))
    )
    assert ended.error == "Secretsmanager.SdkClientException"
    assert "no AWS credentials" in (ended.cause or "")


def test_maps_read_from_buckets_and_write_there(tmp_path: Path, switch: Any) -> None:
    switch("s3")
    s3 = boto3.client("s3")
    s3.create_bucket(Bucket="lake", CreateBucketConfiguration=HERE)
    s3.put_object(Bucket="lake", Key="in/orders.csv", Body=b"id,count\na,1\nb,2\n")
    state = {
        "Type": "Map",
        "ItemReader": {
            "Resource": "arn:aws:states:::s3:getObject",
            "ReaderConfig": {"InputType": "CSV", "CSVHeaderLocation": "FIRST_ROW"},
            "Parameters": {"Bucket": "lake", "Key": "in/orders.csv"},
        },
        "ItemProcessor": {
            "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
            **machine(("Keep", {"Type": "Pass", "End": True})),
        },
        "ResultWriter": {
            "Resource": "arn:aws:states:::s3:putObject",
            "Parameters": {"Bucket": "lake", "Prefix": "out"},
            "WriterConfig": {"OutputType": "JSONL", "Transformation": "COMPACT"},
        },
        "End": True,
    }
    ended = run(tmp_path, ("Each", state))
    assert ended.status == "SUCCEEDED", ended.cause
    written = ended.output["ResultWriterDetails"]
    manifest = json.loads(s3.get_object(Bucket="lake", Key=written["Key"])["Body"].read())
    (file,) = manifest["ResultFiles"]["SUCCEEDED"]
    lines = s3.get_object(Bucket="lake", Key=file["Key"])["Body"].read().splitlines()
    assert sorted(map(json.loads, lines), key=str) == [
        {"id": "a", "count": "1"},
        {"id": "b", "count": "2"},
    ]


def test_the_end_of_a_job_of_glue_is_waited_for(tmp_path: Path, switch: Any) -> None:
    switch("glue")
    boto3.client("glue").create_job(Name="load", Role="r", Command={"Name": "glueetl"})
    ended = run(tmp_path, ("Load", asked("glue:startJobRun.sync", {"JobName": "load"})))
    assert ended.status == "SUCCEEDED", ended.cause
    assert ended.output["JobRun"]["JobRunState"] == "SUCCEEDED"


def test_an_execution_at_aws_is_waited_for_and_started_once(tmp_path: Path, switch: Any) -> None:
    switch("states")
    definition = json.dumps(machine(("A", {"Type": "Pass", "End": True})))
    client = boto3.client("stepfunctions")
    arn = client.create_state_machine(
        name="inner", definition=definition, roleArn="arn:aws:iam::123456789012:role/r"
    )["stateMachineArn"]
    parameters = {"StateMachineArn": arn, "Input": {"a": 1}}
    ended = run(tmp_path, ("Call", asked("states:startExecution.sync:2", parameters)))
    assert ended.status == "SUCCEEDED", ended.cause
    assert ended.output["Output"] == {"a": 1}
    (one,) = client.list_executions(stateMachineArn=arn)["executions"]
    assert ended.output["ExecutionArn"] == one["executionArn"]


def test_lint_takes_what_is_aws_s_own_and_no_more() -> None:
    definition = machine(("A", asked("aws-sdk:secretsmanager:getSecretValue", {"SecretId": "a"})))
    assert not check(definition, aws=frozenset({"secretsmanager"})).problems
    assert check(definition).errors
    unknown_end = machine(("A", asked("codebuild:startBuild.sync", {"ProjectName": "a"})))
    assert check(unknown_end, aws=frozenset({"codebuild"})).errors
