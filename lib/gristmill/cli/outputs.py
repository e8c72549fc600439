"""Looking at outputs, and looking after them. They load no pyspark but for names of columns."""

import argparse

from gristmill.cli import compaction, look, output, retention
from gristmill.cli.show import show
from gristmill.errors import DamagedError
from gristmill.script.console import Console, Speech


def head(arguments: argparse.Namespace) -> None:
    """Show the first rows of a dataset."""
    show(look.head(arguments.dataset, arguments.n), as_json=arguments.json)


def rejects(arguments: argparse.Namespace) -> None:
    """Show rejects by reason."""
    show(look.rejects(arguments.output, arguments.examples), as_json=arguments.json)


def datasets(arguments: argparse.Namespace) -> None:
    """List the datasets of an output."""
    show(output.datasets(arguments.output), as_json=arguments.json)


def expire(arguments: argparse.Namespace) -> None:
    """Show what is old of a dataset, or remove it."""
    wanted = arguments.output, arguments.dataset, arguments.older_than
    if arguments.yes:
        tell = Console(Speech.of(arguments)).tell
        found = retention.expire(*wanted, arguments.wait, tell)
    else:
        found = retention.look(*wanted)
    show(found, as_json=arguments.json)


def compact(arguments: argparse.Namespace) -> None:
    """Show which files of a dataset are small, or bring them together."""
    wanted = arguments.output, arguments.dataset, arguments.older_than
    if arguments.yes:
        tell = Console(Speech.of(arguments)).tell
        found = compaction.carry_out(*wanted, arguments.wait, tell)
    else:
        found = compaction.look(*wanted)
    show(found, as_json=arguments.json)


def history(arguments: argparse.Namespace) -> None:
    """Show what was published."""
    found = output.history(arguments.output, arguments.dataset, arguments.n)
    show(found, as_json=arguments.json)


def verify(arguments: argparse.Namespace) -> None:
    """Hold the files against what was published. Raises `DamagedError` where they are not that."""
    found = output.check(arguments.output)
    show(found, as_json=arguments.json)
    if not found.is_whole:
        raise DamagedError(f"{arguments.output} is not as it was published")


def recover(arguments: argparse.Namespace) -> None:
    """Settle what runs that died left."""
    show(output.settle(arguments.output), as_json=arguments.json)
