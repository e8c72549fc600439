"""Parallel and Map: branches and iterations are begun, counted, and their results put together."""

from collections.abc import Iterator
from typing import Any

from gristmill.workflow.definition.states import Map, Parallel
from gristmill.workflow.errors import HEARTBEAT, ITEM_READER, TIMEOUT, TOLERATED, StatesError
from gristmill.workflow.interpreter import flow
from gristmill.workflow.interpreter.branch import Branch, Phase
from gristmill.workflow.interpreter.evaluating import Evaluator
from gristmill.workflow.interpreter.items import Items, items_of
from gristmill.workflow.interpreter.run import Run
from gristmill.workflow.values import Json

_EXCEEDED = "The specified tolerated failure threshold was exceeded"


def parallel(run: Run, branch: Branch, state: Parallel) -> None:
    """Begin all branches of a Parallel."""
    at = Evaluator(run, branch, state, branch.input)
    given = flow.parameters(at, state, flow.effective_input(at, state, branch.input))
    started = run.event(branch, "ParallelStateStarted")
    branch.phase = Phase.JOINS
    branch.work = {"total": len(state.branches), "left": len(state.branches)}
    for index, machine in enumerate(state.branches):
        child = run.add(branch, index, machine, given)
        child.last_event = started
    run.touch(branch)


def map_(run: Run, branch: Branch, state: Map) -> None:
    """Begin a Map: its items are known, or have to be read first."""
    at = Evaluator(run, branch, state, branch.input)
    at.given = given = flow.effective_input(at, state, branch.input)
    if state.reader is not None and "items" not in branch.work:
        _read_items(run, branch, state, at, given)
        return
    if not state.reader:
        items = items_of(at, state, given)
        run.keep(f"items/{branch.id}", items)
        _started(run, branch, len(items))
    branch.work |= _numbers(run, state, at)
    _map_run(run, branch, state)
    branch.work |= {"next": 0, "active": 0, "done": 0, "failed": 0, "total": None}
    branch.phase = Phase.JOINS
    run.touch(branch)
    go_on(run, branch, state)


def _started(run: Run, branch: Branch, length: int) -> None:
    branch.work["started"] = run.event(branch, "MapStateStarted", length=length)


def _map_run(run: Run, branch: Branch, state: Map) -> None:
    """A distributed map has a run of its own, with a name."""
    if not state.is_distributed or "map_run" in branch.work:
        return
    execution = run.execution
    base = execution.machine_arn.replace(":stateMachine:", ":mapRun:")
    label = state.label or state.name
    branch.work["map_run"] = f"{base}/{label}:{execution.name}-{branch.id}-{branch.visit}"
    branch.work["map_event"] = run.event(branch, "MapRunStarted", mapRunArn=branch.work["map_run"])


def _numbers(run: Run, state: Map, at: Evaluator) -> dict[str, Json]:
    """The bounds of a map, where paths and expressions may stand. Raises `StatesError`."""
    most = at.whole(state.max_concurrency, "MaxConcurrency") or 0
    if most < 0:
        raise at.runtime("MaxConcurrency cannot be negative.")
    count = at.whole(state.tolerated_count, "ToleratedFailureCount")
    percentage = at.whole(state.tolerated_percentage, "ToleratedFailurePercentage")
    if count is not None and count < 0:
        raise at.runtime("ToleratedFailureCount cannot be negative.")
    if percentage is not None and not 0 <= percentage <= 100:
        raise at.runtime("ToleratedFailurePercentage must be between 0 and 100.")
    usual = run.limits.distributed if state.is_distributed else run.limits.inline
    return {"most": most or usual, "count": count, "percentage": percentage}


def _read_items(run: Run, branch: Branch, state: Map, at: Evaluator, given: Json) -> None:
    """Have the items read, as a task is done: that is an effect."""
    assert state.reader is not None  # noqa: S101  the caller looked
    reader = state.reader
    _started(run, branch, 0)
    branch.work |= _numbers(run, state, at)
    _map_run(run, branch, state)
    parameters = {} if reader.parameters is None else at.fill(reader.parameters, given)
    config: dict[str, Any] = dict(reader.config)
    if at.is_jsonata:
        config = at.jsonata(config, "ItemReader/ReaderConfig")
    most = config.get("MaxItems")
    if "MaxItemsPath" in config:
        most = at.whole(config.pop("MaxItemsPath"), "MaxItems")
    if most is not None:
        if most < 0:
            raise StatesError(ITEM_READER, "field MaxItems must be positive")
        config["MaxItems"] = min(int(most), 100_000_000)
    branch.work |= {"read": {"resource": reader.resource, "parameters": parameters}}
    branch.work["read"]["config"] = config
    branch.phase = Phase.CALLED
    run.calls.append(branch)
    run.touch(branch)


