"""What becomes of an error: tried again, caught, or the end of the branch."""

import contextlib
import random
from collections.abc import Iterator
from typing import TYPE_CHECKING

from gristmill.workflow.definition.states import (
    Catcher,
    Map,
    Parallel,
    Retrier,
    State,
    Wait,
    Working,
)
from gristmill.workflow.errors import (
    ALL,
    HEARTBEAT,
    RUNTIME,
    TASK_FAILED,
    TIMEOUT,
    QueryError,
    StatesError,
)
from gristmill.workflow.interpreter import flow
from gristmill.workflow.interpreter.branch import Branch, Phase
from gristmill.workflow.interpreter.evaluating import Evaluator, error_output
from gristmill.workflow.interpreter.run import Run

if TYPE_CHECKING:
    from gristmill.workflow.values import Json


def matches(errors: tuple[str, ...], name: str | None) -> bool:
    """Whether a retrier or catcher is for an error. States.Runtime is for none.

    https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html; that
    States.ALL takes States.DataLimitExceeded, too, is how AWS behaves.
    """
    if name == RUNTIME:
        return False
    if ALL in errors or name in errors:
        return True
    if name == HEARTBEAT and TIMEOUT in errors:
        return True
    return TASK_FAILED in errors and name not in {TIMEOUT, HEARTBEAT}


@contextlib.contextmanager
def dealt_with(run: Run, branch: Branch) -> Iterator[None]:
    """What fails inside is a failure of the branch's state."""
    try:
        yield
    except StatesError as error:
        fail_state(run, branch, run.state_of(branch), error)


def fail_state(run: Run, branch: Branch, state: State, error: StatesError) -> None:
    """A state has failed."""
    if isinstance(error, QueryError):
        _evaluation_failed(run, branch, state, error)
    if not isinstance(state, Working):
        fail_branch(run, branch, error)
        return
    if branch.work.get("map_run") and error.name != RUNTIME:
        run.event(branch, "MapRunFailed", error=error.name, cause=error.cause)
    if _tried_again(run, branch, state, error):
        return
    if isinstance(state, Map | Parallel) and error.name != RUNTIME:
        run.event(branch, f"{type(state).__name__}StateFailed")
    for catcher in state.catch:
        if matches(catcher.errors, error.name):
            _caught(run, branch, state, catcher, error)
            return
    fail_branch(run, branch, error)


def _evaluation_failed(run: Run, branch: Branch, state: State, error: QueryError) -> None:
    previous = branch.last_event
    if previous == branch.entered_event and not isinstance(state, Wait):
        previous = branch.previous_event
    details: dict[str, Json] = {"error": error.name, "cause": error.cause, "state": state.name}
    if error.field is not None:
        details["location"] = error.field
    run.event(branch, "EvaluationFailed", previous, **details)


def _tried_again(run: Run, branch: Branch, state: Working, error: StatesError) -> bool:
    for index, retrier in enumerate(state.retry):
        if not matches(retrier.errors, error.name):
            continue
        count = branch.retries.get(str(index), 0)
        if count >= retrier.attempts:
            return False
        branch.retries[str(index)] = count + 1
        run.drop_children(branch)
        branch.work = {}
        branch.deadline = branch.beat_due = None
        branch.phase = Phase.WAITS
        branch.wake = run.now + delay(retrier, count)
        run.touch(branch)
        run.watch(branch)
        return True
    return False


def delay(retrier: Retrier, count: int) -> float:
    """Seconds until something is tried again, that was tried again `count` times before."""
    longest = float("inf") if retrier.max_delay is None else retrier.max_delay
    try:
        seconds = min(longest, retrier.interval * retrier.backoff**count)
    except OverflowError:
        seconds = min(longest, 99_999_999.0)
    return random.uniform(0, seconds) if retrier.has_jitter else seconds  # noqa: S311


def _caught(run: Run, branch: Branch, state: Working, catcher: Catcher, error: StatesError) -> None:
    run.drop_children(branch)
    told = dict(error_output(error))
    try:
        at = Evaluator(run, branch, state, branch.input)
        if at.is_jsonata:
            at.states["errorOutput"] = told
            assigned = at.assigned(catcher.assign, branch.input)
            output = told if catcher.output is None else at.fill(catcher.output, branch.input)
        else:
            assigned = at.assigned(catcher.assign, told)
            output = flow.placed(at, catcher.result_path, branch.input, told)
        flow.leave(run, branch, state, output, assigned=assigned, next_state=catcher.next)
    except StatesError as another:
        if isinstance(another, QueryError):
            _evaluation_failed(run, branch, state, another)
        fail_branch(run, branch, another)


def fail_branch(run: Run, branch: Branch, error: StatesError) -> None:
    """A branch has come to a bad end."""
    branch.phase = Phase.FAILED
    branch.error, branch.cause = error.name, error.cause
    branch.wake = branch.deadline = branch.beat_due = None
    run.touch(branch)
    run.ended.append(branch)
