"""The loop of a worker.

Whatever takes long is called in threads; the loop itself only collects, and writes in one short
transaction. What was not written because the database was away is kept, and written later.
"""

import os
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

from gristmill.failpoints import point
from gristmill.manager.ledger import Ledger, Transaction
from gristmill.manager.ledger.claiming import Claimed, Room, claim
from gristmill.manager.ledger.database import UnreachableError
from gristmill.manager.ledger.definitions import load_settings
from gristmill.manager.ledger.endings import Ending, end, note, record
from gristmill.manager.ledger.workers import (
    BEAT,
    WorkerIdentity,
    adopt,
    beat,
    leave,
    neighbours,
    of_lost_machines,
    register,
)
from gristmill.manager.notify.following import follow
from gristmill.manager.places import Outcome, RunPlace
from gristmill.manager.retry import LOST, failed
from gristmill.manager.settings import Place, Settings
from gristmill.manager.statistics.figures import retries_to_come
from gristmill.manager.worker.calls import Calls
from gristmill.manager.worker.held import Held
from gristmill.manager.worker.identity import is_dead
from gristmill.runs import Handle, Status

_MOST_REMOTE = 100
_PROGRESS = 2.0
_LONGEST_PAUSE = 0.1
_AWAY_FIRST, _AWAY_LONGEST = 0.5, 10.0

Looked = tuple[Mapping[Handle, Status], Mapping[Handle, Mapping[str, Any]]]


def _memory() -> int:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError):
        return 8 * 10**9


@dataclass(frozen=True)
class WorkerOptions:
    """What a worker gives: `slots` runs at once on this machine, with `cores` and `memory` (bytes)
    between them; of `queues`, none for all. With `burst` it ends when nothing is to be done any
    more; with `drain` it takes nothing new. `idle` is how long it waits before it looks for more,
    in seconds."""

    slots: int = 1
    cores: float = field(default_factory=lambda: float(os.cpu_count() or 1))
    memory: int = field(default_factory=_memory)
    queues: tuple[str, ...] = ()
    burst: bool = False
    drain: bool = False
    idle: float = 1.0


