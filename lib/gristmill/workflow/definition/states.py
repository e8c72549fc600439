"""What a state machine is made of: one class for each of the eight states, and their parts.

Field names are the language's, spelled as Python does. A path that is None was `null` there; a
template that is None was not given.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from gristmill.workflow.values import Json

Language = Literal["JSONPath", "JSONata"]


@dataclass(frozen=True)
class Template:
    """A value with expressions in it; `field` is the name that it stands under."""

    field: str
    value: Json


@dataclass(frozen=True)
class Retrier:
    """What is tried again, how often and when. Times are in seconds."""

    errors: tuple[str, ...]
    interval: float = 1.0
    attempts: int = 3
    backoff: float = 2.0
    max_delay: float | None = None
    has_jitter: bool = False


@dataclass(frozen=True)
class Catcher:
    """Where an error leads, and what goes on from there."""

    errors: tuple[str, ...]
    next: str
    result_path: str | None = "$"
    assign: Template | None = None
    output: Template | None = None


@dataclass(frozen=True)
class Test:
    """One comparison of JSONPath's: `operator` is as in StringEquals, without Path."""

    variable: str
    operator: str
    value: Json
    is_path: bool = False


@dataclass(frozen=True)
class Every:
    """And: all of them."""

    of: tuple["Condition", ...]


@dataclass(frozen=True)
class Either:
    """Or: at least one of them."""

    of: tuple["Condition", ...]


@dataclass(frozen=True)
class Negated:
    """Not."""

    of: "Condition"


Condition = Test | Every | Either | Negated | Template
"""What a choice tests; in JSONata, an expression that gives true or false."""


@dataclass(frozen=True)
class Rule:
    """One way out of a choice."""

    condition: Condition
    next: str
    assign: Template | None = None
    output: Template | None = None


@dataclass(frozen=True)
class State:
    """What all states have. `path` is where it stands in the definition, `raw` what is written
    there. `next` is None for those that end, or that say themselves where they lead."""

    name: str
    path: str
    language: Language
    comment: str = ""
    next: str | None = None
    input_path: str | None = "$"
    output_path: str | None = "$"
    output: Template | None = None
    assign: Template | None = None
    raw: Mapping[str, Json] = field(default_factory=dict, repr=False, compare=False)


@dataclass(frozen=True)
class Working(State):
    """What those have that have a result, and may fail: Task, Parallel and Map."""

    parameters: Template | None = None  # of Map: ItemSelector; in JSONata: Arguments
    result_selector: Template | None = None
    result_path: str | None = "$"
    retry: tuple[Retrier, ...] = ()
    catch: tuple[Catcher, ...] = ()


Seconds = int | float | str | None
"""Seconds; as text, an expression of JSONata or a path."""


@dataclass(frozen=True)
class Task(Working):
    """One piece of work, elsewhere."""

    resource: str = ""
    timeout: Seconds = None
    timeout_path: str | None = None
    heartbeat: Seconds = None
    heartbeat_path: str | None = None
    credentials: Template | None = None


@dataclass(frozen=True)
class Parallel(Working):
    """Several branches at once."""

    branches: tuple["Machine", ...] = ()


@dataclass(frozen=True)
class ItemReader:
    """Where the items of a distributed map come from."""

    resource: str
    parameters: Template | None
    config: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True)
class ItemBatcher:
    """How many items, or bytes, go into one iteration; as text, a path or an expression."""

    max_items: int | str | None = None
    max_bytes: int | str | None = None
    batch_input: Template | None = None


@dataclass(frozen=True)
class ResultWriter:
    """Where the results of a distributed map go."""

    resource: str
    parameters: Template | None
    config: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True)
class Map(Working):
    """The same for each item. Numbers that are text are paths, or expressions of JSONata."""

    processor: "Machine | None" = None
    is_distributed: bool = False
    is_express: bool = False
    items_path: str | None = None
    items: Template | None = None
    reader: ItemReader | None = None
    batcher: ItemBatcher | None = None
    writer: ResultWriter | None = None
    max_concurrency: int | str = 0
    tolerated_count: int | str | None = None
    tolerated_percentage: float | str | None = None
    label: str | None = None


@dataclass(frozen=True)
class Pass(State):
    """Hands on what it is given, or something else."""

    parameters: Template | None = None
    result: Template | None = None
    result_path: str | None = "$"


@dataclass(frozen=True)
class Choice(State):
    """Goes one way or another."""

    rules: tuple[Rule, ...] = ()
    default: str | None = None


@dataclass(frozen=True)
class Wait(State):
    """Waits for some seconds, or until a time; exactly one of the four is given."""

    seconds: Seconds = None
    seconds_path: str | None = None
    timestamp: str | None = None
    timestamp_path: str | None = None


@dataclass(frozen=True)
class Succeed(State):
    """The end, and a good one."""


@dataclass(frozen=True)
class Fail(State):
    """The end by an error."""

    error: str | None = None
    error_path: str | None = None
    cause: str | None = None
    cause_path: str | None = None


@dataclass(frozen=True)
class Machine:
    """States, and where to start. `path` is where it stands in the definition, "" for the whole.
    `timeout` is in seconds, of the whole only."""

    start: str
    states: Mapping[str, State]
    path: str = ""
    language: Language = "JSONPath"
    comment: str = ""
    version: str = "1.0"
    timeout: float | None = None
