"""The interpreter of moto, in memory: it has no functions without Docker."""

import json
import sys
import time
from typing import Any

import boto3
from common import loop
from moto import mock_aws


def main(count: int) -> float:
    """Seconds for a loop of so many rounds."""
    with mock_aws(config={"stepfunctions": {"execute_state_machine": True}}):
        client = boto3.client(
            "stepfunctions", "eu-central-1", aws_access_key_id="a", aws_secret_access_key="b"
        )
        arn = client.create_state_machine(
            name="loop",
            definition=json.dumps(loop()),
            roleArn="arn:aws:iam::123456789012:role/role",
        )["stateMachineArn"]
        _run(client, arn, 2)
        began = time.perf_counter()
        _run(client, arn, count)
        return time.perf_counter() - began


def _run(client: Any, arn: str, count: int) -> None:
    given = json.dumps({"i": 0, "n": count})
    started = client.start_execution(stateMachineArn=arn, input=given, name=f"n{count}")
    execution = started["executionArn"]
    while (told := client.describe_execution(executionArn=execution))["status"] == "RUNNING":
        time.sleep(0.01)
    if told["status"] != "SUCCEEDED":
        raise RuntimeError(told)


if __name__ == "__main__":
    print(main(int(sys.argv[1])))
