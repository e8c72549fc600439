"""From a definition as it is written to the states, with all that is wrong noted."""

from collections.abc import Callable, Mapping
from typing import Any

from gristmill.nearest import nearest
from gristmill.workflow.definition.cursor import Cursor, is_expression
from gristmill.workflow.definition.fields import JSONATA, JSONPATH, TYPES
from gristmill.workflow.definition.pieces import catchers, choices, retriers
from gristmill.workflow.definition.source import Problem, Source
from gristmill.workflow.definition.states import (
    Choice,
    Fail,
    ItemBatcher,
    ItemReader,
    Language,
    Machine,
    Map,
    Parallel,
    Pass,
    ResultWriter,
    State,
    Succeed,
    Task,
    Wait,
)

_TOP = {"StartAt", "States", "Comment", "Version", "TimeoutSeconds", "QueryLanguage"}
_NESTED = {"StartAt", "States", "Comment", "QueryLanguage"}
_PROCESSOR = {*_NESTED, "ProcessorConfig"}
_DISTRIBUTED = (
    "ItemReader",
    "ItemBatcher",
    "ResultWriter",
    "Label",
    "ToleratedFailureCount",
    "ToleratedFailureCountPath",
    "ToleratedFailurePercentage",
    "ToleratedFailurePercentagePath",
)


def machine(source: Source) -> Machine | None:
    """The state machine of a source; None where it is none. Problems are added to the source's."""
    if source.value is None and source.problems:
        return None
    if not isinstance(source.value, dict):
        source.problems.append(Problem("/", 1, "a state machine is a JSON object"))
        return None
    return _machine(Cursor(source, source.value, ""), "JSONPath", _TOP)


def _machine(at: Cursor, outer: Language, known: set[str]) -> Machine | None:
    at.allow(known, "a state machine")
    at.need("StartAt", "States")
    language = at.language(outer)
    states: dict[str, State] = {}
    found = at.mapping("States")
    if found is None:
        return None
    if not found.value:
        found.wrong("there are no states")
    for name, value in found.value.items():
        path = f"{found.path}/{name}"
        if not isinstance(value, dict):
            found.wrong("a state is an object", name)
            continue
        state = _state(Cursor(at.source, value, path), name, language)
        if state is not None:
            states[name] = state
    timeout = at.number("TimeoutSeconds", "JSONPath", least=1, most=99_999_999)
    return Machine(
        start=at.text("StartAt"),
        states=states,
        path=at.path,
        language=language,
        comment=at.text("Comment"),
        version=at.text("Version", "1.0"),
        timeout=None if timeout is None else float(timeout),
    )


def _state(at: Cursor, name: str, outer: Language) -> State | None:
    if "Type" not in at:
        at.wrong("the field Type is required")
        return None
    kind = at.text("Type")
    if kind not in TYPES:
        at.wrong(f"there is no state of type {kind!r}: {nearest(kind, TYPES)}", "Type")
        return None
    language = at.language(outer)
    at.allow((JSONATA if language == "JSONata" else JSONPATH)[kind], f"a {kind} in {language}")
    common: dict[str, Any] = {
        "name": name,
        "path": at.path,
        "language": language,
        "comment": at.text("Comment"),
        "input_path": at.path_or_null("InputPath"),
        "output_path": at.path_or_null("OutputPath"),
        "output": at.template("Output"),
        "assign": at.assign(),
        "raw": at.value,
    }
    if kind not in {"Choice", "Succeed", "Fail"}:
        common["next"] = _next(at)
    return _READERS[kind](at, language, common)


def _next(at: Cursor) -> str | None:
    ends = at.flag("End")
    if "Next" in at and ends:
        at.wrong("Next and End exclude each other", "End")
    if "Next" not in at and not ends:
        at.wrong("Next, or End as true, is required")
    return at.text("Next") or None


def _working(at: Cursor, language: Language, common: Mapping[str, Any]) -> dict[str, Any]:
    return {
        **common,
        "parameters": at.template("Arguments" if language == "JSONata" else "Parameters"),
        "result_selector": at.template("ResultSelector"),
        "result_path": at.path_or_null("ResultPath"),
        "retry": retriers(at),
        "catch": catchers(at, language),
    }


