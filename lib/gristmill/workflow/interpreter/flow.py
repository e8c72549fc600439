"""From state to state: entering, leaving, and those states that have no work elsewhere."""

from collections.abc import Mapping

from gristmill.workflow.data.jsonpath import NotThereError, PathSyntaxError, compiled, put
from gristmill.workflow.definition.states import (
    Choice,
    Fail,
    Pass,
    State,
    Succeed,
    Wait,
    Working,
)
from gristmill.workflow.errors import DATA_LIMIT, RESULT_PATH, RUNTIME, StatesError
from gristmill.workflow.interpreter.branch import Branch, Phase, Status
from gristmill.workflow.interpreter.choosing import chosen
from gristmill.workflow.interpreter.evaluating import Evaluator
from gristmill.workflow.interpreter.run import Run
from gristmill.workflow.values import Json, dump, is_number, seconds_until, size_of


def enter(run: Run, branch: Branch, state: State) -> None:
    """Come into a state."""
    branch.is_entered = True
    branch.visit += 1
    branch.retries = {}
    branch.work = {}
    branch.entered = run.now
    # As AWS has it: what comes first follows nothing.
    is_first = branch.parent is None and branch.visit == 1
    branch.previous_event = 0 if is_first else branch.last_event
    kind = f"{type(state).__name__}StateEntered"
    branch.entered_event = run.event(
        branch, kind, branch.previous_event, name=state.name, input=branch.input
    )
    run.touch(branch)


def leave(
    run: Run,
    branch: Branch,
    state: State,
    output: Json,
    *,
    assigned: Mapping[str, Json],
    next_state: str | None,
) -> None:
    """Go out of a state, to the next one or to the end of the branch."""
    check_size(run, state, output)
    details: dict[str, Json] = {"name": state.name, "output": output}
    if assigned:
        details["assignedVariables"] = {name: dump(assigned[name]) for name in sorted(assigned)}
    run.event(branch, f"{type(state).__name__}StateExited", **details)
    branch.variables.update(assigned)
    branch.is_entered = False
    branch.wake = branch.deadline = branch.beat_due = None
    branch.work = {}
    run.touch(branch)
    if next_state is None:
        finish(run, branch, output)
        return
    branch.state = next_state
    branch.input = output
    branch.phase = Phase.READY
    run.ready.append(branch.id)


def check_size(run: Run, state: State, output: Json) -> None:
    """See that an output is not too big, where there is a bound. Raises `StatesError`."""
    bound = run.limits.payload
    if bound is not None and size_of(output) > bound:
        raise StatesError(
            DATA_LIMIT,
            f"The state/task '{state.name}' returned a result with a size exceeding the maximum "
            "number of bytes service limit.",
        )


def finish(run: Run, branch: Branch, output: Json) -> None:
    """A branch has come to its end."""
    branch.phase = Phase.DONE
    branch.output = output
    run.touch(branch)
    run.ended.append(branch)


def end(
    run: Run,
    status: Status,
    *,
    output: Json = None,
    error: str | None = None,
    cause: str | None = None,
) -> None:
    """The execution is over."""
    execution = run.execution
    execution.status, execution.ended = status, run.now
    execution.output, execution.error, execution.cause = output, error, cause
    execution.deadline = None
    for branch in run.branches.values():
        if branch.phase is Phase.CALLED:
            run.stopped.append(branch)
        if not branch.phase.is_final:
            branch.phase = Phase.ABORTED
            run.touch(branch)
    run.ready.clear()
    run.calls.clear()


# What goes in and comes out


def effective_input(at: Evaluator, state: State, raw: Json) -> Json:
    """The input after InputPath. Raises `StatesError`."""
    if at.is_jsonata:
        return raw
    return {} if state.input_path is None else at.at(state.input_path, raw)


def parameters(at: Evaluator, state: Working | Pass, given: Json) -> Json:
    """What Parameters or Arguments make of the input. Raises `StatesError`."""
    return given if state.parameters is None else at.fill(state.parameters, given)


def outcome(
    at: Evaluator, state: Working | Pass, raw: Json, result: Json
) -> tuple[Json, dict[str, Json]]:
    """The output of a state with a result, and what it assigns. Raises `StatesError`."""
    if at.is_jsonata:
        at.states["result"] = result
        assigned = at.assigned(state.assign, raw)
        return result if state.output is None else at.fill(state.output, raw), assigned
    if isinstance(state, Working) and state.result_selector is not None:
        result = at.payload(state.result_selector, result)
    assigned = at.assigned(state.assign, result)
    return with_output_path(at, state, placed(at, state.result_path, raw, result)), assigned


def placed(at: Evaluator, path: str | None, raw: Json, result: Json) -> Json:
    """The raw input with a result at a path: instead of it, in it, or not at all."""
    if path is None:
        return raw
    if path == "$":
        return result
    try:
        reference = compiled(path)
        if not reference.is_reference:
            raise PathSyntaxError(f"{path} names no one place")
        return put(reference, raw, result)
    except (NotThereError, PathSyntaxError) as error:
        raise StatesError(
            RESULT_PATH,
            at.runtime(f"Unable to apply step '{path}' to input '{dump(raw)}': {error}").cause,
        ) from error


