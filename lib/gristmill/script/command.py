"""A job as a command: the same flags, output and exit codes under every face."""

import argparse
import logging
import signal
import sys
import traceback
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from pyspark.sql import SparkSession

from gristmill.diagnosis.explain import explain
from gristmill.engine.progress import watch
from gristmill.engine.run import Run, execute
from gristmill.errors import ExitCode, GristmillError, InputError, OutputError
from gristmill.model.job import AnyJob, Request
from gristmill.model.options import ArgumentParser, duration
from gristmill.model.report import Report
from gristmill.readers.input_list import check_local, expand, expand_local, file_of
from gristmill.script.console import Console
from gristmill.spark.session import aside, session, settings_for, spark_version, submitted, use_java
from gristmill.storage.hadoop import open_storage


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
            replace=arguments.replace,
            full=getattr(arguments, "full", False),
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
        help=f"what to read: {job.reads.help}; @FILE reads what FILE names, one on each line",
    )
    parser.add_argument(
        "--output", required=True, metavar="URI", help="the output root, which holds the datasets"
    )
    parser.add_argument(
        "--batch",
        metavar="NAME",
        help="name what is loaded: a later run of that name replaces it (default: the input does)",
    )
    parser.add_argument(
        "--replace",
        action="store_true",
        help="let go the rows of files that have gone since the same input was loaded before",
    )
    job.options.add_arguments(parser)
    group = parser.add_argument_group("how it runs")
    group.add_argument(
        "--report", metavar="URI", help="write a report as JSON, to a file here or in S3"
    )
    group.add_argument(
        "--max-reject-rate",
        type=float,
        metavar="R",
        help="publish nothing if a larger share of the lines (0 to 1) is rejected, or all of them "
        f"(default: {job.max_reject_rate:g})",
    )
    group.add_argument(
        "--wait",
        type=duration,
        default="10m",
        metavar="SPAN",
        help="how long to wait for another run that writes the same datasets (default: 10m)",
    )
    if job.by_day:
        text = "make all days again, also those of which the source has not changed"
        group.add_argument("--full", action="store_true", help=text)
    group.add_argument("--debug", action="store_true", help="print everything when it fails")
    return parser


def _run(
    job: AnyJob, request: Request, report_to: str | None, console: Console, *, debug: bool
) -> int:
    run = Run.new()
    # What is elsewhere only Spark reaches, and so only as long as it runs.
    is_local = report_to is None or "://" not in report_to
    elsewhere = None if is_local else report_to
    try:
        report = _execute(job, request, run, elsewhere, console, debug=debug)
    except (Exception, KeyboardInterrupt) as error:
        console.close()
        cause, code = _cause(error, run)
        console.fail(cause)
        if debug:
            traceback.print_exc()
        if report_to and is_local:
            try:
                failed(job, request, run, cause).write(Path(report_to))
            except GristmillError as unwritten:
                console.fail(str(unwritten))
        return code
    console.close()
    console.result(report)
    if report_to and is_local:
        report.write(Path(report_to))
    return 0


def _cause(error: BaseException, run: Run) -> tuple[str, int]:
    """Why a run failed, and its exit code."""
    if isinstance(error, KeyboardInterrupt):
        done = "what it made is published" if run.published.is_set() else "nothing was published"
        return f"interrupted; {done}", ExitCode.INTERRUPTED
    return explain(error), error.exit_code if isinstance(error, GristmillError) else ExitCode.FAILED


def _execute(
    job: AnyJob, request: Request, run: Run, report_to: str | None, console: Console, *, debug: bool
) -> Report:
    request = replace(request, inputs=expand_local(request.inputs))
    if not submitted():
        check_local(request.inputs)
        console.tell(f"starting Spark {spark_version()} on {use_java()}")
    _heed_signals()
    # An option may name a file, too.
    options = [value for value in request.options.to_json().values() if isinstance(value, str)]
    places = (*map(file_of, request.inputs), request.output, *options, report_to or "")
    spark = session(f"gristmill {job.name}", settings_for(places, console.tell), debug=debug)
    # Again, since PySpark has put a handler of its own, which calls the JVM amid another call.
    _heed_signals()
    try:
        try:
            request = replace(request, inputs=expand(request.inputs, partial(_read, spark)))
            with watch(spark, console.progress):
                report = execute(spark, job, request, run, console.tell)
        except BaseException as error:
            if report_to:
                unfinished = failed(job, request, run, _cause(error, run)[0])
                aside(partial(_write_report, spark, unfinished, report_to))
            raise
        if report_to:
            _write_report(spark, report, report_to)
        return report
    finally:
        aside(spark.stop)


def _read(spark: SparkSession, uri: str) -> bytes | None:
    """A small file where only Spark reaches. Raises `InputError`."""
    folder, _, name = uri.rpartition("/")
    try:
        return open_storage(spark, folder).read(name)
    except Exception as error:
        raise InputError(f"cannot read the list of inputs {uri}: {explain(error)}") from error


def _write_report(spark: SparkSession, report: Report, uri: str) -> None:
    """Write a report as JSON to where only Spark reaches. Raises `OutputError`."""
    folder, _, name = uri.rpartition("/")
    try:
        open_storage(spark, folder).write(name, report.to_bytes())
    except Exception as error:
        raise OutputError(f"cannot write the report to {uri}: {explain(error)}") from error


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