def _task(at: Cursor, language: Language, common: Mapping[str, Any]) -> State:
    at.need("Resource")
    at.either("TimeoutSeconds", "TimeoutSecondsPath")
    at.either("HeartbeatSeconds", "HeartbeatSecondsPath")
    timeout = at.number("TimeoutSeconds", language, least=1, most=99_999_999)
    heartbeat = at.number("HeartbeatSeconds", language, least=1, most=99_999_999)
    whole = 99_999_999 if timeout is None else timeout
    if isinstance(heartbeat, int) and isinstance(whole, int) and heartbeat >= whole:
        at.wrong("HeartbeatSeconds is less than TimeoutSeconds", "HeartbeatSeconds")
    credentials = at.mapping("Credentials")
    if credentials is not None:
        if not {"RoleArn", "RoleArn.$"} & set(credentials.value):
            credentials.wrong("the field RoleArn is required")
        credentials.allow({"RoleArn", "RoleArn.$"}, "Credentials")
    return Task(
        **_working(at, language, common),
        resource=at.text("Resource"),
        timeout=timeout,
        timeout_path=at.text("TimeoutSecondsPath") or None,
        heartbeat=heartbeat,
        heartbeat_path=at.text("HeartbeatSecondsPath") or None,
        credentials=at.template("Credentials"),
    )


def _parallel(at: Cursor, language: Language, common: Mapping[str, Any]) -> State:
    at.need("Branches")
    branches = [_machine(one, _inner(at, language), _NESTED) for one in at.mappings("Branches")]
    if not branches:
        at.wrong("there are no branches")
    return Parallel(
        **_working(at, language, common),
        branches=tuple(one for one in branches if one is not None),
    )


def _inner(at: Cursor, language: Language) -> Language:
    """What states inside take for granted: a state's own language is not handed down."""
    return "JSONPath" if "QueryLanguage" in at and language == "JSONata" else language


def _map(at: Cursor, language: Language, common: Mapping[str, Any]) -> State:
    for one, other in (
        ("ItemProcessor", "Iterator"),
        ("ItemSelector", "Parameters"),
        ("MaxConcurrency", "MaxConcurrencyPath"),
        ("ToleratedFailureCount", "ToleratedFailureCountPath"),
        ("ToleratedFailurePercentage", "ToleratedFailurePercentagePath"),
        ("ItemsPath", "ItemReader"),
        ("Items", "ItemReader"),
    ):
        at.either(one, other)
    inner = at.mapping("ItemProcessor") or at.mapping("Iterator")
    if inner is None and not {"ItemProcessor", "Iterator"} & set(at.value):
        at.wrong("the field ItemProcessor is required")
    config = inner.mapping("ProcessorConfig") if inner else None
    mode, kind = "INLINE", "STANDARD"
    if config is not None:
        config.allow({"Mode", "ExecutionType"}, "ProcessorConfig")
        mode = config.text("Mode", "INLINE")
        kind = config.text("ExecutionType", "STANDARD")
        if mode not in {"INLINE", "DISTRIBUTED"}:
            config.wrong(f"Mode is INLINE or DISTRIBUTED, not {mode!r}", "Mode")
        if kind not in {"STANDARD", "EXPRESS"}:
            config.wrong(f"ExecutionType is STANDARD or EXPRESS, not {kind!r}", "ExecutionType")
    is_distributed = mode == "DISTRIBUTED"
    _distributed_only(at, is_distributed)
    working = _working(at, language, common)
    working["parameters"] = at.template("ItemSelector") or at.template("Parameters")
    return Map(
        **working,
        processor=_machine(inner, _inner(at, language), _PROCESSOR) if inner else None,
        is_distributed=is_distributed,
        is_express=kind == "EXPRESS",
        items_path=at.text("ItemsPath") or None,
        items=at.template("Items"),
        reader=_reader(at),
        batcher=_batcher(at, language),
        writer=_writer(at),
        max_concurrency=_or(at.number("MaxConcurrency", language), at.text("MaxConcurrencyPath"))
        or 0,
        tolerated_count=_or(
            at.number("ToleratedFailureCount", language), at.text("ToleratedFailureCountPath")
        ),
        tolerated_percentage=_or(
            at.number("ToleratedFailurePercentage", language, most=100, whole=False),
            at.text("ToleratedFailurePercentagePath"),
        ),
        label=at.text("Label") or None,
    )


def _or(given: float | str | None, path: str) -> Any:
    return given if given is not None else path or None


