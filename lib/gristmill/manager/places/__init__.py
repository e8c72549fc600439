"""Places where runs run, as a worker sees them: one way to start, look, end, and ask what came.

Nothing here writes to the ledger. Calls may take long, and are made outside its transactions.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from gristmill.errors import GristmillError
from gristmill.manager.ledger.claiming import Claimed
from gristmill.runs import Handle, Status


class RefusedForNowError(GristmillError):
    """The place takes no run now, and may later: no attempt is used up."""

    retryable = True


@dataclass(frozen=True)
class Outcome:
    """What is known of an attempt that has ended.

    `cause` is the name of a `gristmill.emr.cause.Kind`, or one of `gristmill.manager.retry`;
    `result` what it published, as JSON: `output`, `datasets`, `rows`, `lines`, `rejected`, `bytes`,
    `published` (the id of the run in the output's log). `cost` is in US dollars.
    """

    cause: str = ""
    reason: str = ""
    advice: str = ""
    exit_code: int | None = None
    logs: str = ""
    cost: float | None = None
    result: Mapping[str, Any] = field(default_factory=dict)


class RunPlace(Protocol):
    """A place. Its methods raise `GristmillError`. `poll_every` is how often it may be asked, in
    seconds."""

    poll_every: float

    def start(self, run: Claimed) -> Handle:
        """Start an attempt, or give the one that has its run key: safe to repeat. Raises
        `RefusedForNowError` where it is to be tried later."""

    def poll(self, handles: Sequence[Handle]) -> Mapping[Handle, Status]:
        """How attempts are. Raises where the place cannot be asked, which says nothing of them."""

    def cancel(self, handle: Handle) -> None:
        """Ask that an attempt end; `poll` tells when it has."""

    def outcome(self, run: Claimed, handle: Handle, status: Status) -> Outcome:
        """What came of an attempt that has ended."""

    def progress(self, run: Claimed, handle: Handle) -> Mapping[str, Any] | None:
        """How far an attempt is; None where that is not known."""

    def tail(self, handle: Handle, lines: int) -> Sequence[str]:
        """The end of what an attempt has printed so far."""
