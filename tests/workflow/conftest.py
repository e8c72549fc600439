"""Ledgers for workflows, and what stands around them."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from gristmill.manager.ledger import Ledger, open_ledger
from gristmill.workflow.bindings.items import Table
from gristmill.workflow.bindings.queues import Queue
from gristmill.workflow.bindings.registry import LocalBindings, LocalResources
from gristmill.workflow.bindings.topics import Subscription, Topic
from gristmill.workflow.engine import service
from gristmill.workflow.engine.clocks import JumpingClock
from gristmill.workflow.engine.engine import Engine
from gristmill.workflow.interpreter.branch import Execution
from tests.manager.conftest import (  # noqa: F401  the same databases
    databases,
    postgresql_databases,
    sqlite_databases,
    url,
)
from tests.support.ledgers import START

if TYPE_CHECKING:
    from gristmill.workflow.bindings.functions import Function

QUEUES = {"work": Queue("work", 30, "dead", 2), "dead": Queue("dead"), "news": Queue("news")}
TOPICS = {
    "all": Topic(
        "all", (Subscription("work"), Subscription("news", {"kind": ("letter",)}, is_raw=True))
    )
}
TABLES = {"items": Table("items", ("id",))}


@pytest.fixture
def clock() -> JumpingClock:
    return JumpingClock(START)


@pytest.fixture
def ledger(url: str, clock: JumpingClock) -> Iterator[Ledger]:  # noqa: F811
    opened = open_ledger(url, clock.now)
    yield opened
    opened.close()


class Shop:
    """Runs state machines on a ledger, with functions that a test gives."""

    def __init__(self, ledger: Ledger, clock: JumpingClock, folder: Path) -> None:
        self.ledger = ledger
        self.clock = clock
        self.folder = folder
        self.functions: dict[str, Function] = {}

    def open(self, folder: str) -> LocalBindings:
        buckets = {"lake": self.folder / "lake"}
        buckets["lake"].mkdir(exist_ok=True)
        resources = LocalResources(self.functions, QUEUES, TOPICS, TABLES, buckets)
        return LocalBindings(self.ledger, resources, service.LedgerExecutions(self.ledger, folder))

    def engine(self, **more: Any) -> Engine:
        return Engine(self.ledger, self.open, clock=self.clock, scratch=self.folder, **more)

    def start(self, text: str, given: Any = None, name: str = "one") -> str:
        with self.ledger.begin() as tx:
            machine = service.register(tx, "machine", text)
            return service.start(tx, machine, given, name, str(self.folder)).execution.arn

    def drive(self, arn: str) -> Execution:
        engine = self.engine()
        try:
            engine.run_one(arn)
        finally:
            engine.close()
        return self.look(arn)

    def run(self, text: str, given: Any = None, name: str = "one") -> Execution:
        return self.drive(self.start(text, given, name))

    def look(self, arn: str) -> Execution:
        with self.ledger.look() as tx:
            return service.execution_of(tx, arn)

    def types(self, arn: str) -> list[str]:
        with self.ledger.look() as tx:
            return [event.type for event in service.history_of(tx, arn)]


@pytest.fixture
def shop(ledger: Ledger, clock: JumpingClock, tmp_path: Path) -> Shop:
    return Shop(ledger, clock, tmp_path)


Shops = Callable[[], Shop]
