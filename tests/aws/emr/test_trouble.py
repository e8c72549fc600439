"""What AWS does to runs, and what becomes of them: nothing is submitted twice, no run that went
well is called failed, and none that is dead is waited for.
"""

import secrets
import time
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from gristmill.emr import applications
from gristmill.emr.aws import Aws
from gristmill.emr.outcome import run_outcome
from gristmill.emr.package import Shipped
from gristmill.emr.prices import read_prices
from gristmill.emr.requests.clusters import run_job_flow, run_job_flow_for
from gristmill.emr.requests.serverless import start_job_run
from gristmill.emr.requests.steps import add_job_flow_steps
from gristmill.emr.runners.serverless import ServerlessRunner
from gristmill.emr.runners.steps import StepRunner, steps
from gristmill.emr.runners.transient import TransientRunner, clusters
from gristmill.emr.runs import Record
from gristmill.emr.specs import ClusterSpec, ServerlessSpec
from gristmill.emr.targets.cluster import down, find_cluster, log_folder, up
from gristmill.emr.watch import watch
from gristmill.errors import BusyError, GristmillError, UsageError
from gristmill.runs import Handle, State, Submission
from simulator import Faults, Simulator
from tests.support.emr_specs import CLUSTER, SERVERLESS, made
from tests.support.process import TIMEOUT

Fault = Callable[[Faults, str], None]

SHIPPED = Shipped("s3://b/p.zip", "s3://b/entry.py")


def never(question: str) -> bool:
    raise AssertionError(question)


@pytest.fixture
def spec(simulator: Simulator) -> ClusterSpec:
    """A cluster of its own for each test."""
    account = {key: simulator.account[key] for key in simulator.account}
    found = made({**CLUSTER, **account, "name": f"trouble-{secrets.token_hex(4)}"})
    assert isinstance(found, ClusterSpec)
    return found


def briefly(_seconds: float) -> None:
    time.sleep(0.05)


def with_command(spec: ClusterSpec, cluster: str, command: str, submission: Submission) -> Any:
    """The request for a step, with another command than Spark in it."""
    request = add_job_flow_steps(spec, cluster, SHIPPED, submission)
    request["Steps"][0]["HadoopJarStep"]["Args"] = ["bash", "-c", command]
    return request


def runner(reach: Aws, spec: ClusterSpec, command: str = "true") -> StepRunner:
    cluster = up(reach, spec, print, pause=briefly)
    request = partial(with_command, spec, cluster, command)
    return StepRunner(reach, spec.logs, request, cluster, pause=briefly)


def submission() -> Submission:
    return Submission(f"run-{secrets.token_hex(6)}", "word-count", ("--output", "s3://b/out"))


def lost(faults: Faults, operation: str) -> None:
    faults.lose_answer(operation)


def broken_before(faults: Faults, operation: str) -> None:
    faults.fail(operation, 2)


def broken_after(faults: Faults, operation: str) -> None:
    faults.fail(operation, done=True)


def throttled(faults: Faults, operation: str) -> None:
    faults.throttle(operation, 3)


FAULTS = (lost, broken_before, broken_after, throttled)


@pytest.mark.parametrize("fault", FAULTS)
def test_a_step_is_added_once_whatever_becomes_of_the_answers(
    simulator: Simulator, reach: Aws, spec: ClusterSpec, fault: Fault
) -> None:
    running = runner(reach, spec)
    fault(simulator.faults, "AddJobFlowSteps")
    handle = running.submit(submission())
    assert [step["Id"] for step in steps(reach, handle.target)] == [handle.id]
    assert watch(running, handle, print, pause=briefly).state is State.SUCCEEDED


