"""Where Spark's web pages of a run are to be seen."""

import argparse
import shlex
from collections.abc import Iterable
from dataclasses import dataclass

from gristmill.cli.emr.context import HomeContext
from gristmill.cli.show import Block, blocks
from gristmill.cli.show import show as print_value
from gristmill.cli.voice import tell
from gristmill.emr.requests.event_logs import event_logs_at
from gristmill.emr.submit import runner_of
from gristmill.emr.ui import spark_ui
from gristmill.errors import ExitCode, GristmillError


@dataclass(frozen=True)
class RunPages:
    """Spark's pages of a run: the `url` at AWS, null where AWS gave none, and the folder in S3 of
    its event logs."""

    run: str
    url: str | None
    event_logs: str


def show(arguments: argparse.Namespace) -> int:
    """Say where the pages of a run are; gives the exit code."""
    context = HomeContext.of(arguments)
    record = context.runs.load(arguments.run)
    _, handle = runner_of(context.aws, record)
    at = event_logs_at(context.home, record.logs, record.run, handle)
    url = None
    try:
        url = spark_ui(context.aws, handle)
    except GristmillError as error:
        tell(str(error))
    print_value(RunPages(record.run, url, at), as_json=arguments.json)
    if not arguments.json:
        tell(f"on this machine, as often as you like: gristmill history-server {shlex.quote(at)}")
    return ExitCode.DONE if url else ExitCode.FAILED


@blocks.register
def _(found: RunPages) -> Iterable[Block]:
    return [found.url] if found.url else []
