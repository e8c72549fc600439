"""Schedules: each time is submitted once, whoever looks, and whatever came in between."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from gristmill.errors import UsageError
from gristmill.manager.ledger.definitions import apply, pause
from gristmill.manager.ledger.looking import Filter, listed
from gristmill.manager.settings import Settings
from gristmill.manager.start.schedules import Fired, backfill, fire_due, last_fires
from gristmill.manager.states import RunState
from tests.support.ledgers import Bench

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC).timestamp()
HOUR = 3600.0


def set_up(bench: Bench, folder: Path, **more: Any) -> None:
    flags = ("--input", "in/{due:%Y-%m-%dT%H}", "--output", "out/{previous:%H}")
    schedule = {"cron": "0 * * * *", "job": "word-count", "args": flags, "folder": str(folder)}
    bench.settings = Settings.model_validate({"schedules": {"hourly": schedule | more}})
    bench.clock.now = NOON + 60
    with bench.tx() as tx:
        apply(tx, bench.settings)
    assert fire(bench) == []


def fire(bench: Bench, hours: float = 0.0) -> list[tuple[str, str]]:
    bench.clock.forward(hours * HOUR)
    return [(one.due.strftime("%H"), one.outcome) for one in fire_due(bench.ledger)]


def newest(bench: Bench) -> dict[str, Any]:
    with bench.tx() as tx:
        return listed(tx, Filter(), 1)[0]


def test_a_new_schedule_does_not_look_back(bench: Bench, tmp_path: Path) -> None:
    set_up(bench, tmp_path)
    assert fire(bench, 0.5) == []


def test_a_time_is_submitted_once_with_its_flags_and_its_key(bench: Bench, tmp_path: Path) -> None:
    set_up(bench, tmp_path)
    assert fire(bench, 1) == [("13", "submitted")]
    assert fire(bench) == []
    run = newest(bench)
    assert run["key"] == "schedule/hourly/2026-03-02T13:00:00Z"
    assert run["argv"] == ["--input", "in/2026-03-02T13", "--output", "out/12"]


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({}, [("13", "missed"), ("14", "missed"), ("15", "submitted")]),
        (
            {"missed": "all", "overlap": "allow"},
            [(hour, "submitted") for hour in ("13", "14", "15")],
        ),
        ({"missed": "skip"}, [(hour, "missed") for hour in ("13", "14", "15")]),
        ({"grace": "10m"}, [(hour, "missed") for hour in ("13", "14", "15")]),
    ],
)
def test_times_that_nobody_was_there_for(
    bench: Bench, tmp_path: Path, more: dict[str, Any], expected: list[tuple[str, str]]
) -> None:
    set_up(bench, tmp_path, **more)
    assert fire(bench, 3.5) == expected


def test_a_time_that_is_looked_at_in_time_is_no_missed_one(bench: Bench, tmp_path: Path) -> None:
    set_up(bench, tmp_path, missed="skip")
    bench.clock.forward(HOUR - 60)
    assert fire(bench) == [("13", "submitted")]


def test_by_default_a_time_is_skipped_while_the_run_before_goes_on(
    bench: Bench, tmp_path: Path
) -> None:
    set_up(bench, tmp_path)
    fire(bench, 1)
    (run,) = bench.claim()
    assert fire(bench, 1) == [("14", "skipped")]
    bench.end(run)
    assert fire(bench, 1) == [("15", "submitted")]


def test_one_may_wait_for_the_run_before(bench: Bench, tmp_path: Path) -> None:
    set_up(bench, tmp_path, overlap="queue")
    fire(bench, 1)
    (run,) = bench.claim()
    assert fire(bench, 1) == [("14", "submitted")]
    waiting = newest(bench)
    assert waiting["state"] == "blocked"
    assert fire(bench, 1) == [("15", "skipped")]
    bench.end(run, RunState.FAILED)
    assert bench.state(waiting["id"]) == "ready"


def test_one_may_cancel_the_run_before(bench: Bench, tmp_path: Path) -> None:
    set_up(bench, tmp_path, overlap="cancel")
    fire(bench, 1)
    (run,) = bench.claim()
    assert fire(bench, 1) == [("14", "submitted")]
    assert bench.row(run.id)["cancel_asked"]
    bench.end(run, RunState.CANCELLED)
    assert newest(bench)["state"] == "ready"


def test_a_paused_schedule_passes_its_times_over(bench: Bench, tmp_path: Path) -> None:
    set_up(bench, tmp_path)
    with bench.tx() as tx:
        pause(tx, "schedule", "hourly", "me")
    assert fire(bench, 2) == [("13", "skipped"), ("14", "skipped")]


def test_a_run_that_cannot_be_submitted_is_told(bench: Bench, tmp_path: Path) -> None:
    set_up(bench, tmp_path, job="no-such-job")
    (found,) = fire_after(bench, 1)
    assert found.outcome == "failed"
    assert "no job is named" in found.reason
    with bench.tx() as tx:
        assert "no job is named" in last_fires(tx, "hourly")[0]["outcome"]


def fire_after(bench: Bench, hours: float) -> list[Fired]:
    bench.clock.forward(hours * HOUR)
    return fire_due(bench.ledger)


def test_a_backfill_submits_what_has_no_run_yet(bench: Bench, tmp_path: Path) -> None:
    set_up(bench, tmp_path)
    fire(bench, 1)
    first, last = datetime(2026, 3, 2, 11, tzinfo=UTC), datetime(2026, 3, 2, 13, tzinfo=UTC)
    found = backfill(bench.ledger, "hourly", first, last)
    assert [(one.due.hour, one.outcome) for one in found] == [
        (11, "submitted"),
        (12, "submitted"),
        (13, "there already"),
    ]
    again = backfill(bench.ledger, "hourly", first, last)
    assert {one.outcome for one in again} == {"there already"}


def test_a_backfill_of_no_schedule_names_the_nearest(bench: Bench, tmp_path: Path) -> None:
    set_up(bench, tmp_path)
    now = datetime.fromtimestamp(NOON, UTC)
    with pytest.raises(UsageError, match="did you mean hourly"):
        backfill(bench.ledger, "hourli", now, now)
