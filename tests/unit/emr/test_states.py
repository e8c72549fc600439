"""States of AWS as ours: those that are new there end no watch."""

import pytest

from gristmill.emr.runners import serverless, steps
from gristmill.runs import State


@pytest.mark.parametrize(
    ("told", "state"),
    [
        ("PENDING", State.PENDING),
        ("CANCEL_PENDING", State.RUNNING),
        ("COMPLETED", State.SUCCEEDED),
        ("INTERRUPTED", State.FAILED),
        ("HIBERNATING", State.RUNNING),
    ],
)
def test_states_of_steps(told: str, state: State) -> None:
    status = steps.status_of({"Status": {"State": told}})
    assert (status.state, status.detail) == (state, told)


@pytest.mark.parametrize(
    ("told", "state"),
    [
        ("QUEUED", State.PENDING),
        ("CANCELLING", State.RUNNING),
        ("SUCCESS", State.SUCCEEDED),
        ("HIBERNATING", State.RUNNING),
    ],
)
def test_states_of_job_runs(told: str, state: State) -> None:
    status = serverless.status_of({"state": told})
    assert (status.state, status.detail) == (state, told)
