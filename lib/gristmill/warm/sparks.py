"""What the warm process keeps of Spark: each for runs that would start the very same."""

import contextlib
import os
import select
import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gristmill.warm.messages import send

IDLE_SECONDS = 900.0
_AT_MOST = 2
_SHORT_OF_MEMORY = 0.08


@dataclass
class _Spark:
    """A Spark that is kept, or that a run (`starter`) is starting while others wait for it."""

    key: str
    starter: int | None = None
    waiting: list[tuple[int, socket.socket]] = field(default_factory=list)
    told: dict[str, Any] = field(default_factory=dict)
    alive: int = -1
    used_by: set[int] = field(default_factory=set)
    is_retired: bool = False
    last_used: float = 0.0

    @property
    def has_died(self) -> bool:
        """Whether its JVM has: nobody reads what keeps it alive."""
        watch = select.poll()
        watch.register(self.alive, 0)
        return bool(watch.poll(0))

    @property
    def is_idle(self) -> bool:
        return self.starter is None and not self.used_by

    def close(self) -> None:
        os.close(self.alive)


class Sparks:
    """Those that are kept, at most two that nobody uses."""

    def __init__(
        self, clock: Callable[[], float], memory: Callable[[], float] | None = None
    ) -> None:
        self._clock = clock
        self._free_memory = memory or free_memory
        self._all: list[_Spark] = []
        self._last_used = clock()

    def touch(self) -> None:
        """Note that something was asked for."""
        self._last_used = self._clock()

    def find(self, key: str, process: int, client: socket.socket) -> None:
        """Answer a run with the Spark it may use, once there is one; else it is to start it."""
        for one in self._all:
            if one.key == key and not one.is_retired:
                if one.starter is not None:
                    one.waiting.append((process, client))
                    return
                if not one.has_died:
                    self._give(one, process, client)
                    return
                one.is_retired = True
        self._all.append(_Spark(key, starter=process))
        with contextlib.suppress(OSError), client:
            send(client, {"spark": None})

    def keep(self, key: str, process: int, told: dict[str, Any], alive: int) -> None:
        """Keep what a run has started, for as long as the open file `alive` is."""
        for one in self._all:
            if one.key == key and one.starter == process:
                one.starter, one.told, one.alive = None, told, alive
                one.used_by.add(process)
                waiting, one.waiting = one.waiting, []
                for other, client in waiting:
                    self._give(one, other, client)
                return
        os.close(alive)

    def give_up(self, process: int) -> None:
        """Let the next that waits start what a run did not."""
        for one in [one for one in self._all if one.starter == process]:
            self._all.remove(one)
            for other, client in one.waiting:
                self.find(one.key, other, client)

    def leave(self, process: int, *, retire: bool) -> None:
        """A run uses nothing more; if `retire`, nobody else shall use it either."""
        self.give_up(process)
        for one in self._all:
            if process in one.used_by:
                one.used_by.remove(process)
                one.last_used = self._clock()
                one.is_retired |= retire
        self.touch()
        self._tidy()

    def look(self) -> bool:
        """Close what is not worth keeping; gives whether nothing is, as nobody asks any more."""
        if self._free_memory() < _SHORT_OF_MEMORY:
            self.close_idle()
        self._tidy()
        return self.ends_in() <= 0

    def ends_in(self) -> float:
        """In how many seconds nothing will be kept any more, if nobody asks."""
        if not all(one.is_idle for one in self._all):
            return IDLE_SECONDS
        return self._last_used + IDLE_SECONDS - self._clock()

    def close_idle(self) -> None:
        """Close those that nobody uses, and the others once their runs have ended."""
        for one in self._all:
            one.is_retired = True
        self._tidy()

    def close(self) -> None:
        """Close all of them; in a process that has forked, its own hold on them."""
        for one in self._all:
            if one.starter is None:
                one.close()
        self._all = []

    def status(self) -> list[dict[str, Any]]:
        """What is told of each."""
        return [
            {
                **{name: one.told[name] for name in ("process", "java", "folder")},
                "runs": sorted(one.used_by),
                "bytes": resident(one.told["process"]),
            }
            for one in self._all
            if one.starter is None
        ]

    def _give(self, one: _Spark, process: int, client: socket.socket) -> None:
        one.used_by.add(process)
        with contextlib.suppress(OSError), client:
            send(client, {"spark": one.told})

    def _tidy(self) -> None:
        now = self._clock()
        idle = sorted((one for one in self._all if one.is_idle), key=lambda one: -one.last_used)
        for place, one in enumerate(idle):
            is_old = now - one.last_used >= IDLE_SECONDS
            if one.is_retired or is_old or place >= _AT_MOST or one.has_died:
                self._all.remove(one)
                one.close()


def free_memory() -> float:
    """The share of this machine's memory that is free; 1 where the system does not tell."""
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
    except OSError:
        return 1.0
    found = {name: int(rest.split()[0]) for name, _, rest in (one.partition(":") for one in lines)}
    return found.get("MemAvailable", found["MemTotal"]) / found["MemTotal"]


def resident(process: int) -> int:
    """How many bytes of memory a process has; 0 where the system does not tell."""
    try:
        pages = int(Path(f"/proc/{process}/statm").read_text().split()[1])
    except (OSError, IndexError):
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")
