"""Which run goes next, and to whom."""

from typing import Any

import pytest

from gristmill.errors import InputError, UsageError
from gristmill.manager.ledger.claiming import LEASE, Claimed, Room
from gristmill.manager.ledger.definitions import pause, resume
from gristmill.manager.ledger.submitting import QueueFullError
from gristmill.manager.ledger.workers import WorkerIdentity, adopt
from gristmill.manager.settings import Settings
from gristmill.manager.states import RunState
from tests.support.ledgers import Bench, handle_of

OTHER = WorkerIdentity("other", "here", "boot", 1, "0")


def names(runs: list[Claimed]) -> list[str]:
    return [run.id for run in runs]


def test_the_same_key_is_the_same_run_and_says_so(bench: Bench) -> None:
    first = bench.submit(key="nightly", argv=("--input", "a"))
    again = bench.submit(key="nightly", argv=("--input", "a"))
    assert first.is_new
    assert again.run == first.run
    assert not again.is_new


def test_a_key_of_another_request_is_refused(bench: Bench) -> None:
    bench.submit(key="nightly", argv=("--input", "a"))
    with pytest.raises(UsageError, match="asks for something else"):
        bench.submit(key="nightly", argv=("--input", "b"))


def test_what_it_waits_for_has_to_be_there(bench: Bench) -> None:
    with pytest.raises(InputError, match="no run nowhere"):
        bench.submit(after=("nowhere",))


def test_priority_goes_first_then_what_was_due_first(bench: Bench) -> None:
    low = bench.submit(priority=-1).run
    bench.clock.forward(1)
    first = bench.submit().run
    bench.clock.forward(1)
    second = bench.submit().run
    bench.clock.forward(1)
    high = bench.submit(priority=5).run
    assert names(bench.claim()) == [high, first, second, low]


def test_what_is_not_due_waits(bench: Bench) -> None:
    run = bench.submit(due=bench.clock.now + 60).run
    assert bench.claim() == []
    bench.clock.forward(60)
    assert names(bench.claim()) == [run]


def test_a_run_is_claimed_once(bench: Bench) -> None:
    bench.submit()
    (held,) = bench.claim("one")
    assert bench.claim("two") == []
    assert held.token == 1
    assert held.run_key.endswith("-1")


@pytest.mark.parametrize(
    ("queue", "expected"),
    [
        ({"max_runs": 2}, 2),
        ({"max_cores": 3}, 3),
        ({"max_memory": 2 * 10**9}, 2),
        ({"max_runs_a_job": 1}, 2),
        ({"max_runs_a_share": 2}, 4),
        ({}, 6),
    ],
)
def test_a_queue_runs_no_more_than_its_bounds(
    bench: Bench, queue: dict[str, int], expected: int
) -> None:
    bench.settings = Settings.model_validate({"queues": {"default": queue}})
    for job in ("word-count", "access-logs"):
        for share in ("b", "a", "b"):
            bench.submit(job, share=share)
            bench.clock.forward(1)
    # One at a time and all at once come to the same.
    claimed = bench.claim(most=1) + bench.claim(most=1) + bench.claim() + bench.claim()
    assert len(claimed) == expected
    bench.end(next(run for run in claimed if bench.row(run.id)["share"] == "b"))
    assert len(bench.claim()) == (1 if expected < 6 else 0)


def test_runs_go_to_the_first_place_that_has_room(bench: Bench) -> None:
    bench.settings = Settings.model_validate(
        {
            "places": {
                "small": {"max_runs": 1},
                "large": {"kind": "cluster", "spec": "dev", "max_runs": 2},
            },
            "queues": {"default": {"places": ["small", "large"]}},
        }
    )
    for _ in range(5):
        bench.submit()
    assert sorted(run.place for run in bench.claim()) == ["large", "large", "small"]


def test_a_pinned_run_goes_where_it_was_asked_to(bench: Bench) -> None:
    bench.submit(on="transient:nightly")
    assert [run.place for run in bench.claim()] == ["transient:nightly"]


def test_a_worker_takes_no_more_than_it_has_room_for(bench: Bench) -> None:
    for _ in range(3):
        bench.submit(cores=2, memory=10**9)
    assert len(bench.claim(room=Room(3, 4, 10**10))) == 2
    assert bench.claim(room=Room(3, 4, 10**8)) == []
    assert bench.claim(room=Room(0, 4, 10**10)) == []


def test_a_worker_that_has_taken_up_more_than_fits_takes_no_more(bench: Bench) -> None:
    bench.submit()
    assert bench.claim(room=Room(-5, 4, 10**10, remote=-10)) == []
    assert bench.claim(room=Room(-5, 4, 10**10, remote=3)) == []
    assert len(bench.claim(room=Room(1, 4, 10**10, remote=-10))) == 1


def test_one_run_at_a_time_writes_a_scope(bench: Bench) -> None:
    for _ in range(2):
        bench.submit(scope="out/words")
    (held,) = bench.claim()
    assert bench.claim() == []
    bench.end(held)
    assert len(bench.claim()) == 1


