"""What can go wrong, as a user meets it: one message that says what to do, and an exit code."""

from enum import IntEnum


class ExitCode(IntEnum):
    """How a command ended, as the shell that ran it sees."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    REJECTS = 3
    """More input was rejected than the run allows, or does not tie out."""
    BUSY = 4
    """Another run writes the same datasets."""
    STILL_RUNNING = 5
    """The run on EMR goes on beyond the deadline of whoever watched it."""
    INTERRUPTED = 130
    """Ctrl-C, as shells give it."""


class GristmillError(Exception):
    """A failure whose message is written for the person who ran the command.

    `retryable` says whether the same again, later, may do better.
    """

    exit_code = ExitCode.FAILED
    retryable = False


class RunError(GristmillError):
    """A run ended by a failure that has no class of its own, which is the cause of this one."""

    retryable = True


class UsageError(GristmillError):
    """The command or an option is wrong; nothing was started."""

    exit_code = ExitCode.USAGE


class InputError(GristmillError):
    """The input is missing, empty, unreadable or not of a known format."""


class OutputError(GristmillError):
    """The output cannot be written, or is not a place that Gristmill may write to."""


class SchemaError(GristmillError):
    """A frame does not fit its dataset, or a dataset what the output root holds of it."""


class AuditError(GristmillError):
    """What was staged is not what was observed; nothing was published."""


class ReconciliationError(GristmillError):
    """Charges are not what somebody else says that they come to; nothing was published."""

    exit_code = ExitCode.REJECTS


class FinalError(GristmillError):
    """What is final would be replaced by what is not; nothing was published."""


class ShrinkError(GristmillError):
    """A partition would be replaced by less of it; nothing was published."""


class DamagedError(GristmillError):
    """Files are not as they were published."""


class BusyError(GristmillError):
    """Another run writes the same datasets and did not finish in time; nothing was published."""

    exit_code = ExitCode.BUSY
    retryable = True


class LeaseLostError(GristmillError):
    """The run was taken for dead, and another took over; nothing was published."""

    exit_code = ExitCode.BUSY
    retryable = True


class TooManyRejectsError(GristmillError):
    """More input was rejected than the run allows; nothing was published."""

    exit_code = ExitCode.REJECTS
