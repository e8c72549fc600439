"""Rules about what tasks are bound to."""

from collections.abc import Iterator

from gristmill.nearest import near
from gristmill.workflow.bindings.elsewhere import is_on_aws
from gristmill.workflow.bindings.registry import BOUND
from gristmill.workflow.definition.resources import Resource, resource_of
from gristmill.workflow.definition.source import Problem
from gristmill.workflow.definition.states import Map, Task
from gristmill.workflow.lint.walking import Subject

_READERS = {"s3:getObject", "s3:listObjectsV2"}
_WRITERS = {"s3:putObject"}


def resources_are_bound(subject: Subject) -> Iterator[Problem]:
    """Each Resource is bound to something here; what is not is told by its name."""
    for state in subject.states():
        if not isinstance(state, Task) or not state.resource:
            continue
        resource = resource_of(state.resource)
        if "${" in state.resource and resource.kind == "unknown":
            yield subject.problem(
                f"{state.path}/Resource",
                f"{state.resource} is filled in where it is deployed: here it is bound to nothing",
                is_warning=True,
            )
        elif not is_on_aws(resource, subject.aws) and (text := _unbound(resource)):
            yield subject.problem(f"{state.path}/Resource", text)


def _unbound(resource: Resource) -> str | None:
    if resource.kind in {"function", "activity"}:
        return None
    if resource.kind == "unknown":
        return (
            f"{resource.text!r} is no resource: arn:aws:states:::SERVICE:ACTION, or the ARN of a "
            "function or an activity"
        )
    patterns = BOUND.get(resource.call)
    if patterns is None:
        return f"{resource.call} is not bound here{near(resource.call, BOUND)}"
    if resource.pattern not in patterns:
        known = " and ".join(f".{one}" if one else "none" for one in sorted(patterns))
        return f"{resource.call} is not bound with .{resource.pattern}, but with {known}"
    return None


def maps_read_and_write_what_can_be(subject: Subject) -> Iterator[Problem]:
    """Items are read from S3, and results written there."""
    for state in subject.states():
        if not isinstance(state, Map):
            continue
        for part, known, name in (
            (state.reader, _READERS, "ItemReader"),
            (state.writer, _WRITERS, "ResultWriter"),
        ):
            if part is not None and part.resource and resource_of(part.resource).call not in known:
                yield subject.problem(
                    f"{state.path}/{name}/Resource",
                    f"{part.resource} is not bound here; there is {' and '.join(sorted(known))}",
                )


def express_asks_for_no_end(subject: Subject) -> Iterator[Problem]:
    """An express machine waits for no end of a task elsewhere, and has no activities."""
    if not subject.is_express:
        return
    for state in subject.states():
        if not isinstance(state, Task):
            continue
        resource = resource_of(state.resource)
        if resource.pattern:
            yield subject.problem(
                f"{state.path}/Resource",
                f"an express state machine has no '.{resource.pattern}'",
            )
        if resource.kind == "activity" or "activity" in state.resource:
            yield subject.problem(
                f"{state.path}/Resource", "an express state machine has no activities"
            )
