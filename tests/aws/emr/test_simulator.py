"""The simulator is like EMR: in the states that clusters and steps go through."""

import os
import time
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError

from simulator import Simulator
from simulator.s3 import S3Server
from tests.aws.emr.asked import (
    arrived,
    cluster,
    ended,
    objects,
    refused,
    state,
    states,
    step,
    until,
)
from tests.support.process import TIMEOUT


def test_a_cluster_goes_through_its_states_and_its_machines_with_it(
    aws: Simulator, emr: Any
) -> None:
    # Each state lasts longer than a look takes on a slow machine.
    aws.timing.starting = aws.timing.bootstrapping = aws.timing.terminating = 1
    made = emr.run_job_flow(**cluster(aws, Tags=[{"Key": "a", "Value": "b"}]))
    here = made["JobFlowId"]
    assert made["ClusterArn"].endswith(f"cluster/{here}")
    seen = [state(emr, here)]

    def goes_to(last: str) -> None:
        deadline = time.monotonic() + TIMEOUT
        while seen[-1] != last and time.monotonic() < deadline:
            now = state(emr, here)
            seen.extend([now] if now != seen[-1] else [])

    goes_to("WAITING")
    emr.add_job_flow_steps(JobFlowId=here, Steps=[step("sleep", "2")])
    goes_to("RUNNING")
    goes_to("WAITING")
    machines = emr.list_instances(ClusterId=here)["Instances"]
    assert [one["Market"] for one in machines] == ["ON_DEMAND"] * 3
    assert {one["Status"]["State"] for one in machines} == {"RUNNING"}
    emr.terminate_job_flows(JobFlowIds=[here])
    goes_to("TERMINATED")
    assert " ".join(seen) == (
        "STARTING BOOTSTRAPPING WAITING RUNNING WAITING TERMINATING TERMINATED"
    )
    found = emr.describe_cluster(ClusterId=here)["Cluster"]
    assert found["Status"]["StateChangeReason"]["Code"] == "USER_REQUEST"
    assert found["LogUri"] == f"s3n://{aws.bucket}/logs/"
    assert found["Tags"] == [{"Key": "a", "Value": "b"}]
    times = found["Status"]["Timeline"]
    assert times["CreationDateTime"] < times["ReadyDateTime"] < times["EndDateTime"]
    (machine, *_) = emr.list_instances(ClusterId=here)["Instances"]
    assert machine["Status"]["Timeline"] == times


def test_steps_run_in_their_order_and_leave_logs(aws: Simulator, emr: Any) -> None:
    words = [["bash", "-c", "echo out; echo err >&2"], ["false"], ["true"]]
    here = emr.run_job_flow(**cluster(aws, Steps=[step(*one) for one in words]))["JobFlowId"]
    until(lambda: states(emr, here) == ["COMPLETED", "FAILED", "COMPLETED"])
    third, second, first = emr.list_steps(ClusterId=here)["Steps"]
    assert first["Config"]["Args"] == words[0]
    log = f"s3://{aws.bucket}/logs/{here}/steps/{second['Id']}/stderr.gz"
    assert second["Status"]["FailureDetails"] == {"Reason": "Unknown Error.", "LogFile": log}
    for before, after in ((first, second), (second, third)):
        end = before["Status"]["Timeline"]["EndDateTime"]
        assert end <= after["Status"]["Timeline"]["StartDateTime"]
    place = f"logs/{here}/steps/{first['Id']}/"
    logs = arrived(aws, place, 4)
    assert (logs["stdout"], logs["stderr"], logs["syslog"]) == (b"out\n", b"err\n", b"")
    assert b"ended with exit code 0" in logs["controller"]


def test_a_step_without_a_command_and_one_of_another_jar_fail(aws: Simulator, emr: Any) -> None:
    other = step("true")
    other["HadoopJarStep"]["Jar"] = "s3://bucket/mine.jar"
    here = emr.run_job_flow(**cluster(aws, Steps=[step(), other]))["JobFlowId"]
    until(lambda: states(emr, here) == ["FAILED", "FAILED"])


@pytest.mark.parametrize("delay", [0.5, None])
def test_logs_may_come_late_or_never(aws: Simulator, emr: Any, delay: float | None) -> None:
    aws.timing.logs = delay
    here = emr.run_job_flow(**cluster(aws, Steps=[step("true")]))["JobFlowId"]
    until(lambda: states(emr, here) == ["COMPLETED"])
    assert not objects(aws, f"logs/{here}/")
    if delay:
        until(lambda: objects(aws, f"logs/{here}/"))
    else:
        time.sleep(0.5)
        assert not objects(aws, f"logs/{here}/")


