"""Building state machines in Python: each call gives a state, and a machine gives the same JSON as
one would write by hand.

```python
from gristmill.workflow.build import choice, fail, machine, succeed, task, when

orders = machine(
    task("Look up", "lambda:invoke", parameters={"FunctionName": "look-up", "Payload.$": "$"}),
    choice("Enough?", when("$.count", NumericGreaterThan=0, then="Pay"), default="Sold out"),
    task("Pay", "lambda:invoke", parameters={"FunctionName": "pay", "Payload.$": "$"}, end=True),
    fail("Sold out", error="NotEnough"),
)
```

States follow each other as they are given, unless one says `then` or `end`.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from gristmill.errors import UsageError
from gristmill.nearest import near
from gristmill.workflow.definition.fields import OPERATORS
from gristmill.workflow.definition.states import Language
from gristmill.workflow.lint import check
from gristmill.workflow.values import Json

Seconds = int | float | str
_ARN = "arn:aws:states:::"
_ENDS = {"Choice", "Succeed", "Fail"}


@dataclass(frozen=True)
class StateSpec:
    """A state: its name, its fields as the language has them, and where it leads."""

    name: str
    fields: Mapping[str, Json]
    then: str | None = None
    end: bool = False

    @property
    def type(self) -> str:
        """One of the eight types."""
        return str(self.fields["Type"])


@dataclass(frozen=True)
class MachineSpec:
    """A state machine. `definition` is its JSON."""

    definition: Mapping[str, Json] = field(default_factory=dict)

    def to_json(self) -> str:
        """As it is written into a file."""
        return json.dumps(self.definition, indent=2, ensure_ascii=False) + "\n"

    def write(self, file: str | Path) -> None:
        """Write it into a file."""
        Path(file).write_text(self.to_json(), encoding="utf-8")


def machine(
    *states: StateSpec,
    comment: str | None = None,
    language: Language | None = None,
    timeout: int | None = None,
    start: str | None = None,
) -> MachineSpec:
    """A state machine, from its first state on. `timeout` is in seconds.

    Raises `DefinitionError`, which names all that is wrong with it, bound to nothing here or not.
    """
    made = MachineSpec(_machine(states, comment, language, timeout, start))
    checked = check(made.definition)
    if checked.machine is None:
        checked.sound("this")
    return made


def _machine(
    states: Sequence[StateSpec],
    comment: str | None = None,
    language: Language | None = None,
    timeout: int | None = None,
    start: str | None = None,
) -> dict[str, Json]:
    if not states:
        raise UsageError("a state machine has a state at least")
    definition = _given(Comment=comment, QueryLanguage=language, TimeoutSeconds=timeout)
    definition["StartAt"] = start or states[0].name
    written: dict[str, Json] = {}
    for index, state in enumerate(states):
        if state.name in written:
            raise UsageError(f"the state {state.name!r} is there twice")
        following = states[index + 1].name if index + 1 < len(states) else None
        written[state.name] = _written(state, following)
    definition["States"] = written
    return definition


def _written(state: StateSpec, following: str | None) -> dict[str, Json]:
    if state.type in _ENDS:
        return dict(state.fields)
    if state.end or (state.then is None and following is None):
        return {**state.fields, "End": True}
    return {**state.fields, "Next": state.then or following}


def _given(**fields: Json) -> dict[str, Json]:
    return {name: value for name, value in fields.items() if value is not None}


def _with_paths(
    fields: dict[str, Json], paths: Mapping[str, "str | Unchanged | None"]
) -> dict[str, Json]:
    # A path of None is null, which means something else than one that is not given.
    return fields | {name: path for name, path in paths.items() if not isinstance(path, Unchanged)}


class Unchanged:
    """A path that is not given: the whole input, or output."""


UNCHANGED = Unchanged()


def retry(
    *errors: str,
    interval: Seconds | None = None,
    attempts: int | None = None,
    backoff: float | None = None,
    max_delay: int | None = None,
    jitter: bool = False,
) -> dict[str, Json]:
    """A retrier; by default for all errors. Times are in seconds."""
    return {"ErrorEquals": list(errors or ("States.ALL",))} | _given(
        IntervalSeconds=interval,
        MaxAttempts=attempts,
        BackoffRate=backoff,
        MaxDelaySeconds=max_delay,
        JitterStrategy="FULL" if jitter else None,
    )


def catch(
    *errors: str,
    then: str,
    result_path: str | Unchanged | None = UNCHANGED,
    assign: Mapping[str, Json] | None = None,
    output: Json = None,
) -> dict[str, Json]:
    """A catcher; by default for all errors."""
    fields = {"ErrorEquals": list(errors or ("States.ALL",)), "Next": then}
    return _with_paths(fields | _given(Assign=assign, Output=output), {"ResultPath": result_path})


def task(
    name: str,
    resource: str,
    *,
    parameters: Json = None,
    arguments: Json = None,
    result_selector: Mapping[str, Json] | None = None,
    result_path: str | Unchanged | None = UNCHANGED,
    input_path: str | Unchanged | None = UNCHANGED,
    output_path: str | Unchanged | None = UNCHANGED,
    output: Json = None,
    assign: Mapping[str, Json] | None = None,
    timeout: Seconds | None = None,
    heartbeat: Seconds | None = None,
    retries: Sequence[Mapping[str, Json]] = (),
    catches: Sequence[Mapping[str, Json]] = (),
    comment: str | None = None,
    then: str | None = None,
    end: bool = False,
) -> StateSpec:
    """A Task. `resource` is an ARN, or what follows `arn:aws:states:::`, as `lambda:invoke`."""
    is_whole = resource.startswith(("arn:", "gristmill:", "$"))
    fields = {"Type": "Task", "Resource": resource if is_whole else _ARN + resource} | _given(
        Comment=comment,
        Parameters=parameters,
        Arguments=arguments,
        ResultSelector=result_selector,
        Output=output,
        Assign=assign,
        TimeoutSeconds=timeout,
        HeartbeatSeconds=heartbeat,
        Retry=list(retries) or None,
        Catch=list(catches) or None,
    )
    paths = {"InputPath": input_path, "ResultPath": result_path, "OutputPath": output_path}
    return StateSpec(name, _with_paths(fields, paths), then, end)


def pass_(
    name: str,
    *,
    result: Json = None,
    parameters: Json = None,
    result_path: str | Unchanged | None = UNCHANGED,
    output: Json = None,
    assign: Mapping[str, Json] | None = None,
    comment: str | None = None,
    then: str | None = None,
    end: bool = False,
) -> StateSpec:
    """A Pass."""
    fields = {"Type": "Pass"} | _given(
        Comment=comment, Result=result, Parameters=parameters, Output=output, Assign=assign
    )
    return StateSpec(name, _with_paths(fields, {"ResultPath": result_path}), then, end)


def when(variable: str, *, then: str, **test: Json) -> dict[str, Json]:
    """A rule of a choice in JSONPath: `when("$.count", NumericGreaterThan=0, then="Pay")`."""
    if len(test) != 1:
        raise UsageError(f"a rule has one comparison, not {sorted(test)}")
    unknown = next(iter(test))
    if unknown not in OPERATORS:
        raise UsageError(f"there is no comparison {unknown}{near(unknown, OPERATORS)}")
    return {"Variable": variable, **test, "Next": then}


def when_true(condition: str, *, then: str, **more: Json) -> dict[str, Json]:
    """A rule of a choice in JSONata: `when_true("{% $count > 0 %}", then="Pay")`."""
    return {"Condition": condition, **more, "Next": then}


def choice(
    name: str, *rules: Mapping[str, Json], default: str | None = None, comment: str | None = None
) -> StateSpec:
    """A Choice."""
    fields = {"Type": "Choice", "Choices": list(rules)}
    return StateSpec(name, fields | _given(Comment=comment, Default=default))


def wait(
    name: str,
    *,
    seconds: Seconds | None = None,
    until: str | None = None,
    seconds_path: str | None = None,
    until_path: str | None = None,
    then: str | None = None,
    end: bool = False,
) -> StateSpec:
    """A Wait: for some seconds, or until a time in ISO 8601."""
    fields = {"Type": "Wait"} | _given(
        Seconds=seconds, Timestamp=until, SecondsPath=seconds_path, TimestampPath=until_path
    )
    return StateSpec(name, fields, then, end)


def succeed(name: str, *, output: Json = None) -> StateSpec:
    """A Succeed."""
    return StateSpec(name, {"Type": "Succeed"} | _given(Output=output))


def fail(
    name: str,
    *,
    error: str | None = None,
    cause: str | None = None,
    error_path: str | None = None,
    cause_path: str | None = None,
) -> StateSpec:
    """A Fail."""
    fields = _given(Error=error, Cause=cause, ErrorPath=error_path, CausePath=cause_path)
    return StateSpec(name, {"Type": "Fail"} | fields)


def parallel(
    name: str,
    *branches: Sequence[StateSpec],
    result_path: str | Unchanged | None = UNCHANGED,
    output: Json = None,
    retries: Sequence[Mapping[str, Json]] = (),
    catches: Sequence[Mapping[str, Json]] = (),
    then: str | None = None,
    end: bool = False,
) -> StateSpec:
    """A Parallel; each branch is a list of states."""
    fields = {"Type": "Parallel", "Branches": [_machine(one) for one in branches]} | _given(
        Output=output, Retry=list(retries) or None, Catch=list(catches) or None
    )
    return StateSpec(name, _with_paths(fields, {"ResultPath": result_path}), then, end)


def map_(
    name: str,
    *states: StateSpec,
    items_path: str | None = None,
    items: Json = None,
    selector: Mapping[str, Json] | None = None,
    reader: Mapping[str, Json] | None = None,
    batcher: Mapping[str, Json] | None = None,
    writer: Mapping[str, Json] | None = None,
    distributed: bool = False,
    max_concurrency: int | None = None,
    tolerated_count: int | None = None,
    tolerated_percentage: float | None = None,
    result_path: str | Unchanged | None = UNCHANGED,
    output: Json = None,
    retries: Sequence[Mapping[str, Json]] = (),
    catches: Sequence[Mapping[str, Json]] = (),
    then: str | None = None,
    end: bool = False,
) -> StateSpec:
    """A Map: the states are run for each item."""
    mode: dict[str, Json] = {"Mode": "DISTRIBUTED" if distributed else "INLINE"}
    if distributed:
        mode["ExecutionType"] = "STANDARD"
    fields = {"Type": "Map", "ItemProcessor": {"ProcessorConfig": mode, **_machine(states)}}
    fields |= _given(
        ItemsPath=items_path,
        Items=items,
        ItemSelector=selector,
        ItemReader=reader,
        ItemBatcher=batcher,
        ResultWriter=writer,
        MaxConcurrency=max_concurrency,
        ToleratedFailureCount=tolerated_count,
        ToleratedFailurePercentage=tolerated_percentage,
        Output=output,
        Retry=list(retries) or None,
        Catch=list(catches) or None,
    )
    return StateSpec(name, _with_paths(fields, {"ResultPath": result_path}), then, end)


def in_language(state: StateSpec, language: Language) -> StateSpec:
    """A state in another language than its machine's."""
    return replace(state, fields={"QueryLanguage": language, **state.fields})
