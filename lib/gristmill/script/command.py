"""A job as a command: the same flags, output and exit codes under every face."""

import argparse
import contextlib
import logging
import signal
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from pyspark.sql import SparkSession

from gristmill.diagnosis.explain import explain
from gristmill.engine.preview import preview
from gristmill.engine.progress import watch
from gristmill.engine.run import Run, execute
from gristmill.errors import ExitCode, GristmillError, UsageError
from gristmill.model.job import AnyJob, Request
from gristmill.model.options import ArgumentParser, duration
from gristmill.model.progress import Progress
from gristmill.model.report import Report
from gristmill.publish.table_format import TABLE_FORMATS
from gristmill.readers.input_list import check_local, expand, expand_local, file_of
from gristmill.script.console import Console, Speech, add_flags
from gristmill.script.places import (
    Told,
    done_before,
    event_log_folder,
    failed,
    moment,
    read_small,
    write_report,
)
from gristmill.script.progress import ProgressFile
from gristmill.spark.session import aside, end, session, settings_for, submitted
from gristmill.storage.hadoop import open_storage

Ended = Callable[[Report, Callable[[str], None]], None]
"""What is done once a run has ended, by its report, with what tells the user."""


def main(job: AnyJob) -> None:
    """Run `job` with the flags of this process, then exit: what makes a module a script."""
    sys.exit(run_command(job, sys.argv[1:], Console, program=Path(sys.argv[0]).name))


def run_command(
    job: AnyJob,
    argv: Sequence[str],
    console: Callable[[Speech], Console],
    *,
    program: str,
    prepare: Callable[[argparse.ArgumentParser], None] = lambda _parser: None,
    ended: Ended = lambda _report, _tell: None,
) -> int:
    """Run `job` with the flags in `argv`; `ended` is called with the report of a run that has done
    its work or published nothing, and with what tells the user of what it does.

    Gives the exit code: 0 done, 1 failed, 2 wrong usage, 3 too many rejects, 4 another run
    writes the same datasets, 130 interrupted.
    """
    debug = "--debug" in argv
    if not debug:
        # Py4J logs each Ctrl-C with its stack; without a handler that would go to the terminal.
        logging.getLogger().addHandler(logging.NullHandler())
    out = console(Speech())
    try:
        parser = job_parser(job, program)
        prepare(parser)
        arguments = parser.parse_args(list(argv))
        out = console(Speech.of(arguments))
        request = Request(
            inputs=tuple(arguments.input),
            output=arguments.output,
            options=job.options.from_namespace(arguments),
            max_reject_rate=arguments.max_reject_rate,
            wait=arguments.wait,
            batch=arguments.batch,
            replace=arguments.replace,
            full=getattr(arguments, "full", False),
            table_format=arguments.table_format,
        )
        if arguments.check_flags:
            return ExitCode.DONE
        if arguments.dry_run:
            return _preview(job, request, out, debug=debug)
        if arguments.resume and arguments.report is None:
            raise UsageError("--resume needs --report: by that a run knows what was done")
        events = event_log_folder(arguments.output) if arguments.event_log else None
        places = Told(arguments.report, arguments.progress_to, events, arguments.resume)
        return _run(job, request, places, out, ended, debug=debug)
    except GristmillError as error:
        out.fail(str(error))
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
    parser.add_argument(
        "--table-format",
        choices=TABLE_FORMATS,
        help="what a new output is made of: plain Parquet (default), or tables of Iceberg",
    )
    group = parser.add_argument_group("how it runs")
    group.add_argument(
        "--report", metavar="URI", help="write a report as JSON, to a file here or in S3"
    )
    text = "do nothing where --report tells of this job, begun since TIME (ISO 8601) and done"
    group.add_argument("--resume", type=moment, metavar="TIME", help=text)
    text = "write every few seconds how far the run is, as JSON, to a file here or in S3"
    group.add_argument("--progress-to", metavar="URI", help=text)
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
    text = "say what the run would read and replace, and run no job of Spark's"
    group.add_argument("--dry-run", action="store_true", help=text)
    text = "see that the job is there and its flags are right, and start nothing"
    group.add_argument("--check-flags", action="store_true", help=text)
    text = "keep Spark's event log below OUTPUT, for gristmill history-server OUTPUT"
    group.add_argument("--event-log", action="store_true", help=text)
    group.add_argument("--debug", action="store_true", help="print everything when it fails")
    add_flags(parser)
    try:
        job.options.add_arguments(parser)
    except argparse.ArgumentError as error:
        raise UsageError(f"{job.name} has an option that every run has: {error}") from error
    return parser


