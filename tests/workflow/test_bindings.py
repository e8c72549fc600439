"""What stands here for AWS's services: done once, and refused by AWS's names."""

import csv
import gzip
import json
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from gristmill.workflow.bindings.buses import events_of, mails
from gristmill.workflow.bindings.calls import Call, Done
from gristmill.workflow.bindings.queues import delete, receive, waiting
from gristmill.workflow.definition.resources import resource_of
from gristmill.workflow.engine.engine import Engine
from gristmill.workflow.errors import StatesError
from gristmill.workflow.opening import open_bindings
from tests.support.workflows import machine
from tests.workflow.conftest import QUEUES, Shop

Json = Any


def call(shop: Shop, resource: str, arguments: Json, key: str = "k-1-1-0") -> Any:
    found = resource_of(f"arn:aws:states:::{resource}")
    binding = shop.open(str(shop.folder)).of(found, "A")
    assert binding is not None
    done = binding.start(Call(key, found, arguments, execution="arn:x:execution:m:one"))
    assert isinstance(done, Done)
    return done.result


def refused(shop: Shop, resource: str, arguments: Json) -> str:
    with pytest.raises(StatesError) as caught:
        call(shop, resource, arguments, "another-key")
    return str(caught.value.name)


def send(shop: Shop, body: Json, key: str, **more: Json) -> Any:
    arguments = {"QueueUrl": "https://sqs.local/0/work", "MessageBody": body, **more}
    return call(shop, "sqs:sendMessage", arguments, key)


def test_a_message_is_sent_once_for_a_key(shop: Shop) -> None:
    first = send(shop, {"a": 1}, "k1")
    again = send(shop, {"a": 1}, "k1")
    assert first["MessageId"] == again["MessageId"]
    send(shop, {"a": 1}, "k2")
    assert waiting(shop.ledger, QUEUES["work"]) == 2
    assert first["MD5OfMessageBody"] == "bb6cb5c68df4652941caf652a366f2d8"


def test_a_message_is_unseen_while_it_is_held_and_goes_to_the_dead_ones_in_the_end(
    shop: Shop,
) -> None:
    send(shop, "text", "k1")
    (held,) = receive(shop.ledger, QUEUES["work"])
    assert (held.body, held.received) == ("text", 1)
    assert receive(shop.ledger, QUEUES["work"]) == []
    shop.clock._now += 31
    (again,) = receive(shop.ledger, QUEUES["work"])
    assert again.received == 2
    assert not delete(shop.ledger, held)
    shop.clock._now += 31
    assert receive(shop.ledger, QUEUES["work"]) == []
    assert waiting(shop.ledger, QUEUES["dead"]) == 1
    (dead,) = receive(shop.ledger, QUEUES["dead"])
    assert delete(shop.ledger, dead)
    assert waiting(shop.ledger, QUEUES["dead"]) == 0


def test_a_delayed_message_comes_later(shop: Shop) -> None:
    send(shop, "late", "k1", DelaySeconds=60)
    assert receive(shop.ledger, QUEUES["work"]) == []
    shop.clock._now += 61
    assert len(receive(shop.ledger, QUEUES["work"])) == 1


def test_a_topic_tells_each_subscriber_what_it_asked_for(shop: Shop) -> None:
    arn = {"TopicArn": "arn:aws:sns:local:0:all"}
    call(shop, "sns:publish", {**arn, "Message": {"n": 1}}, "k1")
    letter = {"kind": {"DataType": "String", "StringValue": "letter"}}
    call(shop, "sns:publish", {**arn, "Message": "x", "MessageAttributes": letter}, "k2")
    call(shop, "sns:publish", {**arn, "Message": "x", "MessageAttributes": letter}, "k2")
    bodies = [json.loads(one.body) for one in receive(shop.ledger, QUEUES["work"], 10)]
    assert [one["Message"] for one in bodies] == ['{"n":1}', "x"]
    assert [one.body for one in receive(shop.ledger, QUEUES["news"], 10)] == ["x"]