def test_without_a_log_uri_there_are_no_logs(aws: Simulator, emr: Any) -> None:
    asked = cluster(aws, LogUri=None, Steps=[step("false")])
    here = emr.run_job_flow(**asked)["JobFlowId"]
    until(lambda: states(emr, here) == ["FAILED"])
    (found,) = emr.list_steps(ClusterId=here)["Steps"]
    assert found["Status"]["FailureDetails"] == {"Reason": "Unknown Error."}
    assert "LogUri" not in emr.describe_cluster(ClusterId=here)["Cluster"]


@pytest.mark.parametrize(
    ("action", "protected", "steps", "then"),
    [
        ("CONTINUE", False, "FAILED COMPLETED", "WAITING"),
        ("CANCEL_AND_WAIT", False, "FAILED CANCELLED", "WAITING"),
        ("TERMINATE_CLUSTER", False, "FAILED CANCELLED", "TERMINATED_WITH_ERRORS"),
        ("TERMINATE_CLUSTER", True, "FAILED CANCELLED", "WAITING"),
    ],
)
def test_a_step_that_fails_has_its_consequence(
    aws: Simulator, emr: Any, action: str, protected: bool, steps: str, then: str
) -> None:
    words = [step("false", action=action), step("true")]
    asked = cluster(aws, {"TerminationProtected": protected}, Steps=words)
    here = emr.run_job_flow(**asked)["JobFlowId"]
    until(lambda: states(emr, here) == steps.split())
    until(lambda: state(emr, here) == then)
    if then != "WAITING":
        assert ended(emr, here) == (then, "STEP_FAILURE")


@pytest.mark.parametrize("words", [[], [step("true")], [step("false"), step("true")]])
def test_a_cluster_for_its_steps_alone_ends_with_them(
    aws: Simulator, emr: Any, words: list[Any]
) -> None:
    asked = cluster(aws, {"KeepJobFlowAliveWhenNoSteps": None}, Steps=words)
    here = emr.run_job_flow(**asked)["JobFlowId"]
    assert ended(emr, here) == ("TERMINATED", "ALL_STEPS_COMPLETED")
    assert set(states(emr, here)) <= {"COMPLETED", "FAILED"}


def test_an_idle_cluster_ends_unless_it_is_protected(aws: Simulator, emr: Any) -> None:
    aws.timing.second = 0.01
    policy = {"IdleTimeout": 60}
    asked = cluster(
        aws, {"TerminationProtected": True}, AutoTerminationPolicy=policy, Steps=[step("true")]
    )
    here = emr.run_job_flow(**asked)["JobFlowId"]
    until(lambda: state(emr, here) == "WAITING")
    time.sleep(0.8)
    assert state(emr, here) == "WAITING"
    assert "protected" in refused(emr.terminate_job_flows, JobFlowIds=[here])
    emr.set_termination_protection(JobFlowIds=[here], TerminationProtected=False)
    assert ended(emr, here)[0] == "TERMINATED"


def test_as_many_steps_run_at_once_as_the_cluster_allows(aws: Simulator, emr: Any) -> None:
    words = [step("sleep", "60")] * 3
    asked = cluster(aws, Steps=words, StepConcurrencyLevel=2)
    here = emr.run_job_flow(**asked)["JobFlowId"]
    until(lambda: states(emr, here) == ["RUNNING", "RUNNING", "PENDING"])
    newest, _, oldest = emr.list_steps(ClusterId=here)["Steps"]
    told = emr.cancel_steps(ClusterId=here, StepIds=[oldest["Id"]])["CancelStepsInfoList"]
    assert told == [{"StepId": oldest["Id"], "Status": "SUBMITTED"}]
    until(lambda: states(emr, here) == ["CANCELLED", "RUNNING", "RUNNING"])
    emr.terminate_job_flows(JobFlowIds=[here])
    assert states(emr, here) == ["CANCELLED", "INTERRUPTED", "INTERRUPTED"]
    assert emr.describe_step(ClusterId=here, StepId=newest["Id"])["Step"]["Name"] == "a step"


