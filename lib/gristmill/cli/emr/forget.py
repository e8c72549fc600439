"""What is written down of a run, taken away."""

import argparse

from gristmill.cli.emr.context import SpecContext
from gristmill.cli.voice import tell
from gristmill.emr.aws import Aws
from gristmill.emr.claims import HELD
from gristmill.emr.runs import Found
from gristmill.emr.submit import runner_of
from gristmill.errors import BusyError, GristmillError, InputError


def forget(arguments: argparse.Namespace) -> int:
    """Take away what is written down of a run; gives the exit code."""
    context = SpecContext.of(arguments)
    found = context.runs.find(arguments.run)
    if found is None:
        # It says where it was looked for.
        context.runs.load(arguments.run)
        return 0
    _check_over(context.aws, found, force=arguments.force)
    if not context.runs.remove(found):
        raise BusyError(f"run {arguments.run} has just changed: look at it, then try again")
    tell(f"forgot run {arguments.run}")
    return 0


def _check_over(aws: Aws, found: Found, *, force: bool) -> None:
    record = found.record
    if record.handle is None:
        if record.claim and found.age < HELD and not force:
            raise BusyError(f"{record.owner} is about to submit run {record.run}: wait for it")
        return
    runner, handle = runner_of(aws, record)
    try:
        status = runner.poll([handle])[handle]
    except InputError as error:
        # Whoever has it no more runs it no more.
        tell(f"note: {error}")
        return
    except GristmillError as error:
        if force:
            tell(f"note: {error}")
            return
        raise GristmillError(f"{error}\n--force forgets run {record.run} all the same") from error
    if not status.state.is_final:
        raise BusyError(f"run {record.run} goes on ({status.detail}): cancel it first")
