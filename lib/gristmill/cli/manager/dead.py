"""`gristmill dead-letter`: what has failed and waits for somebody to look at it."""

import argparse
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby

from gristmill.cli.manager.context import opened, when
from gristmill.cli.manager.runs import Changed, RunLine
from gristmill.cli.show import Block, Table, blocks, show
from gristmill.errors import ExitCode, UsageError
from gristmill.manager.ledger import Transaction
from gristmill.manager.ledger.acting import look_at
from gristmill.manager.ledger.acting import retry as retry_run
from gristmill.manager.ledger.database import Row
from gristmill.manager.ledger.looking import dead_letters
from gristmill.publish.lease import owner


@dataclass(frozen=True)
class DeadLetters:
    """Failed runs that nobody has looked at, the oldest first."""

    runs: tuple[RunLine, ...]

    @staticmethod
    def of(tx: Transaction) -> "DeadLetters":
        """Those of a ledger."""
        return DeadLetters(tuple(map(RunLine.of, dead_letters(tx))))


def list_dead(arguments: argparse.Namespace) -> int:
    """List them; gives the exit code."""
    with opened(arguments) as ledger, ledger.look() as tx:
        found = DeadLetters.of(tx)
    show(found, as_json=arguments.json)
    return ExitCode.DONE


def _chosen(tx: Transaction, arguments: argparse.Namespace) -> list[Row]:
    is_narrowed = arguments.runs or arguments.cause or arguments.job
    if not is_narrowed and not arguments.all:
        raise UsageError("which? RUN…, --cause CAUSE, --job NAME, or --all")
    found = dead_letters(tx, arguments.cause, arguments.job)
    return [one for one in found if not arguments.runs or one["id"] in arguments.runs]


def retry(arguments: argparse.Namespace) -> int:
    """Try them again; gives the exit code."""
    with opened(arguments) as ledger, ledger.begin() as tx:
        chosen = _chosen(tx, arguments)
        for one in chosen:
            retry_run(tx, one["id"], owner())
    show(Changed(tuple((one["id"], "ready") for one in chosen)), as_json=arguments.json)
    return ExitCode.DONE


def dismiss(arguments: argparse.Namespace) -> int:
    """Take them off the list; gives the exit code."""
    with opened(arguments) as ledger, ledger.begin() as tx:
        chosen = _chosen(tx, arguments)
        for one in chosen:
            look_at(tx, one["id"])
    show(Changed(tuple((one["id"], "dismissed") for one in chosen)), as_json=arguments.json)
    return ExitCode.DONE


@blocks.register
def _(found: DeadLetters) -> Iterable[Block]:
    if not found.runs:
        yield "no dead letters"
    by_cause = sorted(found.runs, key=lambda one: one.cause)
    for cause, some in groupby(by_cause, key=lambda one: one.cause):
        runs = list(some)
        yield f"{cause or 'no cause known'}: {len(runs):,}"
        rows = [
            (
                one.run,
                one.job,
                when(one.ended),
                str(one.attempt),
                one.reason.partition("\n")[0][:80],
            )
            for one in runs
        ]
        yield Table(("run", "job", "failed", "attempts", "reason"), rows)
