"""Several jobs as one run: `JOB FLAG … then JOB FLAG …`, one after the other."""

from collections.abc import Sequence

from gristmill.errors import UsageError

THEN = "then"


def steps_of(words: Sequence[str]) -> list[tuple[str, tuple[str, ...]]]:
    """The jobs among words and the flags of each; of a single job that one.

    Raises `UsageError` where `then` has no job before or behind it.
    """
    steps: list[list[str]] = [[]]
    for word in words:
        if word == THEN:
            steps.append([])
        else:
            steps[-1].append(word)
    if len(steps) > 1 and not all(steps):
        raise UsageError(f"a job stands before and behind each {THEN!r}")
    return [(step[0], tuple(step[1:])) for step in steps if step]


def joined(steps: Sequence[tuple[str, Sequence[str]]]) -> tuple[str, ...]:
    """The words of jobs: what `steps_of` takes apart."""
    words: list[str] = []
    for job, argv in steps:
        words += [*([THEN] if words else []), job, *argv]
    return tuple(words)
