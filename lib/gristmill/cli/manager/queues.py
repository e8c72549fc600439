"""`gristmill queues`, `gristmill manager`: what runs wait in, and what that is set to."""

import argparse
import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from gristmill.cli.manager.context import opened
from gristmill.cli.show import Block, Table, blocks, show
from gristmill.cli.voice import tell
from gristmill.errors import ExitCode
from gristmill.manager.ledger import Transaction, definitions
from gristmill.manager.ledger.looking import counts
from gristmill.manager.settings import documents
from gristmill.manager.settings.file import read_settings
from gristmill.publish.lease import owner


@dataclass(frozen=True)
class QueueLine:
    """A queue: how many of its runs wait and go on, and what it is bound to."""

    name: str
    blocked: int
    ready: int
    running: int
    failed: int
    max_runs: int | None
    places: tuple[str, ...]
    is_paused: bool


@dataclass(frozen=True)
class QueueList:
    """The queues."""

    queues: tuple[QueueLine, ...]

    @staticmethod
    def of(tx: Transaction) -> "QueueList":
        """The queues of a ledger."""
        paused = definitions.paused_names(tx, "queue")
        found = counts(tx)
        lines = []
        for name, queue in definitions.load_settings(tx).all_queues.items():
            states = {state: count for (one, state), count in found.items() if one == name}
            lines.append(
                QueueLine(
                    name,
                    states.get("blocked", 0),
                    states.get("ready", 0),
                    states.get("starting", 0) + states.get("running", 0),
                    states.get("failed", 0),
                    queue.max_runs,
                    queue.places,
                    name in paused,
                )
            )
        return QueueList(tuple(lines))


@dataclass(frozen=True)
class Applied:
    """What changed, a line each."""

    changes: tuple[str, ...]


@dataclass(frozen=True)
class SettingsList:
    """The tables of the settings as they are now, by kind and name."""

    tables: dict[str, Any]


def list_queues(arguments: argparse.Namespace) -> int:
    """List the queues; gives the exit code."""
    with opened(arguments) as ledger, ledger.look() as tx:
        found = QueueList.of(tx)
    show(found, as_json=arguments.json)
    return ExitCode.DONE


def pause(arguments: argparse.Namespace) -> int:
    """Pause a queue; gives the exit code."""
    with opened(arguments) as ledger, ledger.begin() as tx:
        definitions.check_queue(definitions.load_settings(tx), arguments.queue)
        was = not definitions.pause(tx, "queue", arguments.queue, owner())
    tell(f"queue {arguments.queue} {'was paused already' if was else 'is paused'}")
    return ExitCode.DONE


def resume(arguments: argparse.Namespace) -> int:
    """Go on with a queue; gives the exit code."""
    with opened(arguments) as ledger, ledger.begin() as tx:
        definitions.check_queue(definitions.load_settings(tx), arguments.queue)
        was = definitions.resume(tx, "queue", arguments.queue)
    tell(f"queue {arguments.queue} {'goes on' if was else 'was not paused'}")
    return ExitCode.DONE


def apply(arguments: argparse.Namespace) -> int:
    """Make the file hold; gives the exit code."""
    settings = read_settings(arguments.file)
    with opened(arguments) as ledger, ledger.begin() as tx:
        changes = definitions.apply(tx, settings)
    show(Applied(tuple(changes)), as_json=arguments.json)
    return ExitCode.DONE


def show_settings(arguments: argparse.Namespace) -> int:
    """Show what is set; gives the exit code."""
    with opened(arguments) as ledger, ledger.look() as tx:
        settings = definitions.load_settings(tx)
    found = {f"{kind}.{name}": table for (kind, name), table in documents(settings).items()}
    show(SettingsList(found), as_json=arguments.json)
    return ExitCode.DONE


@blocks.register
def _(found: QueueList) -> Iterable[Block]:
    rows = [
        (
            one.name,
            f"{one.blocked:,}",
            f"{one.ready:,}",
            f"{one.running:,}" if one.max_runs is None else f"{one.running:,} of {one.max_runs:,}",
            f"{one.failed:,}",
            ", ".join(one.places),
            "paused" if one.is_paused else "open",
        )
        for one in found.queues
    ]
    yield Table(("queue", "blocked", "ready", "running", "failed", "places", "is"), rows)


@blocks.register
def _(found: Applied) -> Iterable[Block]:
    yield from found.changes or ("nothing changed",)


@blocks.register
def _(found: SettingsList) -> Iterable[Block]:
    if not found.tables:
        yield "nothing is set: there is one queue, default, on this machine"
    for name, table in found.tables.items():
        yield f"{name}: {json.dumps(table, ensure_ascii=False)}"
