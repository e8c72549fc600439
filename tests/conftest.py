"""One Spark for the tests of a process, and sample data."""

import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from gristmill.cli import main
from gristmill.engine.run import Run, execute
from gristmill.model.job import AnyJob, Request
from gristmill.model.options import Options
from gristmill.model.report import Report
from gristmill.sample import write_samples
from gristmill.spark.jdbc import DRIVERS
from gristmill.spark.session import session, settings_for, use_java
from tests.support.process import Finished, Gristmill
from tests.support.warm import Warm

RunJob = Callable[..., Report]

_LONGEST_NAME = 60


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Name a case by its argument where the value is data: ids are the same at every collection."""
    if isinstance(val, str) and len(val) <= _LONGEST_NAME and val.isprintable() and val.isascii():
        return None
    return argname if isinstance(val, str | bytes) else None


def pytest_sessionfinish(session: pytest.Session) -> None:
    """End what the tests have left warm, once all workers have ended."""
    factory: pytest.TempPathFactory = session.config._tmp_path_factory  # type: ignore[attr-defined]
    if "PYTEST_XDIST_WORKER" not in os.environ:
        Warm(factory.getbasetemp()).run("warm", "stop")


@pytest.fixture(scope="session")
def spark() -> Iterator[SparkSession]:
    use_java()
    settings = {
        "spark.master": "local[2]",
        "spark.driver.memory": "2g",
        "spark.sql.shuffle.partitions": "2",
        # Where only the first compiler runs, Java keeps room for few tests' code, and then stops.
        "spark.driver.extraJavaOptions": (
            "-XX:TieredStopAtLevel=1 -XX:-DontCompileHugeMethods -XX:ReservedCodeCacheSize=240m "
            "-XX:+UseSerialGC"
        ),
    }
    databases = [f"jdbc:{kind}:" for kind in DRIVERS]
    settings |= settings_for(databases, lambda text: print(text, file=sys.stderr))
    running = session("gristmill tests", settings)
    yield running
    running.stop()


@pytest.fixture
def run_job(spark: SparkSession, tmp_path: Path) -> RunJob:
    """Run a job in this process: `run_job(JOB, *inputs, options=…)`, to `tmp_path/"out"`."""

    def run(
        job: AnyJob,
        *inputs: Path | str,
        options: Options | None = None,
        output: Path | None = None,
        max_reject_rate: float | None = None,
    ) -> Report:
        request = Request(
            inputs=tuple(map(str, inputs)),
            output=str(output or tmp_path / "out"),
            options=options or job.options(),
            max_reject_rate=max_reject_rate,
        )
        return execute(spark, job, request, Run.new(), lambda _text: None)

    return run


@pytest.fixture
def command(
    spark: SparkSession, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Gristmill:
    """Run `gristmill` with arguments in this process, on its Spark."""
    monkeypatch.setattr("gristmill.script.command.session", lambda *_args, **_kwargs: spark)
    monkeypatch.setattr(SparkSession, "stop", lambda _self: None)
    monkeypatch.setattr(signal, "signal", lambda *_args: None)

    def run(*arguments: str | Path) -> Finished:
        capsys.readouterr()
        code = main([str(argument) for argument in arguments])
        told = capsys.readouterr()
        return Finished(code, told.out, told.err)

    return run


@pytest.fixture(scope="session")
def samples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Small sample data: `logs/` and `text/`."""
    folder = tmp_path_factory.mktemp("samples")
    write_samples(folder, requests=2000, words=3000)
    return folder
