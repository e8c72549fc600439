"""A run that a worker holds, from its claim to its end."""

from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import asdict, dataclass, field
from typing import Any

from gristmill.errors import GristmillError, UsageError
from gristmill.failpoints import point
from gristmill.manager.ledger.claiming import Claimed
from gristmill.manager.ledger.endings import Ending
from gristmill.manager.places import Outcome, RefusedForNowError, RunPlace
from gristmill.manager.retry import REFUSED, TIMED_OUT, delay, failed
from gristmill.manager.states import RunState
from gristmill.manager.worker.calls import Calls
from gristmill.runs import Handle, State, Status

_START_TRIES = 5


@dataclass
class Held:
    """What a worker knows of a run. It `began` then, by the worker's ticks; `ending` is there once
    it is over, and stays until it is written down."""

    run: Claimed
    place: RunPlace
    is_local: bool
    began: float
    handle: Handle | None = None
    is_recorded: bool = False
    starting: Future[Handle] | None = None
    looking_back: Future[Outcome] | None = None
    status: Status = field(default_factory=lambda: Status(State.PENDING))
    ending: Ending | None = None
    cancel_asked: bool = False
    cancel_sent: bool = False
    timed_out: bool = False
    unseen_since: float | None = None
    start_after: float = 0.0
    start_tries: int = 0
    notes: dict[str, Any] = field(default_factory=dict)

    @staticmethod
    def of(run: Claimed, place: RunPlace, began: float, *, is_local: bool) -> "Held":
        """A run that was claimed, or taken up."""
        handle = Handle(**run.handle) if run.handle else None
        is_recorded = run.state is RunState.RUNNING
        return Held(run, place, is_local, began, handle, is_recorded)

    @property
    def is_watched(self) -> bool:
        """Whether its place is to be asked how it is."""
        return self.handle is not None and self.ending is None and self.looking_back is None

    @property
    def has_news(self) -> bool:
        """Whether there is something to be written down, or to be collected."""
        calls = (self.starting, self.looking_back)
        return (
            self.ending is not None
            or (self.handle is not None and not self.is_recorded)
            or any(call is not None and call.done() for call in calls)
        )

    def start(self, calls: Calls, now: float) -> None:
        """Start it, if that has not been done and it is time."""
        if self.handle is None and self.starting is None and self.ending is None:
            if self.cancel_asked and self.start_tries == 0:
                self.ending = Ending(self.run, RunState.CANCELLED, "cancelled", "cancelled in time")
            elif now >= self.start_after:
                self.start_tries += 1
                self.starting = calls.make(self._start)

    def _start(self) -> Handle:
        point("a run is about to be started")
        handle = self.place.start(self.run)
        point("a run was started")
        return handle

    def collect(self, now: float) -> None:
        """See what came of calls."""
        if self.starting is not None and self.starting.done():
            self._started(self.starting, now)
            self.starting = None
        if self.looking_back is not None and self.looking_back.done():
            self._ended(self.looking_back)
            self.looking_back = None

    def _started(self, call: Future[Handle], now: float) -> None:
        error = call.exception()
        if error is None:
            self.handle = call.result()
        elif isinstance(error, RefusedForNowError):
            # Later and later, as long as it is refused.
            wait = delay(self.run.attempt)
            self.ending = Ending(self.run, RunState.READY, "refused", str(error), delay=wait)
        elif isinstance(error, UsageError) or self.start_tries >= _START_TRIES:
            self.ending = failed(self.run, Outcome(REFUSED, str(error)))
        else:
            # Perhaps it has started: the same again finds it by its run key.
            self.start_after = now + delay(self.start_tries)
            self.notes["reason"] = f"did not start yet: {_said(error)}"

    def seen(self, status: Status, calls: Calls, now: float) -> None:
        """Hear how it is."""
        self.status = status
        if self.unseen_since is not None:
            self.unseen_since = None
            self.notes["reason"] = ""
        if not status.state.is_final:
            self._watch_time(now)
            return
        handle = self.handle
        if handle is not None:
            self.looking_back = calls.make(lambda: self.place.outcome(self.run, handle, status))

    def unseen(self, error: BaseException, now: float) -> None:
        """Hear that its place cannot be asked, which says nothing of the run."""
        if self.unseen_since is None:
            self.unseen_since = now
        self.notes["reason"] = f"out of sight: {_said(error)}"

    def _watch_time(self, now: float) -> None:
        if self.run.timeout is not None and now - self.began > self.run.timeout:
            self.timed_out = True

    def cancel(self, calls: Calls) -> None:
        """Ask for its end, where that is wanted and was not done."""
        handle = self.handle
        wanted = self.cancel_asked or self.timed_out
        if wanted and self.is_watched and not self.cancel_sent and handle is not None:
            self.cancel_sent = True
            calls.make(lambda: self.place.cancel(handle))

    def _ended(self, call: Future[Outcome]) -> None:
        error = call.exception()
        # That more is not known changes nothing about how it ended.
        outcome = call.result() if error is None else Outcome("UNKNOWN", f"{_said(error)}")
        state, run = self.status.state, self.run
        if state is State.SUCCEEDED:
            self.ending = Ending(
                run,
                RunState.SUCCEEDED,
                "succeeded",
                exit_code=outcome.exit_code,
                logs=outcome.logs,
                cost=outcome.cost,
                result=outcome.result,
            )
        elif self.timed_out:
            span = f"{run.timeout:g} s" if run.timeout else "its timeout"
            self.ending = failed(run, _because(outcome, TIMED_OUT, f"it took longer than {span}"))
        elif self.cancel_asked or (state is State.CANCELLED and not self.is_local):
            self.ending = Ending(
                run,
                RunState.CANCELLED,
                "cancelled",
                "cancelled" if self.cancel_asked else "cancelled where it ran",
                logs=outcome.logs,
                cost=outcome.cost,
            )
        else:
            self.ending = failed(run, outcome)

    @property
    def told_handle(self) -> Mapping[str, str]:
        """Where it is, as JSON."""
        return asdict(self.handle) if self.handle else {}


def _because(outcome: Outcome, cause: str, reason: str) -> Outcome:
    advice = "give it more time (--timeout), or find out what it waits for"
    return Outcome(
        cause, reason, advice, outcome.exit_code, outcome.logs, outcome.cost, outcome.result
    )


def _said(error: BaseException) -> str:
    told = str(error) if isinstance(error, GristmillError) else f"{type(error).__name__}: {error}"
    return told.splitlines()[0] if told else type(error).__name__