def test_an_update_is_done_once_for_a_key(shop: Shop) -> None:
    table = {"TableName": "items"}
    item = {"id": {"S": "1"}, "n": {"N": "1"}}
    call(shop, "dynamodb:putItem", {**table, "Item": item}, "k1")
    update = {
        **table,
        "Key": {"id": {"S": "1"}},
        "UpdateExpression": "ADD n :one",
        "ExpressionAttributeValues": {":one": {"N": "1"}},
        "ReturnValues": "UPDATED_NEW",
    }
    for _ in range(3):
        found = call(shop, "dynamodb:updateItem", update, "k2")
        assert found["Attributes"] == {"n": {"N": "2"}}
    got = call(shop, "dynamodb:getItem", {**table, "Key": {"id": {"S": "1"}}}, "k3")
    assert got["Item"] == {"id": {"S": "1"}, "n": {"N": "2"}}
    asked = {
        **table,
        "KeyConditionExpression": "id = :i",
        "ExpressionAttributeValues": {":i": {"S": "1"}},
    }
    assert call(shop, "dynamodb:query", asked, "k4")["Count"] == 1
    call(shop, "dynamodb:deleteItem", {**table, "Key": {"id": {"S": "1"}}}, "k5")
    assert "Item" not in call(shop, "dynamodb:getItem", {**table, "Key": {"id": {"S": "1"}}}, "k6")


def test_a_condition_that_fails_writes_nothing(shop: Shop) -> None:
    item = {"TableName": "items", "Item": {"id": {"S": "1"}}}
    call(shop, "dynamodb:putItem", item, "k1")
    only_new = {**item, "ConditionExpression": "attribute_not_exists(id)"}
    error = refused(shop, "dynamodb:putItem", only_new)
    assert error == "DynamoDB.ConditionalCheckFailedException"


def test_objects_are_put_got_listed_copied_and_deleted(shop: Shop) -> None:
    bucket = {"Bucket": "lake"}
    call(shop, "aws-sdk:s3:putObject", {**bucket, "Key": "a/b.json", "Body": {"x": 1}})
    got = call(shop, "aws-sdk:s3:getObject", {**bucket, "Key": "a/b.json"})
    assert (got["Body"], got["ContentLength"]) == ('{"x":1}', 7)
    copy = {**bucket, "Key": "c.json", "CopySource": "lake/a/b.json"}
    call(shop, "aws-sdk:s3:copyObject", copy)
    listed = call(shop, "aws-sdk:s3:listObjectsV2", bucket)
    assert [one["Key"] for one in listed["Contents"]] == ["a/b.json", "c.json"]
    page = call(shop, "aws-sdk:s3:listObjectsV2", {**bucket, "MaxKeys": 1})
    rest = {**bucket, "ContinuationToken": page["NextContinuationToken"]}
    assert call(shop, "aws-sdk:s3:listObjectsV2", rest)["Contents"][0]["Key"] == "c.json"
    call(shop, "aws-sdk:s3:deleteObject", {**bucket, "Key": "c.json"})
    assert refused(shop, "aws-sdk:s3:headObject", {**bucket, "Key": "c.json"}) == (
        "S3.NoSuchKeyException"
    )


@pytest.mark.parametrize("key", ["../out", "/etc/passwd", "a/../../b", ""])
def test_no_key_leads_out_of_a_bucket(shop: Shop, key: str) -> None:
    found = refused(shop, "aws-sdk:s3:putObject", {"Bucket": "lake", "Key": key, "Body": "x"})
    assert found in {"S3.InvalidKeyException", "S3.S3Exception"}


