"""What to do where an attempt failed: by its cause, unless rules of the run say otherwise."""

import random
from collections.abc import Callable

from gristmill.emr.cause import Kind
from gristmill.manager.ledger.claiming import Claimed
from gristmill.manager.ledger.endings import Ending
from gristmill.manager.places import Outcome
from gristmill.manager.settings import RetryRule
from gristmill.manager.states import RunState

USAGE, REJECTS, BUSY = "USAGE", "REJECTS", "BUSY"
INTERRUPTED, KILLED, LOST, TIMED_OUT = "INTERRUPTED", "KILLED_PROCESS", "LOST_MACHINE", "TIMED_OUT"
REFUSED = "REFUSED"
"""Causes beside those of `gristmill.emr.cause.Kind`: exit codes 2, 3 and 4, a signal that nobody
asked for, a process that was killed, a machine that went away, a run that took longer than its
timeout, a request that its place does not take."""

FIRST, GROWTH, LONGEST = 30.0, 2.0, 900.0
"""Seconds until the second attempt, by how much that grows, and how long it gets."""

_TRANSIENT = {
    *(INTERRUPTED, KILLED, LOST),
    *(kind.name for kind in (Kind.LOST_NODE, Kind.S3_BUSY, Kind.TIMEOUT, Kind.EXPIRED)),
}
# Once more, as it may have been chance.
_ONCE = {
    kind.name
    for kind in (Kind.UNKNOWN, Kind.JAVA_MEMORY, Kind.CONTAINER_MEMORY, Kind.PYTHON_MEMORY)
}


def is_transient(cause: str, attempt: int) -> bool:
    """Whether the same again may do better, at the so-manieth attempt."""
    return cause in _TRANSIENT or (cause in _ONCE and attempt == 1)


def delay(attempt: int, draw: Callable[[], float] = random.random) -> float:
    """Seconds until the next attempt: between none and all of a span that doubles ("full jitter":
    https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/)."""
    return min(LONGEST, FIRST * GROWTH ** (attempt - 1)) * draw()


def failed(run: Claimed, outcome: Outcome, draw: Callable[[], float] = random.random) -> Ending:
    """What becomes of a run one of whose attempts failed."""
    again = _is_again(run, outcome)
    is_refused = outcome.cause == BUSY and again
    goes_on = is_refused or (again and run.attempt < run.max_attempts)
    ended_as = "refused" if is_refused else "lost" if outcome.cause == LOST else "failed"
    return Ending(
        run,
        RunState.READY if goes_on else RunState.FAILED,
        ended_as,
        reason=outcome.reason,
        cause=outcome.cause,
        exit_code=outcome.exit_code,
        advice=outcome.advice,
        logs=outcome.logs,
        cost=outcome.cost,
        # One that finds another at work waits about as long as that takes, not ever longer.
        delay=FIRST / 2 * (1 + draw()) if is_refused else delay(run.attempt, draw),
    )


def _is_again(run: Claimed, outcome: Outcome) -> bool:
    for raw in run.retry:
        rule = RetryRule.model_validate(dict(raw))
        if rule.fits(outcome.cause, outcome.exit_code, outcome.reason):
            return rule.action == "retry"
    return outcome.cause == BUSY or is_transient(outcome.cause, run.attempt)
