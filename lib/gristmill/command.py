"""A job as a command: the same flags, output and exit codes under every face."""

import argparse
import logging
import signal
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path

from gristmill.console import Console
from gristmill.errors import GristmillError
from gristmill.execute import Run, execute
from gristmill.failures import explain
from gristmill.job import AnyJob, Request
from gristmill.options import ArgumentParser, duration
from gristmill.progress import watch
from gristmill.report import Report
from gristmill.session import aside, s3_settings, session, spark_version, submitted, use_java

INTERRUPTED = 130


def main(job: AnyJob) -> None:
    """Run `job` with the flags of this process, then exit: what makes a module a script."""
    sys.exit(run_command(job, sys.argv[1:], Console(), program=Path(sys.argv[0]).name))


def run_command(job: AnyJob, argv: Sequence[str], console: Console, program: str) -> int:
    """Run `job` with the flags in `argv`.

    Gives the exit code: 0 done, 1 failed, 2 wrong usage, 3 too many rejects, 4 another run
    writes the same datasets, 130 interrupted.
    """
    debug = "--debug" in argv
    if not debug:
        # Py4J logs each Ctrl-C with its stack; without a handler that would go to the terminal.
        logging.getLogger().addHandler(logging.NullHandler())
    try:
        arguments = job_parser(job, program).parse_args(list(argv))
        request = Request(
            inputs=tuple(arguments.input),
            output=arguments.output,
            options=job.options.from_namespace(arguments),
            max_reject_rate=arguments.max_reject_rate,
            wait=arguments.wait,
            batch=arguments.batch,
        )
        return _run(job, request, arguments.report, console, debug=debug)
    except GristmillError as error:
        console.fail(str(error))
        if debug:
            traceback.print_exc()
        return error.exit_code


def job_parser(job: AnyJob, program: str) -> argparse.ArgumentParser:
    """The flags of a job: where to read and write, its own options, and how to report."""
    parser = ArgumentParser(prog=program, description=job.help, allow_abbrev=False)
    parser.add_argument(
        "--input",
        nargs="+",
        action="extend",
        required=True,
        metavar="URI",
        help=f"what to read: {job.reads.help}",
    )
    parser.add_argument(
        "--output", required=True, metavar="URI", help="the output root, which holds the datasets"
    )
    parser.add_argument(
        "--batch",
        metavar="NAME",
        help="name what is loaded: a later run of that name replaces it (default: the input does)",
    )
    job.options.add_arguments(parser)
    group = parser.add_argument_group("how it runs")
    group.add_argument("--report", type=Path, metavar="FILE", help="write a report as JSON")
    group.add_argument(
        "--max-reject-rate",
        type=float,
        default=1.0,
        metavar="R",
        help="publish nothing if a larger share of the lines (0 to 1) is rejected (default: 1)",
    )
    group.add_argument(
        "--wait",
        type=duration,
        default="10m",
        metavar="SPAN",
        help="how long to wait for another run that writes the same datasets (default: 10m)",
    )
    group.add_argument("--debug", action="store_true", help="print everything when it fails")
    return parser


def _run(
    job: AnyJob, request: Request, report_to: Path | None, console: Console, *, debug: bool
) -> int:
    run = Run.new()
    try:
        report = _execute(job, request, run, console, debug=debug)
    except (Exception, KeyboardInterrupt) as error:
        console.close()
        cause = explain(error)
        code = error.exit_code if isinstance(error, GristmillError) else 1
        if isinstance(error, KeyboardInterrupt):
            cause, code = "interrupted; nothing was published", INTERRUPTED
        console.fail(cause)
        if debug:
            traceback.print_exc()
        if report_to:
            try:
                failed(job, request, run, cause).write(report_to)
            except GristmillError as unwritten:
                console.fail(str(unwritten))
        return code
    console.close()
    console.result(report)
    if report_to:
        report.write(report_to)
    return 0


def _execute(job: AnyJob, request: Request, run: Run, console: Console, *, debug: bool) -> Report:
    if not submitted():
        console.tell(f"starting Spark {spark_version()} on {use_java()}")
    _heed_signals()
    # An option may name a file, too.
    options = [value for value in request.options.to_json().values() if isinstance(value, str)]
    settings = s3_settings((*request.inputs, request.output, *options), console.tell)
    spark = session(f"gristmill {job.name}", settings, debug=debug)
    # Again, since PySpark has put a handler of its own, which calls the JVM amid another call.
    _heed_signals()
    try:
        with watch(spark, console.progress):
            return execute(spark, job, request, run, console.tell)
    finally:
        aside(spark.stop)


def _heed_signals() -> None:
    """Let SIGTERM, by which a job manager ends a run, interrupt as Ctrl-C does."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)


def failed(job: AnyJob, request: Request, run: Run, cause: str) -> Report:
    """The report of a run that published nothing."""
    return Report(
        run=run.id,
        job=job.name,
        state="failed",
        options=request.options.to_json(),
        inputs=request.inputs,
        output=request.output,
        started=run.started.isoformat(timespec="seconds"),
        seconds=run.seconds,
        error=cause,
    )
