"""Runs: submitted, watched, listed, cancelled."""

import argparse
import contextlib
import shlex
import signal
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial

from gristmill.catalogue import find_job
from gristmill.cli.emr.context import HomeContext, SpecContext, print_requests, resume_command
from gristmill.cli.emr.outcome import facts, show
from gristmill.cli.emr.targets import tell_drift
from gristmill.cli.show import Block, Table, blocks
from gristmill.cli.show import show as print_value
from gristmill.cli.voice import tell
from gristmill.emr.aws import Aws
from gristmill.emr.cost import read_prices
from gristmill.emr.links import look_at
from gristmill.emr.outcome import RunOutcome, run_outcome
from gristmill.emr.prepare import SubmitRequest
from gristmill.emr.redact import redact
from gristmill.emr.runs import Record
from gristmill.emr.specs import load_spec
from gristmill.emr.submit import plan, runner_of, submit
from gristmill.emr.watch import StillRunningError, watch
from gristmill.errors import ExitCode, GristmillError, UsageError
from gristmill.runs import Handle, Runner, State, Status

# Flags of submit that no job has: behind the job's name they would be taken for one of its own.
_OURS = {
    *("--account", "--cluster", "--transient", "--run", "--requirements", "--detach", "--dry-run"),
    *("--deadline", "--cancel-on-interrupt", "--prices"),
}


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


_CODES = {State.SUCCEEDED: ExitCode.DONE, State.CANCELLED: ExitCode.INTERRUPTED}


def _wanted(arguments: argparse.Namespace) -> SubmitRequest:
    found = find_job(arguments.job)
    job = found.job
    for word in arguments.argv:
        flag = word.partition("=")[0]
        if flag in _OURS:
            raise UsageError(
                f"{flag} goes before the job: gristmill emr submit {flag} … {job.name} --input …"
            )
    return SubmitRequest(
        job,
        tuple(arguments.argv),
        load_spec(arguments.cluster, arguments.account),
        arguments.run,
        arguments.transient,
        arguments.requirements,
        found,
    )


def submit_job(arguments: argparse.Namespace) -> int:
    """Submit a job and, unless it is left alone, see it through; gives the exit code."""
    wanted = _wanted(arguments)
    for note in wanted.target.notes:
        tell(f"note: {note}")
    if arguments.dry_run:
        return print_requests(plan(wanted))
    read_prices(arguments.prices)  # A table that is wrong had better be known of now.
    context = SpecContext.of(arguments)
    record = submit(context.aws, wanted, tell)
    tell(f"run {record.run}: {record.submission.job} on {_where(record)}")
    if arguments.detach:
        print(record.run)
        return 0
    return _see_through(arguments, context, record)


def show_plan(arguments: argparse.Namespace) -> int:
    """Print what AWS would be asked for; gives the exit code."""
    wanted = _wanted(arguments)
    for note in wanted.target.notes:
        tell(f"note: {note}")
    # In the request they are one encoded word.
    tell(f"arguments: {shlex.join(redact((wanted.job.name, *wanted.argv)))}")
    return print_requests(plan(wanted))


def attach(arguments: argparse.Namespace) -> int:
    """Take up a run again; gives the exit code."""
    read_prices(arguments.prices)
    context = HomeContext.of(arguments)
    return _see_through(arguments, context, context.runs.load(arguments.run))


def _see_through(arguments: argparse.Namespace, context: HomeContext, record: Record) -> int:
    """Watch a run to its end and show its answer; gives the exit code."""
    runner, handle = runner_of(context.aws, record)
    if arguments.cancel_on_interrupt:
        # What ends scripts, such as CI, does it by SIGTERM.
        signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        status = watch(runner, handle, _teller(record), deadline=arguments.deadline)
    except StillRunningError as error:
        raise StillRunningError(
            f"{error}\nTo take it up again: {resume_command(arguments, record.run)}"
        ) from None
    except KeyboardInterrupt:
        return _interrupted(arguments, record, runner, handle)
    answered = _answering(arguments, context, record, runner)
    try:
        found = answered(handle, status, with_logs=not arguments.no_logs)
    except KeyboardInterrupt:
        rest = f"the rest of its answer: {resume_command(arguments, record.run)}"
        tell(f"run {record.run} has ended ({status.state.value}); {rest}")
        return ExitCode.INTERRUPTED
    show(record, found, as_json=arguments.json)
    return _CODES.get(status.state, ExitCode.FAILED)


def _answering(
    arguments: argparse.Namespace, context: HomeContext, record: Record, runner: Runner
) -> Callable[..., RunOutcome]:
    """What gives the answer of a run that has ended, at the prices that the flags name."""
    prices = read_prices(arguments.prices)
    return partial(run_outcome, context.aws, record, runner, prices=prices, tell=tell)


def _teller(record: Record) -> Callable[[Status], None]:
    """Says what becomes of a run, with the time since it was submitted."""
    start = datetime.fromisoformat(record.created)

    def heard(status: Status) -> None:
        # It may have been submitted by a machine whose clock is ahead.
        passed = timedelta(seconds=max(0, int((datetime.now(UTC) - start).total_seconds())))
        tell(f"{passed}  {status.state.value:<9}  {status.detail}".rstrip())

    return heard


def _interrupted(
    arguments: argparse.Namespace, record: Record, runner: Runner, handle: Handle
) -> int:
    """What Ctrl-C means: cancelled if that was asked for, or is now; else the run goes on."""
    cancel, resume = arguments.cancel_on_interrupt, resume_command(arguments, record.run)
    if not cancel and sys.stdin.isatty():
        # Standard output may be a file, where nobody would see the question.
        print("\nThe run goes on. Cancel it? [y/N] ", end="", file=sys.stderr, flush=True)
        try:
            cancel = sys.stdin.readline().strip().lower().startswith("y")
        except KeyboardInterrupt:
            cancel = False
    if cancel:
        try:
            runner.cancel(handle)
        except GristmillError as error:
            tell(str(error))
        else:
            tell(f"asked that run {record.run} end: {resume} shows how")
            return ExitCode.INTERRUPTED
    tell(f"left run {record.run} running; to take it up again: {resume}")
    return ExitCode.INTERRUPTED


def _where(record: Record) -> str:
    handle = record.handle
    return f"{record.spec} ({handle.target}, {handle.id})" if handle else record.spec


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
    job, where = record.submission.job, _where(record)
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
    lines = [f"arguments: {shlex.join(argv)}", f"report: {record.report}"]
    if record.handle is None:
        return lines
    runner, handle = runner_of(context.aws, record)
    try:
        status = runner.poll([handle])[handle]
    except GristmillError as error:
        return [*lines, f"note: {error}"]
    lines.append(f"EMR says: {' '.join(filter(None, (status.detail, status.reason)))}")
    page = look_at(context.aws.region, record.handle)
    lines += [f"look at it: {page}"] if page else []
    if not status.state.is_final:
        return [*lines, f"logs: {runner.logs_at(handle)}"]
    answered = _answering(arguments, context, record, runner)
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


def logs(arguments: argparse.Namespace) -> int:
    """Print the logs of a run; gives the exit code."""
    context = HomeContext.of(arguments)
    runner, handle = runner_of(context.aws, context.runs.load(arguments.run))
    logs = runner.logs(handle)
    if not logs:
        tell("no logs yet: EMR puts them into S3 every five minutes")
    for log in logs:
        print(f"==> {log.uri}")
        print(runner.read(log))
    return 0
