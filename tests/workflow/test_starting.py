"""Workflows that schedules and arrivals start: once, and driven by whoever works on the ledger."""

import json
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from gristmill.errors import UsageError
from gristmill.manager.ledger import Ledger
from gristmill.manager.ledger.definitions import apply
from gristmill.manager.settings import Settings
from gristmill.manager.start.arrivals import Batch, SeenFile, take_arrivals
from gristmill.manager.start.schedules import Fired, backfill, fire_due
from gristmill.workflow.api import LedgerWorkflows
from gristmill.workflow.engine import service
from gristmill.workflow.engine.clocks import JumpingClock
from gristmill.workflow.engine.engine import Engine
from gristmill.workflow.opening import open_bindings

HOUR = 3600.0
NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC).timestamp()
WAITS = {"Type": "Wait", "Seconds": 10, "Next": "Done"}
DONE = {"Type": "Succeed"}


@pytest.fixture
def clock() -> JumpingClock:
    return JumpingClock(NOON + 60)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "pyproject.toml").write_text("[tool.gristmill.local]\n")
    definition = {"StartAt": "Wait", "States": {"Wait": WAITS, "Done": DONE}}
    (tmp_path / "flow.asl.json").write_text(json.dumps(definition))
    return tmp_path


def forward(clock: JumpingClock, seconds: float) -> None:
    clock.wait(threading.Event(), seconds, is_busy=False, most=seconds)


def settle(ledger: Ledger, **tables: Any) -> None:
    with ledger.begin() as tx:
        apply(tx, Settings.model_validate(tables))


def hourly(ledger: Ledger, folder: Path, **more: Any) -> None:
    table = {
        "cron": "0 * * * *",
        "workflow": "flow.asl.json",
        "input": {"for": "{due:%Y-%m-%dT%H}", "deep": [{"before": "{previous:%H}"}], "n": 1},
        "folder": str(folder),
    }
    settle(ledger, schedules={"report": table | more})
    assert fire(ledger) == []


def fire(ledger: Ledger) -> list[Fired]:
    return fire_due(ledger, LedgerWorkflows())


def drive(ledger: Ledger, clock: JumpingClock, folder: Path) -> None:
    engine = Engine(ledger, open_bindings(ledger), clock=clock, scratch=folder / "scratch")
    engine.run(is_burst=True)
    engine.close()


def test_a_time_starts_one_execution_with_its_input(
    ledger: Ledger, clock: JumpingClock, folder: Path
) -> None:
    hourly(ledger, folder)
    forward(clock, HOUR)
    (fired,) = fire(ledger)
    assert (fired.outcome, fired.run) == ("started", None)
    assert fire(ledger) == []
    drive(ledger, clock, folder)
    with ledger.look() as tx:
        execution = service.execution_of(tx, str(fired.execution))
    assert execution.name == "schedule-report-20260302T130000Z"
    assert execution.status == "SUCCEEDED"
    assert execution.output == {"for": "2026-03-02T13", "deep": [{"before": "12"}], "n": 1}


def test_what_goes_on_is_not_started_beside_itself(
    ledger: Ledger, clock: JumpingClock, folder: Path
) -> None:
    hourly(ledger, folder)
    forward(clock, HOUR)
    (first,) = fire(ledger)
    forward(clock, HOUR)
    (second,) = fire(ledger)
    assert (second.outcome, second.execution) == ("skipped", None)
    assert str(first.execution) in second.reason
    drive(ledger, clock, folder)
    forward(clock, HOUR)
    assert [one.outcome for one in fire(ledger)] == ["started"]


def test_the_one_before_is_stopped_where_that_is_asked_for(
    ledger: Ledger, clock: JumpingClock, folder: Path
) -> None:
    hourly(ledger, folder, overlap="cancel")
    forward(clock, HOUR)
    (first,) = fire(ledger)
    forward(clock, HOUR)
    (second,) = fire(ledger)
    drive(ledger, clock, folder)
    with ledger.look() as tx:
        ended = [service.execution_of(tx, str(one.execution)).status for one in (first, second)]
    assert ended == ["ABORTED", "SUCCEEDED"]


def test_times_are_made_up_for_once(ledger: Ledger, folder: Path) -> None:
    hourly(ledger, folder)
    span = (datetime(2026, 3, 1, 1, tzinfo=UTC), datetime(2026, 3, 1, 3, tzinfo=UTC))
    outcomes = [
        [one.outcome for one in backfill(ledger, "report", *span, LedgerWorkflows())]
        for _ in range(2)
    ]
    assert outcomes == [["started"] * 3, ["there already"] * 3]


def test_a_workflow_that_is_wrong_fails_its_time_and_says_why(
    ledger: Ledger, clock: JumpingClock, folder: Path
) -> None:
    hourly(ledger, folder, workflow="none.asl.json")
    forward(clock, HOUR)
    (fired,) = fire(ledger)
    assert fired.outcome == "failed"
    assert "none.asl.json cannot be read" in fired.reason


def test_who_starts_no_workflows_says_so(ledger: Ledger, clock: JumpingClock, folder: Path) -> None:
    hourly(ledger, folder)
    forward(clock, HOUR)
    (fired,) = fire_due(ledger)
    assert "flow.asl.json is a workflow" in fired.reason


def arrived(ledger: Ledger, folder: Path, count: int) -> list[Batch]:
    seen = [SeenFile(f"/in/{number}.txt", "1", 1) for number in range(count)]
    write = (folder / "listed.txt").write_text
    return take_arrivals(
        ledger,
        lambda _name, _arrival: seen,
        lambda name, text: str(folder / name) if write(text) else "",
        pytest.fail,
        LedgerWorkflows(),
    )


def test_a_workflow_starts_when_all_files_have_arrived(
    ledger: Ledger, clock: JumpingClock, folder: Path
) -> None:
    table = {
        "directory": "in",
        "workflow": "flow.asl.json",
        "input": {"kind": "review"},
        "expect": 100,
        "settle": 5,
        "folder": str(folder),
    }
    settle(ledger, arrivals={"reviews": table})
    assert arrived(ledger, folder, 99) == []
    forward(clock, 60)
    assert arrived(ledger, folder, 100) == []
    forward(clock, 60)
    (batch,) = arrived(ledger, folder, 100)
    assert batch.why == "all 100 are there"
    forward(clock, 60)
    assert arrived(ledger, folder, 100) == []
    drive(ledger, clock, folder)
    with ledger.look() as tx:
        execution = service.execution_of(tx, str(batch.run))
    assert execution.status == "SUCCEEDED"
    assert execution.output["kind"] == "review"
    assert sorted(execution.output["files"]) == sorted(batch.files)
    assert Path(execution.output["list"]).name.startswith("reviews-")


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"job": "word-count"}, "either job or workflow"),
        ({"workflow": None}, "either job or workflow"),
        ({"args": ["--output", "o"]}, "args and queue are a job's"),
        ({"overlap": "queue"}, "skip, cancel or allow"),
    ],
)
def test_what_does_not_go_together_is_refused(more: Any, said: str) -> None:
    table = {"cron": "@daily", "workflow": "flow.asl.json", **more}
    with pytest.raises((ValidationError, UsageError), match=said):
        Settings.model_validate({"schedules": {"report": table}})
