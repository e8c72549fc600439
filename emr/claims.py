"""Who submits a run: one process at a time, by conditional writes, and another if it dies."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

from gristmill.emr.redact import redact
from gristmill.emr.runs import Record, Runs
from gristmill.errors import GristmillError, UsageError

# Longer than `once` may take from its first request to the answer of its last.
HELD = timedelta(minutes=3)
"""How long a claim holds after it was written down."""
_LOOK = 2.0


def claim(
    runs: Runs, record: Record, tell: Callable[[str], None], pause: Callable[[float], None]
) -> Record:
    """`record`, written down, once it is for this process to submit it; or what another one did.

    Raises `UsageError` where the key is that of another run.
    """
    said = False
    while not runs.create(record):
        found = runs.find(record.run)
        if found is None:
            # It is being written, or was taken away.
            pause(_LOOK)
            continue
        other = found.record
        check_same_run(other, record)
        if other.handle or other.claim == record.claim:
            return other
        if not other.claim or found.age > HELD:
            if runs.replace(found, record):
                return record
            continue
        if not said:
            said = True
            tell(f"{other.owner} is about to submit run {record.run}: waiting for what comes of it")
        pause(_LOOK)
    return record


def claimed(
    runs: Runs, ours: Record, tell: Callable[[str], None], pause: Callable[[float], None]
) -> Record:
    """The run as another process has submitted it, which was there before `ours`.

    Raises `GristmillError` where that comes to nothing.
    """
    tell(f"somebody else is trying run {ours.run} again: waiting for what comes of it")
    for _ in range(int(HELD.total_seconds() / _LOOK)):
        found = runs.find(ours.run)
        if (
            found
            and found.record.handle
            and found.record.submission.attempt >= ours.submission.attempt
        ):
            return found.record
        pause(_LOOK)
    raise GristmillError(f"nobody has submitted run {ours.run}: gristmill emr resume {ours.run}")


def check_same_run(found: Record, record: Record) -> None:
    """That what is written down is the same run. Raises `UsageError`, without secrets."""
    asked = record.submission
    first = replace(found.submission, attempt=asked.attempt, since=asked.since)
    if (first, found.spec) != (asked, record.spec):
        argv = " ".join(redact(found.submission.argv))
        raise UsageError(
            f"run {record.run} is another one: {argv} ({found.submission.job} on {found.spec})"
        )