def with_output_path(at: Evaluator, state: State, output: Json) -> Json:
    """The output after OutputPath. Raises `StatesError`."""
    return {} if state.output_path is None else at.at(state.output_path, output)


# The states


def passes(run: Run, branch: Branch, state: Pass) -> None:
    """Pass."""
    at = Evaluator(run, branch, state, branch.input)
    if at.is_jsonata:
        assigned = at.assigned(state.assign, branch.input)
        output = branch.input if state.output is None else at.fill(state.output, branch.input)
        leave(run, branch, state, output, assigned=assigned, next_state=state.next)
        return
    given = parameters(at, state, effective_input(at, state, branch.input))
    result = given if state.result is None else state.result.value
    output, assigned = outcome(at, state, branch.input, result)
    leave(run, branch, state, output, assigned=assigned, next_state=state.next)


def _handed_on(at: Evaluator, state: State, given: Json) -> Json:
    """The output of a state that has no result."""
    if at.is_jsonata:
        return given if state.output is None else at.fill(state.output, given)
    return with_output_path(at, state, given)


def chooses(run: Run, branch: Branch, state: Choice) -> None:
    """Choice."""
    at = Evaluator(run, branch, state, branch.input)
    at.given = given = effective_input(at, state, branch.input)
    rule = chosen(state, at)
    if rule is None:
        assigned = at.assigned(state.assign, given)
        output = _handed_on(at, state, given)
        leave(run, branch, state, output, assigned=assigned, next_state=state.default)
        return
    assigned = at.assigned(rule.assign, given)
    is_said = at.is_jsonata and rule.output is not None
    output = (
        at.fill(rule.output, given) if is_said and rule.output else _handed_on(at, state, given)
    )
    leave(run, branch, state, output, assigned=assigned, next_state=rule.next)


def succeeds(run: Run, branch: Branch, state: Succeed) -> None:
    """Succeed."""
    at = Evaluator(run, branch, state, branch.input)
    given = effective_input(at, state, branch.input)
    output = _handed_on(at, state, given)
    leave(run, branch, state, output, assigned={}, next_state=None)


def fails(run: Run, branch: Branch, state: Fail) -> None:
    """Fail: raises the `StatesError` that the state is there for."""
    at = Evaluator(run, branch, state, branch.input)

    def said(text: str | None, path: str | None, field: str) -> str | None:
        if path is not None:
            found = at.value(path, branch.input, f"{field}Path")
        else:
            found = at.jsonata(text, field) if at.is_jsonata else text
        return None if found is None else found if isinstance(found, str) else dump(found)

    error = said(state.error, state.error_path, "Error")
    cause = said(state.cause, state.cause_path, "Cause")
    raise StatesError(error, cause)


def waits(run: Run, branch: Branch, state: Wait) -> None:
    """Wait: the first time round sets the clock, the second goes on."""
    at = Evaluator(run, branch, state, branch.input)
    at.given = given = effective_input(at, state, branch.input)
    if branch.wake is None:
        branch.wake = _until(branch, state, at)
        branch.phase = Phase.WAITS
        run.touch(branch)
        run.watch(branch)
        return
    assigned = at.assigned(state.assign, given)
    output = _handed_on(at, state, given)
    leave(run, branch, state, output, assigned=assigned, next_state=state.next)


def _until(branch: Branch, state: Wait, at: Evaluator) -> float:
    if state.timestamp is not None or state.timestamp_path is not None:
        text: Json
        if state.timestamp_path is not None:
            text = at.at(state.timestamp_path, at.given)
        else:
            text = at.jsonata(state.timestamp, "Timestamp") if at.is_jsonata else state.timestamp
        found = seconds_until(text)
        if found is not None:
            return found
        if at.is_jsonata:
            raise at.query(
                "The Timestamp field cannot be parsed as an ISO-8601 extended offset date-time "
                f"format string: {text}",
                "Timestamp",
            )
        raise at.runtime(
            "The TimestampPath parameter does not reference a valid ISO-8601 extended offset "
            f"date-time format string: {state.timestamp_path} == {text}"
        )
    if state.seconds_path is not None:
        seconds = at.at(state.seconds_path, at.given)
        where = f"{state.seconds_path} == {seconds if isinstance(seconds, str) else dump(seconds)}"
        if not is_number(seconds) or seconds != int(seconds):
            raise at.runtime(f"The SecondsPath parameter cannot be parsed as a long value: {where}")
        if seconds < 0:
            raise at.runtime(f"The SecondsPath parameter references a negative value: {where}")
    else:
        seconds = at.whole(state.seconds, "Seconds") or 0
        if seconds < 0:
            raise StatesError(RUNTIME, at.runtime(f"Seconds is negative: {seconds}").cause)
    return branch.entered + float(seconds)