def items_read(run: Run, branch: Branch, items: Json) -> None:
    """The items of a map were read: a list, or what names where they lie."""
    state = run.state_of(branch)
    assert isinstance(state, Map)  # noqa: S101  only maps read items
    run.keep(f"items/{branch.id}", items)
    branch.work |= {"items": True, "next": 0, "active": 0, "done": 0, "failed": 0, "total": None}
    branch.phase = Phase.JOINS
    run.touch(branch)
    go_on(run, branch, state)


def go_on(run: Run, branch: Branch, state: Map, after: int | None = None) -> None:
    """Begin as many iterations as may be under way; end the map where none is left. `after` is the
    event that made room."""
    work = branch.work
    if work["total"] is None and work["active"] < work["most"]:
        _begin(run, branch, state, after)
    if work["total"] is not None and work["active"] == 0:
        _joined_map(run, branch, state)


def _begin(run: Run, branch: Branch, state: Map, after: int | None) -> None:
    work = branch.work
    at = Evaluator(run, branch, state, branch.input)
    at.given = flow.effective_input(at, state, branch.input)
    source = Items.of(run, branch, state, at)
    assert state.processor is not None  # noqa: S101  refused by lint
    while work["active"] < work["most"]:
        index = work["next"]
        found = source.at(index)
        if found is None:
            work["total"] = index
            source.close()
            break
        child = run.add(branch, index, state.processor, found.given)
        child.item = found.item
        child.is_quiet = branch.is_quiet or state.is_distributed
        if not child.is_quiet:
            child.last_event = run.event(
                branch,
                "MapIterationStarted",
                branch.work.get("started", branch.last_event) if after is None else after,
                name=state.name,
                index=index,
            )
        work["next"] += 1
        work["active"] += 1
    run.touch(branch)


def ended(run: Run, child: Branch) -> None:
    """A branch or an iteration has ended, well or not. Raises `StatesError` where that is the end
    of its Parallel or Map."""
    assert child.parent is not None  # noqa: S101  the caller looked
    branch = run.branches[child.parent]
    if branch.phase is not Phase.JOINS:
        return
    state = run.state_of(branch)
    if isinstance(state, Parallel):
        _branch_ended(run, branch, state, child)
    elif isinstance(state, Map):
        _iteration_ended(run, branch, state, child)


def _branch_ended(run: Run, branch: Branch, state: Parallel, child: Branch) -> None:
    branch.last_event = max(branch.last_event, child.last_event)
    run.touch(branch)
    if child.phase is Phase.FAILED:
        _abort(run, branch, child)
        raise StatesError(child.error, child.cause)
    branch.work["left"] -= 1
    if branch.work["left"]:
        return
    results = [one.output for one in run.children_of(branch)]
    last = branch.last_event
    run.event(branch, "ParallelStateSucceeded")
    branch.last_event = last
    _done(run, branch, state, results)


def _iteration_ended(run: Run, branch: Branch, state: Map, child: Branch) -> None:
    work = branch.work
    work["active"] -= 1
    last = child.last_event
    if child.phase is Phase.DONE:
        work["done"] += 1
        if not child.is_quiet:
            run.event(branch, "MapIterationSucceeded", last, name=state.name, index=child.index)
        run.touch(branch)
        go_on(run, branch, state, last)
        return
    work["failed"] += 1
    run.touch(branch)
    if state.is_distributed:
        if not _tolerates(run, branch, state):
            _abort(run, branch, child)
            raise StatesError(TOLERATED, _EXCEEDED)
        go_on(run, branch, state)
        return
    if not child.is_quiet:
        run.event(branch, "MapIterationFailed", last, name=state.name, index=child.index)
    _abort(run, branch, child)
    branch.last_event = last if not child.is_quiet else branch.last_event
    raise StatesError(child.error, child.cause)


def _tolerates(run: Run, branch: Branch, state: Map) -> bool:
    """Whether as many iterations may have failed as have."""
    work = branch.work
    failed, count, percentage = work["failed"], work["count"], work["percentage"]
    if count is None and percentage is None:
        return False
    if count is not None and failed > count:
        return False
    if percentage is not None:
        total = work["total"] or Items.count(run, branch, state)
        # Where the number of items is not known yet, it is judged at the end.
        return total is None or failed * 100 <= percentage * total
    return True


