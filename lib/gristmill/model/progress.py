"""How far a run is."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Progress:
    """The stage that Spark is working on, and how many of its tasks are done."""

    stage: int
    tasks: int
    done: int
