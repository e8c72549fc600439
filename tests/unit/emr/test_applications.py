"""An application compared with its spec: as AWS tells it, with what AWS adds of its own."""

from typing import Any

import pytest

from gristmill.emr.applications import differences
from gristmill.emr.requests.serverless import create_application
from tests.support.emr_specs import serverless

SPEC = serverless(
    initial={"drivers": 1, "executors": 2},
    network={"subnets": ["subnet-01234567", "subnet-89abcdef"], "security_groups": ["sg-01234567"]},
)


def told(**changes: Any) -> dict[str, Any]:
    """SPEC's application as GetApplication has it."""
    worker = {"cpu": "4 vCPU", "memory": "14 GB", "disk": "20 GB", "diskType": "STANDARD"}
    there: dict[str, Any] = {
        **create_application(SPEC),
        "applicationId": "00f1",
        "state": "STARTED",
        "maximumCapacity": {"cpu": "64 vCPU", "memory": "256 GB", "disk": "20000 GB"},
        "networkConfiguration": {
            "subnetIds": ["subnet-89abcdef", "subnet-01234567"],
            "securityGroupIds": ["sg-01234567"],
        },
        "initialCapacity": {
            "DRIVER": {"workerCount": 1, "workerConfiguration": worker},
            "EXECUTOR": {"workerCount": 2, "workerConfiguration": worker},
        },
        "interactiveConfiguration": {"studioEnabled": False},
    }
    return {key: value for key, value in (there | changes).items() if value is not None}


def test_what_aws_adds_or_writes_otherwise_is_no_difference() -> None:
    assert differences(SPEC, told()) == []
    assert differences(SPEC, told(maximumCapacity={"cpu": "64vCPU", "memory": "256.0 gb"})) == []


def test_every_part_that_differs_is_told_the_architecture_first() -> None:
    there = told(
        architecture="X86_64",
        releaseLabel="emr-spark-8.0.0",
        imageConfiguration={"imageUri": "1.dkr.ecr.x.y/z:1", "resolvedImageDigest": "sha256:0"},
        networkConfiguration=None,
        initialCapacity=None,
        maximumCapacity={"cpu": "16 vCPU", "memory": "256 GB"},
        schedulerConfiguration={"maxConcurrentRuns": 3},
        autoStartConfiguration={"enabled": False},
        autoStopConfiguration={"enabled": True, "idleTimeoutMinutes": 60},
    )
    found = differences(SPEC, there)
    assert [one.part for one in found] == [
        *("architecture", "releaseLabel", "imageConfiguration", "networkConfiguration"),
        *("initialCapacity", "maximumCapacity", "schedulerConfiguration"),
        *("autoStartConfiguration", "autoStopConfiguration"),
    ]
    assert str(found[0]) == "architecture: ARM64 in the spec, X86_64 there"
    assert "none in the spec, imageUri" in str(found[2])
    assert str(found[3]).endswith(", none there")


@pytest.mark.parametrize("part", sorted(set(create_application(SPEC)) - {"name", "type", "tags"}))
def test_no_part_of_a_request_is_passed_over(part: str) -> None:
    assert [one.part for one in differences(SPEC, told(**{part: None}))] == [part]
