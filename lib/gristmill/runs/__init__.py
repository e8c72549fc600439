"""Running a job in another process or on a cluster: what every such place can be asked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from gristmill.runs.chains import joined, steps_of


class State(StrEnum):
    """Where a run stands; one word for what each platform calls otherwise."""

    PENDING = "pending"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_final(self) -> bool:
        """Whether it stays so."""
        return self in {State.SUCCEEDED, State.FAILED, State.CANCELLED}


@dataclass(frozen=True)
class Submission:
    """A job to be run: `argv` are its flags, `spark` what it sets of Spark.

    `run` is the run key: two submissions with the same one are the same run, tried again where
    `attempt` is another. What its jobs have done `since` then (ISO 8601), in an attempt before, is
    not done again.
    """

    run: str
    job: str
    argv: tuple[str, ...]
    spark: Mapping[str, str] = field(default_factory=dict)
    attempt: int = 1
    since: str = ""

    @property
    def words(self) -> tuple[str, ...]:
        """The jobs and their flags, as the driver is given them."""
        words = (self.job, *self.argv)
        if not self.since:
            return words
        return joined([(job, (*flags, "--resume", self.since)) for job, flags in steps_of(words)])

    @property
    def key(self) -> str:
        """What no other attempt of any run has."""
        return self.run if self.attempt == 1 else f"{self.run}-attempt-{self.attempt}"


@dataclass(frozen=True)
class Handle:
    """What finds a run again: the kind of runner, the cluster or application, the id there."""

    runner: str
    target: str
    id: str


@dataclass(frozen=True)
class Status:
    """How a run is. `detail` is what the platform itself calls it, `reason` why it ended so.

    `started` and `ended` are in UTC, and None as long as it has not.
    """

    state: State
    detail: str = ""
    reason: str = ""
    started: datetime | None = None
    ended: datetime | None = None


@dataclass(frozen=True)
class LogFile:
    """A log of a run: where it is, its size in bytes."""

    uri: str
    size: int


class Runner(Protocol):
    """A place that runs jobs. Its methods raise `GristmillError`."""

    def submit(self, submission: Submission) -> Handle:
        """Start a run, or give the one that has the same run key: safe to repeat."""

    def poll(self, handles: Sequence[Handle]) -> Mapping[Handle, Status]:
        """How runs are, in as few requests as the platform allows."""

    def cancel(self, handle: Handle) -> None:
        """Ask that a run end, if it has not; `poll` tells when it has."""

    def logs_at(self, handle: Handle) -> str:
        """The folder where the logs of a run are, or will be."""

    def logs(self, handle: Handle) -> Sequence[LogFile]:
        """The logs that are there by now: perhaps none yet."""

    def read(self, log: LogFile) -> str:
        """A log's text, unpacked; of a long one its end."""
