"""What the end of a run means for those that wait for it."""

import pytest

from gristmill.errors import UsageError
from gristmill.manager.ledger.acting import cancel, retry
from gristmill.manager.ledger.claiming import Claimed
from gristmill.manager.states import RunState
from tests.support.ledgers import Bench

FAILED, SUCCEEDED, CANCELLED = RunState.FAILED, RunState.SUCCEEDED, RunState.CANCELLED


def by_index(runs: list[Claimed]) -> list[int | None]:
    return [run.index for run in runs]


def test_each_transition_leaves_an_event(bench: Bench) -> None:
    first = bench.submit().run
    run = bench.submit(after=(first,)).run
    bench.do(first)
    (held,) = bench.claim()
    bench.start(held)
    bench.end(held, RunState.READY, delay=30.0)
    bench.clock.forward(30)
    (held,) = bench.claim()
    bench.start(held)
    bench.end(held)
    assert bench.events(run) == [
        (None, "blocked"),
        ("blocked", "ready"),
        ("ready", "starting"),
        ("starting", "running"),
        ("running", "ready"),
        ("ready", "starting"),
        ("starting", "running"),
        ("running", "succeeded"),
    ]


def test_a_run_waits_for_all_that_it_comes_after(bench: Bench) -> None:
    one, two = bench.submit(job="one").run, bench.submit(job="two").run
    run = bench.submit(after=(one, two)).run
    bench.do(one)
    assert bench.state(run) == "blocked"
    bench.do(two)
    assert bench.state(run) == "ready"


def test_what_depends_on_a_failure_is_skipped_to_the_last(bench: Bench) -> None:
    one = bench.submit().run
    two = bench.submit(after=(one,)).run
    three = bench.submit(after=(two,)).run
    anyway = bench.submit(after_any=(one,)).run
    bench.do(one, state=FAILED)
    assert bench.states(two, three, anyway) == ["skipped", "skipped", "ready"]
    assert bench.row(three)["reason"] == f"{one} failed"


@pytest.mark.parametrize("state", [SUCCEEDED, FAILED])
def test_what_is_submitted_after_the_end_comes_to_the_same(bench: Bench, state: RunState) -> None:
    one = bench.submit().run
    bench.do(one, state=state)
    after, anyway = bench.submit(after=(one,)).run, bench.submit(after_any=(one,)).run
    expected = "ready" if state is SUCCEEDED else "skipped"
    assert bench.states(after, anyway) == [expected, "ready"]


def test_a_retry_brings_back_what_was_skipped(bench: Bench) -> None:
    one = bench.submit().run
    two = bench.submit(after=(one,)).run
    three = bench.submit(after=(two,)).run
    bench.do(one, state=FAILED)
    with bench.tx() as tx:
        assert retry(tx, one, "me") == [one]
    assert bench.states(one, two, three) == ["ready", "blocked", "blocked"]
    for run in (one, two, three):
        bench.do(run)
    assert bench.states(one, two, three) == ["succeeded"] * 3


def test_only_what_failed_is_tried_again(bench: Bench) -> None:
    one = bench.submit().run
    bench.do(one)
    with pytest.raises(UsageError, match="only what failed"), bench.tx() as tx:
        retry(tx, one, "me")


def test_a_refused_attempt_counts_for_nothing(bench: Bench) -> None:
    run = bench.submit(attempts=1).run
    for _ in range(3):
        (held,) = bench.claim()
        bench.end(held, RunState.READY, outcome="refused")
    (held,) = bench.claim()
    assert held.run_key.endswith("-4")
    bench.end(held, FAILED)
    assert bench.state(run) == "failed"


def test_a_run_that_waits_is_cancelled_at_once(bench: Bench) -> None:
    one = bench.submit().run
    two = bench.submit(after=(one,)).run
    with bench.tx() as tx:
        assert cancel(tx, one, "me") is CANCELLED
    assert bench.states(one, two) == ["cancelled", "skipped"]


def test_a_run_that_runs_is_asked_to_end(bench: Bench) -> None:
    run = bench.submit().run
    (held,) = bench.claim()
    with bench.tx() as tx:
        assert cancel(tx, run, "me") is RunState.STARTING
    assert bench.row(run)["cancel_asked"]
    bench.end(held, CANCELLED, outcome="cancelled")
    assert bench.state(run) == "cancelled"


# What AWS Batch documents of arrays and dependencies
# (https://docs.aws.amazon.com/batch/latest/userguide/array_jobs.html, job_dependencies.html).


def test_the_parent_of_an_array_succeeds_once_all_children_have(bench: Bench) -> None:
    run = bench.submit(array=("", "", "")).run
    assert bench.state(run) == "blocked"
    held = bench.claim()
    assert by_index(held) == [0, 1, 2]
    for one in held:
        assert bench.state(run) == "blocked"
        bench.end(one)
    assert bench.state(run) == "succeeded"


def test_children_go_on_after_one_has_failed_and_the_parent_fails_at_the_end(bench: Bench) -> None:
    run = bench.submit(array=("", "", "")).run
    held = bench.claim()
    bench.end(held[1], FAILED)
    assert bench.states(run, held[0].id, held[2].id) == ["blocked", "starting", "starting"]
    bench.end(held[0])
    bench.end(held[2])
    assert bench.state(run) == "failed"
    assert bench.row(run)["reason"] == "1 of 3 children did not succeed"


