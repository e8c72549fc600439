"""`gristmill schedules`: when runs are submitted by themselves."""

import argparse
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from cronsim import CronSim

from gristmill.cli.manager.context import opened
from gristmill.cli.show import Block, Table, blocks, show
from gristmill.cli.voice import tell
from gristmill.errors import ExitCode, UsageError
from gristmill.manager.ledger import Transaction, definitions
from gristmill.manager.settings import Schedule, Settings
from gristmill.manager.start import schedules
from gristmill.nearest import nearest
from gristmill.publish.lease import owner
from gristmill.workflow.api import LedgerWorkflows

_NEXT, _LAST = 3, 5


@dataclass(frozen=True)
class FireLine:
    """What became of a time of a schedule."""

    due: datetime
    outcome: str
    run: str | None
    execution: str | None


@dataclass(frozen=True)
class ScheduleLine:
    """A schedule of a job or a workflow: its next times in its zone, and what became of the last
    ones."""

    name: str
    job: str | None
    workflow: str | None
    cron: str
    explained: str
    zone: str
    is_paused: bool
    next: tuple[datetime, ...]
    last: tuple[FireLine, ...]


@dataclass(frozen=True)
class ScheduleList:
    """The schedules."""

    schedules: tuple[ScheduleLine, ...]

    @staticmethod
    def of(tx: Transaction) -> "ScheduleList":
        """The schedules of a ledger."""
        paused = definitions.paused_names(tx, "schedule")
        lines = []
        for name, schedule in definitions.load_settings(tx).schedules.items():
            last = [
                FireLine(
                    datetime.fromtimestamp(row["due"], UTC),
                    row["outcome"],
                    row["run"],
                    row["execution"],
                )
                for row in schedules.last_fires(tx, name, _LAST)
            ]
            lines.append(
                ScheduleLine(
                    name,
                    schedule.job,
                    schedule.workflow,
                    schedule.cron,
                    CronSim(schedule.cron, datetime.now(UTC)).explain(),
                    schedule.zone,
                    name in paused,
                    tuple(schedules.next_times(schedule, tx.now, _NEXT)),
                    tuple(last),
                )
            )
        return ScheduleList(tuple(lines))


@dataclass(frozen=True)
class Backfilled:
    """What became of the times of a backfill."""

    fires: tuple[FireLine, ...]


def list_schedules(arguments: argparse.Namespace) -> int:
    """List the schedules; gives the exit code."""
    with opened(arguments) as ledger, ledger.look() as tx:
        found = ScheduleList.of(tx)
    show(found, as_json=arguments.json)
    return ExitCode.DONE


def _known(settings: Settings, name: str) -> Schedule:
    if name not in settings.schedules:
        raise UsageError(f"no schedule {name!r}: {nearest(name, settings.schedules)}")
    return settings.schedules[name]


def pause(arguments: argparse.Namespace) -> int:
    """Pause a schedule; gives the exit code."""
    with opened(arguments) as ledger, ledger.begin() as tx:
        _known(definitions.load_settings(tx), arguments.schedule)
        was = not definitions.pause(tx, "schedule", arguments.schedule, owner())
    tell(f"schedule {arguments.schedule} {'was paused already' if was else 'is paused'}")
    return ExitCode.DONE


def resume(arguments: argparse.Namespace) -> int:
    """Let a schedule fire again; gives the exit code."""
    with opened(arguments) as ledger, ledger.begin() as tx:
        _known(definitions.load_settings(tx), arguments.schedule)
        was = definitions.resume(tx, "schedule", arguments.schedule)
    tell(f"schedule {arguments.schedule} {'goes on' if was else 'was not paused'}")
    return ExitCode.DONE


def backfill(arguments: argparse.Namespace) -> int:
    """Make up for times; gives the exit code."""
    with opened(arguments) as ledger:
        with ledger.look() as tx:
            schedule = _known(definitions.load_settings(tx), arguments.schedule)
        zone = ZoneInfo(schedule.zone)
        first, last = (_time(text, zone) for text in (arguments.first, arguments.last))
        found = schedules.backfill(ledger, arguments.schedule, first, last, LedgerWorkflows())
    lines = tuple(FireLine(one.due, one.outcome, one.run, one.execution) for one in found)
    show(Backfilled(lines), as_json=arguments.json)
    return ExitCode.DONE


def _time(text: str, zone: ZoneInfo) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise UsageError(f"{text!r} is no time such as 2026-03-01T12:00") from error
    return found if found.tzinfo else found.replace(tzinfo=zone)


def _begun(line: FireLine) -> str:
    """The run, or the name of the execution."""
    return line.run or (line.execution or "-").rpartition(":")[2]


@blocks.register
def _(found: ScheduleList) -> Iterable[Block]:
    if not found.schedules:
        yield "no schedules: [schedules.NAME] of manager.toml, then gristmill manager apply"
    for one in found.schedules:
        state = " (paused)" if one.is_paused else ""
        what = one.job or one.workflow
        yield f"{one.name}{state}: {what}, {one.explained} ({one.cron}, {one.zone})"
        yield f"  next: {', '.join(f'{time:%Y-%m-%d %H:%M %z}' for time in one.next) or 'never'}"
        if one.last:
            rows = [
                (f"{line.due:%Y-%m-%d %H:%M}Z", line.outcome, _begun(line)) for line in one.last
            ]
            yield Table(("was due", "outcome", "run"), rows)


@blocks.register
def _(found: Backfilled) -> Iterable[Block]:
    rows = [(f"{one.due:%Y-%m-%d %H:%M %z}", one.outcome, _begun(one)) for one in found.fires]
    yield Table(("due", "outcome", "run"), rows) if rows else "no time falls into that span"
