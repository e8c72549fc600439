"""`gristmill runs …`, `gristmill why`: runs of the job manager, listed, shown and worked on."""

import argparse
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from gristmill.cli.manager.context import moment, opened, span
from gristmill.cli.manager.detail import RunDetail
from gristmill.cli.show import Block, Table, blocks, json_line, show
from gristmill.cli.voice import tell
from gristmill.errors import ExitCode, UsageError
from gristmill.manager.ledger import Ledger, acting
from gristmill.manager.ledger.database import Row
from gristmill.manager.ledger.definitions import load_settings
from gristmill.manager.ledger.looking import Filter, changed_since, last_event, listed
from gristmill.manager.ledger.reasons import why
from gristmill.manager.states import RunState
from gristmill.nearest import nearest
from gristmill.publish.lease import owner

_LOOK = 0.5


@dataclass(frozen=True)
class RunLine:
    """A run in a list: times are UTC; `attempt` is the number of the newest, 0 for none."""

    run: str
    job: str
    state: str
    queue: str
    attempt: int
    created: datetime | None
    started: datetime | None
    ended: datetime | None
    reason: str
    cause: str

    @staticmethod
    def of(row: Row) -> "RunLine":
        """A row of `runs`."""
        return RunLine(
            row["id"],
            row["job"],
            row["state"],
            row["queue"],
            row["attempt"],
            moment(row["created"]),
            moment(row["started"]),
            moment(row["ended"]),
            row["reason"],
            row["cause"],
        )


@dataclass(frozen=True)
class SubmittedRuns:
    """Runs, the newest first."""

    runs: tuple[RunLine, ...]


@dataclass(frozen=True)
class Explanation:
    """Why a run stands where it does."""

    run: str
    state: str
    why: tuple[str, ...]
    advice: str


@dataclass(frozen=True)
class Changed:
    """Runs that something was done to: what they are now."""

    runs: tuple[tuple[str, str], ...]


def list_runs(arguments: argparse.Namespace) -> int:
    """List runs, and follow them if that is asked for; gives the exit code."""
    if arguments.n < 1:
        raise UsageError(f"-n takes 1 or more, not {arguments.n}")
    states = tuple(map(_state, arguments.state))
    which = Filter(states, arguments.job, arguments.queue, arguments.parent)
    with opened(arguments) as ledger:
        with ledger.look() as tx:
            last = last_event(tx)
            found = tuple(map(RunLine.of, listed(tx, which, arguments.n)))
        if arguments.follow and arguments.json:
            for line in reversed(found):
                print(json_line({"run": line}), flush=True)
        else:
            show(SubmittedRuns(found), as_json=arguments.json)
        if arguments.follow:
            _follow(ledger, last, as_json=arguments.json)
    return ExitCode.DONE


def _state(text: str) -> RunState:
    if text not in set(RunState):
        raise UsageError(f"no state {text!r}: {nearest(text, RunState)}")
    return RunState(text)


@dataclass(frozen=True)
class RunChange:
    """A run that became something else; `before` is null for one that is new."""

    at: datetime
    run: str
    job: str
    before: str | None
    after: str
    reason: str

    def __str__(self) -> str:
        said = self.reason.partition("\n")[0]
        before = self.before or "new"
        line = f"{self.at:%H:%M:%SZ}  {self.run}  {self.job}  {before} → {self.after}  {said}"
        return line.rstrip()


def _follow(ledger: Ledger, last: int, *, as_json: bool) -> None:
    while True:
        with ledger.look() as tx:
            changes = changed_since(tx, last)
        for one in changes:
            last = one["id"]
            at = datetime.fromtimestamp(one["at"], UTC)
            names = ("run", "job", "before", "after", "reason")
            change = RunChange(at, *(one[name] for name in names))
            print(json_line({"change": change}) if as_json else change, flush=True)
        if not changes:
            time.sleep(_LOOK)


def show_run(arguments: argparse.Namespace) -> int:
    """Show all of a run; gives the exit code."""
    with opened(arguments) as ledger:
        show(RunDetail.of(ledger, arguments.run, lines=arguments.lines), as_json=arguments.json)
    return ExitCode.DONE


def explain(arguments: argparse.Namespace) -> int:
    """Say why a run waits or has failed; gives the exit code."""
    with opened(arguments) as ledger:
        with ledger.look() as tx:
            run = acting.find(tx, arguments.run)
            reasons = tuple(why(tx, run, load_settings(tx)))
        detail = RunDetail.of(ledger, run["id"], lines=0)
    failed = detail.attempts and detail.attempts[-1].outcome in {"failed", "lost"}
    advice = detail.attempts[-1].advice if failed else ""
    found = Explanation(run["id"], run["state"], reasons, advice)
    show(found, as_json=arguments.json)
    return ExitCode.DONE


def cancel(arguments: argparse.Namespace) -> int:
    """Cancel a run; gives the exit code."""
    with opened(arguments) as ledger, ledger.begin() as tx:
        run = acting.find(tx, arguments.run)
        before = RunState(run["state"])
        state = acting.cancel(tx, run["id"], owner())
    if before.is_final:
        tell(f"run {run['id']} had ended already: {before}")
    elif not state.is_final:
        tell(f"asked that run {run['id']} end: its worker sees to it")
    show(Changed(((run["id"], state),)), as_json=arguments.json)
    return ExitCode.DONE


def retry(arguments: argparse.Namespace) -> int:
    """Try a run again; gives the exit code."""
    if not 1 <= arguments.attempts <= 10:
        raise UsageError(f"--attempts takes 1 to 10, not {arguments.attempts}")
    with opened(arguments) as ledger, ledger.begin() as tx:
        again = acting.retry(tx, arguments.run, owner(), arguments.attempts)
    show(Changed(tuple((run, "ready") for run in again)), as_json=arguments.json)
    return ExitCode.DONE


@blocks.register
def _(found: SubmittedRuns) -> Iterable[Block]:
    rows = [
        (
            one.run,
            one.job,
            one.state,
            one.queue,
            span((one.ended - one.started).total_seconds()) if one.ended and one.started else "-",
            one.reason.partition("\n")[0][:60],
        )
        for one in found.runs
    ]
    # When it was submitted stands in its id; so all of it fits 80 columns.
    heading = ("run", "job", "state", "queue", "took", "reason")
    yield Table(heading, rows) if rows else "no runs"


@blocks.register
def _(found: Explanation) -> Iterable[Block]:
    yield f"run {found.run} is {found.state}:"
    yield from (f"  {line}" for line in found.why)
    if found.advice:
        yield f"what to do: {found.advice}"


@blocks.register
def _(found: Changed) -> Iterable[Block]:
    return (f"{run}: {state}" for run, state in found.runs)
