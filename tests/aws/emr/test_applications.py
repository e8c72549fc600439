"""Applications of EMR Serverless as operators have them: ready, changed, stopped, gone."""

import secrets
import time
from collections.abc import Callable
from typing import Any

import pytest

from gristmill.emr.applications import down, drift, up
from gristmill.emr.aws import Aws
from gristmill.emr.package import Shipped
from gristmill.emr.prepare import SubmitRequest
from gristmill.emr.requests.serverless import create_application, start_job_run
from gristmill.emr.runners.serverless import find_application
from gristmill.emr.specs import ServerlessSpec
from gristmill.emr.submit import submit
from gristmill.errors import BusyError, UsageError
from gristmill.jobs import CATALOGUE
from gristmill.runs import Submission
from simulator import Simulator
from tests.support.emr_specs import SERVERLESS, made


@pytest.fixture
def of(simulator: Simulator) -> Callable[..., ServerlessSpec]:
    """Specs of one application, each with changes."""
    account = {key: value for key, value in simulator.account.items() if key in SERVERLESS}
    name = f"app-{secrets.token_hex(4)}"

    def spec(**changes: Any) -> ServerlessSpec:
        found = made({**SERVERLESS, **account, "name": name, **changes})
        assert isinstance(found, ServerlessSpec)
        return found

    return spec


def briefly(_seconds: float) -> None:
    time.sleep(0.02)


def never(question: str) -> bool:
    raise AssertionError(question)


def state(reach: Aws, application: str) -> str:
    found = reach.serverless.get_application(applicationId=application)["application"]
    return str(found["state"])


def waiting_run(reach: Aws, spec: ServerlessSpec, application: str, simulator: Simulator) -> str:
    """A run that goes on until it is cancelled."""
    client, key = simulator.client("s3"), f"apps/{application}"
    script = b"import time\ntime.sleep(600)\n"
    client.put_object(Bucket=simulator.bucket, Key=f"{key}/entry.py", Body=script)
    client.put_object(Bucket=simulator.bucket, Key=f"{key}/e.zip", Body=b"PK\5\6" + bytes(18))
    home = f"s3://{simulator.bucket}/{key}"
    shipped = Shipped(f"{home}/e.zip", f"{home}/entry.py")
    run = Submission(f"run-{secrets.token_hex(4)}", "word-count", ())
    asked = start_job_run(spec, application, shipped, run)
    return str(reach.serverless.start_job_run(**asked)["jobRunId"])


def test_up_waits_until_it_is_ready(reach: Aws, of: Callable[..., ServerlessSpec]) -> None:
    told: list[str] = []
    application = up(reach, of(), told.append, briefly)
    assert state(reach, application) == "CREATED"
    assert f"application {application} CREATING" in told
    assert told[-1] == f"application {application} takes runs (CREATED)"
    assert up(reach, of(), told.append, briefly) == application


def test_workers_that_wait_are_there_once_it_is_up(
    reach: Aws, of: Callable[..., ServerlessSpec]
) -> None:
    spec = of(initial={"drivers": 1, "executors": 2})
    application = up(reach, spec, print, briefly)
    assert state(reach, application) == "STARTED"
    assert down(reach, spec, never, print, briefly, delete=True) == application


def test_another_application_is_refused_and_changed_where_that_is_asked_for(
    reach: Aws, of: Callable[..., ServerlessSpec]
) -> None:
    application = up(reach, of(), print, briefly)
    other = of(architecture="x86_64", maximum={"vcpu": 16, "memory_gib": 64}, maximum_runs=3)
    with pytest.raises(UsageError, match="X86_64 in the spec, ARM64 there") as caught:
        up(reach, other, print, briefly)
    assert "scheduler configuration: maxConcurrentRuns 3" in str(caught.value)
    assert "up --update" in str(caught.value)
    # From any state.
    reach.serverless.start_application(applicationId=application)
    assert up(reach, other, print, briefly, update=True) == application
    assert drift(reach, other, application) == []
    assert up(reach, other, print, briefly) == application


def test_what_cannot_be_changed_is_said(reach: Aws, of: Callable[..., ServerlessSpec]) -> None:
    region = of().region
    image = f"111122223333.dkr.ecr.{region}.amazonaws.com/spark:1"
    application = up(reach, of(image=image), print, briefly)
    with pytest.raises(UsageError, match=r"cannot lose its imageConfiguration.*down --delete"):
        up(reach, of(), print, briefly, update=True)
    assert down(reach, of(), never, print, briefly, delete=True) == application
    assert find_application(reach, of()) is None
    assert up(reach, of(), print, briefly) != application


def test_runs_that_go_on_are_named_and_cancelled_where_that_is_wanted(
    reach: Aws, of: Callable[..., ServerlessSpec], simulator: Simulator
) -> None:
    spec = of()
    application = up(reach, spec, print, briefly)
    waiting_run(reach, spec, application, simulator)
    asked: list[str] = []

    def no(question: str) -> bool:
        asked.append(question)
        return False

    with pytest.raises(BusyError, match=r"1 run goes on .*gristmill word-count run-.*--force"):
        down(reach, spec, no, print, briefly)
    assert "gristmill word-count run-" in asked[0]
    with pytest.raises(BusyError, match="cannot be changed while runs go on"):
        up(reach, of(maximum_runs=2), print, briefly, update=True)
    assert down(reach, spec, never, print, briefly, force=True, delete=True) == application
    assert state(reach, application) == "TERMINATED"
    assert down(reach, spec, never, print, briefly) is None


def test_two_of_a_name_are_refused_with_both(reach: Aws, of: Callable[..., ServerlessSpec]) -> None:
    up(reach, of(), print, briefly)
    reach.serverless.create_application(**create_application(of()))
    with pytest.raises(UsageError, match="2 applications are called"):
        up(reach, of(), print, briefly)


def test_a_submission_says_where_the_application_is_another_one(
    reach: Aws, of: Callable[..., ServerlessSpec], tmp_path: Any
) -> None:
    up(reach, of(), print, briefly)
    spec, told = of(architecture="x86_64"), list[str]()
    where = ("--input", "s3://b/in", "--output", "s3://b/out", "--corpus", "c")
    needs = tmp_path / "requirements.txt"
    needs.write_text("six==1.17.0\n")
    wanted = SubmitRequest(CATALOGUE["word-count"], where, spec, requirements=needs)
    with pytest.raises(UsageError, match="dependencies are built for the spec's"):
        submit(reach, wanted, print)
    record = submit(reach, SubmitRequest(CATALOGUE["word-count"], where, spec), told.append)
    assert any("architecture: X86_64 in the spec, ARM64 there" in line for line in told)
    assert record.handle is not None
    down(reach, spec, never, print, briefly, force=True)