@pytest.mark.parametrize("fault", FAULTS)
def test_a_cluster_for_a_run_is_made_once_whatever_becomes_of_the_answers(
    simulator: Simulator, reach: Aws, spec: ClusterSpec, fault: Fault
) -> None:
    def request(wanted: Submission) -> Any:
        asked = run_job_flow_for(spec, SHIPPED, wanted)
        asked["Steps"][0]["HadoopJarStep"]["Args"] = ["true"]
        return asked

    running = TransientRunner(reach, spec.logs, request, pause=briefly)
    fault(simulator.faults, "RunJobFlow")
    wanted = submission()
    handle = running.submit(wanted)
    made_for_it = [found for found in clusters(reach) if wanted.run in found["Name"]]
    assert [found["Id"] for found in made_for_it] == [handle.target]
    assert watch(running, handle, print, pause=briefly).state is State.SUCCEEDED


@pytest.mark.parametrize("fault", FAULTS)
def test_a_cluster_that_stays_is_made_once(
    simulator: Simulator, reach: Aws, spec: ClusterSpec, fault: Fault
) -> None:
    fault(simulator.faults, "RunJobFlow")
    cluster = up(reach, spec, print, pause=briefly)
    assert up(reach, spec, print, pause=briefly) == cluster == find_cluster(reach, spec)
    name = run_job_flow(spec)["Name"]
    assert len([found for found in clusters(reach) if found["Name"] == name]) == 1
    assert down(reach, spec, never) == cluster
    assert down(reach, spec, never) is None


def made_by_somebody(reach: Aws, spec: ClusterSpec, **changes: Any) -> str:
    asked = run_job_flow(spec) | changes
    return str(reach.emr.run_job_flow(**asked)["JobFlowId"])


def test_a_cluster_of_somebody_else_is_not_touched(reach: Aws, spec: ClusterSpec) -> None:
    tags = run_job_flow(spec)["Tags"]
    others = [
        made_by_somebody(reach, spec, Tags=[tag for tag in tags if tag["Value"] != spec.name]),
        made_by_somebody(reach, spec, LogUri="s3://somebody-else/gristmill/logs/"),
    ]
    assert find_cluster(reach, spec) is None
    assert down(reach, spec, never, force=True) is None
    cluster = up(reach, spec, print, pause=briefly)
    assert cluster not in others
    second = made_by_somebody(reach, spec)
    with pytest.raises(UsageError, match=f"2 clusters are .*({cluster}|{second}).*terminate-cl"):
        find_cluster(reach, spec)
    with pytest.raises(UsageError, match="2 clusters are"):
        down(reach, spec, never, force=True)
    reach.emr.terminate_job_flows(JobFlowIds=[second, *others])
    assert down(reach, spec, never) == cluster


def test_runs_that_go_on_are_named_before_a_cluster_ends(reach: Aws, spec: ClusterSpec) -> None:
    protected = spec.model_copy(update={"termination_protection": True})
    cluster = up(reach, protected, print, pause=briefly)
    first = with_command(spec, cluster, "sleep", submission())
    first["Steps"][0]["HadoopJarStep"]["Args"] = ["sleep", "600"]
    reach.emr.add_job_flow_steps(**first)
    name, asked = first["Steps"][0]["Name"], []

    def no(question: str) -> bool:
        asked.append(question)
        return False

    with pytest.raises(BusyError, match=f"1 run goes on on {cluster}: {name} .*--force"):
        down(reach, spec, no)
    assert name in asked[0]
    assert find_cluster(reach, spec) == cluster
    # Protected as it is, though the spec does not say so any more.
    assert not spec.termination_protection
    assert down(reach, spec, lambda _question: True) == cluster
    assert find_cluster(reach, spec) is None


def test_a_cluster_that_dies_takes_its_runs_with_it(
    simulator: Simulator, reach: Aws, spec: ClusterSpec
) -> None:
    running = runner(reach, spec, "sleep 300")
    first, second = running.submit(submission()), running.submit(submission())
    deadline = time.monotonic() + TIMEOUT
    while running.poll([first])[first].state is not State.RUNNING:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert running.poll([second])[second].state is State.PENDING
    simulator.kill_cluster(first.target, "INSTANCE_FAILURE", "The primary node is gone.")
    for handle in (first, second):
        status = watch(running, handle, print, pause=briefly)
        assert status.state is State.FAILED
        assert f"{first.target} ended: INSTANCE_FAILURE The primary node is gone." in status.reason


