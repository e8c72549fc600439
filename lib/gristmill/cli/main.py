"""`gristmill COMMAND …`: which command is meant, and what a wrong one is told."""

import argparse
import os
import shlex
import sys
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path

from gristmill.errors import DamagedError, ExitCode, GristmillError, OutputError, UsageError
from gristmill.model.options import ArgumentParser, days, duration

Handler = Callable[[argparse.Namespace], None]

_EXPIRE = "datasets expire"


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command in `argv`, by default this process's; gives the exit code."""
    words = list(sys.argv[1:] if argv is None else argv)
    try:
        if words[:1] == ["run"] and not {"-h", "--help"} & set(words[1:2]):
            return _run(words[1:])
        if words[:1] == ["emr"]:
            return _emr(words[1:])
        if words[:2] == _EXPIRE.split():
            # One of the commands below; an output folder of that name is ./expire.
            words[:2] = [_EXPIRE]
        arguments = _parser().parse_args(words)
        handler: Handler = arguments.handler
        handler(arguments)
    except GristmillError as error:
        print(f"gristmill: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        return ExitCode.INTERRUPTED
    except BrokenPipeError:
        # The reader of a pipe, such as head, has seen enough.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def _run(words: Sequence[str]) -> int:
    from gristmill.catalogue import find_job, known_jobs, let_workers_import
    from gristmill.cli.console import console
    from gristmill.script.command import run_command

    if not words or words[0].startswith("-"):
        known = ", ".join(known_jobs())
        raise UsageError(f"which job? gristmill run NAME …; there are: {known}")
    found = find_job(words[0])
    let_workers_import(found)
    return run_command(found.job, words[1:], console(), program=f"gristmill run {words[0]}")


def _emr(words: Sequence[str]) -> int:
    try:
        from gristmill.cli import emr
    except ModuleNotFoundError as error:
        if error.name not in {"boto3", "botocore", "pydantic"}:
            raise
        raise UsageError(
            "EMR needs boto3 and pydantic: pip install boto3 pydantic; in a clone: make setup"
        ) from error
    return emr.main(words)


def _parser() -> argparse.ArgumentParser:
    parser = ArgumentParser(prog="gristmill", description="Batch on Spark that can be trusted.")
    parser.add_argument("--version", action="version", version=f"gristmill {version('gristmill')}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)

    def command(name: str, handler: Handler, text: str) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=text, description=text)
        added.set_defaults(handler=handler)
        return added

    jobs = command("jobs", _jobs, "list the jobs, or show one: gristmill jobs show NAME")
    jobs.add_argument("show", nargs="?", choices=["show"], metavar="show")
    jobs.add_argument("name", nargs="?", metavar="NAME")
    # Only its help comes from here: main() hands a run to the parser of the job that it names.
    text = "run a job: gristmill run NAME --input URI… --output URI"
    run = commands.add_parser("run", help=text, description=text)
    run.add_argument("name", metavar="NAME")
    head = command("head", _head, "show the first rows of a dataset")
    head.add_argument("dataset", metavar="DATASET", help="its folder: OUTPUT/NAME")
    head.add_argument("-n", type=int, default=10, help="how many rows (default: 10)")
    rejects = command("rejects", _rejects, "show what was rejected, by reason, with examples")
    rejects.add_argument("output", metavar="OUTPUT", help="the output root")
    rejects.add_argument("--examples", type=int, default=3, help="how many a reason (default: 3)")
    text = "list the datasets of an output: partitions, rows, files, newest run"
    datasets = command("datasets", _datasets, text)
    datasets.add_argument("output", metavar="OUTPUT", help="the output root")
    text = "show the partitions of a dataset that are older than a span, and remove them"
    expire = command(_EXPIRE, _expire, text)
    expire.add_argument("output", metavar="OUTPUT", help="the output root")
    expire.add_argument("dataset", metavar="NAME", help="the dataset; it has a date to go by")
    text = "whole days or weeks before today, UTC: 90d, 13w"
    expire.add_argument("--older-than", type=days, required=True, metavar="SPAN", help=text)
    expire.add_argument("--yes", action="store_true", help="remove them; without it, only show")
    text = "how long to wait for a run that writes the dataset (default: 10m)"
    expire.add_argument("--wait", type=duration, default="10m", metavar="SPAN", help=text)
    history = command("history", _history, "show what was published, when and by which run")
    history.add_argument("output", metavar="OUTPUT", help="the output root")
    history.add_argument("dataset", nargs="?", metavar="DATASET", help="only what changed this one")
    history.add_argument("-n", type=int, default=20, help="how many publishes (default: 20)")
    history.add_argument("--json", action="store_true", help="all that is known, a line a publish")
    text = "check every file against what was published; exit code 1 where anything is wrong"
    verify = command("verify", _verify, text)
    verify.add_argument("output", metavar="OUTPUT", help="the output root")
    recover = command("recover", _recover, "show and settle what runs that died left unfinished")
    recover.add_argument("output", metavar="OUTPUT", help="the output root")
    text = "make a project of your own: a job, its test, a notebook, a Makefile"
    command("new", _new, text).add_argument("folder", type=Path, metavar="DIR")
    _add_sample(command("sample", _sample, "make sample data: logs, texts and meter readings"))
    # Only its help comes from here, too.
    text = "jobs on Amazon EMR: submit, status, attach, cancel, logs, up, down, plan"
    commands.add_parser("emr", help=text, description=text)
    command("env", _env, "print what to export so that spark-submit finds Java and Python")
    return parser


def _add_sample(sample: argparse.ArgumentParser) -> None:
    sample.add_argument("folder", type=Path, metavar="DIR")
    sample.add_argument("--requests", type=int, default=6000, help="log lines (default: 6000)")
    sample.add_argument("--words", type=int, default=20000, help="words (default: 20000)")
    text = "lines of each log format of AWS (default: 0)"
    sample.add_argument("--aws", type=int, default=0, help=text)
    text = "lines of usage in each cost export, FOCUS and CUR (default: 0, no exports)"
    sample.add_argument("--billing", type=int, default=0, help=text)
    sample.add_argument("--seed", type=int, default=7, help="same seed, same data (default: 7)")


def _jobs(arguments: argparse.Namespace) -> None:
    from gristmill.catalogue import find_job, known_jobs
    from gristmill.cli import show

    if arguments.show and not arguments.name:
        raise UsageError("which job? gristmill jobs show NAME")
    if arguments.show:
        lines = show.job(find_job(arguments.name).job)
    else:
        lines = show.jobs(found.job for found in known_jobs().values())
    print("\n".join(lines))


def _head(arguments: argparse.Namespace) -> None:
    from gristmill.cli import look

    print("\n".join(look.head(arguments.dataset, arguments.n)))


def _rejects(arguments: argparse.Namespace) -> None:
    from gristmill.cli import look

    print("\n".join(look.rejects(arguments.output, arguments.examples)))


def _datasets(arguments: argparse.Namespace) -> None:
    from gristmill.cli import output

    print("\n".join(output.datasets(arguments.output)))


def _expire(arguments: argparse.Namespace) -> None:
    from gristmill.cli import retention
    from gristmill.script.console import Console

    wanted = arguments.output, arguments.dataset, arguments.older_than
    if arguments.yes:
        told = retention.expire(*wanted, arguments.wait, Console().tell)
    else:
        told = retention.show(*wanted)
    print("\n".join(told))


def _history(arguments: argparse.Namespace) -> None:
    from gristmill.cli import output

    if arguments.n < 1:
        raise UsageError(f"-n takes 1 or more, not {arguments.n}")
    wanted = arguments.output, arguments.dataset, arguments.n
    print("\n".join(output.history(*wanted, as_json=arguments.json)))


def _verify(arguments: argparse.Namespace) -> None:
    from gristmill.cli import output

    lines, whole = output.check(arguments.output)
    print("\n".join(lines))
    if not whole:
        raise DamagedError(f"{arguments.output} is not as it was published")


def _recover(arguments: argparse.Namespace) -> None:
    from gristmill.cli import output

    print("\n".join(output.settle(arguments.output)))


def _new(arguments: argparse.Namespace) -> None:
    from gristmill.shipping.new import new_project

    print("\n".join(map(str, new_project(arguments.folder))))
    print(f"now: cd {shlex.quote(str(arguments.folder))} && make run", file=sys.stderr)


def _sample(arguments: argparse.Namespace) -> None:
    from gristmill.sample import write_samples

    for flag in ("requests", "words", "aws", "billing"):
        if getattr(arguments, flag) < 0:
            raise UsageError(f"--{flag} takes 0 or more, not {getattr(arguments, flag)}")
    try:
        paths = write_samples(
            arguments.folder,
            seed=arguments.seed,
            requests=arguments.requests,
            words=arguments.words,
            aws=arguments.aws,
            billing=arguments.billing,
        )
    except OSError as error:
        raise OutputError(f"cannot write to {error.filename}: {error.strerror}") from error
    print("\n".join(map(str, paths)))


def _env(_arguments: argparse.Namespace) -> None:
    from gristmill.spark.session import use_java

    java = use_java()
    print(f'# {java}; use: eval "$(gristmill env)"')
    print(f"export JAVA_HOME='{java.home}'")
    print(f"export PYSPARK_PYTHON='{sys.executable}'")