class Worker:
    """A worker. `open_place` gives what runs at a place; `duties` are done about once a second,
    besides. With `burst` it stays while it `is_wanted`, by a workflow that may submit more."""

    def __init__(
        self,
        ledger: Ledger,
        me: WorkerIdentity,
        options: WorkerOptions,
        open_place: Callable[[str, Place], RunPlace],
        *,
        tell: Callable[[str], None] = lambda _text: None,
        duties: Callable[[Ledger], None] = lambda _ledger: None,
        calls: Calls | None = None,
        ticks: Callable[[], float] = time.monotonic,
        is_wanted: Callable[[], bool] = lambda: False,
    ) -> None:
        self.me = me
        self._ledger = ledger
        self._options = options
        self._open = open_place
        self._tell = tell
        self._duties = duties
        self._wake = threading.Event()
        self._calls = calls or Calls(self._wake.set)
        # Not the time of day: that may jump.
        self._ticks = ticks
        self._is_wanted = is_wanted
        self._held: dict[str, Held] = {}
        self._places: dict[str, tuple[Place, RunPlace]] = {}
        self._looks: dict[str, tuple[Future[Looked], list[Held]]] = {}
        self._next: dict[str, float] = defaultdict(lambda: float("-inf"))
        self._stopped = threading.Event()
        self.is_draining = options.drain
        self._is_idle = False
        self._busy = 0.0
        self._finished = 0

    @property
    def is_busy(self) -> bool:
        """Whether it holds runs."""
        return bool(self._held)

    def stop(self) -> None:
        """Let go of all runs, for others to take up where they are, and end."""
        self._stopped.set()
        self._wake.set()

    def run(self) -> int:
        """Work until it is stopped, or there is no more to do; gives how many runs it finished."""
        self._patiently(self._register)
        last = self._ticks()
        while not self._stopped.is_set():
            now = self._ticks()
            self._busy += (now - last) * len(self._held)
            last = now
            self._patiently(self.tick)
            if self._is_over():
                break
            if not self._has_news():
                self._wake.wait(_LONGEST_PAUSE if self._held else self._options.idle)
            self._wake.clear()
        self._patiently(self._leave)
        return self._finished

    def _has_news(self) -> bool:
        """Whether the next round has something to do already."""
        looked = any(call.done() for call, _ in self._looks.values())
        return looked or any(one.has_news for one in self._held.values())

    def _is_over(self) -> bool:
        if self._held:
            return False
        return self.is_draining or (self._options.burst and self._is_idle and not self._has_more())

    def _has_more(self) -> bool:
        """Whether there will be more to do: a workflow goes on, or a run is tried again later."""
        if self._is_wanted():
            return True
        try:
            with self._ledger.look() as tx:
                return retries_to_come(tx, self._options.queues)
        except UnreachableError:
            return True

    def _patiently(self, do: Callable[[], object]) -> None:
        """Do what needs the database; while that is away, wait."""
        wait, is_told = _AWAY_FIRST, False
        while True:
            try:
                do()
            except UnreachableError as error:
                if not is_told:
                    self._tell(f"{error}; waiting for it")
                    is_told = True
                if self._stopped.wait(wait):
                    return
                wait = min(_AWAY_LONGEST, wait * 2)
            else:
                if is_told:
                    self._tell("the ledger answers again")
                return

    def _register(self) -> None:
        options = self._options
        with self._ledger.begin() as tx:
            register(
                tx,
                self.me,
                slots=options.slots,
                cores=options.cores,
                memory=options.memory,
                queues=options.queues,
            )

    def _leave(self) -> None:
        with self._ledger.begin() as tx:
            given_up = leave(tx, self.me.id)
        if given_up:
            self._tell(f"gave up {given_up} runs, which go on for others to take up")

    def tick(self) -> None:
        """One round: see what came of calls, write it down, take up what there is, start it."""
        now = self._ticks()
        for one in self._held.values():
            one.collect(now)
            one.cancel(self._calls)
        self._look(now)
        point("a worker is about to write")
        self._write(now)
        point("a worker has claimed")
        for one in self._held.values():
            one.start(self._calls, now)
        if now >= self._next["duties"]:
            self._next["duties"] = now + 1.0
            self._duties(self._ledger)

    def _look(self, now: float) -> None:
        """Ask each place how runs are, unless it is being asked."""
        for name, (call, asked) in list(self._looks.items()):
            if call.done():
                del self._looks[name]
                self._seen(call, asked, now)
        watched: dict[str, list[Held]] = defaultdict(list)
        for one in self._held.values():
            if one.is_watched:
                watched[one.run.place].append(one)
        for name, some in watched.items():
            if name not in self._looks and now >= self._next[f"poll {name}"]:
                self._next[f"poll {name}"] = now + some[0].place.poll_every
                self._looks[name] = self._calls.make(_looking(list(some))), some

    def _seen(self, call: Future[Looked], asked: Sequence[Held], now: float) -> None:
        error = call.exception()
        statuses, progress = call.result() if error is None else ({}, {})
        for one in asked:
            handle = one.handle
            if not one.is_watched or handle is None:
                continue
            if error is not None or handle not in statuses:
                one.unseen(error or KeyError(handle.id), now)
                continue
            one.seen(statuses[handle], self._calls, now)
            if handle in progress and now >= self._next[f"progress {one.run.id}"]:
                self._next[f"progress {one.run.id}"] = now + _PROGRESS
                one.notes["progress"] = dict(progress[handle])

    def _write(self, now: float) -> None:
        """Write down what happened and take up what there is, in one transaction."""
        started = [one for one in self._held.values() if one.handle and not one.is_recorded]
        endings = [one.ending for one in self._held.values() if one.ending]
        noted = [one for one in self._held.values() if one.notes and not one.ending]
        is_beat = now >= self._next["beat"]
        wants = not self.is_draining and (bool(endings) or now >= self._next["claim"])
        if not (started or endings or noted or is_beat or wants):
            return
        taken: list[Claimed] = []
        gone: set[str] = set()
        with self._ledger.begin() as tx:
            settings, since = load_settings(tx), now - tx.now
            if started:
                gone |= record(tx, [(one.run, one.told_handle) for one in started])
            if endings:
                gone |= self._end(tx, endings, settings)
            gone |= {one.run.id for one in noted if not note(tx, one.run, **one.notes)}
            if is_beat:
                gone |= self._beat(tx, settings) - {ending.run.id for ending in endings}
                taken += adopt(tx, self.me, _MOST_REMOTE)
            claimed: list[Claimed] = []
            room = self._room(endings)
            if wants:
                host = self.me.host
                queues = self._options.queues
                claimed = claim(tx, self.me.id, host, queues=queues, room=room, settings=settings)
        self._written(started, noted, endings, gone)
        if is_beat:
            self._next["beat"] = now + BEAT
        if wants:
            self._is_idle = not claimed and not taken
            is_full = len(claimed) >= max(0, room.local)
            self._next["claim"] = now + (self._options.idle if is_full or not claimed else 0.0)
        for run in (*taken, *claimed):
            self._take(run, settings, run.started + since)

    def _written(
        self,
        started: Sequence[Held],
        noted: Sequence[Held],
        endings: Sequence[Ending],
        gone: set[str],
    ) -> None:
        for one in started:
            one.is_recorded = True
        for one in noted:
            one.notes.clear()
        for ending in endings:
            self._finished += 1
            self._held.pop(ending.run.id, None)
            if ending.run.id not in gone:
                state = "to be tried again" if ending.state == "ready" else ending.state
                self._tell(f"{ending.run.id}  {ending.run.job}  {state}  {ending.reason}".rstrip())
        for name in gone:
            if self._held.pop(name, None):
                self._tell(f"{name} was taken up by another worker: let go of it")

    def _room(self, endings: Sequence[Ending]) -> Room:
        ended = {ending.run.id for ending in endings}
        here = [one.run for one in self._held.values() if one.is_local and one.run.id not in ended]
        elsewhere = len(self._held) - len(here)
        return Room(
            self._options.slots - len(here),
            self._options.cores - sum(run.cores for run in here),
            self._options.memory - sum(run.memory for run in here),
            _MOST_REMOTE - elsewhere,
        )

    def _beat(self, tx: Transaction, settings: Settings) -> set[str]:
        """Give a sign of life; gives the runs that are no longer held."""
        state = "draining" if self.is_draining else "working"
        heard = beat(tx, self.me, state, self._busy, self._finished)
        for one in self._held.values():
            one.cancel_asked = one.cancel_asked or one.run.id in heard.to_cancel
        for other in neighbours(tx, self.me.host):
            if other.id != self.me.id and is_dead(other):
                leave(tx, other.id)
        lost = Outcome(LOST, "the machine that it ran on has gone")
        self._end(tx, [failed(run, lost) for run in of_lost_machines(tx, 100)], settings)
        return {name for name in self._held if name not in heard.held}

    def _end(
        self, tx: Transaction, endings: Sequence[Ending], settings: Settings
    ) -> frozenset[str]:
        """Write down endings, and with them what follows; gives the runs that are no longer
        held."""
        ended = end(tx, endings, settings)
        follow(tx, settings, ended.final, ended.again)
        return ended.lost

    def _take(self, run: Claimed, settings: Settings, began: float) -> None:
        place = settings.place(run.place)
        if place is None:
            self._tell(f"{run.id} is at {run.place}, which is no place any more")
            return
        known = self._places.get(run.place)
        if known is None or known[0] != place:
            self._places[run.place] = known = (place, self._open(run.place, place))
        self._held[run.id] = Held.of(run, known[1], began, is_local=place.kind == "local")


def _looking(some: Sequence[Held]) -> Callable[[], Looked]:
    """What asks a place how runs are, and how far."""

    def look() -> Looked:
        handles = [one.handle for one in some if one.handle]
        statuses = some[0].place.poll(handles)
        progress = {}
        for one in some:
            handle = one.handle
            if handle in statuses and handle and not statuses[handle].state.is_final:
                found = one.place.progress(one.run, handle)
                if found is not None:
                    progress[handle] = found
        return statuses, progress

    return look