def test_cancelling_is_asked_for_and_comes_about_later(aws: Simulator, emr: Any) -> None:
    stubborn = "trap '' TERM; while :; do sleep 0.1; done"
    words = [step("bash", "-c", stubborn), step("true")]
    here = emr.run_job_flow(**cluster(aws, Steps=words))["JobFlowId"]
    until(lambda: states(emr, here) == ["RUNNING", "PENDING"])
    later, stays = (one["Id"] for one in emr.list_steps(ClusterId=here)["Steps"])
    emr.cancel_steps(ClusterId=here, StepIds=[stays, later])
    assert states(emr, here) == ["CANCEL_PENDING"] * 2
    until(lambda: states(emr, here)[1] == "CANCELLED")
    time.sleep(0.5)
    assert states(emr, here)[0] == "CANCEL_PENDING"
    how = "TERMINATE_PROCESS"
    emr.cancel_steps(ClusterId=here, StepIds=[stays], StepCancellationOption=how)
    until(lambda: states(emr, here)[0] == "CANCELLED")
    (told,) = emr.cancel_steps(ClusterId=here, StepIds=[stays])["CancelStepsInfoList"]
    assert told["Status"] == "FAILED"
    assert "CANCELLED" in told["Reason"]


def test_a_cluster_that_dies_takes_its_steps_with_it(aws: Simulator, emr: Any) -> None:
    words = [step("sleep", "60"), step("true")]
    here = emr.run_job_flow(**cluster(aws, Steps=words))["JobFlowId"]
    until(lambda: states(emr, here) == ["RUNNING", "PENDING"])
    aws.kill_cluster(here)
    assert ended(emr, here) == ("TERMINATED_WITH_ERRORS", "INSTANCE_FAILURE")
    assert states(emr, here) == ["INTERRUPTED", "CANCELLED"]
    said = refused(emr.add_job_flow_steps, JobFlowId=here, Steps=[step("true")])
    assert "may not be modified" in said


def test_faults_come_when_called_for_and_calls_are_counted(aws: Simulator, emr: Any) -> None:
    asked = cluster(aws)
    before = aws.faults.count("RunJobFlow")
    clusters = len(emr.list_clusters()["Clusters"])
    aws.faults.throttle("RunJobFlow")
    aws.faults.fail("RunJobFlow")
    aws.faults.fail("RunJobFlow", done=True)
    aws.faults.lose_answer("RunJobFlow")
    assert "ThrottlingException" in refused(emr.run_job_flow, **asked)
    assert "InternalServerException" in refused(emr.run_job_flow, **asked)
    assert len(emr.list_clusters()["Clusters"]) == clusters
    assert "InternalServerException" in refused(emr.run_job_flow, **asked)
    assert len(emr.list_clusters()["Clusters"]) == clusters + 1
    with pytest.raises(ConnectionClosedError):
        emr.run_job_flow(**asked)
    assert len(emr.list_clusters()["Clusters"]) == clusters + 2
    emr.run_job_flow(**asked)
    assert aws.faults.count("RunJobFlow") == before + 5
    calls = [call for call in aws.faults.calls if call.operation == "RunJobFlow"]
    assert calls[-1].parameters == asked
    assert [call.fault is None for call in calls[-2:]] == [False, True]
    patient = aws.client("emr", retries={"mode": "standard", "total_max_attempts": 3})
    aws.faults.throttle("ListClusters", times=2)
    assert patient.list_clusters()["Clusters"]


def test_what_is_not_of_emr_is_there_too(aws: Simulator) -> None:
    assert aws.client("sts").get_caller_identity()["Account"] == "123456789012"
    assert aws.client("iam").list_roles()["Roles"] == []
    with pytest.raises(ClientError, match="does not exist"):
        aws.client("cloudformation").describe_stacks(StackName="none")


def test_nothing_is_left_when_it_ends(server: S3Server, tmp_path: Path) -> None:
    note = tmp_path / "pid"
    with Simulator(s3=server) as aws:
        aws.timing.starting = aws.timing.bootstrapping = 0
        words = step("bash", "-c", f"sleep 60 & echo $! > {note}; wait")
        aws.client("emr").run_job_flow(**cluster(aws, Steps=[words]))
        until(lambda: note.is_file() and note.read_text())
        os.kill(int(note.read_text()), 0)
        before = time.monotonic()
    assert time.monotonic() - before < 55
    until(lambda: not Path(f"/proc/{note.read_text().strip()}").is_dir())
    with pytest.raises(Exception, match="Could not connect"):
        aws.client("emr").list_clusters()