def test_events_and_mails_are_kept(shop: Shop) -> None:
    entry = {"Detail": {"a": 1}, "DetailType": "t", "Source": "s"}
    told = call(shop, "events:putEvents", {"Entries": [entry]})
    assert told["FailedEntryCount"] == 0
    (event,) = events_of(shop.ledger)
    assert event.entry["Detail"] == {"a": 1}
    malformed = {"Entries": [{"Detail": "no"}]}
    assert refused(shop, "events:putEvents", malformed) == "EventBridge.FailedEntry"
    mail = {"Destination": {"ToAddresses": ["a@example.com"]}, "Message": {}, "Source": "b"}
    call(shop, "aws-sdk:ses:sendEmail", mail, "k2")
    call(shop, "aws-sdk:ses:sendEmail", mail, "k2")
    assert [one.target for one in mails(shop.ledger)] == ["a@example.com"]


@pytest.mark.parametrize(
    ("resource", "arguments", "error"),
    [
        (
            "lambda:invoke",
            {"FunctionName": "no"},
            "Lambda.ResourceNotFoundException",
        ),
        (
            "sqs:sendMessage",
            {"QueueUrl": "https://sqs.local/0/no", "MessageBody": "x"},
            "SQS.QueueDoesNotExistException",
        ),
        ("sns:publish", {"TopicArn": "a:no", "Message": "x"}, "SNS.NotFoundException"),
        (
            "dynamodb:getItem",
            {"TableName": "no", "Key": {}},
            "DynamoDB.ResourceNotFoundException",
        ),
        (
            "dynamodb:putItem",
            {"TableName": "items", "Item": None},
            "DynamoDB.AmazonDynamoDBException",
        ),
        ("aws-sdk:s3:getObject", {"Bucket": "no", "Key": "k"}, "S3.NoSuchBucketException"),
    ],
)
def test_what_is_not_there_is_refused_as_aws_does(
    shop: Shop, resource: str, arguments: Json, error: str
) -> None:
    assert refused(shop, resource, arguments) == error


WAITS = json.dumps(
    machine(
        (
            "Ask",
            {
                "Type": "Task",
                "Resource": "arn:aws:states:::sqs:sendMessage.waitForTaskToken",
                "Parameters": {
                    "QueueUrl": "https://sqs.local/0/work",
                    "MessageBody": {"token.$": "$$.Task.Token"},
                },
                "End": True,
            },
        )
    )
)


def token_of(shop: Shop, name: str) -> tuple[str, str]:
    """The ARN of an execution that waits, and the token that it waits for."""
    arn = shop.start(WAITS, {}, name)
    engine = shop.engine()
    engine.tick()
    while not (held := receive(shop.ledger, QUEUES["work"])):
        engine.tick()
    engine.close()
    return arn, json.loads(held[0].body)["token"]


@pytest.mark.parametrize(
    ("action", "arguments", "status"),
    [
        ("sendTaskSuccess", {"Output": '{"a": 1}'}, "SUCCEEDED"),
        ("sendTaskSuccess", {"Output": {"a": 1}}, "SUCCEEDED"),
        ("sendTaskFailure", {"Error": "Odd", "Cause": "so"}, "FAILED"),
    ],
)
def test_a_workflow_answers_for_the_token_of_another(
    shop: Shop, action: str, arguments: Json, status: str
) -> None:
    arn, token = token_of(shop, "one")
    assert call(shop, "aws-sdk:sfn:sendTaskHeartbeat", {"TaskToken": token}) == {}
    call(shop, f"aws-sdk:sfn:{action}", {"TaskToken": token, **arguments})
    ended = shop.drive(arn)
    assert ended.status == status
    assert (ended.output, ended.error) == (
        ({"a": 1}, None) if status == "SUCCEEDED" else (None, "Odd")
    )
    assert refused(shop, f"aws-sdk:sfn:{action}", {"TaskToken": token, **arguments}) == (
        "Sfn.InvalidTokenException"
    )