@pytest.mark.parametrize("fault", FAULTS)
def test_what_ends_a_run_on_yarn_is_asked_for_once_whatever_becomes_of_the_answers(
    simulator: Simulator, reach: Aws, spec: ClusterSpec, fault: Fault
) -> None:
    cluster = up(reach, spec, print, pause=briefly)

    def request(wanted: Submission) -> Any:
        # Its arguments tell that it goes on in YARN.
        asked = with_command(spec, cluster, "sleep 300", wanted)
        arguments = asked["Steps"][0]["HadoopJarStep"]["Args"]
        arguments += ["cluster", f"spark.yarn.tags={wanted.run}"]
        return asked

    running = StepRunner(reach, spec.logs, request, cluster, pause=briefly)
    handle = running.submit(submission())
    deadline = time.monotonic() + TIMEOUT
    while running.poll([handle])[handle].state is not State.RUNNING:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    fault(simulator.faults, "AddJobFlowSteps")
    running.cancel(handle)
    names = [step["Name"] for step in steps(reach, cluster)]
    assert sum(name.startswith("gristmill cancel ") for name in names) == 1
    assert watch(running, handle, print, pause=briefly).state is State.CANCELLED


def test_logs_are_where_the_cluster_that_is_up_puts_them(reach: Aws, spec: ClusterSpec) -> None:
    cluster = up(reach, spec, print, pause=briefly)
    # Its spec has been changed since.
    assert log_folder(reach, cluster) == spec.logs
    assert spec.logs.startswith("s3://")


def test_throttled_polls_are_sat_out(simulator: Simulator, reach: Aws, spec: ClusterSpec) -> None:
    running = runner(reach, spec)
    handle = running.submit(submission())
    simulator.faults.throttle("ListSteps", 4)
    assert watch(running, handle, print, pause=briefly).state is State.SUCCEEDED


def test_many_runs_are_polled_ten_at_a_time(
    simulator: Simulator, reach: Aws, spec: ClusterSpec
) -> None:
    running = runner(reach, spec)
    handles = [running.submit(submission()) for _ in range(12)]
    for handle in handles:
        watch(running, handle, print, pause=briefly)
    before = simulator.faults.count("ListSteps"), simulator.faults.count("DescribeCluster")
    found = running.poll(handles)
    assert {status.state for status in found.values()} == {State.SUCCEEDED}
    after = simulator.faults.count("ListSteps"), simulator.faults.count("DescribeCluster")
    assert (after[0] - before[0], after[1] - before[1]) == (2, 0)


def test_where_there_are_no_machines_the_next_are_asked_for_once(
    aws: Simulator, reach: Aws, spec: ClusterSpec
) -> None:
    aws.timing.starting = 0.5
    types = ("m7g.xlarge", "m6g.xlarge")
    primary = spec.primary.model_copy(update={"instance_types": types})
    choice = spec.model_copy(update={"primary": primary})
    short = "EC2 has insufficient capacity for the requested instance type."
    told: list[str] = []

    def end(_seconds: float) -> None:
        briefly(_seconds)
        found = find_cluster(reach, spec)
        if found and not any("once more" in one for one in told):
            aws.kill_cluster(found, "INTERNAL_ERROR", short)

    made = up(reach, choice, told.append, end)
    assert "trying once more" in "".join(told)
    asked = [call for call in aws.faults.calls if call.operation == "RunJobFlow"][-2:]
    first, second = (
        call.parameters["Instances"]["InstanceFleets"][0]["InstanceTypeConfigs"][0]["InstanceType"]
        for call in asked
    )
    assert (first, second) == types
    assert down(reach, choice, never) == made


