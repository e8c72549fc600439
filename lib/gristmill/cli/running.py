"""Jobs, and a run of one on this machine."""

import argparse
import os
from collections.abc import Mapping

from gristmill.catalogue import find_job, known_jobs, let_workers_import
from gristmill.cli.console import console
from gristmill.cli.jobs import job_help, job_list
from gristmill.cli.settings import defaults, set_defaults
from gristmill.cli.show import show
from gristmill.errors import UsageError
from gristmill.followers import follow
from gristmill.script.command import run_command
from gristmill.warm.client import NO_WARM


def run(arguments: argparse.Namespace) -> int:
    """Run a job with its own flags; gives the exit code."""
    if "then" in arguments.arguments:
        # Where they can be, they never come here (`gristmill.warm.client`).
        raise UsageError(
            "several jobs cannot be run in one go where no process can be forked, this folder has "
            "gone, or a standard stream is closed: run each by itself"
        )
    values = defaults(os.environ)
    found = find_job(arguments.job)
    let_workers_import(found)
    return run_command(
        found.job,
        arguments.arguments,
        console,
        program=f"gristmill run {arguments.job}",
        prepare=lambda parser: _prepare(parser, values),
        ended=lambda report, tell: follow([report], tell),
    )


def _prepare(parser: argparse.ArgumentParser, values: Mapping[str, str]) -> None:
    text = "start Spark for this run alone: neither use what is warm nor leave it (help warm)"
    parser.add_argument(NO_WARM, action="store_true", help=text)
    set_defaults(parser, values)


def list_jobs(arguments: argparse.Namespace) -> None:
    """List the jobs that are known here."""
    show(job_list(found.job for found in known_jobs().values()), as_json=arguments.json)


def show_job(arguments: argparse.Namespace) -> None:
    """Show all about a job."""
    show(job_help(find_job(arguments.name).job), as_json=arguments.json)
