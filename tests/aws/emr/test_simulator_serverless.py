"""The simulator is like EMR Serverless: applications, and job runs that run once each."""

import time
from collections.abc import Iterator
from typing import Any
from unittest.mock import ANY

import pytest

from simulator import Simulator
from tests.aws.emr.asked import Made, arrived, refused, until
from tests.support.process import TIMEOUT

ROLE = "arn:aws:iam::123456789012:role/gristmill-runtime"


@pytest.fixture(scope="module")
def serverless(simulator: Simulator) -> Any:
    return simulator.client("emr-serverless")


@pytest.fixture
def application(serverless: Any) -> Iterator[str]:
    made: str = serverless.create_application(
        name="an-application",
        releaseLabel="emr-spark-8.0.0",
        type="SPARK",
        schedulerConfiguration={"maxConcurrentRuns": 1},
    )["applicationId"]
    yield made
    for run in serverless.list_job_runs(applicationId=made)["jobRuns"]:
        if run["state"] not in {"SUCCESS", "FAILED", "CANCELLED"}:
            serverless.cancel_job_run(applicationId=made, jobRunId=run["id"])


def job(aws: Simulator, application: str, script: str, token: str = "1", **changes: Any) -> Made:
    """A request for a run of a script."""
    key = f"serverless/{application}.py"
    aws.client("s3").put_object(Bucket=aws.bucket, Key=key, Body=script.encode())
    logs = {"s3MonitoringConfiguration": {"logUri": f"s3://{aws.bucket}/serverless/logs/"}}
    submit = {
        "entryPoint": f"s3://{aws.bucket}/{key}",
        "entryPointArguments": ["a b"],
        "sparkSubmitParameters": "--conf spark.emr-serverless.driverEnv.WORD='c d'",
    }
    asked = {
        "applicationId": application,
        "executionRoleArn": ROLE,
        "clientToken": f"{application}-{token}",
        "jobDriver": {"sparkSubmit": submit},
        "configurationOverrides": {"monitoringConfiguration": logs},
    }
    return asked | changes


def run_state(serverless: Any, application: str, run: str) -> str:
    found = serverless.get_job_run(applicationId=application, jobRunId=run)["jobRun"]
    return str(found["state"])


def test_a_run_goes_through_its_states_and_says_why_it_failed(
    aws: Simulator, serverless: Any, application: str
) -> None:
    aws.timing.pending = 1.0
    script = "import os, sys\nprint(sys.argv[1], os.environ['WORD'])\nraise ValueError('no')"
    asked = job(aws, application, script)
    made = serverless.start_job_run(**asked)
    run = made["jobRunId"]
    seen = [run_state(serverless, application, run)]
    deadline = time.monotonic() + TIMEOUT
    while seen[-1] != "FAILED" and time.monotonic() < deadline:
        now = run_state(serverless, application, run)
        seen += [now] if now != seen[-1] else []
    assert seen == ["SUBMITTED", "PENDING", "SCHEDULED", "RUNNING", "FAILED"]
    found = serverless.get_job_run(applicationId=application, jobRunId=run)["jobRun"]
    assert found["arn"] == made["arn"]
    assert found["createdAt"] < found["startedAt"] < found["endedAt"]
    assert found["billedResourceUtilization"]["vCPUHour"] > 0
    assert "ExitCode: 1. Last few exceptions: ValueError: no" in found["stateDetails"]
    place = f"serverless/logs/applications/{application}/jobs/{run}/SPARK_DRIVER/"
    logs = arrived(aws, place, 2)
    assert logs["stdout"].startswith(b"a b c d\n")
    assert b"ValueError: no" in logs["stdout"]
    # The same request, long after: still the same run, and no other.
    assert serverless.start_job_run(**asked)["jobRunId"] == run
    said = refused(serverless.start_job_run, **{**asked, "name": "another"})
    assert said.startswith("ConflictException")


