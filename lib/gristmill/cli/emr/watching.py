"""A run watched to its end: what it says on the way, and what may end or repeat it."""

import argparse
import signal
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

from gristmill.cli.emr.context import HomeContext, resume_command
from gristmill.cli.emr.outcome import show
from gristmill.cli.voice import tell
from gristmill.emr.again import again, lost
from gristmill.emr.cost import cost
from gristmill.emr.outcome import RunOutcome, run_outcome
from gristmill.emr.prices import read_prices
from gristmill.emr.runners.serverless import ServerlessRunner
from gristmill.emr.runs import Record
from gristmill.emr.specs import load_spec
from gristmill.emr.submit import runner_of
from gristmill.emr.watch import DeadlineError, StillRunningError, watch
from gristmill.errors import ExitCode, GristmillError, UsageError
from gristmill.followers import follow
from gristmill.runs import Handle, Runner, State, Status

if TYPE_CHECKING:
    from decimal import Decimal

_CODES = {State.SUCCEEDED: ExitCode.DONE, State.CANCELLED: ExitCode.INTERRUPTED}
_ATTEMPTS = 2
_COUNT_SECONDS = 60.0


class OverBudgetError(GristmillError):
    """A run has cost more than it may."""


def see_through(arguments: argparse.Namespace, context: HomeContext, record: Record) -> int:
    """Watch a run to its end, try it once more where its machines were lost, and show its answer;
    gives the exit code."""
    if arguments.cancel_on_interrupt:
        # What ends scripts, such as CI, does it by SIGTERM.
        signal.signal(signal.SIGTERM, signal.default_int_handler)
    check_watch(arguments, is_serverless=_is_serverless(record))
    until = time.monotonic() + arguments.deadline.total_seconds()
    while True:
        ended = _ended(arguments, context, record, until)
        if isinstance(ended, int):
            return ended
        reason = lost(ended, record.handle.runner if record.handle else "")
        if reason is None or arguments.no_retry or record.submission.attempt >= _ATTEMPTS:
            break
        tell(f"run {record.run}: {reason}: {ended.status.reason}")
        try:
            record = _again(arguments, context, record, ended)
        except GristmillError as error:
            tell(f"note: it cannot be tried again: {error}")
            break
    show(record, ended, as_json=arguments.json)
    follow(ended.reports, tell)
    return _CODES.get(ended.status.state, ExitCode.FAILED)


def _is_serverless(record: Record) -> bool:
    return record.handle is not None and record.handle.runner == ServerlessRunner.name


def _again(
    arguments: argparse.Namespace, context: HomeContext, record: Record, ended: RunOutcome
) -> Record:
    tell("trying it once more, under the same key; what it has done is not done again")
    spec = load_spec(arguments.cluster, arguments.account)
    found = context.runs.find(record.run)
    if found is None or found.record.handle != record.handle:
        raise GristmillError("somebody else has it by now")
    return again(context.aws, found, spec, tell, reason=ended.status.reason)


def _ended(
    arguments: argparse.Namespace, context: HomeContext, record: Record, until: float
) -> RunOutcome | int:
    """How an attempt has ended; where it has not, the exit code of this process."""
    runner, handle = runner_of(context.aws, record)
    left = timedelta(seconds=max(0.0, until - time.monotonic()))
    within = _budget(arguments, context, record, handle)
    try:
        status = watch(runner, handle, _teller(record), deadline=left, each=within)
    except StillRunningError as error:
        if arguments.cancel and isinstance(error, DeadlineError):
            runner.cancel(handle)
            tell(f"not at its end after {arguments.deadline}: asked that run {record.run} end")
            return ExitCode.STILL_RUNNING
        raise StillRunningError(
            f"{error}\nTo take it up again: {resume_command(arguments, record.run)}"
        ) from None
    except OverBudgetError as error:
        runner.cancel(handle)
        raise OverBudgetError(f"run {record.run} {error}: asked that it end") from None
    except KeyboardInterrupt:
        return _interrupted(arguments, record, runner, handle)
    answered = answering(arguments, context, record, runner)
    try:
        return answered(handle, status, with_logs=not arguments.no_logs)
    except KeyboardInterrupt:
        rest = f"the rest of its answer: {resume_command(arguments, record.run)}"
        tell(f"run {record.run} has ended ({status.state.value}); {rest}")
        return ExitCode.INTERRUPTED


def answering(
    arguments: argparse.Namespace, context: HomeContext, record: Record, runner: Runner
) -> Callable[..., RunOutcome]:
    """What gives the answer of a run that has ended, at the prices that the flags name."""
    prices = read_prices(arguments.prices)
    return partial(run_outcome, context.aws, record, runner, prices=prices, tell=tell)


def _budget(
    arguments: argparse.Namespace, context: HomeContext, record: Record, handle: Handle
) -> Callable[[Status], None]:
    """What looks from time to time whether a run has cost more than it may."""
    budget: Decimal | None = arguments.budget
    if budget is None:
        return lambda _status: None
    prices = read_prices(arguments.prices)
    last = -_COUNT_SECONDS

    def look(status: Status) -> None:
        nonlocal last
        now = time.monotonic()
        if status.state.is_final or now - last < _COUNT_SECONDS:
            return
        last = now
        try:
            found = cost(context.aws, record, handle, status, prices)
        except GristmillError as error:
            # The run goes on, and so does the watch: it is looked at again.
            tell(f"note: {error}")
            return
        if found is not None and found.amount > budget:
            raise OverBudgetError(f"has cost {found}, and may cost {budget} {found.currency}")

    return look


def check_watch(arguments: argparse.Namespace, *, is_serverless: bool) -> None:
    """That what is asked of the watch can be kept. Raises `UsageError`."""
    asked = {"--budget": arguments.budget, "--cancel": arguments.cancel}
    if getattr(arguments, "detach", False) and (wanted := [k for k, v in asked.items() if v]):
        raise UsageError(f"{wanted[0]} is kept by whoever watches: leave out --detach")
    if arguments.budget is not None and is_serverless:
        raise UsageError(
            "--budget: EMR Serverless tells what a run has used once it is over: bound it by "
            "run_timeout and maximum_executors in its spec"
        )


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
