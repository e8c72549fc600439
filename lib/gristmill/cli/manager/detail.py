"""All that is known of a run, as commands show it."""

import contextlib
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from gristmill.cli.manager.context import moment, span, when
from gristmill.cli.show import Block, Table, blocks
from gristmill.emr.redact import redact
from gristmill.errors import GristmillError
from gristmill.manager.ledger import Ledger, Transaction
from gristmill.manager.ledger.acting import find
from gristmill.manager.ledger.database import Row
from gristmill.manager.ledger.definitions import load_settings
from gristmill.manager.ledger.looking import attempts_of, events_of
from gristmill.manager.ledger.reasons import why
from gristmill.manager.places.opening import open_place
from gristmill.manager.settings import Settings
from gristmill.manager.states import RunState
from gristmill.manager.statistics.figures import usual_time
from gristmill.runs import Handle


@dataclass(frozen=True)
class AttemptDetail:
    """An attempt: times are UTC, `cost` is in US dollars."""

    number: int
    place: str
    worker: str
    started: datetime | None
    ended: datetime | None
    outcome: str | None
    cause: str
    reason: str
    advice: str
    exit_code: int | None
    logs: str
    cost: float | None


@dataclass(frozen=True)
class EventDetail:
    """A transition, or a change of hands."""

    at: datetime | None
    before: str | None
    after: str
    attempt: int
    worker: str | None
    reason: str


@dataclass(frozen=True)
class RunDetail:
    """A run: times are UTC. `why` is what it waits for, or how it stands; `seconds_left` what it
    may still take, by its like; `tail` the end of what its newest attempt has printed."""

    run: str
    key: str | None
    job: str
    definition: str | None
    argv: tuple[str, ...]
    queue: str
    share: str
    state: str
    reason: str
    cause: str
    created: datetime | None
    due: datetime | None
    started: datetime | None
    ended: datetime | None
    array_size: int | None
    why: tuple[str, ...]
    progress: Mapping[str, Any] | None
    seconds_left: float | None
    result: Mapping[str, Any] | None
    attempts: tuple[AttemptDetail, ...]
    events: tuple[EventDetail, ...]
    tail: tuple[str, ...]

    @staticmethod
    def of(ledger: Ledger, name: str, *, lines: int) -> "RunDetail":
        """A run by its id or key. Raises `InputError` where there is none."""
        with ledger.look() as tx:
            run = find(tx, name)
            settings = load_settings(tx)
            attempts = attempts_of(tx, run["id"])
            events = events_of(tx, run["id"])
            reasons = tuple(why(tx, run, settings))
            left = _left(tx, run, attempts)
        return RunDetail(
            run["id"],
            run["key"],
            run["job"],
            run["definition"],
            tuple(redact(run["argv"])),
            run["queue"],
            run["share"],
            run["state"],
            run["reason"],
            run["cause"],
            moment(run["created"]),
            moment(run["due"]),
            moment(run["started"]),
            moment(run["ended"]),
            run["array_size"],
            reasons,
            run["progress"],
            left,
            run["result"],
            tuple(map(_attempt, attempts)),
            tuple(map(_event, events)),
            tuple(_tail(settings, attempts, lines)),
        )


def _left(tx: Transaction, run: Row, attempts: Sequence[Row]) -> float | None:
    """How long a run that goes on may still take, by how long such runs took before."""
    if run["state"] != RunState.RUNNING or not attempts:
        return None
    usual = usual_time(tx, run["job"], run["definition"])
    return None if usual is None else max(0.0, usual - (tx.now - attempts[-1]["started"]))


def _attempt(row: Row) -> AttemptDetail:
    return AttemptDetail(
        row["number"],
        row["place"],
        row["worker"],
        moment(row["started"]),
        moment(row["ended"]),
        row["outcome"],
        row["cause"],
        row["reason"],
        row["advice"],
        row["exit_code"],
        row["logs"],
        row["cost"],
    )


def _event(row: Row) -> EventDetail:
    return EventDetail(
        moment(row["at"]),
        row["before"],
        row["after"],
        row["attempt"],
        row["worker"],
        row["reason"],
    )


def _tail(settings: Settings, attempts: Sequence[Row], lines: int) -> Sequence[str]:
    """The end of what the newest attempt has printed, where that can be seen from here."""
    if not attempts or lines < 1 or attempts[-1]["handle"] is None:
        return ()
    newest = attempts[-1]
    place = settings.place(newest["place"])
    with contextlib.suppress(GristmillError, OSError, ModuleNotFoundError):
        if place is not None:
            opened = open_place(newest["place"], place, lambda _text: None)
            return opened.tail(Handle(**newest["handle"]), lines)
    return ()


@blocks.register
def _(found: RunDetail) -> Iterable[Block]:
    yield f"run {found.run}: {found.state}"
    yield from (f"  {line}" for line in found.why)
    yield f"job: {shlex.join((found.job, *found.argv))}"
    where = f"queue: {found.queue}"
    yield where if found.share == "default" else f"{where}, share: {found.share}"
    if found.key:
        yield f"key: {found.key}"
    if found.progress:
        yield f"progress: {_progress(found.progress)}"
    if found.seconds_left is not None:
        yield f"about {span(found.seconds_left)} left, as runs of it usually take"
    if found.attempts:
        tried = [
            (
                str(one.number),
                one.place,
                one.outcome or "under way",
                when(one.started),
                span((one.ended - one.started).total_seconds())
                if one.ended and one.started
                else "-",
                one.cause or "-",
            )
            for one in found.attempts
        ]
        yield Table(("attempt", "place", "outcome", "started", "took", "cause"), tried)
        yield from _failure(found.attempts[-1])
    if found.result and found.result.get("datasets"):
        datasets = found.result["datasets"]
        rows = [(one["name"], f"{one['rows']:,}", one["uri"]) for one in datasets]
        yield Table(("dataset", "rows", "where"), rows)
    events = [
        (
            when(one.at),
            f"{one.before or '-'} → {one.after}",
            one.reason.partition("\n")[0],
        )
        for one in found.events
    ]
    yield Table(("when", "event", "reason"), events)
    if found.tail:
        yield "it printed last:"
        yield from (f"  {line}" for line in found.tail)


def _failure(last: AttemptDetail) -> Iterable[str]:
    if last.outcome in {"failed", "lost"}:
        yield f"why it failed: {last.reason}"
        if last.advice:
            yield f"what to do: {last.advice}"
    if last.logs:
        yield f"logs: {last.logs}"


def _progress(progress: Mapping[str, Any]) -> str:
    tasks = (
        f", {progress.get('done', 0):,} of {progress['tasks']:,} tasks"
        if progress.get("tasks")
        else ""
    )
    return f"{progress.get('phase', 'under way')}{tasks}"
