"""Runs: submitted, watched, listed, cancelled."""

import argparse
import contextlib
import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from gristmill.cli.emr.context import HomeContext, SpecContext
from gristmill.cli.emr.outcome import facts
from gristmill.cli.emr.submitting import where_of
from gristmill.cli.emr.targets import tell_drift
from gristmill.cli.emr.watching import answering
from gristmill.cli.show import Block, Table, blocks
from gristmill.cli.show import show as print_value
from gristmill.cli.voice import tell
from gristmill.emr.aws import Aws
from gristmill.emr.links import look_at
from gristmill.emr.redact import redact
from gristmill.emr.requests.event_logs import event_logs_at
from gristmill.emr.runs import Record
from gristmill.emr.submit import runner_of
from gristmill.errors import GristmillError, UsageError
from gristmill.runs import Handle, Runner, Status


@dataclass(frozen=True)
class RunSummary:
    """A run on EMR: its key, its job, its state, where it runs, when it was submitted and by whom.

    The state is one of `gristmill.runs.State`, `not submitted`, or `unknown`.
    """

    run: str
    job: str
    state: str
    where: str
    submitted: datetime
    owner: str


@dataclass(frozen=True)
class RunList:
    """Runs on EMR, the newest first; of a single one that was asked for also all `details`."""

    runs: tuple[RunSummary, ...]
    details: tuple[str, ...] = ()


def status(arguments: argparse.Namespace) -> int:
    """List runs; gives the exit code."""
    if arguments.n < 1:
        raise UsageError(f"-n takes 1 or more, not {arguments.n}")
    context = HomeContext.of(arguments)
    runs, wanted = context.runs, arguments.run
    records = [runs.load(wanted)] if wanted else runs.newest(arguments.n)
    states = _states(context.aws, records)
    found = tuple(_summary(record, states[record.run]) for record in records)
    details = tuple(_details(arguments, context, records[0])) if wanted else ()
    print_value(RunList(found, details), as_json=arguments.json)
    with contextlib.suppress(UsageError):  # a spec that is not whole has no application
        tell_drift(SpecContext.of(arguments))
    return 0


def _summary(record: Record, state: str) -> RunSummary:
    submitted = datetime.fromisoformat(record.created)
    job, where = record.submission.job, where_of(record)
    return RunSummary(record.run, job, state, where, submitted, record.owner)


@blocks.register
def _(found: RunList) -> Iterable[Block]:
    rows = [
        (one.run, one.job, one.state, one.where, f"{one.submitted:%Y-%m-%dT%H:%M:%SZ}", one.owner)
        for one in found.runs
    ]
    heading = ("run", "job", "state", "on", "submitted", "by")
    yield Table(heading, rows) if rows else "nothing was submitted yet"
    yield from found.details


def _details(arguments: argparse.Namespace, context: HomeContext, record: Record) -> list[str]:
    """All that is known of a run now: nothing is waited for."""
    argv = redact((record.submission.job, *record.submission.argv))
    lines = [f"arguments: {shlex.join(argv)}", *(f"report: {uri}" for uri in record.reports)]
    lines += [f"lost before: {one.target}, {one.id}" for one in record.earlier]
    if record.handle is None:
        return lines
    runner, handle = runner_of(context.aws, record)
    try:
        status = runner.poll([handle])[handle]
    except GristmillError as error:
        return [*lines, f"note: {error}"]
    lines.append(f"EMR says: {' '.join(filter(None, (status.detail, status.reason)))}")
    events = event_logs_at(context.home, record.logs, record.run, handle)
    lines.append(f"what stood still: gristmill tuning {events}")
    page = look_at(context.aws.region, record.handle)
    lines += [f"look at it: {page}"] if page else []
    if not status.state.is_final:
        return [*lines, f"logs: {runner.logs_at(handle)}"]
    answered = answering(arguments, context, record, runner)
    found = answered(handle, status, patience=timedelta())
    known = facts(record, found)
    at = f"logs: {found.logs_at}"
    return [*lines, *known, *([] if at in known else [at])]


def _states(aws: Aws, records: Sequence[Record]) -> dict[str, str]:
    """The state of each run, in one poll for each kind of runner."""
    states = {record.run: "not submitted" for record in records}
    kinds: dict[str, tuple[Runner, dict[Handle, str]]] = {}
    for record in records:
        if record.handle:
            runner, handle = runner_of(aws, record)
            kinds.setdefault(handle.runner, (runner, {}))[1][handle] = record.run
    for runner, handles in kinds.values():
        try:
            found = runner.poll(list(handles))
        except GristmillError as error:
            # One that AWS has forgotten must not hide the others.
            tell(f"note: {error}")
            found = _one_by_one(runner, list(handles))
        for handle, run in handles.items():
            states[run] = found[handle].state.value if handle in found else "unknown"
    return states


def _one_by_one(runner: Runner, handles: Sequence[Handle]) -> dict[Handle, Status]:
    found: dict[Handle, Status] = {}
    for handle in handles:
        try:
            found |= runner.poll([handle])
        except GristmillError:
            continue
    return found


def cancel(arguments: argparse.Namespace) -> int:
    """Ask that a run end; gives the exit code."""
    context = HomeContext.of(arguments)
    record = context.runs.load(arguments.run)
    runner, handle = runner_of(context.aws, record)
    status = runner.poll([handle])[handle]
    if status.state.is_final:
        tell(f"run {record.run} has ended already ({status.state.value})")
        return 0
    runner.cancel(handle)
    tell(f"asked that run {record.run} end")
    return 0