def test_runs_wait_for_their_turn_and_are_cancelled(
    aws: Simulator, serverless: Any, application: str
) -> None:
    # Neither gets further than waiting for the application.
    aws.timing.starting = 60
    asked = [job(aws, application, "", token) for token in ("1", "2")]
    first, second = (serverless.start_job_run(**one)["jobRunId"] for one in asked)
    until(lambda: run_state(serverless, application, first) == "PENDING")
    until(lambda: run_state(serverless, application, second) == "QUEUED")
    listed = serverless.list_job_runs(applicationId=application, states=["QUEUED"])["jobRuns"]
    assert [one["id"] for one in listed] == [second]
    aws.timing.cancelling = 0.3
    serverless.cancel_job_run(applicationId=application, jobRunId=first)
    assert run_state(serverless, application, first) == "CANCELLING"
    until(lambda: run_state(serverless, application, first) == "CANCELLED")
    until(lambda: run_state(serverless, application, second) == "PENDING")
    here = {"applicationId": application, "jobRunId": first}
    assert "cannot be cancelled" in refused(serverless.cancel_job_run, **here)


def test_spark_submit_that_would_not_start_is_a_run_that_failed(
    aws: Simulator, serverless: Any, application: str
) -> None:
    asked = job(aws, application, "", retryPolicy={"maxAttempts": 2})
    asked["jobDriver"]["sparkSubmit"]["sparkSubmitParameters"] = "--nonsense"
    run = serverless.start_job_run(**asked)["jobRunId"]
    until(lambda: run_state(serverless, application, run) == "FAILED")
    found = serverless.get_job_run(applicationId=application, jobRunId=run)["jobRun"]
    assert found["attempt"] == 2
    assert "Unrecognized option: --nonsense" in found["stateDetails"]


def test_an_application_starts_stops_and_goes(aws: Simulator, serverless: Any) -> None:
    aws.timing.second = 0.01
    asked = {
        "name": "mine",
        "releaseLabel": "emr-spark-8.0.0",
        "type": "SPARK",
        "clientToken": "only-one",
        "autoStopConfiguration": {"enabled": True, "idleTimeoutMinutes": 1},
        "tags": {"a": "1"},
    }
    made = serverless.create_application(**asked)
    assert serverless.create_application(**asked) == made | {"ResponseMetadata": ANY}
    here = {"applicationId": made["applicationId"]}

    def state() -> str:
        return str(serverless.get_application(**here)["application"]["state"])

    assert refused(serverless.delete_application, **here).startswith("ConflictException")
    until(lambda: state() == "CREATED")
    serverless.start_application(**here)
    until(lambda: state() == "STARTED")
    until(lambda: state() == "STOPPED")
    serverless.update_application(**here, architecture="ARM64", clientToken="update")
    found = serverless.get_application(**here)["application"]
    assert (found["architecture"], found["tags"]) == ("ARM64", {"a": "1"})
    serverless.delete_application(**here)
    gone = serverless.list_applications(states=["TERMINATED"])["applications"]
    assert [one["id"] for one in gone] == [made["applicationId"]]


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"jobDriver": {"hive": {"query": "x"}}}, "needs jobDriver.sparkSubmit"),
        ({"executionTimeoutMinutes": 4}, "at least 5 minutes"),
        ({"retryPolicy": {"maxAttempts": 11}}, "10 at most"),
        ({"executionRoleArn": ROLE.replace("12345", "54321")}, "Cross-account"),
        ({"clientToken": "not a token"}, "'clientToken' failed to satisfy constraint"),
        ({"mode": "SIDEWAYS"}, "enum value set: [BATCH, STREAMING]"),
        ({"applicationId": "none"}, "ResourceNotFoundException: Application none does not exist"),
    ],
)
def test_a_run_that_serverless_would_refuse_is_refused(
    aws: Simulator, serverless: Any, application: str, changes: Made, says: str
) -> None:
    asked = job(aws, application, "", **changes)
    assert says in refused(serverless.start_job_run, **asked)


def test_faults_are_for_serverless_too(aws: Simulator, serverless: Any, application: str) -> None:
    asked = job(aws, application, "")
    aws.faults.fail("StartJobRun", done=True)
    aws.faults.throttle("ListJobRuns")
    assert "InternalServerException" in refused(serverless.start_job_run, **asked)
    assert "Throttling" in refused(serverless.list_job_runs, applicationId=application)
    run = serverless.start_job_run(**asked)["jobRunId"]
    (only,) = serverless.list_job_runs(applicationId=application)["jobRuns"]
    assert only["id"] == run
