"""How far a run is."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from gristmill.model.report import size


class Phase:
    """What a run is doing, as it goes on: `name`, and the bytes of the files that it loads."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.name = "starting"
        self.bytes = 0
        self._clock = clock
        self._since = clock()
        self._spans: dict[str, float] = {}

    def enter(self, name: str) -> None:
        """Begin another phase."""
        self._spans, self._since = self._so_far(), self._clock()
        self.name = name

    @property
    def spans(self) -> dict[str, float]:
        """How many seconds each phase took so far, in their order."""
        return {name: round(seconds, 3) for name, seconds in self._so_far().items()}

    def _so_far(self) -> dict[str, float]:
        took = self._clock() - self._since
        return {**self._spans, self.name: self._spans.get(self.name, 0.0) + took}


@dataclass(frozen=True)
class Progress:
    """A look at a run: its phase, how many tasks of Spark's stage are done, what that has read.

    The phases are starting, waiting (for another run), listing, reading, writing and publishing.
    `bytes` are those of all files, 0 where that is not known.
    """

    phase: str
    tasks: int = 0
    done: int = 0
    read: int = 0
    bytes: int = 0

    def __str__(self) -> str:
        tasks = f"{self.done:,} of {self.tasks:,} tasks" if self.tasks else ""
        amount = ""
        if self.phase == "reading" and self.bytes:
            # Spark counts what a task has read once that has ended.
            read = f"{size(min(self.read, self.bytes))} of " if self.read else ""
            amount = f"{read}{size(self.bytes)}"
        told = ", ".join(filter(None, (amount, tasks)))
        return f"{self.phase}: {told}" if told else self.phase