def test_fail_fast_cancels_the_rest(bench: Bench) -> None:
    run = bench.submit(array=("", "", "", ""), fail_fast=True).run
    first, second = bench.claim(most=2)
    bench.end(first, FAILED)
    assert bench.states(f"{run}:2", f"{run}:3") == ["cancelled", "cancelled"]
    assert bench.row(second.id)["cancel_asked"]
    bench.end(second, CANCELLED, outcome="cancelled")
    assert bench.state(run) == "failed"


def test_a_child_has_its_own_flags(bench: Bench) -> None:
    bench.submit(array=("x", "y"), argv=("--input", "in/{item}", "--batch", "{index}"))
    assert [run.argv for run in bench.claim()] == [
        ("--input", "in/x", "--batch", "0"),
        ("--input", "in/y", "--batch", "1"),
    ]


def test_flags_may_hold_the_run_for_interim_results_of_its_own(bench: Bench) -> None:
    one = bench.submit(argv=("--output", "s3://b/interim/{run}")).run
    array = bench.submit(array=("",), argv=("--output", "s3://b/interim/{run}/{index}")).run
    assert bench.row(one)["argv"] == ["--output", f"s3://b/interim/{one}"]
    assert bench.row(f"{array}:0")["argv"] == ["--output", f"s3://b/interim/{array}/0"]


def test_what_comes_after_an_array_waits_for_all_of_it(bench: Bench) -> None:
    array = bench.submit(array=("", "")).run
    run = bench.submit(after=(array,)).run
    first, second = bench.claim()
    bench.end(first)
    assert bench.state(run) == "blocked"
    bench.end(second)
    assert bench.state(run) == "ready"


def test_each_child_of_an_n_to_n_array_waits_for_its_own(bench: Bench) -> None:
    one = bench.submit(array=("", "", "")).run
    two = bench.submit(array=("", "", ""), n_to_n=one).run
    held = bench.claim()
    bench.end(held[1])
    bench.end(held[2], FAILED)
    assert bench.states(*(f"{two}:{index}" for index in range(3))) == [
        "blocked",
        "ready",
        "skipped",
    ]


def test_n_to_n_takes_arrays_of_one_size(bench: Bench) -> None:
    one = bench.submit(array=("", "", "")).run
    with pytest.raises(UsageError, match="an array of 3, and this is one of 2"):
        bench.submit(array=("", ""), n_to_n=one)


def test_a_sequential_array_goes_one_by_one_from_the_first(bench: Bench) -> None:
    run = bench.submit(array=("", "", ""), sequential=True).run
    for index in range(3):
        (held,) = bench.claim()
        assert held.index == index
        bench.end(held)
    assert bench.state(run) == "succeeded"


def test_a_sequential_array_ends_with_the_first_failure(bench: Bench) -> None:
    run = bench.submit(array=("", "", ""), sequential=True).run
    (held,) = bench.claim()
    bench.end(held, FAILED)
    assert bench.states(f"{run}:1", f"{run}:2", run) == ["skipped", "skipped", "failed"]


def test_an_array_that_depends_on_a_failure_is_skipped(bench: Bench) -> None:
    one = bench.submit().run
    array = bench.submit(array=("", ""), after=(one,)).run
    bench.do(one, state=FAILED)
    assert bench.states(f"{array}:0", f"{array}:1", array) == ["skipped"] * 3
    with bench.tx() as tx:
        retry(tx, one, "me")
    bench.do(one)
    assert bench.states(f"{array}:0", f"{array}:1", array) == ["ready", "ready", "blocked"]


def test_a_retry_of_an_array_tries_what_failed(bench: Bench) -> None:
    run = bench.submit(array=("", "", "")).run
    after = bench.submit(after=(run,)).run
    held = bench.claim()
    bench.end(held[0])
    bench.end(held[1], FAILED)
    bench.end(held[2])
    assert bench.state(after) == "skipped"
    with bench.tx() as tx:
        assert retry(tx, run, "me") == [f"{run}:1"]
    assert bench.states(run, after) == ["blocked", "blocked"]
    bench.do(f"{run}:1")
    assert bench.states(run, after) == ["succeeded", "ready"]


def test_cancelling_an_array_ends_all_of_it(bench: Bench) -> None:
    run = bench.submit(array=("", "", "")).run
    (held,) = bench.claim(most=1)
    with bench.tx() as tx:
        cancel(tx, run, "me")
    assert bench.states(f"{run}:1", f"{run}:2", run) == ["cancelled", "cancelled", "blocked"]
    bench.end(held, CANCELLED, outcome="cancelled")
    assert bench.state(run) == "cancelled"


def test_what_needs_two_that_failed_comes_back_with_the_second(bench: Bench) -> None:
    one, two = bench.submit(job="one").run, bench.submit(job="two").run
    run = bench.submit(after=(one, two)).run
    held = {claimed.id: claimed for claimed in bench.claim()}
    for name in (one, two):
        bench.end(held[name], FAILED)
    with bench.tx() as tx:
        retry(tx, one, "me")
    assert bench.state(run) == "skipped"
    bench.do(one)
    with bench.tx() as tx:
        retry(tx, two, "me")
    assert bench.state(run) == "blocked"
    bench.do(two)
    assert bench.state(run) == "ready"
