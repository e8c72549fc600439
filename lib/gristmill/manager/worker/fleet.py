"""A worker in a fleet: what its instance is told, and what the worker does about it."""

from collections.abc import Callable
from typing import Protocol

from gristmill.errors import GristmillError

NOTICES = 5.0
"""Seconds between two looks at whether the instance has to go."""
BACKLOG = 60.0


class FleetInstance(Protocol):
    """An instance, such as `gristmill.emr.fleet.Instance`."""

    def notice(self) -> str | None:
        """Why it has to go: `spot`, `scaling`, or not at all."""

    def protect(self, *, busy: bool) -> None:
        """Keep it while it is busy."""

    def tell_backlog(self, runs: int) -> None:
        """Tell the group what there is to do."""

    def leave(self) -> None:
        """Let it go."""


class FleetWorker(Protocol):
    """As much of a worker as its fleet has to do with."""

    is_draining: bool

    @property
    def is_busy(self) -> bool:
        """Whether it holds runs."""

    def stop(self) -> None:
        """Give all up, and end."""


class Fleet:
    """Keeps an instance and its worker of one mind."""

    def __init__(
        self,
        instance: FleetInstance,
        worker: FleetWorker,
        backlog: Callable[[], int],
        tell: Callable[[str], None],
    ) -> None:
        self._instance = instance
        self._worker = worker
        self._backlog = backlog
        self._tell = tell
        self._noticed: str | None = None
        self._next_notice = self._next_backlog = float("-inf")

    def look(self, now: float) -> None:
        """Do what is due, at a moment of any clock that only goes forward."""
        if now >= self._next_notice:
            self._next_notice = now + NOTICES
            self._trying(self._heed)
        if now >= self._next_backlog:
            self._next_backlog = now + BACKLOG
            self._trying(lambda: self._instance.tell_backlog(self._backlog()))

    def _heed(self) -> None:
        notice = self._instance.notice()
        if notice is not None and notice != self._noticed:
            self._noticed = notice
            self._tell(f"this instance has to go: {notice}")
            if notice == "spot":
                # What runs here is lost in two minutes; what runs elsewhere is taken up at once.
                self._worker.stop()
            else:
                self._worker.is_draining = True
        self._instance.protect(busy=self._worker.is_busy and notice is None)

    def ended(self) -> None:
        """Say that the worker has ended."""
        if self._noticed is not None:
            self._trying(self._instance.leave)

    def _trying(self, do: Callable[[], None]) -> None:
        try:
            do()
        except GristmillError as error:
            # The next look comes soon.
            self._tell(str(error))
