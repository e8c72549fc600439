"""Each table of a page says what the command of the same name says as JSON."""

import json
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from gristmill.cli import main
from gristmill.manager.ledger import Ledger
from gristmill.manager.ledger.definitions import apply
from gristmill.manager.ledger.workers import WorkerIdentity, beat, register
from gristmill.manager.settings import Settings
from gristmill.manager.states import RunState
from gristmill.workflow.engine import service
from tests.support.ledgers import Bench
from tests.support.workflows import machine
from tests.ui.conftest import Open

Command = Callable[..., Any]


class Rows(HTMLParser):
    """The rows of all tables of a page: the text of their cells."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.all: list[list[str]] = []
        self._is_in_cell = False
        self.feed(text)

    def handle_starttag(self, tag: str, _attrs: list[tuple[str, str | None]]) -> None:
        if tag == "tr":
            self.all.append([])
        elif tag in {"td", "th"}:
            self.all[-1].append("")
            self._is_in_cell = True

    def handle_endtag(self, tag: str) -> None:
        if tag in {"td", "th"}:
            self._is_in_cell = False

    def handle_data(self, data: str) -> None:
        if self._is_in_cell:
            self.all[-1][-1] += data.strip()


def cells(client: Open, path: str) -> dict[str, list[str]]:
    """The rows of a page, by their first cell."""
    answer = client().get(path)
    assert answer.status_code == 200
    return {row[0]: row[1:] for row in Rows(answer.text).all if row}


def numbers(row: list[str], count: int) -> list[int]:
    return [int(one.replace(",", "")) for one in row[:count]]


@pytest.fixture
def told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Command:
    """What a command says as JSON."""

    def tell(*words: str, ledger: bool = True) -> Any:
        capsys.readouterr()
        where = ["--ledger", f"sqlite:///{tmp_path / 'ledger.db'}"] if ledger else []
        assert main([*words, "--json", *where]) == 0
        return json.loads(capsys.readouterr().out)

    return tell


@pytest.fixture
def busy(bench: Bench, ledger: Ledger) -> None:
    """Runs in every state in two queues, a worker, and two executions."""
    bench.settings = Settings.model_validate({"queues": {"reports": {"max_runs": 3}}})
    with ledger.begin() as tx:
        apply(tx, bench.settings)
        me = WorkerIdentity("w", "here", "1", 1, "1")
        register(tx, me, slots=4, cores=4, memory=10**12, queues=())
        beat(tx, me, "working", 1.0, 3)
        found = service.register(tx, "flow", json.dumps(machine(("A", {"Type": "Succeed"}))))
        service.start(tx, found, {}, "one")
        service.start(tx, found, {}, "two")
    for number in range(7):
        bench.submit(queue="reports" if number % 2 else "default")
    for number, held in enumerate(bench.claim()[:5]):
        bench.start(held)
        if number < 3:
            bench.end(held, RunState.FAILED, cause=("PYTHON", "MEMORY", "PYTHON")[number])


def test_queues(client: Open, told: Command, busy: None) -> None:
    shown = cells(client, "/queues")
    found = told("queues")["queues"]
    assert {one["name"] for one in found} >= {"default", "reports"}
    assert sum(one["failed"] for one in found) == 3
    for one in found:
        wanted = [one["blocked"], one["ready"], one["running"], one["failed"]]
        assert numbers(shown[one["name"]], 4) == wanted
    (one,) = told("workers")["workers"]
    assert (one["runs"], one["finished"]) == (4, 3)
    assert shown[one["worker"]][0] == one["state"]
    wanted = [one["runs"], one["slots"], one["finished"]]
    assert numbers(shown[one["worker"]][1:], 3) == wanted


def test_the_overview(client: Open, told: Command, busy: None) -> None:
    text = client().get("/").text
    queues = told("queues")["queues"]
    waiting = sum(one["ready"] + one["blocked"] for one in queues)
    for count in (waiting, sum(one["running"] for one in queues), len(told("dead-letter")["runs"])):
        assert f">{count:,}<" in text


def test_dead_letters(client: Open, told: Command, busy: None) -> None:
    text = client().get("/dead-letters").text
    runs = told("dead-letter")["runs"]
    assert len(runs) == 3
    for one in runs:
        assert text.count(f'href="/runs/{one["run"]}"') == 1
    assert "PYTHON: 2" in text
    assert "MEMORY: 1" in text


def test_workflows(client: Open, told: Command, busy: None) -> None:
    shown = cells(client, "/workflows")
    found = told("workflow", "list")["executions"]
    assert len(found) == 2
    for one in found:
        assert shown[one["execution"]][:2] == [one["machine"], one["status"].lower()]


def test_schedules(client: Open, told: Command, ledger: Ledger) -> None:
    schedules = {"nightly": {"cron": "30 2 * * *", "job": "word-count"}}
    with ledger.begin() as tx:
        apply(tx, Settings.model_validate({"schedules": schedules}))
    text = client().get("/schedules").text
    (one,) = told("schedules")["schedules"]
    assert one["next"]
    for moment in one["next"]:
        day, _, time = moment.partition("T")
        assert f"{day} {time[:5]} " in text


def test_outputs(client: Open, told: Command, out: Path) -> None:
    shown = cells(client, "/outputs")
    found = told("datasets", "list", str(out), ledger=False)["datasets"]
    assert found
    for one in found:
        row = shown[one["name"]]
        assert numbers(row, 3) == [one["rows"], one["partitions"], one["files"]]
        assert row[4] == one["newest_run"]
