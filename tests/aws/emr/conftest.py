"""An AWS with EMR in it, which takes no longer than it must."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from simulator import Simulator, Timing
from simulator.s3 import S3Server

QUICK = Timing(
    starting=0.1, bootstrapping=0.1, pending=0, cancelling=0.1, terminating=0.1, logs=0.1
)


@pytest.fixture(scope="module")
def simulator(server: S3Server) -> Iterator[Simulator]:
    with Simulator(replace(QUICK), s3=server) as running:
        yield running


@pytest.fixture
def aws(simulator: Simulator) -> Iterator[Simulator]:
    """A simulator whose timing a test may change for itself."""
    before = vars(simulator.timing).copy()
    yield simulator
    vars(simulator.timing).update(before)


@pytest.fixture(scope="module")
def emr(simulator: Simulator) -> Any:
    return simulator.client("emr")
