"""Each pattern of docs/workflow-patterns.md does what the page says."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gristmill.manager.ledger import Ledger, open_ledger
from gristmill.workflow.bindings.items import Table
from gristmill.workflow.bindings.queues import delete, receive, waiting
from gristmill.workflow.bindings.registry import LocalBindings, LocalResources
from gristmill.workflow.engine import service
from gristmill.workflow.engine.engine import Engine
from gristmill.workflow.interpreter.branch import Execution
from tests.workflow.patterns import FUNCTIONS, ITEMS, QUEUES, TOPICS

PAGE = Path(__file__).parents[2] / "docs" / "workflow-patterns.md"
_PATTERN = re.compile(
    r"^## (?P<title>[^\n]+)\n.*?```json\n(?P<text>.*?)```\n\nInput `(?P<given>.*?)`, "
    r"output `(?P<output>.*?)`\.$",
    re.DOTALL | re.MULTILINE,
)
PATTERNS = {found["title"]: found for found in _PATTERN.finditer(PAGE.read_text(encoding="utf-8"))}


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    opened = open_ledger(f"sqlite:///{tmp_path / 'ledger.db'}")
    yield opened
    opened.close()


def name_of(title: str) -> str:
    return title.lower().replace(" ", "-")


def started(ledger: Ledger, title: str) -> str:
    found = PATTERNS[title]
    with ledger.begin() as tx:
        for one, pattern in PATTERNS.items():
            service.register(tx, name_of(one), pattern["text"])
        machine = service.machine_of(tx, name_of(title))
        given = json.loads(found["given"])
        return service.start(tx, machine, given, "one").execution.arn


def engine_of(ledger: Ledger, folder: Path) -> Engine:
    resources = LocalResources(FUNCTIONS, QUEUES, TOPICS, {"items": Table("items", ("id",))}, {})

    def opened(where: str) -> LocalBindings:
        return LocalBindings(ledger, resources, service.LedgerExecutions(ledger, where))

    return Engine(ledger, opened, scratch=folder)


def looked_at(ledger: Ledger, arn: str) -> Execution:
    with ledger.look() as tx:
        return service.execution_of(tx, arn)


def test_all_patterns_are_on_the_page() -> None:
    assert list(PATTERNS) == [
        "Fan-out",
        "Fan-in",
        "Dynamic parallelism",
        "Copier",
        "Filter",
        "Splitter",
        "Sharder",
        "Merger",
        "Publish and subscribe",
        "Chain to a second stage",
        "Work queue",
    ]


@pytest.mark.parametrize("title", [one for one in PATTERNS if one != "Work queue"])
def test_a_pattern_does_what_the_page_says(title: str, ledger: Ledger, tmp_path: Path) -> None:
    arn = started(ledger, title)
    engine = engine_of(ledger, tmp_path)
    engine.run(is_burst=True)
    engine.close()
    execution = looked_at(ledger, arn)
    wanted: Any = json.loads(PATTERNS[title]["output"])
    assert (execution.output, execution.error) == (wanted, None)


def test_each_subscriber_keeps_what_it_has_not_taken(ledger: Ledger, tmp_path: Path) -> None:
    test_a_pattern_does_what_the_page_says("Publish and subscribe", ledger, tmp_path)
    (message,) = receive(ledger, QUEUES["a"])
    delete(ledger, message)
    assert (waiting(ledger, QUEUES["a"]), waiting(ledger, QUEUES["b"])) == (0, 1)


def test_shards_hold_all_items_once() -> None:
    from tests.workflow.patterns import shard  # noqa: PLC0415

    counts = [shard({"shard": one, "of": 3}, None)["done"] for one in (0, 2)]
    assert 0 < sum(counts) < len(ITEMS)


def test_workers_share_a_queue_and_answer_by_token(ledger: Ledger, tmp_path: Path) -> None:
    arn = started(ledger, "Work queue")
    engine = engine_of(ledger, tmp_path)
    while waiting(ledger, QUEUES["work"]) < 3:
        engine.tick()
    taken = [receive(ledger, QUEUES["work"]) for _worker in range(3)]
    assert receive(ledger, QUEUES["work"]) == []
    for (message,) in taken:
        body = json.loads(message.body)
        with ledger.begin() as tx:
            service.answer(tx, body["token"], "success", output=body["n"] * 10)
        assert delete(ledger, message)
    engine.run(is_burst=True)
    engine.close()
    assert looked_at(ledger, arn).output == json.loads(PATTERNS["Work queue"]["output"])
