"""What submits runs by itself: schedules, arrivals of files, inboxes. Tables of `manager.toml`."""

from datetime import UTC, datetime
from typing import Annotated, Any, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cronsim import CronSim, CronSimError
from pydantic import AfterValidator, Field, model_validator

from gristmill.manager.values import Name, Seconds, Table

_ALIASES = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
}


def _cron(value: str) -> str:
    expression = _ALIASES.get(value, value)
    try:
        CronSim(expression, datetime.now(UTC))
    except CronSimError as error:
        raise ValueError(f"must be five fields as cron has them: {error}") from error
    return expression


def check_zone(value: str) -> str:
    """A name of a time zone that is there. Raises `ValueError`."""
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError("must be a time zone such as Europe/Berlin") from error
    return value


class Start(Table):
    """What is started: a `job` or a definition with `args` and a `queue`, or a `workflow`, which is
    a file or a name of a state machine, with an `input`."""

    job: str | None = None
    args: tuple[str, ...] = ()
    queue: Name | None = None
    workflow: str | None = None
    input: dict[str, Any] = Field(default_factory=dict)
    folder: str = ""

    @property
    def what(self) -> str:
        """The job, or the workflow."""
        return str(self.job if self.workflow is None else self.workflow)

    @model_validator(mode="after")
    def _one_thing(self) -> Self:
        if (self.job is None) == (self.workflow is None):
            raise ValueError("needs either job or workflow")
        if self.workflow is not None and (self.args or self.queue):
            raise ValueError("args and queue are a job's: a workflow has an input")
        if self.job is not None and self.input:
            raise ValueError("input is a workflow's: a job has args")
        return self


class Schedule(Start):
    """A run, or an execution, at each time of a cron expression, in a time zone.

    Where clocks go forward, a time that is left out comes at the end of the gap; where they go
    back, a time that comes twice fires once, but `*` and `*/n` in hours fire in both (as Debian's
    cron: https://manpages.debian.org/cron.8).

    `missed` says what becomes of times that nobody was there for: the latest one fires if it is no
    older than `grace`, all do, or none does. `overlap`, what happens where the run before goes on:
    this one is skipped, waits for it (one at most; jobs only), cancels it, or runs beside it. In
    `args`, and in texts of `input`, `{due:%Y-%m-%d}` is the time that it is for, and
    `{previous:%Y-%m-%d}` the one before, both in the zone.
    """

    cron: Annotated[str, AfterValidator(_cron)]
    zone: Annotated[str, AfterValidator(check_zone)] = "UTC"
    missed: Literal["latest", "all", "skip"] = "latest"
    grace: Seconds = 3600.0
    overlap: Literal["skip", "queue", "cancel", "allow"] = "skip"

    @model_validator(mode="after")
    def _can_wait(self) -> Self:
        if self.workflow is not None and self.overlap == "queue":
            raise ValueError("overlap of a workflow is skip, cancel or allow")
        return self


class Arrival(Start):
    """A run, or an execution, for files that arrive in a `directory` of this machine or at an
    `s3` URI, each once. An execution has their names in its input, as `files`, and the file that
    lists them as `list`.

    Files below it count whose names fit `pattern`, once they have not changed for `settle`. A batch
    goes when no more come for as long, at the latest after `max_wait`, at `max_files`, as soon as
    a file of the name `marker` is there, or when the `expect`ed number is complete. `by` is how
    long after the first of a batch the others are waited for: then it goes without them, and that
    is told as late. `sqs` is a queue that S3 tells of objects; without one, what is there is
    listed `every` so often.
    """

    directory: str | None = None
    s3: str | None = None
    sqs: str | None = None
    pattern: str = "*"
    settle: Seconds = 60.0
    max_wait: Seconds = 3600.0
    max_files: Annotated[int, Field(ge=1)] = 10_000
    marker: str | None = None
    expect: Annotated[int, Field(ge=1)] | None = None
    by: Seconds | None = None
    every: Seconds = 10.0

    @property
    def patterns(self) -> tuple[str, ...]:
        """Names of files that mean something here."""
        return (self.pattern, self.marker) if self.marker else (self.pattern,)

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if (self.directory is None) == (self.s3 is None):
            raise ValueError("needs either directory or s3")
        if self.sqs is not None and self.s3 is None:
            raise ValueError("sqs tells of objects in S3: it needs s3")
        if self.by is not None and self.expect is None:
            raise ValueError("by is for what is expected: it needs expect")
        return self


class Inbox(Table):
    """An SQS queue whose messages are requests to submit. `claim_checks` is a folder in S3 where
    bodies lie that are too large for a message."""

    sqs: str
    claim_checks: str | None = None
