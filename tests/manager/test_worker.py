"""What a worker does about runs, whatever happens to it, to them, and to the ledger."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from gristmill.errors import GristmillError, UsageError
from gristmill.manager.ledger.acting import cancel
from gristmill.manager.ledger.claiming import LEASE
from gristmill.manager.ledger.database import UnreachableError
from gristmill.manager.ledger.looking import attempts_of
from gristmill.manager.ledger.workers import BEAT, SILENT, WorkerIdentity
from gristmill.manager.places import Outcome, RefusedForNowError
from gristmill.manager.retry import BUSY, INTERRUPTED, USAGE
from gristmill.manager.settings import Settings
from gristmill.manager.worker import Worker, WorkerOptions
from gristmill.manager.worker.calls import Inline
from gristmill.manager.worker.identity import this_process
from gristmill.runs import State
from tests.support.ledgers import Bench
from tests.support.places import FakePlace

OPTIONS = WorkerOptions(slots=2, cores=8, memory=10**12, idle=0.0)


@pytest.fixture
def place() -> FakePlace:
    return FakePlace()


Start = Callable[..., Worker]


@pytest.fixture
def worker(bench: Bench, place: FakePlace) -> Start:
    """Makes a worker that is registered and works by the driven clock."""

    def start(me: WorkerIdentity | None = None, **options: Any) -> Worker:
        one = Worker(
            bench.ledger,
            me or this_process(),
            replace(OPTIONS, **options),
            lambda _name, _place: place,
            calls=Inline(),
            ticks=bench.clock,
        )
        one._register()
        return one

    return start


def ticks(one: Worker, count: int = 3) -> None:
    for _ in range(count):
        one.tick()


def attempts(bench: Bench, run: str) -> list[tuple[str | None, str]]:
    with bench.tx() as tx:
        return [(row["outcome"], row["cause"]) for row in attempts_of(tx, run)]


def test_a_run_is_started_seen_and_written_down(
    bench: Bench, place: FakePlace, worker: Start
) -> None:
    run = bench.submit().run
    one = worker()
    ticks(one)
    assert bench.state(run) == "running"
    place.ends[f"{run}-1"] = State.SUCCEEDED
    ticks(one)
    assert bench.state(run) == "succeeded"
    assert bench.row(run)["result"] == {"rows": 1, "run": run}
    assert place.started == [f"{run}-1"]


def test_a_burst_stays_for_what_is_tried_again(
    bench: Bench, place: FakePlace, worker: Start
) -> None:
    run = bench.submit().run
    one = worker(burst=True)
    ticks(one)
    place.ends[f"{run}-1"] = State.FAILED
    place.outcomes[f"{run}-1"] = Outcome(cause="LOST_NODE")
    ticks(one)
    assert (bench.state(run), one._is_over()) == ("ready", False)
    bench.clock.forward(3600)
    ticks(one)
    place.ends[f"{run}-2"] = State.SUCCEEDED
    ticks(one)
    assert (bench.state(run), one._is_over()) == ("succeeded", True)


def test_a_burst_does_not_stay_for_what_no_place_takes(
    bench: Bench, place: FakePlace, worker: Start
) -> None:
    place.trouble["start"] = RefusedForNowError("it is not up")
    run = bench.submit().run
    one = worker(burst=True)
    ticks(one)
    assert (bench.state(run), one._is_over()) == ("ready", True)


def test_no_more_run_at_once_than_there_are_slots(
    bench: Bench, place: FakePlace, worker: Start
) -> None:
    for _ in range(5):
        bench.submit()
    one = worker()
    ticks(one)
    assert len(place.started) == 2
    place.ends[place.started[0]] = State.SUCCEEDED
    ticks(one)
    assert len(place.started) == 3


@pytest.mark.parametrize(
    ("cause", "state"),
    [
        ("LOST_NODE", "ready"),
        ("S3_BUSY", "ready"),
        ("TIMEOUT", "ready"),
        (INTERRUPTED, "ready"),
        ("UNKNOWN", "ready"),
        ("JAVA_MEMORY", "ready"),
        (USAGE, "failed"),
        ("SAID", "failed"),
        ("PYTHON", "failed"),
        ("S3_DENIED", "failed"),
        ("MODULE", "failed"),
    ],
)
def test_the_cause_says_whether_it_is_tried_again(
    bench: Bench, place: FakePlace, worker: Start, cause: str, state: str
) -> None:
    run = bench.submit().run
    one = worker()
    ticks(one)
    place.outcomes[f"{run}-1"] = Outcome(cause, "so it is", "do this", 1)
    place.ends[f"{run}-1"] = State.FAILED
    ticks(one)
    assert bench.state(run) == state
    assert attempts(bench, run) == [("failed", cause)]
    assert bench.clock.now <= bench.row(run)["due"] <= bench.clock.now + 30


def test_what_may_have_been_chance_is_tried_once_more_only(
    bench: Bench, place: FakePlace, worker: Start
) -> None:
    run = bench.submit(attempts=5).run
    one = worker()
    for number in (1, 2):
        ticks(one)
        place.outcomes[f"{run}-{number}"] = Outcome("UNKNOWN", "who knows")
        place.ends[f"{run}-{number}"] = State.FAILED
        ticks(one)
        bench.clock.forward(900)
    assert bench.state(run) == "failed"


def test_the_last_attempt_is_the_last(bench: Bench, place: FakePlace, worker: Start) -> None:
    run = bench.submit(attempts=2).run
    one = worker()
    for number in (1, 2):
        ticks(one)
        place.outcomes[f"{run}-{number}"] = Outcome("LOST_NODE", "gone")
        place.ends[f"{run}-{number}"] = State.FAILED
        ticks(one)
        bench.clock.forward(900)
    assert bench.state(run) == "failed"
    assert place.started == [f"{run}-1", f"{run}-2"]


def test_rules_of_the_run_come_first(bench: Bench, place: FakePlace, worker: Start) -> None:
    rules = Settings.model_validate(
        {
            "jobs": {
                "j": {
                    "job": "word-count",
                    "retry": [
                        {"cause": "SAID", "reason": "*later*", "action": "retry"},
                        {"cause": "LOST_NODE", "action": "fail"},
                    ],
                }
            }
        }
    )
    rule = rules.jobs["j"].retry
    said, lost = bench.submit(retry=rule).run, bench.submit(retry=rule).run
    one = worker()
    ticks(one)
    place.outcomes[f"{said}-1"] = Outcome("SAID", "try later")
    place.outcomes[f"{lost}-1"] = Outcome("LOST_NODE", "gone")
    place.ends |= dict.fromkeys((f"{said}-1", f"{lost}-1"), State.FAILED)
    ticks(one)
    assert bench.states(said, lost) == ["ready", "failed"]


def test_one_that_finds_another_at_work_waits_and_uses_no_attempt(
    bench: Bench, place: FakePlace, worker: Start
) -> None:
    run = bench.submit(attempts=1).run
    one = worker()
    for number in (1, 2, 3):
        ticks(one)
        place.outcomes[f"{run}-{number}"] = Outcome(BUSY, "another run writes them", "", 4)
        place.ends[f"{run}-{number}"] = State.FAILED
        ticks(one)
        assert bench.state(run) == "ready"
        bench.clock.forward(60)
    assert [outcome for outcome, _ in attempts(bench, run)] == ["refused"] * 3


def test_a_place_that_takes_none_now_is_tried_later(
    bench: Bench, place: FakePlace, worker: Start
) -> None:
    run = bench.submit(attempts=1).run
    place.trouble["start"] = RefusedForNowError("dev is not up")
    one = worker()
    ticks(one)
    assert bench.state(run) == "ready"
    assert bench.row(run)["reason"] == "dev is not up"
    del place.trouble["start"]
    bench.clock.forward(30)
    ticks(one)
    assert bench.state(run) == "running"


def test_a_request_that_is_wrong_fails_at_once(
    bench: Bench, place: FakePlace, worker: Start
) -> None:
    run = bench.submit().run
    place.trouble["start"] = UsageError("no such flag")
    ticks(worker())
    assert bench.state(run) == "failed"
    assert attempts(bench, run) == [("failed", "REFUSED")]


def test_a_start_of_which_nobody_knows_is_repeated_under_the_same_key(
    bench: Bench, place: FakePlace, worker: Start
) -> None:
    run = bench.submit().run
    place.trouble["start"] = GristmillError("no answer")
    one = worker()
    ticks(one)
    assert bench.row(run)["reason"] == "did not start yet: no answer"
    del place.trouble["start"]
    bench.clock.forward(30)
    ticks(one)
    assert bench.state(run) == "running"
    assert place.started == [f"{run}-1"]


def test_a_place_that_cannot_be_asked_says_nothing_of_its_runs(
    bench: Bench, place: FakePlace, worker: Start
) -> None:
    run = bench.submit().run
    one = worker()
    ticks(one)
    place.trouble["poll"] = GristmillError("no route")
    for _ in range(20):
        bench.clock.forward(600)
        ticks(one)
    assert bench.state(run) == "running"
    assert bench.row(run)["reason"] == "out of sight: no route"
    del place.trouble["poll"]
    place.ends[f"{run}-1"] = State.SUCCEEDED
    ticks(one)
    assert bench.state(run) == "succeeded"


def test_what_is_not_known_of_an_end_does_not_change_it(
    bench: Bench, place: FakePlace, worker: Start
) -> None:
    run = bench.submit().run
    one = worker()
    ticks(one)
    place.trouble["outcome"] = GristmillError("no report")
    place.ends[f"{run}-1"] = State.SUCCEEDED
    ticks(one)
    assert bench.state(run) == "succeeded"


def test_a_run_that_takes_too_long_is_ended_and_has_failed(
    bench: Bench, place: FakePlace, worker: Start
) -> None:
    run = bench.submit(timeout=60.0).run
    one = worker()
    ticks(one)
    bench.clock.forward(59)
    ticks(one)
    assert place.cancelled == []
    bench.clock.forward(2)
    ticks(one, 5)
    assert place.cancelled == [f"{run}-1"]
    assert bench.state(run) == "failed"
    assert attempts(bench, run) == [("failed", "TIMED_OUT")]


def test_a_cancelled_run_is_ended_where_it_runs(
    bench: Bench, place: FakePlace, worker: Start
) -> None:
    run = bench.submit().run
    one = worker()
    ticks(one)
    with bench.tx() as tx:
        cancel(tx, run, "me")
    bench.clock.forward(BEAT)
    ticks(one, 5)
    assert place.cancelled == [f"{run}-1"]
    assert bench.state(run) == "cancelled"


def test_progress_is_what_the_run_says(bench: Bench, place: FakePlace, worker: Start) -> None:
    run = bench.submit().run
    one = worker()
    ticks(one)
    place.at[f"{run}-1"] = {"phase": "reading", "done": 3, "tasks": 8}
    bench.clock.forward(BEAT)
    ticks(one)
    assert bench.row(run)["progress"] == {"phase": "reading", "done": 3, "tasks": 8}


def test_a_worker_that_dies_leaves_its_runs_to_another(
    bench: Bench, place: FakePlace, worker: Start
) -> None:
    run = bench.submit().run
    first = worker()
    ticks(first)
    bench.clock.forward(LEASE)
    second = worker()
    ticks(second)
    place.ends[f"{run}-1"] = State.SUCCEEDED
    ticks(second)
    assert bench.state(run) == "succeeded"
    assert place.started == [f"{run}-1"]
    ticks(first)
    assert bench.state(run) == "succeeded"


@pytest.mark.parametrize("ended", [False, True])
def test_a_worker_that_slept_too_long_lets_go(
    bench: Bench, place: FakePlace, worker: Start, ended: bool
) -> None:
    run = bench.submit().run
    first = worker()
    ticks(first)
    bench.clock.forward(LEASE)
    ticks(worker())
    if ended:
        place.outcomes[f"{run}-1"] = Outcome(USAGE, "no")
        place.ends[f"{run}-1"] = State.FAILED
    ticks(first)
    assert first._held == {}
    assert bench.state(run) == "running"


def test_a_dead_neighbour_is_seen_before_its_lease_runs_out(
    bench: Bench, place: FakePlace, worker: Start
) -> None:
    me = this_process()
    run = bench.submit().run
    dead = replace(me, id="dead", process=2**22 + 1)
    ticks(worker(dead))
    assert bench.row(run)["owner"] == "dead"
    second = worker(me)
    bench.clock.forward(BEAT)
    ticks(second)
    assert bench.row(run)["owner"] == me.id
    assert place.started == [f"{run}-1"]


def test_what_a_worker_gives_up_goes_on_with_the_next(
    bench: Bench, place: FakePlace, worker: Start
) -> None:
    run = bench.submit().run
    first = worker()
    ticks(first)
    first._leave()
    second = worker()
    ticks(second)
    assert bench.row(run)["owner"] == second.me.id
    assert bench.row(run)["reason"].startswith("taken up")


def test_runs_of_a_machine_that_is_gone_are_tried_elsewhere(
    bench: Bench, place: FakePlace, worker: Start
) -> None:
    run = bench.submit().run
    far = WorkerIdentity("far", "far-away", "boot", 1, "0")
    ticks(worker(far))
    one = worker()
    bench.clock.forward(LEASE + SILENT - 1)
    ticks(one)
    assert bench.row(run)["owner"] == "far"
    bench.clock.forward(BEAT)
    ticks(one, 1)
    assert attempts(bench, run)[0] == ("lost", "LOST_MACHINE")
    bench.clock.forward(30)
    ticks(one)
    assert place.started == [f"{run}-1", f"{run}-2"]


def test_while_the_ledger_is_away_nothing_is_lost(
    bench: Bench, place: FakePlace, worker: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = bench.submit().run
    one = worker()
    ticks(one)
    place.ends[f"{run}-1"] = State.SUCCEEDED
    begin = bench.ledger.begin

    def away() -> Any:
        raise UnreachableError("gone for a while")

    monkeypatch.setattr(bench.ledger, "begin", away)
    for _ in range(5):
        with pytest.raises(UnreachableError):
            one.tick()
    monkeypatch.setattr(bench.ledger, "begin", begin)
    ticks(one)
    assert bench.state(run) == "succeeded"


def test_a_draining_worker_takes_nothing_new(bench: Bench, worker: Start) -> None:
    run = bench.submit().run
    ticks(worker(drain=True))
    assert bench.state(run) == "ready"


@pytest.mark.parametrize("jump", [-7200.0, 7200.0])
def test_a_clock_that_jumps_loses_nothing(
    bench: Bench, place: FakePlace, worker: Start, jump: float
) -> None:
    run = bench.submit().run
    time = [0.0]
    one = worker()
    one._ticks = lambda: time[0]
    ticks(one)
    bench.clock.forward(jump)
    time[0] += BEAT
    ticks(one)
    assert bench.row(run)["lease_until"] == bench.clock.now + LEASE
    place.ends[f"{run}-1"] = State.SUCCEEDED
    ticks(one)
    assert bench.state(run) == "succeeded"
    assert place.started == [f"{run}-1"]
