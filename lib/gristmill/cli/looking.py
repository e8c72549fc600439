"""`gristmill peek`, `sql` and `report`: looking at what was published, by DuckDB."""

import argparse
import sys

from gristmill.cli import peeking, query, reporting
from gristmill.cli.show import show
from gristmill.errors import UsageError


def peek(arguments: argparse.Namespace) -> None:
    """Show what a dataset is like."""
    show(peeking.peek(arguments.dataset, arguments.n), as_json=arguments.json)


def sql(arguments: argparse.Namespace) -> None:
    """Answer a question in SQL."""
    if arguments.csv and (arguments.to or arguments.json):
        raise UsageError("one of --csv, --json and --to")
    if arguments.n < 1:
        raise UsageError(f"-n takes 1 or more, not {arguments.n}")
    statement = sys.stdin.read() if arguments.statement == "-" else arguments.statement
    if arguments.to:
        written = query.write(arguments.output, statement, arguments.to, arguments.as_of)
        show(written, as_json=arguments.json)
    elif arguments.csv:
        query.print_csv(arguments.output, statement, arguments.as_of)
    else:
        most = None if arguments.json else arguments.n
        answer = query.ask(arguments.output, statement, most, arguments.as_of)
        show(answer, as_json=arguments.json)


def report(arguments: argparse.Namespace) -> None:
    """Write a page of all that an output holds."""
    show(reporting.write(arguments.output, arguments.to, arguments.title), as_json=arguments.json)
