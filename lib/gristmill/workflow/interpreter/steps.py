"""Moving an execution on: from what has happened to where it next has to wait."""

from collections.abc import Callable, Mapping
from typing import Any

from gristmill.workflow.definition.states import (
    Choice,
    Fail,
    Map,
    Parallel,
    Pass,
    State,
    Succeed,
    Task,
    Wait,
)
from gristmill.workflow.errors import TIMEOUT, StatesError
from gristmill.workflow.interpreter import children, failing, flow, tasks
from gristmill.workflow.interpreter.branch import Branch, Phase, Status
from gristmill.workflow.interpreter.run import Run

_MOST_STEPS = 2000

_HANDLERS: Mapping[type[State], Callable[[Run, Branch, Any], None]] = {
    Pass: flow.passes,
    Choice: flow.chooses,
    Succeed: flow.succeeds,
    Fail: flow.fails,
    Wait: flow.waits,
    Task: tasks.schedule,
    Parallel: children.parallel,
    Map: children.map_,
}


def start(run: Run) -> None:
    """Begin an execution."""
    run.now = run.clock()
    execution = run.execution
    if run.machine.timeout is not None:
        execution.deadline = execution.started + run.machine.timeout
    root = run.add(None, 0, run.machine, execution.input)
    run.event(root, "ExecutionStarted", 0, input=execution.input, roleArn=execution.role)


def advance(run: Run) -> bool:
    """Move on all that can be, up to where tasks are to be done, or times waited for; gives whether
    there is more to do at once, as in a loop without a wait."""
    run.now = run.clock()
    _times(run)
    _settle(run)
    steps = 0
    while run.ready and not run.is_over and steps < _MOST_STEPS:
        branch = run.branches.get(run.ready.popleft())
        if branch is not None and branch.phase is Phase.READY:
            _visit(run, branch)
            _settle(run)
            steps += 1
    for branch in run.calls:
        if "resource" in branch.work:
            tasks.started(run, branch)
    return bool(run.ready)


def _visit(run: Run, branch: Branch) -> None:
    state = run.state_of(branch)
    if not branch.is_entered:
        flow.enter(run, branch, state)
    try:
        _HANDLERS[type(state)](run, branch, state)
    except StatesError as error:
        failing.fail_state(run, branch, state, error)


def _settle(run: Run) -> None:
    """See to the branches that have ended: what they were part of goes on, or ends, too."""
    while run.ended and not run.is_over:
        branch = run.ended.popleft()
        if branch.parent is None:
            _root_ended(run, branch)
        elif branch.parent in run.branches:
            with failing.dealt_with(run, run.branches[branch.parent]):
                children.ended(run, branch)


def _root_ended(run: Run, root: Branch) -> None:
    if root.phase is Phase.DONE:
        run.event(root, "ExecutionSucceeded", output=root.output)
        flow.end(run, Status.SUCCEEDED, output=root.output)
        return
    run.event(root, "ExecutionFailed", None, **_told(root.error, root.cause))
    flow.end(run, Status.FAILED, error=root.error, cause=root.cause)


def _times(run: Run) -> None:
    """See to what is due: waits, retries, and tasks that took too long."""
    execution = run.execution
    if run.is_over:
        return
    if execution.deadline is not None and run.now >= execution.deadline:
        _ended_by(run, Status.TIMED_OUT, "ExecutionTimedOut", error=TIMEOUT)
        return
    late: list[tuple[Branch, StatesError]] = []
    for branch in run.due_branches():
        if branch.phase is Phase.WAITS and branch.wake is not None and branch.wake <= run.now:
            if not isinstance(run.state_of(branch), Wait):
                branch.wake = None
            branch.phase = Phase.READY
            run.touch(branch)
            run.ready.append(branch.id)
        elif branch.phase is Phase.CALLED and (error := tasks.timed_out(run, branch)):
            late.append((branch, error))
        else:
            run.watch(branch)
    for branch, error in late:
        if branch.phase is Phase.CALLED:
            failing.fail_state(run, branch, run.state_of(branch), error)
            _settle(run)


def abort(run: Run, error: str | None = None, cause: str | None = None) -> None:
    """Somebody stops the execution."""
    run.now = run.clock()
    if not run.is_over:
        _ended_by(run, Status.ABORTED, "ExecutionAborted", error=error, cause=cause)


def _ended_by(
    run: Run, status: Status, kind: str, *, error: str | None = None, cause: str | None = None
) -> None:
    root = run.branches[0]
    run.event(root, kind, 0, **_told(error, cause))
    flow.end(run, status, error=error, cause=cause)


def _told(error: str | None, cause: str | None) -> dict[str, Any]:
    told = {"error": error, "cause": cause}
    return {name: text for name, text in told.items() if text is not None}


def redrive(run: Run) -> None:
    """Go on with an execution that ended badly, where it did: what was done stays done.

    https://docs.aws.amazon.com/step-functions/latest/dg/redrive-executions.html.
    """
    run.now = run.clock()
    execution = run.execution
    execution.status = Status.RUNNING
    execution.error = execution.cause = execution.ended = None
    execution.redrives += 1
    root = run.branches[0]
    run.event(root, "ExecutionRedriven", redriveCount=execution.redrives)
    if run.machine.timeout is not None:
        execution.deadline = run.now + run.machine.timeout
    _again(run, root)


def _again(run: Run, branch: Branch) -> None:
    if branch.phase is Phase.DONE:
        return
    state = run.state_of(branch)
    kids = list(run.all_children_of(branch))
    branch.error = branch.cause = branch.wake = branch.deadline = branch.beat_due = None
    branch.retries = {}
    run.touch(branch)
    if not kids or not isinstance(state, Map | Parallel):
        branch.is_entered = False
        branch.phase = Phase.READY
        run.ready.append(branch.id)
        return
    undone = [one for one in kids if one.phase is not Phase.DONE]
    branch.phase = Phase.JOINS
    if isinstance(state, Parallel):
        branch.work["left"] = len(undone)
    else:
        branch.work |= {"active": len(undone), "failed": 0}
        branch.work.pop("write", None)
    for one in undone:
        run.take(one)
        one.last_event = branch.last_event
        _again(run, one)
    if not undone and isinstance(state, Map):
        children.go_on(run, branch, state)
