"""Tasks: what is asked for, what came of it, and how long it may take."""

import uuid

from gristmill.workflow.definition.resources import Resource, resource_of
from gristmill.workflow.definition.states import Seconds, Task
from gristmill.workflow.errors import DATA_LIMIT, HEARTBEAT, TIMEOUT, StatesError
from gristmill.workflow.interpreter import failing, flow
from gristmill.workflow.interpreter.branch import Branch, Phase
from gristmill.workflow.interpreter.evaluating import Evaluator
from gristmill.workflow.interpreter.run import Run
from gristmill.workflow.values import Json, size_of

REGION = "local"
"""The region of what runs here, as histories tell it."""


def schedule(run: Run, branch: Branch, state: Task) -> None:
    """Say what is to be done."""
    resource = resource_of(state.resource)
    token = uuid.uuid4().hex + uuid.uuid4().hex
    if resource.pattern or resource.kind == "activity":
        branch.work["token"] = token
    at = Evaluator(run, branch, state, branch.input)
    at.given = given = flow.effective_input(at, state, branch.input)
    limits: dict[str, Json] = {}
    timeout = _seconds(at, state.timeout, state.timeout_path, "TimeoutSeconds")
    heartbeat = _seconds(at, state.heartbeat, state.heartbeat_path, "HeartbeatSeconds")
    arguments = flow.parameters(at, state, given)
    if timeout is not None:
        limits["timeoutInSeconds"] = timeout
        branch.deadline = run.now + timeout
    if heartbeat is not None:
        limits["heartbeatInSeconds"] = heartbeat
        branch.beat_due = run.now + heartbeat
    if state.credentials is not None:
        role = at.fill(state.credentials, given).get("RoleArn")
        limits["taskCredentials"] = {"roleArn": role}
    branch.work |= {"arguments": arguments, "heartbeat": heartbeat, "resource": state.resource}
    branch.phase = Phase.CALLED
    _scheduled(run, branch, resource, arguments, limits)
    run.calls.append(branch)
    run.touch(branch)
    run.watch(branch)


def _seconds(at: Evaluator, value: Seconds, path: str | None, field: str) -> int | None:
    return at.whole(value if path is None else path, field)


def _scheduled(
    run: Run, branch: Branch, resource: Resource, arguments: Json, limits: dict[str, Json]
) -> None:
    if resource.kind == "function":
        run.event(
            branch, "LambdaFunctionScheduled", input=arguments, resource=resource.text, **limits
        )
    elif resource.kind == "activity":
        run.event(branch, "ActivityScheduled", input=arguments, resource=resource.text, **limits)
    else:
        run.event(
            branch,
            "TaskScheduled",
            parameters=arguments,
            region=REGION,
            resource=resource.shown_action,
            resourceType=resource.service,
            **limits,
        )


def started(run: Run, branch: Branch, worker: str | None = None) -> None:
    """It is being done; `worker` is who took up an activity."""
    if branch.work.get("is_started"):
        return
    resource = resource_of(branch.work["resource"])
    if resource.kind == "activity" and worker is None:
        return
    branch.work["is_started"] = True
    if resource.kind == "activity":
        run.event(branch, "ActivityStarted", workerName=worker)
    else:
        _event(run, branch, resource, "Started")
    run.touch(branch)


def _event(run: Run, branch: Branch, resource: Resource, what: str, **details: Json) -> None:
    if resource.kind == "function":
        run.event(branch, f"LambdaFunction{what}", **details)
    elif resource.kind == "activity":
        run.event(branch, f"Activity{what}", **details)
    else:
        run.event(
            branch,
            f"Task{what}",
            resource=resource.shown_action,
            resourceType=resource.service,
            **details,
        )


def submitted(run: Run, branch: Branch, output: Json) -> None:
    """It was handed over, and goes on elsewhere."""
    if not branch.work.get("is_submitted"):
        branch.work["is_submitted"] = True
        _event(run, branch, resource_of(branch.work["resource"]), "Submitted", output=output)
    run.touch(branch)


def succeeded(run: Run, branch: Branch, result: Json) -> None:
    """It was done."""
    state = run.state_of(branch)
    resource = resource_of(branch.work["resource"])
    assert isinstance(state, Task)  # noqa: S101  only tasks are called
    if run.limits.payload is not None and size_of(result) > run.limits.payload:
        name = resource.text if resource.kind == "function" else resource.service
        text = (
            f"The state/task '{name}' returned a result with a size exceeding the maximum number "
            "of bytes service limit."
        )
        failed(run, branch, StatesError(DATA_LIMIT, text))
        return
    _event(run, branch, resource, "Succeeded", output=result)
    branch.wake = branch.deadline = branch.beat_due = None
    with failing.dealt_with(run, branch):
        at = Evaluator(run, branch, state, branch.input)
        output, assigned = flow.outcome(at, state, branch.input, result)
        flow.leave(run, branch, state, output, assigned=assigned, next_state=state.next)


def failed(run: Run, branch: Branch, error: StatesError) -> None:
    """It failed."""
    _failed_event(run, branch, error)
    failing.fail_state(run, branch, run.state_of(branch), error)


def _failed_event(run: Run, branch: Branch, error: StatesError) -> None:
    details: dict[str, Json] = {"error": error.name}
    if error.cause is not None:
        details["cause"] = error.cause
    _event(run, branch, resource_of(branch.work["resource"]), "Failed", **details)
    branch.deadline = branch.beat_due = None


def timed_out(run: Run, branch: Branch) -> StatesError | None:
    """Note that it took too long, if so; gives the error, which is then to be dealt with."""
    is_late = branch.deadline is not None and run.now >= branch.deadline
    is_silent = branch.beat_due is not None and run.now >= branch.beat_due
    if not is_late and not is_silent:
        return None
    error = StatesError(TIMEOUT if is_late else HEARTBEAT)
    _event(run, branch, resource_of(branch.work["resource"]), "TimedOut", error=error.name)
    branch.deadline = branch.beat_due = None
    run.stopped.append(branch)
    return error


def beat(run: Run, branch: Branch) -> None:
    """It gave a sign of life."""
    heartbeat = branch.work.get("heartbeat")
    if heartbeat is not None:
        branch.beat_due = run.now + heartbeat
        run.touch(branch)
        run.watch(branch)
