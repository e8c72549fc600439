"""When a run is tried again, and where."""

import pytest

from gristmill.emr.again import lost
from gristmill.emr.cause import Cause, Kind
from gristmill.emr.outcome import RunOutcome
from gristmill.emr.requests import title
from gristmill.emr.requests.serverless import start_job_run
from gristmill.emr.specs.elsewhere import elsewhere, has_elsewhere, is_short
from gristmill.model.report import Report
from gristmill.runs import State, Status, Submission
from tests.support.emr_specs import cluster, serverless
from tests.unit.emr.test_requests import SHIPPED

FAILED = Report(
    "r1", "word-count", "failed", {}, (), "s3://o", "2026-11-01T00:00:00+00:00", 1.0, error="odd"
)


def ended(reason: str = "", cause: Kind | None = None, state: State = State.FAILED) -> RunOutcome:
    why = Cause(cause, ("a line",), "s3://b/logs/stderr.gz") if cause else None
    return RunOutcome(Status(state, "FAILED", reason), "s3://b/logs/", cause=why)


@pytest.mark.parametrize(
    ("reason", "cause", "said"),
    [
        ("j-1 ended: INSTANCE_FAILURE The master node was terminated", None, "cluster was lost"),
        ("j-1 ended: INTERNAL_ERROR", None, "cluster was lost"),
        ("j-1 ended: BOOTSTRAP_FAILURE On the master instance", None, "did not start"),
        ("j-1 ended: INSTANCE_FLEET_TIMEOUT Fleet task", None, "no capacity"),
        ("j-1 ended: VALIDATION_ERROR Insufficient instance capacity", None, "no capacity"),
        ("j-1 ended: INTERNAL_ERROR EC2 is out of capacity: no capacity", None, "no capacity"),
        ("Unknown Error.", Kind.LOST_NODE, "machine of its driver"),
    ],
)
def test_what_was_lost_is_told_in_words(reason: str, cause: Kind | None, said: str) -> None:
    assert said in (lost(ended(reason, cause), "step") or "")


@pytest.mark.parametrize(
    ("reason", "cause"),
    [
        ("Unknown Error.", None),
        ("Unknown Error.", Kind.UNKNOWN),
        ("Unknown Error.", Kind.JAVA_MEMORY),
        ("Unknown Error.", Kind.PYTHON),
        ("j-1 ended: STEP_FAILURE Shut down as step failed", None),
        ("j-1 ended: VALIDATION_ERROR The instance profile is invalid", None),
        # Words of the job are not EMR's.
        ("SparkException: insufficient capacity of the queue", None),
        # What the job itself said comes before what became of its cluster.
        ("j-1 ended: INSTANCE_FAILURE", Kind.SAID),
    ],
)
def test_what_the_job_did_is_not_tried_again(reason: str, cause: Kind | None) -> None:
    assert lost(ended(reason, cause), "step") is None


def test_a_run_that_reported_its_failure_or_did_not_fail_is_not_tried_again() -> None:
    gone = "j-1 ended: INSTANCE_FAILURE"
    assert lost(ended(gone, state=State.CANCELLED), "step") is None
    assert lost(ended(gone, state=State.SUCCEEDED), "step") is None
    told = RunOutcome(Status(State.FAILED, "FAILED", gone), "s3://b/logs/", (FAILED,))
    assert lost(told, "step") is None


@pytest.mark.parametrize(
    ("reason", "said"),
    [
        ("Insufficient capacity in the subnets of the application", True),
        ("Job failed, please check complete logs. Last exceptions: no capacity left", False),
        ("The job run exceeded its execution timeout.", False),
    ],
)
def test_serverless_says_itself_that_it_has_no_capacity(reason: str, said: bool) -> None:
    assert bool(lost(ended(reason), "serverless")) == said


def test_elsewhere_is_the_next_type_and_the_next_subnet() -> None:
    subnets = ("subnet-0123456789abcdef0", "subnet-0123456789abcdef1")
    types = ("m7g.xlarge", "m6g.xlarge", "m8g.xlarge")
    spec = cluster(subnets=subnets, primary={"instance_types": types})
    turned = elsewhere(spec, 1)
    assert turned.subnets == (subnets[1], subnets[0])
    assert turned.primary.instance_types == (*types[1:], types[0])
    assert elsewhere(spec, 6).primary.instance_types == types
    assert has_elsewhere(spec)
    assert elsewhere(serverless(), 1) == serverless()
    assert not has_elsewhere(serverless())


def test_each_attempt_is_found_by_a_name_of_its_own() -> None:
    first, second = (Submission("r" * 48, "word-count", (), attempt=n) for n in (1, 2))
    assert title(first) == f"gristmill word-count {'r' * 48}"
    assert title(second) == f"{title(first)}-attempt-2"
    tokens = [
        start_job_run(serverless(), "00f1", SHIPPED, one)["clientToken"] for one in (first, second)
    ]
    assert len(set(tokens)) == 2
    assert max(map(len, tokens)) <= 64


def test_capacity_is_told_from_other_reasons() -> None:
    assert is_short("INTERNAL_ERROR_EC2_INSUFFICIENT_CAPACITY_AZ")
    assert not is_short("The job exceeded its execution timeout")
