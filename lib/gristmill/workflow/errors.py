"""The errors of the language, which a state may retry or catch, and what a definition's are.

Names: https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html.
"""

from gristmill.errors import UsageError

ALL = "States.ALL"
RUNTIME = "States.Runtime"
TIMEOUT = "States.Timeout"
HEARTBEAT = "States.HeartbeatTimeout"
TASK_FAILED = "States.TaskFailed"
PERMISSIONS = "States.Permissions"
RESULT_PATH = "States.ResultPathMatchFailure"
PARAMETER_PATH = "States.ParameterPathFailure"
BRANCH_FAILED = "States.BranchFailed"
NO_CHOICE = "States.NoChoiceMatched"
INTRINSIC = "States.IntrinsicFailure"
TOLERATED = "States.ExceedToleratedFailureThreshold"
ITEM_READER = "States.ItemReaderFailed"
RESULT_WRITER = "States.ResultWriterFailed"
QUERY = "States.QueryEvaluationError"
DATA_LIMIT = "States.DataLimitExceeded"

NAMES = frozenset(
    {
        ALL,
        RUNTIME,
        TIMEOUT,
        HEARTBEAT,
        TASK_FAILED,
        PERMISSIONS,
        RESULT_PATH,
        PARAMETER_PATH,
        BRANCH_FAILED,
        NO_CHOICE,
        INTRINSIC,
        TOLERATED,
        ITEM_READER,
        RESULT_WRITER,
        QUERY,
        DATA_LIMIT,
    }
)
UNCAUGHT_BY_ALL = frozenset({DATA_LIMIT, RUNTIME})
"""What States.ALL does not catch."""


class StatesError(Exception):
    """An error of a state: its name, and its cause, which may be JSON as text.

    `cause` is None where there is none. Caught by the state's retriers and catchers, or the end of
    the execution.
    """

    def __init__(self, name: str | None, cause: str | None = None) -> None:
        super().__init__(f"{name}: {cause}")
        self.name = name
        self.cause = cause


class QueryError(StatesError):
    """An expression failed. `field` is where it stands; None where it is the state's input."""

    def __init__(self, cause: str, field: str | None = None) -> None:
        super().__init__(QUERY, cause)
        self.field = field


class DefinitionError(UsageError):
    """A definition is wrong; its message names all that is."""