def test_executions_are_described_and_stopped(shop: Shop) -> None:
    arn, _token = token_of(shop, "one")
    told = call(shop, "aws-sdk:sfn:describeExecution", {"ExecutionArn": arn})
    assert (told["Status"], told["Input"], "Output" in told) == ("RUNNING", "{}", False)
    asked = {"ExecutionArn": arn, "Error": "Enough", "Cause": "of it"}
    call(shop, "aws-sdk:sfn:stopExecution", asked)
    ended = shop.drive(arn)
    assert (ended.status, ended.error, ended.cause) == ("ABORTED", "Enough", "of it")
    told = call(shop, "aws-sdk:sfn:describeExecution", {"ExecutionArn": arn})
    assert (told["Status"], told["Error"]) == ("ABORTED", "Enough")
    missing = {"ExecutionArn": f"{arn}x"}
    for action in ("describeExecution", "stopExecution"):
        assert refused(shop, f"aws-sdk:sfn:{action}", missing) == (
            "Sfn.ExecutionDoesNotExistException"
        )
    assert refused(
        shop, "aws-sdk:sfn:sendTaskSuccess", {"TaskToken": "t", "Output": "no JSON"}
    ) == ("Sfn.InvalidOutputException")


def test_a_machine_that_the_project_names_is_started_from_its_file(shop: Shop) -> None:
    (shop.folder / "pyproject.toml").write_text(
        '[tool.gristmill.local]\nmachines = { inner = "inner.asl.json" }\n'
    )
    inner = machine(("A", {"Type": "Pass", "Result": "from the file", "End": True}))
    (shop.folder / "inner.asl.json").write_text(json.dumps(inner))
    arn = "arn:aws:states:eu-central-1:123456789012:stateMachine:inner"
    asked = {
        "Type": "Task",
        "Resource": "arn:aws:states:::states:startExecution.sync:2",
        "Parameters": {"StateMachineArn": arn, "Input": {}},
        "OutputPath": "$.Output",
        "End": True,
    }
    execution = shop.start(json.dumps(machine(("Call", asked))))
    engine = Engine(shop.ledger, open_bindings(shop.ledger), clock=shop.clock, scratch=shop.folder)
    engine.run_one(execution)
    engine.close()
    assert shop.look(execution).output == "from the file"


@pytest.mark.parametrize("kind", ["PARQUET", "MANIFEST", "JSONL"])
def test_a_map_reads_other_files_than_json_and_csv(shop: Shop, kind: str) -> None:
    lake = shop.folder / "lake"
    (lake / "list").mkdir(parents=True)
    rows = [{"Bucket": "lake", "Key": f"k{number}", "Size": str(number)} for number in range(3)]
    if kind == "PARQUET":
        pq.write_table(pa.Table.from_pylist(rows), lake / "items")
    elif kind == "JSONL":
        (lake / "items").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    else:
        # https://docs.aws.amazon.com/AmazonS3/latest/userguide/storage-inventory-location.html
        with gzip.open(lake / "list" / "one.csv.gz", "wt") as file:
            csv.writer(file).writerows(row.values() for row in rows)
        manifest = {
            "sourceBucket": "lake",
            "destinationBucket": "arn:aws:s3:::lake",
            "fileFormat": "CSV",
            "fileSchema": "Bucket, Key, Size",
            "files": [{"key": "list/one.csv.gz", "size": 1, "MD5checksum": "-"}],
        }
        (lake / "items").write_text(json.dumps(manifest))
    state = {
        "Type": "Map",
        "ItemReader": {
            "Resource": "arn:aws:states:::s3:getObject",
            "ReaderConfig": {"InputType": kind},
            "Parameters": {"Bucket": "lake", "Key": "items"},
        },
        "ItemProcessor": {
            "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
            **machine(("Keep", {"Type": "Pass", "End": True})),
        },
        "End": True,
    }
    ended = shop.run(json.dumps(machine(("Each", state))))
    assert ended.status == "SUCCEEDED", ended.cause
    assert ended.output == rows
