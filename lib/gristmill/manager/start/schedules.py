"""Schedules: what is due is submitted, once, whoever looks and however often."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import sqlalchemy as sa

from gristmill.errors import GristmillError, UsageError
from gristmill.manager.ledger import Ledger, Transaction
from gristmill.manager.ledger.acting import cancel
from gristmill.manager.ledger.database import Row
from gristmill.manager.ledger.definitions import load_settings, paused_names
from gristmill.manager.ledger.submitting import submit
from gristmill.manager.ledger.tables import fires, runs, schedules
from gristmill.manager.ledger.workflow_tables import executions
from gristmill.manager.request import RunRequest
from gristmill.manager.settings import DEFAULT, Schedule, Settings
from gristmill.manager.start.times import due_between, filled, filled_in, times
from gristmill.manager.start.workflows import NoWorkflows, Workflows
from gristmill.manager.states import FINAL, WAITING
from gristmill.manager.submit import completed
from gristmill.nearest import nearest

_MOST = 1_000
_TOLERANCE = 60.0
"""Seconds by which nobody is late who looks every second or so."""


@dataclass(frozen=True)
class Fired:
    """What became of a time of a schedule: submitted, started, skipped, missed, or failed, with
    why. `run` is what it began, `execution` where that is one of a workflow."""

    schedule: str
    due: datetime
    outcome: str
    run: str | None = None
    reason: str = ""
    execution: str | None = None


def fire_due(ledger: Ledger, workflows: Workflows | None = None) -> list[Fired]:
    """Submit what is due of all schedules. A schedule that is new begins now."""
    with ledger.look() as tx:
        settings = load_settings(tx)
        seen = {row["name"]: row["seen"] for row in tx.all(sa.select(schedules))}
        now = tx.now
    found: list[Fired] = []
    for name, schedule in settings.schedules.items():
        if name in seen and next(iter(_soon(schedule, seen[name])), now + 1) > now:
            continue
        with ledger.begin() as tx:
            found += _fire(tx, settings, name, schedule, workflows or NoWorkflows())
    return found


def _soon(schedule: Schedule, after: float) -> Iterable[float]:
    return (time.timestamp() for time in times(schedule, after))


def _fire(
    tx: Transaction, settings: Settings, name: str, schedule: Schedule, workflows: Workflows
) -> list[Fired]:
    begun = tx.insert(schedules).values(name=name, seen=tx.now).on_conflict_do_nothing()
    tx.run(begun)
    state = tx.all(sa.select(schedules).where(schedules.c.name == name).with_for_update())[0]
    due = due_between(schedule, state["seen"], tx.now, _MOST)
    if not due:
        return []
    tx.run(schedules.update().where(schedules.c.name == name).values(seen=due[-1].timestamp()))
    if name in paused_names(tx, "schedule"):
        return [_note(tx, Fired(name, one, "skipped", reason="paused")) for one in due]
    wanted, missed = _chosen(schedule, due, tx.now)
    found = [_note(tx, Fired(name, one, "missed")) for one in missed]
    for one in wanted:
        time = _Time(name, schedule, one, _before(schedule, one, due))
        if schedule.workflow is None:
            found.append(_note(tx, _submit(tx, settings, time)))
        else:
            found.append(_note(tx, _execute(tx, time, workflows)))
    return found


def _chosen(
    schedule: Schedule, due: Sequence[datetime], now: float
) -> tuple[Sequence[datetime], Sequence[datetime]]:
    """The times that fire, and those that are missed."""
    if schedule.missed == "all":
        return due, ()
    allowed = schedule.grace if schedule.missed == "latest" else _TOLERANCE
    is_in_time = now - due[-1].timestamp() <= max(allowed, _TOLERANCE)
    return (due[-1:], due[:-1]) if is_in_time else ((), due)


def _before(schedule: Schedule, due: datetime, known: Sequence[datetime]) -> datetime | None:
    """The time before one."""
    earlier = [one for one in known if one < due]
    if earlier:
        return earlier[-1]
    for days in (1, 8, 32, 367):
        found = due_between(schedule, due.timestamp() - days * 86_400, due.timestamp() - 1, 1)
        if found:
            return found[-1]
    return None


@dataclass(frozen=True)
class _Time:
    """A time of a schedule, and the one before it."""

    name: str
    schedule: Schedule
    due: datetime
    previous: datetime | None

    @property
    def request(self) -> RunRequest:
        """Its run. Raises `UsageError` for flags whose times cannot be filled in."""
        try:
            argv = filled(self.schedule.args, self.due, self.previous)
        except (ValueError, KeyError, IndexError, AttributeError) as error:
            raise UsageError(f"schedule {self.name}: {error}") from error
        stamp = self.due.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        return RunRequest(
            self.schedule.what,
            argv,
            folder=self.schedule.folder,
            key=f"schedule/{self.name}/{stamp}",
            queue=self.schedule.queue or DEFAULT,
            submitter=f"schedule {self.name}",
        )

    def start(self, tx: Transaction, workflows: Workflows) -> str:
        """Start its execution; gives the ARN. Raises `GristmillError`."""
        schedule = self.schedule
        try:
            given = filled_in(schedule.input, self.due, self.previous)
        except (ValueError, KeyError, IndexError, AttributeError) as error:
            raise UsageError(f"schedule {self.name}: {error}") from error
        stamp = self.due.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
        name = f"schedule-{self.name}-{stamp}"
        return workflows.start(tx, schedule.what, Path(schedule.folder), given, name)


def _execute(tx: Transaction, time: _Time, workflows: Workflows) -> Fired:
    name, due = time.name, time.due
    going = _executions_of(tx, name)
    if going and time.schedule.overlap == "skip":
        return Fired(name, due, "skipped", reason=f"execution {going[0]} goes on")
    try:
        if time.schedule.overlap == "cancel":
            for arn in going:
                workflows.stop(tx, arn, f"schedule {name}")
        return Fired(name, due, "started", execution=time.start(tx, workflows))
    except GristmillError as error:
        return Fired(name, due, "failed", reason=str(error))


def _executions_of(tx: Transaction, name: str) -> list[str]:
    """The executions of a schedule that are not over."""
    mine = sa.select(fires.c.execution).where(
        fires.c.schedule == name, fires.c.execution.is_not(None)
    )
    query = sa.select(executions.c.arn).where(
        executions.c.arn.in_(mine), executions.c.status == "RUNNING"
    )
    return [row["arn"] for row in tx.all(query.order_by(executions.c.started))]


def _submit(tx: Transaction, settings: Settings, time: _Time) -> Fired:
    name, schedule, due = time.name, time.schedule, time.due
    going = _going_on(tx, name)
    if going and schedule.overlap == "skip":
        return Fired(name, due, "skipped", reason=f"run {going[0]['id']} goes on")
    waits = [row for row in going if row["state"] in WAITING]
    if schedule.overlap == "queue" and waits:
        return Fired(name, due, "skipped", reason=f"run {waits[0]['id']} waits already")
    try:
        request = time.request
        if schedule.overlap == "cancel":
            for row in going:
                cancel(tx, row["id"], f"schedule {name}")
        if schedule.overlap in {"queue", "cancel"}:
            after = tuple(row["id"] for row in going)
            request = replace(request, after_any=after)
        done = submit(tx, completed(tx, request, settings), settings)
    except GristmillError as error:
        return Fired(name, due, "failed", reason=str(error))
    return Fired(name, due, "submitted", done.run)


def _going_on(tx: Transaction, name: str) -> list[Row]:
    """The runs of a schedule that are not over."""
    mine = sa.select(fires.c.run).where(fires.c.schedule == name, fires.c.run.is_not(None))
    query = sa.select(runs.c.id, runs.c.state).where(
        runs.c.id.in_(mine), runs.c.state.not_in(FINAL)
    )
    return tx.all(query.order_by(runs.c.created))


def _note(tx: Transaction, fired: Fired) -> Fired:
    added = tx.insert(fires).values(
        schedule=fired.schedule,
        due=fired.due.timestamp(),
        at=tx.now,
        outcome=fired.outcome if not fired.reason else f"{fired.outcome}: {fired.reason}"[:500],
        run=fired.run,
        execution=fired.execution,
    )
    names = ("outcome", "run", "execution")
    values = {"at": tx.now, **{name: added.excluded[name] for name in names}}
    tx.run(added.on_conflict_do_update(index_elements=["schedule", "due"], set_=values))
    return fired


def backfill(
    ledger: Ledger,
    name: str,
    first: datetime,
    last: datetime,
    workflows: Workflows | None = None,
) -> list[Fired]:
    """Submit a run for each time of a schedule between two moments, or start an execution; times
    that have one keep it.

    Raises `UsageError`, `BusyError` where the queue takes no more.
    """
    with ledger.begin() as tx:
        settings = load_settings(tx)
        schedule = settings.schedules.get(name)
        if schedule is None:
            raise UsageError(f"no schedule {name!r}: {nearest(name, settings.schedules)}")
        due = due_between(schedule, first.timestamp() - 1, last.timestamp(), _MOST + 1)
        if len(due) > _MOST:
            raise UsageError(f"more than {_MOST:,} times: take a shorter span")
        found = []
        for one in due:
            time = _Time(name, schedule, one, _before(schedule, one, due))
            if schedule.workflow is not None:
                found.append(_made_up(tx, time, workflows or NoWorkflows()))
                continue
            request = time.request
            done = submit(tx, completed(tx, request, settings), settings)
            outcome = "submitted" if done.is_new else "there already"
            fired = Fired(name, one, outcome, done.run)
            found.append(_note(tx, fired) if done.is_new else fired)
    return found


def _made_up(tx: Transaction, time: _Time, workflows: Workflows) -> Fired:
    mine = (fires.c.schedule == time.name, fires.c.due == time.due.timestamp())
    known = tx.one(sa.select(fires.c.execution).where(*mine))
    arn = time.start(tx, workflows)
    if known is not None and known["execution"] == arn:
        return Fired(time.name, time.due, "there already", execution=arn)
    return _note(tx, Fired(time.name, time.due, "started", execution=arn))


def next_times(schedule: Schedule, now: float, count: int) -> list[datetime]:
    """The next times of a schedule."""
    found = []
    for one in times(schedule, now):
        found.append(one)
        if len(found) == count:
            break
    return found


def last_fires(tx: Transaction, name: str, count: int = 10) -> list[Row]:
    """What became of the newest times of a schedule, the newest first."""
    query = sa.select(fires).where(fires.c.schedule == name)
    return tx.all(query.order_by(fires.c.due.desc()).limit(count))
