"""A worker in a fleet heeds what its instance is told; and the model of a fleet is one."""

from dataclasses import dataclass, field, replace

import pytest

from gristmill.cli.manager.fleet import bars
from gristmill.errors import GristmillError
from gristmill.manager.simulate import Load, Policy, arrivals, simulate, usual_policies
from gristmill.manager.worker.fleet import BACKLOG, NOTICES, Fleet


@dataclass
class Instance:
    told: str | None = None
    done: list[str] = field(default_factory=list)
    is_away: bool = False

    def notice(self) -> str | None:
        if self.is_away:
            raise GristmillError("no answer")
        return self.told

    def protect(self, *, busy: bool) -> None:
        self.done.append("protect" if busy else "unprotect")

    def tell_backlog(self, runs: int) -> None:
        self.done.append(f"backlog {runs}")

    def leave(self) -> None:
        self.done.append("leave")


@dataclass
class Worker:
    is_busy: bool = False
    is_draining: bool = False
    is_stopped: bool = False

    def stop(self) -> None:
        self.is_stopped = True


def fleet(instance: Instance, worker: Worker) -> Fleet:
    return Fleet(instance, worker, lambda: 7, lambda _text: None)


def test_a_busy_worker_is_protected_and_an_idle_one_is_not() -> None:
    instance, worker = Instance(), Worker(is_busy=True)
    one = fleet(instance, worker)
    one.look(0.0)
    worker.is_busy = False
    one.look(NOTICES)
    assert instance.done == ["protect", "backlog 7", "unprotect"]
    one.look(NOTICES + 1)
    one.look(BACKLOG)
    assert instance.done[3:] == ["unprotect", "backlog 7"]
    one.ended()
    assert "leave" not in instance.done


def test_one_that_is_scaled_in_sees_its_runs_through_and_goes() -> None:
    instance, worker = Instance("scaling"), Worker(is_busy=True)
    one = fleet(instance, worker)
    one.look(0.0)
    assert (worker.is_draining, worker.is_stopped) == (True, False)
    assert "protect" not in instance.done
    one.ended()
    assert instance.done[-1] == "leave"


def test_one_that_ec2_takes_back_gives_all_up_at_once() -> None:
    worker = Worker(is_busy=True)
    fleet(Instance("spot"), worker).look(0.0)
    assert worker.is_stopped


def test_an_aws_that_does_not_answer_ends_no_worker() -> None:
    instance, worker = Instance("spot", is_away=True), Worker()
    one = fleet(instance, worker)
    one.look(0.0)
    assert not worker.is_stopped
    instance.is_away = False
    one.look(NOTICES)
    assert worker.is_stopped


LOAD = Load(peak=120, base=30, hours=6, peak_from=2, peak_hours=1)


def test_enough_workers_let_nobody_wait() -> None:
    found = simulate(LOAD, Policy("many", 200, 200), seed=3)
    assert found.runs == len(arrivals(LOAD, 3))
    assert found.wait_p95 <= 1.0
    assert found.late_share == 0.0


def test_more_workers_never_make_runs_wait_longer() -> None:
    waits = [simulate(LOAD, Policy("x", n, n), seed=3).wait_p95 for n in (4, 8, 16, 32)]
    assert waits == sorted(waits, reverse=True)


def test_workers_are_paid_by_the_hour() -> None:
    found = simulate(LOAD, Policy("x", 20, 20), seed=3, price_an_hour=0.5)
    hours = len(found.workers) / 60
    assert found.worker_hours == pytest.approx(20 * hours, rel=0.02)
    assert found.cost == pytest.approx(found.worker_hours * 0.5)


def test_a_group_stays_within_its_bounds_and_follows_the_load() -> None:
    policy = Policy("x", 1, 9, target=1.0)
    found = simulate(LOAD, policy, seed=3)
    assert max(found.workers) == 9
    assert found.workers[0] == 1
    assert found.cost < simulate(LOAD, replace(policy, least=9, target=None), seed=3).cost


def test_the_same_seed_is_the_same_day() -> None:
    assert arrivals(LOAD, 5) == arrivals(LOAD, 5)
    assert arrivals(LOAD, 5) != arrivals(LOAD, 6)


def test_policies_are_compared_by_their_names() -> None:
    names = [one.name for one in usual_policies(LOAD, 1, 10, 1)]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize(
    ("values", "most", "width", "expected"),
    [((0, 4, 8), 8, 3, " ▄█"), ((1, 8, 1, 1), 8, 2, "█▁"), ((0, 0), 0, 2, "  ")],
)
def test_bars_are_the_largest_of_each_stretch(
    values: tuple[int, ...], most: int, width: int, expected: str
) -> None:
    assert bars(values, most, width) == expected
