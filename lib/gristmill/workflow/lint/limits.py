"""Rules about what AWS has bounds for, and what works here only: warnings, of `--aws`.

https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html.
"""

from collections.abc import Iterator

from gristmill.workflow.definition.resources import resource_of
from gristmill.workflow.definition.source import Problem
from gristmill.workflow.definition.states import Map, Pass, Task, Wait
from gristmill.workflow.lint.walking import Subject, machines_of
from gristmill.workflow.values import dump, size_of

_LARGEST_DEFINITION = 1024 * 1024
_LARGEST_PAYLOAD = 256 * 1024
_MOST_EVENTS = 25_000
_MOST_AT_ONCE_INLINE = 40
_MOST_CHILDREN = 10_000
_A_YEAR = 365 * 86400


def the_definition_is_small_enough(subject: Subject) -> Iterator[Problem]:
    """1 MiB."""
    size = len(dump(subject.source.value).encode())
    if size > _LARGEST_DEFINITION:
        yield subject.problem(
            "", f"AWS takes definitions of up to 1 MiB; this has {size:,} bytes", is_warning=True
        )


def what_is_written_down_is_small_enough(subject: Subject) -> Iterator[Problem]:
    """256 KiB of input or output of a state."""
    for state in subject.states():
        if isinstance(state, Pass) and state.result is not None:
            size = size_of(state.result.value)
            if size > _LARGEST_PAYLOAD:
                text = f"AWS takes up to 256 KiB of output; this Result has {size:,} bytes"
                yield subject.problem(f"{state.path}/Result", text, is_warning=True)


def maps_fit(subject: Subject) -> Iterator[Problem]:
    """An inline map writes history in the execution's own, which has up to 25,000 events, and has
    up to 40 iterations at once; a distributed one up to 10,000."""
    for state in subject.states():
        if not isinstance(state, Map) or state.processor is None:
            continue
        most = state.max_concurrency if isinstance(state.max_concurrency, int) else 0
        if state.is_distributed:
            if most > _MOST_CHILDREN:
                text = f"AWS has up to 10,000 iterations at once, not {most:,}"
                yield subject.problem(f"{state.path}/MaxConcurrency", text, is_warning=True)
            continue
        if most > _MOST_AT_ONCE_INLINE:
            text = f"AWS has up to 40 iterations of an inline Map at once, not {most:,}"
            yield subject.problem(f"{state.path}/MaxConcurrency", text, is_warning=True)
        states = sum(len(one.states) for one in machines_of(state.processor))
        room = _MOST_EVENTS // (3 * states + 2)
        text = (
            f"an inline Map of over about {room:,} items would have more than the 25,000 events "
            "that AWS allows; a distributed one has no such bound"
        )
        yield subject.problem(state.path, text, is_warning=True)


def nothing_waits_over_a_year(subject: Subject) -> Iterator[Problem]:
    """An execution lasts up to a year."""
    for state in subject.states():
        if isinstance(state, Wait) and isinstance(state.seconds, int) and state.seconds > _A_YEAR:
            yield subject.problem(
                f"{state.path}/Seconds", "an execution lasts up to a year at AWS", is_warning=True
            )


def aws_knows_it(subject: Subject) -> Iterator[Problem]:
    """What is Gristmill's own is not bound at AWS."""
    for state in subject.states():
        if isinstance(state, Task) and resource_of(state.resource).service == "gristmill":
            yield subject.problem(
                f"{state.path}/Resource",
                "gristmill:run is bound here only: at AWS the same is "
                "elasticmapreduce:addStep.sync or emr-serverless:startJobRun.sync",
                is_warning=True,
            )
