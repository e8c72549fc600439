"""What an execution consists of while it is under way; all of it can be written as JSON."""

from dataclasses import dataclass, field, fields
from enum import StrEnum
from typing import Any

from gristmill.workflow.values import Json


class Status(StrEnum):
    """How an execution is, in the words of AWS."""

    RUNNING = "RUNNING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    TIMED_OUT = "TIMED_OUT"
    ABORTED = "ABORTED"

    @property
    def is_final(self) -> bool:
        """Whether it is over."""
        return self is not Status.RUNNING


class Phase(StrEnum):
    """Where a branch is. `ready`: to be moved on. `called`: its task is to be started, or was.
    `waits`: for a time. `joins`: for its own branches, or iterations."""

    READY = "ready"
    CALLED = "called"
    WAITS = "waits"
    JOINS = "joins"
    DONE = "done"
    FAILED = "failed"
    ABORTED = "aborted"

    @property
    def is_final(self) -> bool:
        """Whether it goes no further."""
        return self in {Phase.DONE, Phase.FAILED, Phase.ABORTED}


@dataclass
class Branch:
    """One thread of control: the execution itself, a branch of a Parallel or an iteration of a Map.

    `machine` is the path of the machine that it is in; `index` counts within its parent. `visit`
    counts the states that it entered. Times are seconds since 1970. `is_quiet` leaves no history.
    """

    id: int
    parent: int | None
    index: int
    machine: str
    state: str
    input: Json = None
    variables: dict[str, Json] = field(default_factory=dict)
    phase: Phase = Phase.READY
    is_quiet: bool = False
    item: dict[str, Json] | None = None  # of an iteration: Index and Value, for the context object
    visit: int = 0
    is_entered: bool = False  # its state was entered, and is being tried (again)
    entered: float = 0.0
    entered_event: int = 0
    previous_event: int = 0  # before the state was entered
    last_event: int = 0
    retries: dict[str, int] = field(default_factory=dict)  # of each retrier, by its index
    wake: float | None = None
    deadline: float | None = None  # of its task
    beat_due: float | None = None  # when its task is to have given a sign of life
    work: dict[str, Json] = field(default_factory=dict)  # what its state needs to remember
    output: Json = None
    error: str | None = None
    cause: str | None = None

    @property
    def retry_count(self) -> int:
        """How often its state was tried again."""
        return sum(self.retries.values())

    @property
    def key(self) -> str:
        """What names one try of one visit of a state, and no other, within the execution."""
        return f"{self.id}-{self.visit}-{self.retry_count}"

    def to_json(self) -> dict[str, Any]:
        """As a row keeps it."""
        return {**vars(self), "phase": str(self.phase)}

    @staticmethod
    def from_json(document: dict[str, Any]) -> "Branch":
        """Of what `to_json` gave, by this version or an earlier one."""
        known = {one.name for one in fields(Branch)}
        given = {name: value for name, value in document.items() if name in known}
        return Branch(**{**given, "phase": Phase(given["phase"])})


@dataclass(frozen=True)
class Event:
    """One event of a history, as AWS names it; `details` are those of its type."""

    id: int
    type: str
    previous: int
    at: float
    details: dict[str, Json]


@dataclass
class Execution:
    """An execution: what it was started with, and how it is. Times are seconds since 1970."""

    arn: str
    machine_arn: str
    input: Json
    started: float
    role: str = ""
    status: Status = Status.RUNNING
    output: Json = None
    error: str | None = None
    cause: str | None = None
    ended: float | None = None
    deadline: float | None = None
    redrives: int = 0
    next_event: int = 1
    next_branch: int = 0

    @property
    def name(self) -> str:
        """Its name, within its state machine."""
        return self.arn.rpartition(":")[2]

    @property
    def machine_name(self) -> str:
        """The name of its state machine."""
        return self.machine_arn.rpartition(":")[2]
