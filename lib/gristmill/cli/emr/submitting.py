"""Runs submitted, taken up again, tried again."""

import argparse
import json
import shlex

from gristmill.catalogue import find_job
from gristmill.cli.emr.chains import read_chain
from gristmill.cli.emr.context import HomeContext, SpecContext, print_requests
from gristmill.cli.emr.costs import show_elsewhere
from gristmill.cli.emr.watching import check_watch, see_through
from gristmill.cli.voice import tell
from gristmill.emr.again import again
from gristmill.emr.prepare import Step, SubmitRequest
from gristmill.emr.prices import read_prices
from gristmill.emr.redact import redact
from gristmill.emr.runs import Record
from gristmill.emr.schedules import ship, template
from gristmill.emr.specs import ServerlessSpec, load_spec
from gristmill.emr.submit import plan, runner_of, submit
from gristmill.errors import BusyError, ExitCode, UsageError
from gristmill.runs import State
from gristmill.runs.chains import joined, steps_of

# Flags of submit that no job has: behind the job's name they would be taken for one of its own.
_OURS = {
    *("--account", "--cluster", "--transient", "--run", "--requirements", "--detach", "--dry-run"),
    *("--deadline", "--cancel", "--cancel-on-interrupt", "--prices", "--budget", "--no-retry"),
    "--chain",
}


def _wanted(arguments: argparse.Namespace) -> SubmitRequest:
    words = _words(arguments)
    for word in words:
        flag = word.partition("=")[0]
        if flag in _OURS:
            raise UsageError(f"{flag} goes before the job: gristmill emr submit {flag} … JOB …")
    first, *then = (
        Step(found.job, argv, found)
        for found, argv in ((find_job(job), argv) for job, argv in steps_of(words))
    )
    return SubmitRequest(
        first.job,
        first.argv,
        load_spec(arguments.cluster, arguments.account),
        arguments.run,
        arguments.transient,
        arguments.requirements,
        first.own,
        tuple(then),
    )


def _words(arguments: argparse.Namespace) -> tuple[str, ...]:
    """The jobs with their flags, as they stand on the command line or in a file."""
    if arguments.chain is None:
        if arguments.job is None:
            raise UsageError("which job? gristmill emr submit JOB …; gristmill jobs lists them")
        return (arguments.job, *arguments.argv)
    if arguments.job is not None:
        raise UsageError(f"--chain names the jobs: leave out {arguments.job}")
    return read_chain(arguments.chain)


def submit_job(arguments: argparse.Namespace) -> int:
    """Submit a job and, unless it is left alone, see it through; gives the exit code."""
    wanted = _wanted(arguments)
    for note in wanted.target.notes:
        tell(f"note: {note}")
    if arguments.dry_run:
        return print_requests(plan(wanted))
    read_prices(arguments.prices)  # A table that is wrong had better be known of now.
    check_watch(arguments, is_serverless=isinstance(wanted.spec, ServerlessSpec))
    context = SpecContext.of(arguments)
    record = submit(context.aws, wanted, tell)
    tell(f"run {record.run}: {record.submission.job} on {where_of(record)}")
    if arguments.detach:
        print(record.run)
        return 0
    return see_through(arguments, context, record)


def show_plan(arguments: argparse.Namespace) -> int:
    """Print what AWS would be asked for; gives the exit code."""
    wanted = _wanted(arguments)
    for note in wanted.target.notes:
        tell(f"note: {note}")
    words = joined([(step.job.name, step.argv) for step in wanted.steps])
    # In the request they are one encoded word.
    tell(f"arguments: {shlex.join(redact(words))}")
    if arguments.costs:
        show_elsewhere(arguments, wanted.job.name)
        return ExitCode.DONE
    return print_requests(plan(wanted))


def show_template(arguments: argparse.Namespace) -> int:
    """Print a template by which AWS runs a job; gives the exit code."""
    wanted = _wanted(arguments)
    if arguments.run:
        raise UsageError("--run: each run has the key of its execution")
    made = template(wanted, arguments.schedule, arguments.kind)
    if arguments.upload:
        ship(SpecContext.of(arguments).aws, wanted)
    else:
        tell("note: what it names has to be in S3: --upload brings it there")
    print(json.dumps(made, indent=2, ensure_ascii=False))
    return ExitCode.DONE


def attach(arguments: argparse.Namespace) -> int:
    """Take up a run again; gives the exit code."""
    read_prices(arguments.prices)
    context = HomeContext.of(arguments)
    return see_through(arguments, context, context.runs.load(arguments.run))


def resume(arguments: argparse.Namespace) -> int:
    """Try a run again that has not succeeded, and see it through; gives the exit code."""
    read_prices(arguments.prices)
    context = SpecContext.of(arguments)
    found = context.runs.find(arguments.run)
    record = found.record if found else context.runs.load(arguments.run)
    if found and record.handle:
        runner, handle = runner_of(context.aws, record)
        status = runner.poll([handle])[handle]
        if status.state is State.SUCCEEDED:
            tell(f"run {record.run} has succeeded already")
            return ExitCode.DONE
        if not status.state.is_final:
            raise BusyError(f"run {record.run} goes on ({status.detail}): gristmill emr attach")
    if found:
        record = again(context.aws, found, context.spec, tell)
    tell(f"run {record.run}: {record.submission.job} on {where_of(record)}")
    return see_through(arguments, context, record)


def where_of(record: Record) -> str:
    """On what a run is, for people."""
    handle = record.handle
    return f"{record.spec} ({handle.target}, {handle.id})" if handle else record.spec