def _abort(run: Run, branch: Branch, failed: Branch) -> None:
    """Stop what else is under way in a Parallel or Map of which one branch has failed."""
    for one in run.children_of(branch):
        if one.phase.is_final:
            continue
        _abort_branch(run, one)
        if one.is_quiet:
            continue
        kind = type(run.state_of(one)).__name__
        if one.is_entered and kind in {"Task", "Map", "Parallel", "Wait"}:
            run.event(one, f"{kind}StateAborted", failed.last_event)
        if one.item is not None:
            run.event(
                one,
                "MapIterationAborted",
                failed.last_event,
                name=branch.state,
                index=one.index,
            )
    # As AWS has it: a task that ran out of time is told of once more, after all others.
    if failed.error in {TIMEOUT, HEARTBEAT} and type(run.state_of(failed)).__name__ == "Task":
        run.event(failed, "TaskStateAborted", failed.last_event)


def _abort_branch(run: Run, branch: Branch) -> None:
    if branch.phase is Phase.CALLED:
        run.stopped.append(branch)
    for one in run.children_of(branch):
        if not one.phase.is_final:
            _abort_branch(run, one)
    branch.phase = Phase.ABORTED
    branch.wake = branch.deadline = branch.beat_due = None
    run.touch(branch)


def _joined_map(run: Run, branch: Branch, state: Map) -> None:
    if state.is_distributed and not _tolerates_at_end(branch):
        raise StatesError(TOLERATED, _EXCEEDED)
    if state.is_distributed and state.writer is not None and "written" not in branch.work:
        _write_results(run, branch, state)
        return
    if state.is_distributed:
        run.event(branch, "MapRunSucceeded")
    last = branch.last_event
    run.event(branch, "MapStateSucceeded")
    branch.last_event = last
    if "written" in branch.work:
        _done(run, branch, state, branch.work["written"])
    else:
        _done(run, branch, state, _results(run, branch))


def _tolerates_at_end(branch: Branch) -> bool:
    work = branch.work
    failed, total = work["failed"], work["total"]
    if not failed:
        return True
    percentage = work["percentage"]
    return percentage is None or failed * 100 <= percentage * total


def _results(run: Run, branch: Branch) -> list[Json]:
    """The outputs in the order of the items; of those that failed and were tolerated, the error."""
    found = {one.index: _result(one) for one in run.all_children_of(branch)}
    return [found[index] for index in sorted(found)]


def _result(child: Branch) -> Json:
    if child.phase is Phase.DONE:
        return child.output
    return {"Error": child.error, "Cause": child.cause}


def _write_results(run: Run, branch: Branch, state: Map) -> None:
    """Have the results written, as a task is done."""
    assert state.writer is not None  # noqa: S101  the caller looked
    at = Evaluator(run, branch, state, branch.input)
    at.given = given = flow.effective_input(at, state, branch.input)
    writer = state.writer
    parameters = {} if writer.parameters is None else at.fill(writer.parameters, given)
    branch.work["write"] = {"resource": writer.resource, "parameters": parameters}
    branch.work["write"]["config"] = dict(writer.config)
    branch.phase = Phase.CALLED
    run.calls.append(branch)
    run.touch(branch)


def results_written(run: Run, branch: Branch, told: Json) -> None:
    """The results of a map were written; `told` says where."""
    state = run.state_of(branch)
    assert isinstance(state, Map)  # noqa: S101  only maps write results
    branch.work["written"] = told
    branch.phase = Phase.JOINS
    go_on(run, branch, state)


def results_for_writing(run: Run, branch: Branch) -> Iterator[dict[str, Json]]:
    """What each iteration came to, for whoever writes it."""
    for one in run.all_children_of(branch):
        yield {
            "Index": one.index,
            "Input": one.work.get("input"),
            "Output": one.output,
            "Error": one.error,
            "Cause": one.cause,
            "Status": "SUCCEEDED" if one.phase is Phase.DONE else "FAILED",
        }


def _done(run: Run, branch: Branch, state: Parallel | Map, results: Json) -> None:
    at = Evaluator(run, branch, state, branch.input)
    output, assigned = flow.outcome(at, state, branch.input, results)
    run.keep(f"items/{branch.id}", None)
    run.drop_children(branch)
    flow.leave(run, branch, state, output, assigned=assigned, next_state=state.next)