def recorded(spec: ClusterSpec, wanted: Submission, handle: Handle) -> Record:
    now = "2026-11-21T00:00:00+00:00"
    nowhere = f"{spec.home}/no-report.json"
    return Record(
        wanted, spec.name, spec.architecture, spec.logs, (nowhere,), now, "me@here", handle
    )


SAYS_WHY = "echo 'ValueError: the input is odd' >&2; exit 1"


@pytest.mark.parametrize(("delay", "waits"), [(2.0, True), (None, False)])
def test_logs_may_come_late_or_never_and_the_run_is_what_it_was(
    aws: Simulator, reach: Aws, spec: ClusterSpec, delay: float | None, waits: bool
) -> None:
    aws.timing.logs = delay
    running = runner(reach, spec, SAYS_WHY)
    wanted = submission()
    handle = running.submit(wanted)
    status = watch(running, handle, print, pause=briefly)
    told: list[str] = []
    found = run_outcome(
        reach,
        recorded(spec, wanted, handle),
        running,
        handle,
        status,
        prices=read_prices(),
        tell=told.append,
        patience=timedelta(seconds=100),
        pause=lambda _seconds: time.sleep(0.4),
    )
    assert found.status.state is State.FAILED
    assert len(told) == 1
    assert "waiting for its logs" in told[0]
    if waits:
        assert found.cause is not None
        assert any("ValueError: the input is odd" in line for line in found.cause.lines)
    else:
        assert found.cause is None
        assert found.logs == ()


def test_where_logs_cannot_be_read_the_answer_says_so_and_the_run_stays_what_it_was(
    reach: Aws, spec: ClusterSpec
) -> None:
    running = runner(reach, spec)
    wanted = submission()
    handle = running.submit(wanted)
    status = watch(running, handle, print, pause=briefly)
    nowhere = StepRunner(reach, "s3://no-such-bucket/logs")
    failed = type(status)(State.FAILED, status.detail, "it failed", status.started, status.ended)
    found = run_outcome(
        reach,
        recorded(spec, wanted, handle),
        nowhere,
        handle,
        failed,
        prices=read_prices(),
        tell=print,
        pause=briefly,
    )
    assert found.status is failed
    assert any("cannot list s3://no-such-bucket" in note for note in found.notes)


def test_what_aws_refuses_is_said_as_it_says_it(reach: Aws, spec: ClusterSpec) -> None:
    with pytest.raises(GristmillError, match="cannot list the steps of j-0000000000000"):
        list(steps(reach, "j-0000000000000"))
    unknown = spec.model_copy(update={"security_configuration": "nobody-knows"})
    with pytest.raises(GristmillError, match="nobody-knows"):
        up(reach, unknown, print, pause=briefly)


def test_what_is_up_already_says_that_it_is_as_it_was_made(reach: Aws, spec: ClusterSpec) -> None:
    told: list[str] = []
    cluster = up(reach, spec, told.append, pause=briefly)
    assert not any("was there already" in text for text in told)
    assert up(reach, spec, told.append, pause=briefly) == cluster
    assert any("was there already: what changed in its spec since" in text for text in told)
    assert down(reach, spec, never, force=True) == cluster


def test_a_job_run_whose_token_was_used_with_other_code_is_found_by_its_name(
    simulator: Simulator, reach: Aws
) -> None:
    account = {key: value for key, value in simulator.account.items() if key in SERVERLESS}
    serverless = made({**SERVERLESS, **account, "name": f"tokens-{secrets.token_hex(4)}"})
    assert isinstance(serverless, ServerlessSpec)
    application = applications.up(reach, serverless, print)
    wanted = submission()

    def with_code(name: str) -> ServerlessRunner:
        shipped = Shipped("s3://b/p.zip", f"s3://b/{name}.py")
        request = partial(start_job_run, serverless, application, shipped)
        return ServerlessRunner(reach, serverless.logs, request, application)

    first = with_code("old").submit(wanted)
    assert with_code("new").submit(wanted) == first
