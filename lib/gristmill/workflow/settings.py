"""What stands here for AWS's services: `[tool.gristmill.local]` of a project's pyproject.toml, and
its functions, `[tool.gristmill.functions]`.

```toml
[tool.gristmill.functions]
check-credit = "credit.functions:check"      # a Python function (event, context)

[tool.gristmill.local]
buckets = { lake = "data/lake" }              # a folder for each bucket
tables = { customers = ["id"] }               # the attributes that tell items apart
place = "local"                               # where EMR steps and Batch jobs run
aws = ["secretsmanager"]                      # services that are AWS's own, or ["all"]

[tool.gristmill.local.queues]
orders = { visibility = 30, dead_letters = "orders-failed" }
orders-failed = {}

[tool.gristmill.local.topics]
sign-ups = ["orders", { queue = "letters", filter = { kind = ["letter"] }, raw = true }]
```
"""

import importlib
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from gristmill.errors import UsageError
from gristmill.project import Project
from gristmill.workflow.bindings.elsewhere import OF_PLACES
from gristmill.workflow.bindings.functions import Function
from gristmill.workflow.bindings.items import Table
from gristmill.workflow.bindings.queues import Queue
from gristmill.workflow.bindings.registry import LocalResources
from gristmill.workflow.bindings.topics import Subscription, Topic
from gristmill.workflow.definition.resources import provider_of


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class _Queue(_Strict):
    visibility: float = Field(30.0, ge=0)
    dead_letters: str | None = None
    most: int = Field(3, ge=1)


class _Subscription(_Strict):
    queue: str
    filter: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    raw: bool = False


class _Local(_Strict):
    queues: dict[str, _Queue] = Field(default_factory=dict)
    topics: dict[str, tuple[str | _Subscription, ...]] = Field(default_factory=dict)
    tables: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    buckets: dict[str, str] = Field(default_factory=dict)
    machines: dict[str, str] = Field(default_factory=dict)
    place: str = "local"
    aws: tuple[str, ...] = ()


class LocalSettings:
    """The settings of the project that a folder is in. Raises `UsageError` for what is wrong."""

    def __init__(self, folder: Path) -> None:
        project = Project.find(folder)
        self.folder = folder if project.file is None else project.file.parent
        self._roots = project.roots if project.file else (folder,)
        self._functions = project.functions
        try:
            self.local = _Local.model_validate(project.local)
        except ValidationError as error:
            listed = "; ".join(
                f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors()
            )
            where = f"{project.file}: [tool.gristmill.local]"
            raise UsageError(f"{where} is wrong: {listed}") from error
        self._check()

    def _check(self) -> None:
        _check_services(self.aws)
        queues = self.local.queues
        for name, topic in self.local.topics.items():
            for one in topic:
                queue = one if isinstance(one, str) else one.queue
                if queue not in queues:
                    raise UsageError(f"the topic {name} is for a queue that is not there: {queue}")
        for name, queue_ in queues.items():
            if queue_.dead_letters is not None and queue_.dead_letters not in queues:
                raise UsageError(f"the queue {name} has no dead_letters {queue_.dead_letters}")

    @property
    def place(self) -> str:
        """Where runs of jobs run: `local`, or another place of the job manager."""
        return os.environ.get("GRISTMILL_WORKFLOW_PLACE", self.local.place)

    @property
    def aws(self) -> frozenset[str]:
        """The services that are AWS's own: of the settings, or of GRISTMILL_WORKFLOW_AWS."""
        text = os.environ.get("GRISTMILL_WORKFLOW_AWS")
        names = self.local.aws if text is None else text.split(",")
        given = (name.strip().lower() for name in names)
        return frozenset(provider_of(name) for name in given if name)

    @property
    def machines(self) -> Mapping[str, Path]:
        """The files of the state machines that have names."""
        return {name: self.folder / file for name, file in self.local.machines.items()}

    def queues(self) -> dict[str, Queue]:
        """The queues by name."""
        return {
            name: Queue(name, one.visibility, one.dead_letters, one.most)
            for name, one in self.local.queues.items()
        }

    def buckets(self) -> dict[str, Path]:
        """The folders of buckets."""
        return {name: self.folder / path for name, path in self.local.buckets.items()}

    def resources(self) -> LocalResources:
        """All that workflows are bound to."""
        local = self.local
        return LocalResources(
            functions=_Functions(self._functions, self._roots),
            queues=self.queues(),
            topics={name: _topic(name, some) for name, some in local.topics.items()},
            tables={name: Table(name, keys) for name, keys in local.tables.items()},
            buckets=self.buckets(),
            aws=self.aws,
        )


def _check_services(names: frozenset[str]) -> None:
    if placed := names & OF_PLACES:
        listed = ", ".join(sorted(placed))
        raise UsageError(f"{listed} run where the place says, not where aws does")
    if names - {"all"}:
        # botocore takes a moment to load, and most projects name no service.
        from gristmill.emr.services import boto_name  # noqa: PLC0415

        for name in names - {"all"}:
            boto_name(name)


def _topic(name: str, some: tuple[str | _Subscription, ...]) -> Topic:
    return Topic(
        name,
        tuple(
            Subscription(one)
            if isinstance(one, str)
            else Subscription(one.queue, one.filter, one.raw)
            for one in some
        ),
    )


class _Functions(dict[str, Function]):
    """Functions by name, each imported when it is first asked for."""

    def __init__(self, names: Mapping[str, str], roots: tuple[Path, ...]) -> None:
        super().__init__()
        self._names = dict(names)
        self._roots = roots

    def get(self, name: str, default: Any = None) -> Any:
        """A function; None where there is none of that name. Raises `UsageError`."""
        if name not in self and name in self._names:
            self[name] = self._import(name, self._names[name])
        return super().get(name, default)

    def __iter__(self) -> Any:
        return iter(self._names)

    def _import(self, name: str, where: str) -> Function:
        module, colon, attribute = where.partition(":")
        if not colon:
            raise UsageError(f"the function {name} is MODULE:NAME, not {where!r}")
        for root in self._roots:
            if str(root) not in sys.path:
                sys.path.insert(0, str(root))
        try:
            found = getattr(importlib.import_module(module), attribute)
        except (ImportError, AttributeError) as error:
            raise UsageError(f"the function {name} is not there: {error}") from error
        if not callable(found):
            raise UsageError(f"the function {name} is {where}, which cannot be called")
        return found  # type: ignore[no-any-return]