def _run(
    job: AnyJob,
    request: Request,
    told: Told,
    console: Console,
    ended: Ended,
    *,
    debug: bool,
) -> int:
    run = Run.new()
    report_to = told.report
    is_local = told.elsewhere.report is None
    try:
        report = _execute(job, request, run, told, console, debug=debug)
    except (Exception, KeyboardInterrupt) as error:
        cause, code = _told(error, run, console, debug=debug)
        unfinished = failed(job, request, run, cause)
        if report_to and is_local:
            try:
                unfinished.write(Path(report_to))
            except GristmillError as unwritten:
                console.fail(str(unwritten))
        if not run.published.is_set():
            ended(unfinished, console.tell)
        return code
    console.close()
    console.detail(f"the run took {report.seconds:.1f} s")
    console.result(report)
    if report_to and is_local:
        report.write(Path(report_to))
    ended(report, console.tell)
    return 0


def _preview(job: AnyJob, request: Request, console: Console, *, debug: bool) -> int:
    try:
        with _session(job, request, Told(None, None), console, debug=debug) as (spark, whole):
            found = preview(spark, job, whole, console.tell)
    except (Exception, KeyboardInterrupt) as error:
        return _told(error, Run.new(), console, debug=debug)[1]
    console.close()
    console.preview(found)
    return ExitCode.DONE


def _told(error: BaseException, run: Run, console: Console, *, debug: bool) -> tuple[str, int]:
    """Say why a run failed; gives that, and the exit code."""
    console.close()
    cause, code = _cause(error, run)
    console.fail(cause)
    if debug:
        traceback.print_exception(error)
    return cause, code


def _cause(error: BaseException, run: Run) -> tuple[str, int]:
    """Why a run failed, and its exit code."""
    if isinstance(error, KeyboardInterrupt):
        done = "what it made is published" if run.published.is_set() else "nothing was published"
        return f"interrupted; {done}", ExitCode.INTERRUPTED
    return explain(error), error.exit_code if isinstance(error, GristmillError) else ExitCode.FAILED


def _execute(
    job: AnyJob, request: Request, run: Run, told: Told, console: Console, *, debug: bool
) -> Report:
    report_to = told.elsewhere.report
    with _session(job, request, told.elsewhere, console, debug=debug) as (spark, whole):
        done = done_before(spark, job, told) if told.since else None
        if done is not None:
            console.tell(f"{job.name} was done before: its report is there")
            return done
        try:
            with watch(spark, run.id, run.phase, _hearing(spark, told, console)):
                report = execute(spark, job, whole, run, console.tell)
        except BaseException as error:
            if report_to:
                unfinished = failed(job, whole, run, _cause(error, run)[0])
                aside(partial(write_report, spark, unfinished, report_to))
            raise
        if report_to:
            write_report(spark, report, report_to)
        return report


def _hearing(spark: SparkSession, told: Told, console: Console) -> Callable[[Progress], None]:
    """What hears how far a run is."""
    if told.progress is None:
        return console.progress
    if told.elsewhere.progress:
        folder, _, name = told.progress.rpartition("/")
        file = ProgressFile.elsewhere(partial(open_storage(spark, folder).write, name))
    else:
        file = ProgressFile.here(Path(told.progress))

    def hear(progress: Progress) -> None:
        console.progress(progress)
        file.hear(progress)

    return hear


@contextlib.contextmanager
def _session(
    job: AnyJob, request: Request, told: Told, console: Console, *, debug: bool
) -> Iterator[tuple[SparkSession, Request]]:
    """A session that reaches all that a request names, and the request with its lists of inputs
    read. Raises `InputError`."""
    request = replace(request, inputs=expand_local(request.inputs))
    if not submitted():
        check_local(request.inputs)
    _heed_signals()
    # An option may name a file, too.
    options = [value for value in request.options.to_json().values() if isinstance(value, str)]
    places = (*map(file_of, request.inputs), request.output, *options)
    places += tuple(filter(None, (told.report, told.progress)))
    console.progress(Progress("starting"))
    settings = settings_for(places, console.tell)
    if told.events:
        settings |= {"spark.eventLog.enabled": "true", "spark.eventLog.dir": told.events}
    spark = session(f"gristmill {job.name}", settings, debug=debug, tell=console.tell)
    # Again, since PySpark has put a handler of its own, which calls the JVM amid another call.
    _heed_signals()
    try:
        inputs = expand(request.inputs, partial(read_small, spark))
        yield spark, replace(request, inputs=inputs)
    finally:
        end(spark)


def _heed_signals() -> None:
    """Let SIGTERM, by which a job manager ends a run, interrupt as Ctrl-C does."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
