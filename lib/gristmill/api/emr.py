"""Runs on EMR by a call, as schedulers such as Airflow make it: with the flags of `gristmill emr
submit`, as `gristmill.run` has those of `gristmill run`."""

import logging
import os
from collections.abc import Callable, Iterable
from datetime import timedelta
from pathlib import Path
from typing import Any

from gristmill.catalogue import find_job
from gristmill.emr.again import again, lost
from gristmill.emr.aws import Aws
from gristmill.emr.files import ACCOUNT
from gristmill.emr.outcome import RunOutcome, run_outcome
from gristmill.emr.prepare import SubmitRequest
from gristmill.emr.prices import read_prices
from gristmill.emr.runs import Record, Runs
from gristmill.emr.specs import Spec, load_spec
from gristmill.emr.submit import runner_of, submit
from gristmill.emr.watch import watch
from gristmill.errors import RunError
from gristmill.followers import follow
from gristmill.model.report import Report
from gristmill.runs import State, Status

Place = str | os.PathLike[str]

_LOG = logging.getLogger(__name__)
_DAY = timedelta(hours=12)


def run(
    job: Place,
    *,
    input: Place | Iterable[Place],  # noqa: A002  the flag's name
    output: Place,
    key: str | None = None,
    cluster: str = "dev",
    account: Path | None = None,
    transient: bool = False,
    batch: str | None = None,
    replace: bool = False,
    table_format: str | None = None,
    deadline: timedelta = _DAY,
    retry: bool = True,
    notice: Callable[[str], None] = _LOG.info,
    **options: Any,
) -> Report:
    """Run a job on EMR, and wait for its end; gives its report.

    `key` is the run key: called again under it, from any machine, the run that is there is taken
    up; one that has succeeded gives its report again, and one that failed is tried again. `cluster`
    is a spec by its name or its file, `account` the file of what specs share; `options` are those
    of the job. Where its machines are lost it is tried once more, if `retry`. `notice` hears how it
    goes.

    Raises `UsageError` before anything is asked, `StillRunningError` where it has not ended by the
    deadline, and then goes on, and `RunError` where it failed or was cancelled, with the cause.
    """
    spec = _spec(cluster, account)
    aws = Aws(spec.region)
    found = find_job(os.fspath(job))
    inputs = (input,) if isinstance(input, str | os.PathLike) else tuple(input)
    argv = ["--input", *(os.fspath(one) for one in inputs), "--output", os.fspath(output)]
    argv += ["--batch", batch] if batch else []
    argv += ["--replace"] if replace else []
    argv += ["--table-format", table_format] if table_format else []
    argv += found.job.options.from_json(options).render()
    wanted = SubmitRequest(found.job, tuple(argv), spec, key, transient, own=found)
    runs = Runs(aws, spec.home)
    before = runs.find(key) if key else None
    record = submit(aws, wanted, notice)
    if before and before.record.handle:
        runner, handle = runner_of(aws, record)
        status = runner.poll([handle])[handle]
        if status.state in {State.FAILED, State.CANCELLED}:
            record = again(aws, before, spec, notice, reason=status.reason)
    first = record.submission.attempt
    while True:
        ended, reason = _seen_through(aws, record, deadline, notice)
        stored = runs.find(record.run) if reason else None
        if not (retry and reason and stored and record.submission.attempt == first):
            break
        notice(f"run {record.run}: {reason}: trying it once more")
        record = again(aws, stored, spec, notice, reason=ended.status.reason)
    follow(ended.reports, notice)
    if ended.status.state is State.SUCCEEDED and ended.reports:
        return ended.reports[-1]
    raise RunError(f"run {record.run}: {_why(ended, record)}")


def cancel(key: str, *, cluster: str = "dev", account: Path | None = None) -> None:
    """Ask that a run end, as a scheduler does whose task is killed. Raises `GristmillError`."""
    spec = _spec(cluster, account)
    aws = Aws(spec.region)
    runner, handle = runner_of(aws, Runs(aws, spec.home).load(key))
    if not runner.poll([handle])[handle].state.is_final:
        runner.cancel(handle)


def _spec(cluster: str, account: Path | None) -> Spec:
    return load_spec(cluster, account or Path(os.environ.get("GRISTMILL_EMR_ACCOUNT", ACCOUNT)))


def _seen_through(
    aws: Aws, record: Record, deadline: timedelta, notice: Callable[[str], None]
) -> tuple[RunOutcome, str | None]:
    """How an attempt ended, and what was lost where it is to be tried again."""
    runner, handle = runner_of(aws, record)

    def heard(status: Status) -> None:
        notice(f"run {record.run}: {status.state.value} {status.detail}")

    status = watch(runner, handle, heard, deadline=deadline)
    ended = run_outcome(aws, record, runner, handle, status, prices=read_prices(), tell=notice)
    has_succeeded = status.state is State.SUCCEEDED and ended.reports
    return ended, None if has_succeeded else lost(ended, handle.runner)


def _why(ended: RunOutcome, record: Record) -> str:
    if ended.status.state is State.SUCCEEDED:
        return f"it succeeded, but there is no report at {record.reports[-1]}"
    why = "\n".join(ended.cause.lines) if ended.cause else ended.status.reason
    return why or ended.status.state.value
