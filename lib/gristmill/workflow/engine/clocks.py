"""The time: that of the machine, or one that jumps to where something is next to be done."""

import threading
import time

_SHORT = 0.05


class RealClock:
    """The machine's."""

    def now(self) -> float:
        """Seconds since 1970."""
        return time.time()

    def wait(
        self,
        woken: threading.Event,
        seconds: float,
        *,
        is_busy: bool,  # noqa: ARG002  the protocol's
        most: float,
    ) -> None:
        """Wait until something happens, or some seconds."""
        woken.wait(min(seconds, most))


class JumpingClock:
    """A time that stands still while work is under way, and jumps over any wait. For tests, and for
    trying a state machine out."""

    def __init__(self, start: float | None = None) -> None:
        self._now = time.time() if start is None else start

    def now(self) -> float:
        """Seconds since 1970, as far as it has come."""
        return self._now

    def wait(self, woken: threading.Event, seconds: float, *, is_busy: bool, most: float) -> None:
        """Jump, unless work is under way or there is nothing to jump to."""
        if is_busy or seconds == float("inf"):
            woken.wait(min(_SHORT, most))
            return
        self._now += seconds or _SHORT
