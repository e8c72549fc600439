"""An AWS with EMR in it, which takes no longer than it must."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gristmill.emr.aws import Aws
from gristmill.sample import write_samples
from simulator import Simulator, Timing
from simulator.s3 import S3Server
from tests.support.process import BIN, Finished, finish

Command = Callable[..., Finished]

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


@pytest.fixture
def reach(simulator: Simulator, monkeypatch: pytest.MonkeyPatch) -> Aws:
    """Clients of the simulated AWS, found as a user's environment names it."""
    for name, value in simulator.environ.items():
        monkeypatch.setenv(name, value)
    return Aws(simulator.account["region"])


@pytest.fixture(scope="module")
def emr(simulator: Simulator) -> Any:
    return simulator.client("emr")


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("samples")
    write_samples(folder, requests=1000, words=1000, billing=100)
    return folder


@pytest.fixture(scope="module")
def command(
    simulator: Simulator, samples: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Command]:
    """Commands that reach the simulator, with samples in its S3 and a cluster that is up."""
    for path in samples.rglob("*"):
        if path.is_file():
            key = f"in/{path.relative_to(samples)}"
            simulator.client("s3").upload_file(str(path), simulator.bucket, key)
    account = simulator.write_account(tmp_path_factory.mktemp("account") / "account.toml")
    with pytest.MonkeyPatch.context() as patched:
        for name, value in simulator.environ.items():
            patched.setenv(name, value)
        patched.setenv("GRISTMILL_EMR_ACCOUNT", str(account))

        def run(*arguments: str | Path) -> Finished:
            return finish([BIN / "gristmill", "emr", *arguments])

        done = run("up")
        assert done.code == 0, done.err
        assert "WAITING" in done.err
        yield run
        assert run("down").code == 0
