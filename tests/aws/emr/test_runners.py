"""What every runner must do, tried with spark-submit on each: on this machine, as a step of a
cluster, on a cluster of its own, and on EMR Serverless.
"""

import secrets
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from gristmill.emr import applications
from gristmill.emr.aws import Aws
from gristmill.emr.cause import Kind, probable_cause
from gristmill.emr.package import Shipped
from gristmill.emr.requests.clusters import run_job_flow_for
from gristmill.emr.requests.serverless import start_job_run
from gristmill.emr.requests.steps import add_job_flow_steps
from gristmill.emr.runners.serverless import ServerlessRunner
from gristmill.emr.runners.steps import StepRunner
from gristmill.emr.runners.transient import TransientRunner
from gristmill.emr.specs import ServerlessSpec, Spec
from gristmill.emr.targets.cluster import up
from gristmill.emr.watch import watch
from gristmill.errors import GristmillError
from gristmill.runs import Handle, Runner, State, Status, Submission
from gristmill.runs.local import LocalRunner, spark_submit
from simulator import Simulator
from tests.support.emr_specs import CLUSTER, SERVERLESS, made
from tests.support.process import TIMEOUT

BEHAVE = Path(__file__).with_name("behave.py")
KINDS = ("local", "step", "transient", "serverless")


@pytest.fixture
def shipped(simulator: Simulator) -> Shipped:
    """The script, where clusters find it."""
    client = simulator.client("s3")
    client.upload_file(str(BEHAVE), simulator.bucket, "behave/entry.py")
    client.put_object(Bucket=simulator.bucket, Key="behave/empty.zip", Body=b"PK\5\6" + bytes(18))
    home = f"s3://{simulator.bucket}/behave"
    return Shipped(f"{home}/empty.zip", f"{home}/entry.py")


def spec_of(kind: str, simulator: Simulator) -> Spec:
    base = SERVERLESS if kind == "serverless" else CLUSTER
    account = {key: value for key, value in simulator.account.items() if key in base}
    return made({**base, **account, "name": "conformance"})


def runner_for(
    kind: str, reach: Aws, simulator: Simulator, shipped: Shipped, folder: Path
) -> Runner:
    if kind == "local":
        return LocalRunner(folder / "runs", spark_submit(BEHAVE))
    spec = spec_of(kind, simulator)
    if isinstance(spec, ServerlessSpec):
        application = applications.up(reach, spec, print)
        return ServerlessRunner(
            reach, spec.logs, partial(start_job_run, spec, application, shipped), application
        )
    if kind == "transient":
        return TransientRunner(reach, spec.logs, partial(run_job_flow_for, spec, shipped))
    cluster = up(reach, spec, print, pause=lambda _seconds: time.sleep(0.2))
    return StepRunner(
        reach, spec.logs, partial(add_job_flow_steps, spec, cluster, shipped), cluster
    )


@pytest.fixture(params=KINDS)
def runner(
    request: pytest.FixtureRequest,
    reach: Aws,
    simulator: Simulator,
    shipped: Shipped,
    tmp_path: Path,
) -> Runner:
    return runner_for(request.param, reach, simulator, shipped, tmp_path)


@pytest.fixture
def step_runner(reach: Aws, simulator: Simulator, shipped: Shipped, tmp_path: Path) -> Runner:
    return runner_for("step", reach, simulator, shipped, tmp_path)


def submission(how: str, *argv: str) -> Submission:
    return Submission(f"run-{secrets.token_hex(6)}", how, argv)


def ended(runner: Runner, handle: Handle) -> Status:
    return watch(runner, handle, print, pause=lambda _seconds: time.sleep(0.2))


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + TIMEOUT
    while not holds():
        assert time.monotonic() < deadline, "it never came about"
        time.sleep(0.2)


def printed(runner: Runner, handle: Handle) -> dict[str, str]:
    return {log.uri: runner.read(log) for log in runner.logs(handle)}


def test_a_run_that_goes_well_succeeds_and_its_logs_can_be_read(runner: Runner) -> None:
    handle = runner.submit(submission("well", "--flag", "a b"))
    status = ended(runner, handle)
    assert (status.state, status.reason) == (State.SUCCEEDED, "")
    assert status.started is not None
    assert status.ended is not None
    assert status.started <= status.ended
    until(lambda: any("behaving: well --flag a b" in t for t in printed(runner, handle).values()))


def test_a_run_that_fails_says_so_and_its_logs_say_why(runner: Runner) -> None:
    handle = runner.submit(submission("break"))
    status = ended(runner, handle)
    assert status.state is State.FAILED
    assert status.reason
    until(lambda: any("ValueError" in text for text in printed(runner, handle).values()))
    cause = probable_cause(printed(runner, handle))
    assert cause.kind is Kind.PYTHON
    assert any("ValueError: the input is odd" in line for line in cause.lines)


def test_a_run_that_is_cancelled_ends_and_nothing_of_it_goes_on(
    runner: Runner, tmp_path: Path
) -> None:
    beat = tmp_path / "beat"
    handle = runner.submit(submission("go-on", str(beat)))
    until(beat.exists)
    assert runner.poll([handle])[handle].state is State.RUNNING
    runner.cancel(handle)
    status = ended(runner, handle)
    assert status.state is State.CANCELLED
    until(lambda: time.time() - beat.stat().st_mtime > 2)
    runner.cancel(handle)
    assert runner.poll([handle])[handle].state is status.state


def test_what_is_submitted_twice_runs_once(runner: Runner) -> None:
    wanted = submission("well")
    first = runner.submit(wanted)
    assert runner.submit(wanted) == first
    assert ended(runner, first).state is State.SUCCEEDED
    assert runner.submit(wanted) == first


def test_several_runs_are_polled_together(runner: Runner) -> None:
    handles = [runner.submit(submission(how)) for how in ("well", "break")]
    found = {handle: ended(runner, handle).state for handle in handles}
    assert list(found.values()) == [State.SUCCEEDED, State.FAILED]
    together = runner.poll(handles)
    assert {handle: status.state for handle, status in together.items()} == found


def test_a_run_that_was_never_there_is_an_error(runner: Runner) -> None:
    handle = runner.submit(submission("well"))
    with pytest.raises(GristmillError):
        runner.poll([Handle(handle.runner, handle.target, "0000000000000000")])
    ended(runner, handle)
