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
    ) -> None:
        """Wait until something happens, or some seconds."""
        woken.wait(seconds)


class JumpingClock:
    """A time that stands still while work is under way, and jumps over any wait. For tests, and for
    trying a state machine out."""

    def __init__(self, start: float | None = None) -> None:
        self._now = time.time() if start is None else start

    def now(self) -> float:
        """Seconds since 1970, as far as it has come."""
        return self._now

    def wait(self, woken: threading.Event, seconds: float, *, is_busy: bool) -> None:
        """Jump, unless work is under way."""
        if is_busy:
            woken.wait(_SHORT)
            return
        self._now += seconds or _SHORT
