"""Where runs run, what they wait in, and how a job is run: tables of `manager.toml`."""

from fnmatch import fnmatchcase
from typing import Annotated, Literal

from pydantic import Field

from gristmill.manager.values import Name, Seconds, Size, Table

LOCAL = "local"
DEFAULT = "default"


class Place(Table):
    """Where runs run: this machine (`local`), an EMR cluster that is up (`cluster`), one that is
    made for each run (`transient`), or EMR Serverless. `spec` names a file of `emr/clusters`.

    `cores` and `memory` (bytes) are what its runs may ask for together, `max_runs` how many go on
    at once; None is no bound, but of this machine what it has.
    """

    kind: Literal["local", "cluster", "transient", "serverless"] = "local"
    spec: str | None = None
    cores: Annotated[float, Field(gt=0)] | None = None
    memory: Size | None = None
    max_runs: Annotated[int, Field(ge=1)] | None = None


class Queue(Table):
    """Runs that wait, for the first of its `places` that has room.

    `priority` is added to that of its runs. The bounds hold for all that it runs at once, each
    job's, and each share's. `max_waiting` is how many may wait: one more is refused. With `shares`,
    what has used least for its weight goes first: twice the weight, twice the share; what was used
    counts half after `share_half_life` (0 counts only what runs now).
    """

    places: Annotated[tuple[str, ...], Field(min_length=1)] = (LOCAL,)
    priority: int = 0
    max_runs: Annotated[int, Field(ge=1)] | None = None
    max_cores: Annotated[float, Field(gt=0)] | None = None
    max_memory: Size | None = None
    max_runs_a_job: Annotated[int, Field(ge=1)] | None = None
    max_runs_a_share: Annotated[int, Field(ge=1)] | None = None
    max_waiting: Annotated[int, Field(ge=1)] | None = None
    shares: dict[Name, Annotated[float, Field(gt=0)]] = Field(default_factory=dict)
    share_half_life: Seconds = 3600.0


class RetryRule(Table):
    """What to do where an attempt failed so: all that is given must fit, and the first rule that
    fits counts (as evaluateOnExit of AWS Batch:
    https://docs.aws.amazon.com/batch/latest/APIReference/API_EvaluateOnExit.html)."""

    action: Literal["retry", "fail"]
    cause: str | None = None
    exit_code: int | None = None
    reason: str | None = None  # a pattern: * and ?

    def fits(self, cause: str, exit_code: int | None, reason: str) -> bool:
        """Whether it says what to do about such a failure."""
        return (
            (self.cause is None or fnmatchcase(cause, self.cause))
            and (self.exit_code is None or exit_code == self.exit_code)
            and (self.reason is None or fnmatchcase(reason, self.reason))
        )


class Step(Table):
    """What is submitted once a run has succeeded. In `args`, `{run}` is its id and `{output}` where
    it published."""

    job: str
    args: tuple[str, ...] = ()
    queue: Name | None = None


class JobDefinition(Table):
    """A job with its flags and how to run it, under a name to submit it by.

    `late_after` is how long after it was submitted a run ought to be over; `attempts` how often it
    is tried; `folder` where paths begin that are not absolute, by default the file's.
    """

    job: str
    folder: str = ""
    args: tuple[str, ...] = ()
    queue: Name = DEFAULT
    priority: int = 0
    share: Name = DEFAULT
    attempts: Annotated[int, Field(ge=1, le=10)] = 3
    timeout: Seconds | None = None
    cores: Annotated[float, Field(gt=0)] = 1.0
    memory: Size = 10**9
    on: str | None = None
    retry: tuple[RetryRule, ...] = ()
    late_after: Seconds | None = None
    then: tuple[Step, ...] = ()
