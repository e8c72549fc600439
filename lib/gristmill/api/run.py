"""Running a job by a call, in any process and any thread, which are left as they were."""

import argparse
import contextlib
import dataclasses
import logging
import os
import re
from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

from pyspark.sql import SparkSession

from gristmill.catalogue import Found, find_job, let_workers_import
from gristmill.diagnosis.explain import explain
from gristmill.engine.progress import watch
from gristmill.engine.run import Run, execute
from gristmill.errors import GristmillError, RunError, UsageError
from gristmill.followers import follow
from gristmill.model.job import AnyJob, Job, Request
from gristmill.model.options import duration
from gristmill.model.progress import Progress
from gristmill.model.report import Report
from gristmill.readers.input_list import check_local, expand_local
from gristmill.script.places import failed
from gristmill.spark.session import end, session, settings_for, submitted
from gristmill.storage.hadoop import qualified

Notice = Callable[[str], None]
Place = str | os.PathLike[str]

_LOG = logging.getLogger(__name__)
_ENVIRONMENT = ("JAVA_HOME", "PYSPARK_PYTHON", "PYTHONPATH")


def run(
    job: AnyJob | Place,
    *,
    input: Place | Iterable[Place],  # noqa: A002  the flag's name
    output: Place,
    spark: SparkSession | None = None,
    batch: str | None = None,
    replace: bool = False,
    full: bool = False,
    table_format: str | None = None,
    max_reject_rate: float | None = None,
    wait: timedelta | str = "10m",
    notice: Notice | None = None,
    progress: Callable[[Progress], None] | None = None,
    **options: Any,
) -> Report:
    """Run a job and publish what it makes, as `gristmill run` does; gives the report.

    `job` is a `Job`, its name, the file that holds it, or `module:NAME`. `options` are those of the
    job; the others are the flags of `gristmill run`. The run has a session of its own beside
    `spark`, or beside the session that runs; where none does, one is started, and stopped at the
    end. `notice` hears what there is to say on the way, which else goes to the logger
    `gristmill.api.run`; `progress` hears five times a second how far the run is, from a thread of
    its own. It may be called from any thread. What follows each run in the project of the working
    directory, Glue's tables and lineage, is brought up to it.

    Raises `UsageError` before anything is started, and any other `GristmillError` where nothing was
    published; `error.retryable` says whether the same call may do better later.
    """
    found = None
    if not isinstance(job, Job):
        found = find_job(os.fspath(job))
        job = found.job
    inputs = (input,) if isinstance(input, str | os.PathLike) else tuple(input)
    request = Request(
        inputs=expand_local(tuple(os.fspath(one) for one in inputs)),
        output=os.fspath(output),
        options=job.options.from_json(options),
        max_reject_rate=max_reject_rate,
        wait=_span(wait),
        batch=batch,
        replace=replace,
        full=full,
        table_format=table_format,
    )
    tell = notice or _LOG.info
    this = Run.new()
    try:
        with (
            _session(spark or _running(), job, found, request, tell) as running,
            _watched(running, this, progress),
        ):
            report = _execute(running, job, _from_here(running, request), this, tell)
    except (Exception, KeyboardInterrupt) as error:
        why = "interrupted" if isinstance(error, KeyboardInterrupt) else str(error)
        follow([failed(job, request, this, why)], tell)
        raise
    follow([report], tell)
    return report


def _from_here(spark: SparkSession, request: Request) -> Request:
    """A request for a Java that was started in another folder of this disk, which is what it takes
    names by."""
    there = qualified(spark, ".")
    if not there.startswith("file:") or Path(there.removeprefix("file://")) == Path.cwd():
        return request

    def absolute(place: str) -> str:
        return place if re.match(r"@?[A-Za-z][\w+.-]*:", place) else str(Path(place).absolute())

    return dataclasses.replace(
        request,
        inputs=tuple(map(absolute, request.inputs)),
        output=absolute(request.output),
        options=request.options.with_files(absolute),
    )


def _watched(
    spark: SparkSession, this: Run, progress: Callable[[Progress], None] | None
) -> contextlib.AbstractContextManager[None]:
    return watch(spark, this.id, this.phase, progress) if progress else contextlib.nullcontext()


def _execute(spark: SparkSession, job: AnyJob, request: Request, this: Run, tell: Notice) -> Report:
    try:
        return execute(spark, job, request, this, tell)
    except GristmillError:
        raise
    except Exception as error:
        raise RunError(explain(error)) from error


def _span(wait: timedelta | str) -> timedelta:
    if isinstance(wait, timedelta):
        return wait
    try:
        return duration(wait)
    except argparse.ArgumentTypeError as error:
        raise UsageError(f"wait: {error}") from error


def _running() -> SparkSession | None:
    """The session of this thread, or of this process: any other that were asked for would be it,
    with other settings."""
    active = SparkSession.getActiveSession() or SparkSession._instantiatedSession
    stopped = active is not None and active.sparkContext._jsc is None
    return None if stopped else active


@contextlib.contextmanager
def _session(
    given: SparkSession | None, job: AnyJob, found: Found | None, request: Request, tell: Notice
) -> Iterator[SparkSession]:
    if given is not None:
        yield given
        return
    before = {name: os.environ.get(name) for name in _ENVIRONMENT}
    try:
        if not submitted():
            check_local(request.inputs)
        if found:
            let_workers_import(found)
        options = [value for value in request.options.to_json().values() if isinstance(value, str)]
        places = (*request.inputs, request.output, *options)
        own = session(f"gristmill {job.name}", settings_for(places, tell), quiet=False)
        try:
            yield own
        finally:
            end(own)
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
