"""Requests to EMR as the tests make them, and what came of them."""

import gzip
import time
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from simulator import Simulator
from tests.support.process import TIMEOUT

GROUPS = [
    {"InstanceRole": "MASTER", "InstanceType": "m7g.xlarge", "InstanceCount": 1},
    {"InstanceRole": "CORE", "InstanceType": "m7g.xlarge", "InstanceCount": 2},
]
FLEETS = [
    {
        "InstanceFleetType": role,
        "TargetOnDemandCapacity": count,
        "InstanceTypeConfigs": [{"InstanceType": "m7g.xlarge"}],
    }
    for role, count in (("MASTER", 1), ("CORE", 2))
]
Made = dict[str, Any]


def cluster(aws: Simulator, instances: Made | None = None, **changes: Any) -> Made:
    """A request for a cluster; changes that are None take a part of it away."""
    asked: Made = {
        "Name": "a cluster",
        "ReleaseLabel": "emr-spark-8.1.0",
        "LogUri": f"s3://{aws.bucket}/logs/",
        "JobFlowRole": "profile",
        "ServiceRole": "service",
        "Instances": {"KeepJobFlowAliveWhenNoSteps": True, "InstanceGroups": GROUPS},
    }
    merged = asked["Instances"] | (instances or {})
    asked["Instances"] = {key: value for key, value in merged.items() if value is not None}
    return {key: value for key, value in (asked | changes).items() if value is not None}


def step(*words: str, action: str = "CONTINUE", name: str = "a step") -> Made:
    config = {"Jar": "command-runner.jar", "Args": list(words)}
    return {"Name": name, "ActionOnFailure": action, "HadoopJarStep": config}


def until(done: Callable[[], Any], seconds: float = TIMEOUT) -> Any:
    """What `done` gives once that is true."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = done()
        if found:
            return found
        time.sleep(0.02)
    raise AssertionError(f"not within {seconds} s: {done()}")


def state(emr: Any, cluster_id: str) -> str:
    return str(emr.describe_cluster(ClusterId=cluster_id)["Cluster"]["Status"]["State"])


def states(emr: Any, cluster_id: str) -> list[str]:
    """The states of a cluster's steps, the first step's first."""
    found = emr.list_steps(ClusterId=cluster_id)["Steps"]
    return [one["Status"]["State"] for one in reversed(found)]


def ended(emr: Any, cluster_id: str) -> tuple[str, str]:
    """How a cluster ended, once it has: its state, and the code of the reason."""
    until(lambda: state(emr, cluster_id).startswith("TERMINATED"))
    status = emr.describe_cluster(ClusterId=cluster_id)["Cluster"]["Status"]
    return status["State"], status["StateChangeReason"]["Code"]


def refused(call: Callable[..., Any], **asked: Any) -> str:
    """The code and the message with which a call is refused."""
    with pytest.raises(ClientError) as caught:
        call(**asked)
    told = caught.value.response["Error"]
    return f"{told['Code']}: {told['Message']}"


def objects(aws: Simulator, prefix: str) -> dict[str, bytes]:
    """What is in the bucket below a prefix."""
    client = aws.client("s3")
    found = client.list_objects_v2(Bucket=aws.bucket, Prefix=prefix).get("Contents", [])
    return {
        key.removeprefix(prefix): client.get_object(Bucket=aws.bucket, Key=key)["Body"].read()
        for key in (one["Key"] for one in found)
    }


def arrived(aws: Simulator, prefix: str, count: int) -> dict[str, bytes]:
    """What is in the bucket below a prefix, once it is so many objects: logs, unpacked."""
    found: dict[str, bytes] = until(lambda: _if_of(count, objects(aws, prefix)))
    return {name.removesuffix(".gz"): gzip.decompress(body) for name, body in found.items()}


def _if_of(count: int, found: dict[str, bytes]) -> dict[str, bytes]:
    return found if len(found) == count else {}
