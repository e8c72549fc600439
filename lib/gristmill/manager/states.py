"""The states of a run, and the one table of what may follow what.

The database's triggers are made from it (`gristmill.manager.ledger.triggers`): what it does not
have cannot be written.
"""

from enum import StrEnum


class RunState(StrEnum):
    """Where a run stands in the ledger. AWS Batch's words: SUBMITTED or PENDING for blocked,
    RUNNABLE for ready."""

    BLOCKED = "blocked"
    READY = "ready"
    STARTING = "starting"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    SKIPPED = "skipped"

    @property
    def is_final(self) -> bool:
        """Whether nothing more is done about it, unless somebody asks."""
        return self in FINAL

    @property
    def is_active(self) -> bool:
        """Whether a worker holds it."""
        return self in ACTIVE


_S = RunState
ACTIVE = (_S.STARTING, _S.RUNNING)
WAITING = (_S.BLOCKED, _S.READY)
FINAL = (_S.SUCCEEDED, _S.FAILED, _S.CANCELLED, _S.SKIPPED)

TRANSITIONS = frozenset(
    {
        (_S.BLOCKED, _S.READY),  # the last dependency is satisfied
        (_S.BLOCKED, _S.SKIPPED),  # a needed dependency ended badly
        (_S.BLOCKED, _S.CANCELLED),
        (_S.READY, _S.STARTING),  # claimed
        (_S.READY, _S.CANCELLED),
        (_S.STARTING, _S.RUNNING),  # the place says it runs
        (_S.STARTING, _S.READY),  # the place refuses for now, or the attempt is to be repeated
        (_S.STARTING, _S.SUCCEEDED),  # over before anybody looked
        (_S.STARTING, _S.FAILED),
        (_S.STARTING, _S.CANCELLED),
        (_S.RUNNING, _S.READY),  # failed, and there are attempts left
        (_S.RUNNING, _S.SUCCEEDED),
        (_S.RUNNING, _S.FAILED),
        (_S.RUNNING, _S.CANCELLED),
        (_S.FAILED, _S.READY),  # somebody retries it
        (_S.CANCELLED, _S.READY),
        (_S.SKIPPED, _S.BLOCKED),  # what it depends on is retried
        (_S.SKIPPED, _S.READY),
        (_S.SKIPPED, _S.CANCELLED),
    }
)
"""Who may follow whom. What has succeeded never leaves."""

OF_ARRAYS = frozenset(
    {
        (_S.BLOCKED, _S.SUCCEEDED),  # all children have
        (_S.BLOCKED, _S.FAILED),  # all children are final, and one failed; or cancelled, or skipped
        (_S.FAILED, _S.BLOCKED),  # a child is retried
        (_S.CANCELLED, _S.BLOCKED),
    }
)
"""What only the parent of an array may do besides: it waits for its children, and never runs."""