def test_a_paused_queue_starts_nothing(bench: Bench) -> None:
    bench.submit()
    with bench.tx() as tx:
        assert pause(tx, "queue", "default", "me")
        assert not pause(tx, "queue", "default", "me")
    assert bench.claim() == []
    with bench.tx() as tx:
        assert resume(tx, "queue", "default")
    assert len(bench.claim()) == 1


def test_a_worker_serves_the_queues_that_it_is_told_to(bench: Bench) -> None:
    bench.settings = Settings.model_validate({"queues": {"reports": {}}})
    bench.submit()
    run = bench.submit(queue="reports").run
    assert names(bench.claim(queues=["reports"])) == [run]


def test_shares_go_by_their_weights(bench: Bench) -> None:
    queue = {"shares": {"a": 1, "b": 3}, "share_half_life": "1h"}
    bench.settings = Settings.model_validate({"queues": {"default": queue}})
    for share in ("a", "b"):
        for _ in range(40):
            bench.submit(share=share)
    went = {"a": 0, "b": 0}
    for _ in range(40):
        (run,) = bench.claim(most=1)
        went[str(bench.row(run.id)["share"])] += 1
        bench.clock.forward(60)
        bench.end(run)
    assert went == {"a": 10, "b": 30}


def test_a_share_that_has_used_much_waits_until_that_is_forgotten(bench: Bench) -> None:
    queue = {"shares": {"a": 1, "b": 1}, "share_half_life": "1h"}
    bench.settings = Settings.model_validate({"queues": {"default": queue}})
    bench.submit(share="a")
    (run,) = bench.claim()
    bench.clock.forward(36_000)
    bench.end(run)
    for share in ("a", "b", "b", "b"):
        bench.submit(share=share)
    assert [bench.row(run.id)["share"] for run in bench.claim(most=3)] == ["b", "b", "b"]


def test_a_full_queue_refuses_more(bench: Bench) -> None:
    bench.settings = Settings.model_validate({"queues": {"default": {"max_waiting": 2}}})
    bench.submit()
    with pytest.raises(QueueFullError, match="takes 2 runs that wait, and has 1"):
        bench.submit(array=("", ""))
    bench.submit()
    with pytest.raises(QueueFullError):
        bench.submit()
    bench.claim()
    bench.submit()


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"cores": 9.0}, "small has 4 cores, and it asks for 9"),
        ({"memory": 10**12}, "small has 8,000,000,000 bytes"),
        ({"on": "nowhere"}, "no place 'nowhere'"),
        ({"queue": "nowhere"}, "no queue 'nowhere'"),
        ({"attempts": 0}, "1 to 10 times"),
        ({"array": ()}, "1 to 100,000 children, not 0"),
        ({"sequential": True}, "are for an --array"),
        ({"timeout": 0.0}, "longer than nothing"),
        ({"queue": "tight", "cores": 2.0}, "queue tight has 1 cores for all its runs"),
    ],
)
def test_what_can_never_run_is_refused_at_once(
    bench: Bench, asked: dict[str, Any], said: str
) -> None:
    bench.settings = Settings.model_validate(
        {
            "places": {"small": {"cores": 4, "memory": "8GB"}},
            "queues": {"default": {"places": ["small"]}, "tight": {"max_cores": 1}},
        }
    )
    with pytest.raises(UsageError, match=said):
        bench.submit(**asked)


def test_what_a_dead_worker_held_is_taken_up_where_it_is(bench: Bench) -> None:
    bench.submit()
    (held,) = bench.claim("dead")
    bench.start(held)
    with bench.tx() as tx:
        assert adopt(tx, OTHER, 10) == []
    bench.clock.forward(LEASE)
    with bench.tx() as tx:
        (taken,) = adopt(tx, OTHER, 10)
    assert (taken.run_key, taken.attempt) == (held.run_key, held.attempt)
    assert taken.token == held.token + 1
    assert taken.handle == handle_of(held)
    assert taken.state is RunState.RUNNING


def test_the_worker_that_was_taken_for_dead_touches_nothing(bench: Bench) -> None:
    bench.submit()
    (held,) = bench.claim("late")
    bench.clock.forward(LEASE)
    with bench.tx() as tx:
        (taken,) = adopt(tx, OTHER, 10)
    assert bench.start(held) == {held.id}
    assert not bench.end(held, RunState.FAILED)
    assert bench.state(held.id) == "starting"
    assert bench.end(taken)
    assert not bench.end(held)
    assert bench.state(held.id) == "succeeded"


def test_what_only_its_machine_can_see_is_left_to_it(bench: Bench) -> None:
    bench.submit()
    bench.claim("dead")
    bench.clock.forward(LEASE)
    with bench.tx() as tx:
        assert adopt(tx, WorkerIdentity("far", "elsewhere", "boot", 1, "0"), 10) == []


def test_what_was_asked_to_go_elsewhere_goes_though_this_machine_is_full(bench: Bench) -> None:
    for _ in range(50):
        bench.submit()
    run = bench.submit(on="transient:nightly").run
    assert names(bench.claim(room=Room(0, 4, 10**10, remote=5))) == [run]
