"""Watching a run until it ends, patiently: what fails here says nothing of the run."""

import random
import time
from collections.abc import Callable
from datetime import timedelta

from gristmill.errors import ExitCode, GristmillError
from gristmill.runs import Handle, Runner, Status

_FIRST, _LONGEST, _GROWTH = 1.0, 20.0, 1.3
_FAILURES = 10


class StillRunningError(GristmillError):
    """The watch is over and the run goes on."""

    exit_code = ExitCode.STILL_RUNNING


class DeadlineError(StillRunningError):
    """It has not ended by the time that it was given."""


def watch(
    runner: Runner,
    handle: Handle,
    tell: Callable[[Status], None],
    *,
    deadline: timedelta | None = None,
    each: Callable[[Status], None] = lambda _status: None,
    pause: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.monotonic,
) -> Status:
    """The status with which a run ends; `tell` hears of each that it had before, once, and `each`
    of all that is seen: what that raises ends the watch.

    Raises `StillRunningError` where AWS could not be asked for long, and `DeadlineError` where it
    has not ended by the deadline; either way the run goes on.
    """
    start, interval, failures = clock(), _FIRST, 0
    last: tuple[str, str] | None = None
    while True:
        try:
            status = runner.poll([handle])[handle]
            failures = 0
        except GristmillError as error:
            failures += 1
            if failures == _FAILURES:
                raise StillRunningError(f"lost sight of the run, which goes on: {error}") from error
        else:
            if (status.state, status.detail) != last:
                last = status.state, status.detail
                tell(status)
                # What has just changed is apt to change again.
                interval = _FIRST
            each(status)
            if status.state.is_final:
                return status
        if deadline is not None and clock() - start > deadline.total_seconds():
            raise DeadlineError(f"not at its end after {deadline}: the run goes on")
        # So that many who watch do not ask all at once.
        pause(interval * random.uniform(0.8, 1.2))  # noqa: S311
        interval = min(_LONGEST, interval * _GROWTH)