def _distributed_only(at: Cursor, is_distributed: bool) -> None:
    for name in _DISTRIBUTED:
        if name in at and not is_distributed:
            at.wrong(f"{name} needs a ProcessorConfig whose Mode is DISTRIBUTED", name)
    label = at.value.get("Label")
    if isinstance(label, str) and len(label) > 40:
        at.wrong(f"a Label has up to 40 characters, not {len(label)}", "Label")


def _reader(at: Cursor) -> ItemReader | None:
    inner = at.mapping("ItemReader")
    if inner is None:
        return None
    known = {"Resource", "Parameters", "Arguments", "ReaderConfig"}
    inner.allow(known, "an ItemReader")
    inner.need("Resource")
    config = inner.mapping("ReaderConfig")
    given = inner.template("Arguments") or inner.template("Parameters")
    return ItemReader(inner.text("Resource"), given, config.value if config else {})


def _writer(at: Cursor) -> ResultWriter | None:
    inner = at.mapping("ResultWriter")
    if inner is None:
        return None
    inner.allow({"Resource", "Parameters", "Arguments", "WriterConfig"}, "a ResultWriter")
    config = inner.mapping("WriterConfig")
    given = inner.template("Arguments") or inner.template("Parameters")
    return ResultWriter(inner.text("Resource"), given, config.value if config else {})


def _batcher(at: Cursor, language: Language) -> ItemBatcher | None:
    inner = at.mapping("ItemBatcher")
    if inner is None:
        return None
    names = {"MaxItemsPerBatch", "MaxItemsPerBatchPath", "MaxInputBytesPerBatch"}
    names |= {"MaxInputBytesPerBatchPath", "BatchInput"}
    inner.allow(names, "an ItemBatcher")
    if not names - {"BatchInput"} & set(inner.value):
        inner.wrong("MaxItemsPerBatch or MaxInputBytesPerBatch is required")
    return ItemBatcher(
        _or(
            inner.number("MaxItemsPerBatch", language, least=1), inner.text("MaxItemsPerBatchPath")
        ),
        _or(
            inner.number("MaxInputBytesPerBatch", language, least=1),
            inner.text("MaxInputBytesPerBatchPath"),
        ),
        inner.template("BatchInput"),
    )


def _pass(at: Cursor, _language: Language, common: Mapping[str, Any]) -> State:
    return Pass(
        **common,
        parameters=at.template("Parameters"),
        result=at.template("Result"),
        result_path=at.path_or_null("ResultPath"),
    )


def _choice(at: Cursor, language: Language, common: Mapping[str, Any]) -> State:
    at.need("Choices")
    return Choice(**common, rules=choices(at, language), default=at.text("Default") or None)


def _wait(at: Cursor, language: Language, common: Mapping[str, Any]) -> State:
    names = ("Seconds", "SecondsPath", "Timestamp", "TimestampPath")
    given = [name for name in names if name in at]
    if len(given) != 1:
        at.wrong("exactly one of Seconds, SecondsPath, Timestamp and TimestampPath is required")
    return Wait(
        **common,
        seconds=at.number("Seconds", language, most=99_999_999),
        seconds_path=at.text("SecondsPath") or None,
        timestamp=at.text("Timestamp") or None,
        timestamp_path=at.text("TimestampPath") or None,
    )


def _succeed(_at: Cursor, _language: Language, common: Mapping[str, Any]) -> State:
    return Succeed(**common)


def _fail(at: Cursor, language: Language, common: Mapping[str, Any]) -> State:
    at.either("Error", "ErrorPath")
    at.either("Cause", "CausePath")
    for name in ("Error", "Cause"):
        text = at.value.get(name)
        if language == "JSONPath" and is_expression(text):
            at.wrong(f"{name} is an expression of JSONata, in a state in JSONPath", name)
    given = {name for name in ("Error", "Cause") if name in at}
    return Fail(
        **common,
        error=at.text("Error") if "Error" in given else None,
        error_path=at.text("ErrorPath") or None,
        cause=at.text("Cause") if "Cause" in given else None,
        cause_path=at.text("CausePath") or None,
    )


_READERS: Mapping[str, Callable[[Cursor, Language, Mapping[str, Any]], State]] = {
    "Task": _task,
    "Parallel": _parallel,
    "Map": _map,
    "Pass": _pass,
    "Choice": _choice,
    "Wait": _wait,
    "Succeed": _succeed,
    "Fail": _fail,
}
