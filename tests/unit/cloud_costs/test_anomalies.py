"""Events in made series of daily costs: what is told of each shape, and what is not."""

import random
from collections.abc import Callable, Sequence
from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gristmill.cloud_costs.anomalies.events import Event, Limits, events

FIRST = date(2026, 1, 1)  # a Thursday
YEAR = 365


def series(
    cost: Callable[[int, date], float], days: int = YEAR, noise: float = 0.03, seed: int = 1
) -> list[float]:
    """A cost for each day by its number and date, that goes up and down by chance."""
    chance = random.Random(seed)
    dates = [FIRST + timedelta(days=number) for number in range(days)]
    return [cost(number, day) * chance.gauss(1, noise) for number, day in enumerate(dates)]


def told(costs: Sequence[float], **limits: float) -> list[Event]:
    return events(FIRST, costs, Limits(**limits))


def kinds(costs: Sequence[float]) -> list[tuple[str, int, int]]:
    return [(one.kind, one.start, one.end) for one in told(costs)]


WEEKLY: dict[str, Callable[[int, date], float]] = {
    "even": lambda _number, _day: 100,
    "rests at weekends": lambda _number, day: 100 if day.weekday() < 5 else 20,
    "nothing at weekends": lambda _number, day: 100 if day.weekday() < 5 else 0,
    "a batch on Sundays": lambda _number, day: 80 if day.weekday() == 6 else 5,
    "only on Sundays": lambda _number, day: 80 if day.weekday() == 6 else 0,
    "a little more every day": lambda number, _day: 100 * 1.0003**number,
}


@pytest.mark.parametrize("shape", WEEKLY)
@pytest.mark.parametrize("seed", range(5))
def test_nothing_is_told_of_a_weekly_shape_in_a_year(shape: str, seed: int) -> None:
    assert kinds(series(WEEKLY[shape], seed=seed)) == []


@pytest.mark.parametrize("shape", [name for name in WEEKLY if name != "only on Sundays"])
def test_a_spike_is_told_in_any_weekly_shape(shape: str) -> None:
    usual = series(WEEKLY[shape])
    number = 202  # a Wednesday
    costs = [*usual]
    costs[number] += 90
    (event,) = told(costs)
    assert (event.kind, event.start, event.end, event.is_open) == ("spike", number, number, False)
    assert event.cost - event.usual == pytest.approx(90, rel=0.12)


def test_days_in_a_row_are_one_event_over_a_weekend() -> None:
    costs = series(WEEKLY["rests at weekends"])
    # Thursday, Friday and Monday.
    for number in (203, 204, 207):
        costs[number] *= 3
    assert kinds(costs) == [("spike", 203, 207)]


def test_a_drop_is_told_and_days_after_it_are_not() -> None:
    costs = series(WEEKLY["even"])
    costs[200:202] = [10.0, 12.0]
    assert kinds(costs) == [("drop", 200, 201)]


@pytest.mark.parametrize(("factor", "kind"), [(1.5, "step_up"), (4, "step_up"), (0.5, "step_down")])
def test_a_step_is_told_once(factor: float, kind: str) -> None:
    costs = series(
        lambda number, day: (
            WEEKLY["rests at weekends"](number, day) * (factor if number >= 200 else 1)
        )
    )
    (event,) = told(costs)
    assert (event.kind, event.start, event.days) == (kind, 200, 7)


def test_a_spike_after_a_step_is_told_from_the_new_level() -> None:
    costs = series(lambda number, _day: 100 if number < 150 else 300)
    costs[250] *= 2
    first, second = told(costs)
    assert (first.kind, second.kind, second.start) == ("step_up", "spike", 250)
    assert second.usual == pytest.approx(300, rel=0.05)


@pytest.mark.parametrize(
    ("rate", "kind"), [(0.005, "growth"), (0.01, "growth"), (-0.01, "decline")]
)
def test_slow_growth_is_told_as_one_event(rate: float, kind: str) -> None:
    costs = series(lambda number, _day: 100 * (1 + rate) ** max(0, min(number, 240) - 150))
    (event,) = told(costs)
    assert event.kind == kind
    assert event.start <= 175
    assert event.end >= 240


def test_what_comes_back_every_month_is_told_once() -> None:
    def ends(_number: int, day: date) -> float:
        return 200 if (day + timedelta(days=3)).month != day.month else 100

    def fee(_number: int, day: date) -> float:
        return 400 if day.day == 1 else 100

    assert kinds(series(ends)) == [("spike", 28, 30)]
    assert kinds(series(fee)) == []  # the first one is among the days that nothing is said of


def test_a_monthly_effect_grows_with_its_level() -> None:
    costs = series(lambda number, day: (400 if day.day == 1 else 100) * (3 if number > 200 else 1))
    assert kinds(costs) == [("step_up", 201, 207)]


def test_a_monthly_effect_that_is_another_is_told() -> None:
    costs = series(lambda _number, day: 400 if day.day == 1 else 100)
    number = (date(2026, 8, 1) - FIRST).days
    costs[number] *= 2.5
    assert kinds(costs) == [("spike", number, number)]


def test_what_starts_is_new_and_what_ends_has_vanished() -> None:
    costs = series(lambda number, _day: 50 if 100 <= number < 250 else 0)
    assert kinds(costs) == [("new", 100, 106), ("vanished", 250, 256)]
    again = [*costs[:300], *series(WEEKLY["even"], 65)]
    assert [kind for kind, *_ in kinds(again)] == ["new", "vanished", "new"]


def test_what_has_just_ended_is_told_while_it_is_open() -> None:
    costs = series(lambda number, _day: 50 if number < 250 else 0, days=253)
    (event,) = told(costs)
    assert (event.kind, event.start, event.end, event.is_open) == ("vanished", 250, 252, True)


def test_a_cost_that_comes_on_any_day_is_told_where_it_is_far_above_all_others() -> None:
    chance = random.Random(3)
    costs = [chance.choice([0.0, 0.0, 10.0, 12.0]) for _ in range(YEAR)]
    assert kinds(costs) == []
    costs[300] = 60
    assert kinds(costs) == [("spike", 300, 300)]


def test_what_comes_back_as_a_discount_is_usual_too() -> None:
    usual = [-cost for cost in series(WEEKLY["rests at weekends"])]
    assert told(usual) == []
    less = [*usual]
    less[202] *= 3
    assert kinds(less) == [("drop", 202, 202)]
    gone = usual[:200] + [0.0] * 20
    assert [one.start for one in told(gone)] == [200]


def test_floors_of_money_and_share() -> None:
    costs = series(WEEKLY["even"], noise=0.002)
    costs[200] = 112
    assert told(costs) == []
    assert len(told(costs, share=0.1)) == 1
    assert told(costs, share=0.1, amount=15) == []


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.integers(60, 300))
def test_later_days_change_nothing_of_what_is_closed(seed: int, until: int) -> None:
    chance = random.Random(seed)
    costs = series(WEEKLY["rests at weekends"], seed=seed)
    for _ in range(4):
        costs[chance.randrange(40, YEAR)] *= chance.choice([0.1, 3])
    closed = [
        (one.kind, one.start, one.end, one.cost)
        for one in told(costs[:until])
        if not one.is_open and one.kind not in ("growth", "decline")
    ]
    later = [(one.kind, one.start, one.end, one.cost) for one in told(costs)]
    assert [one for one in closed if one not in later] == []


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.one_of(st.just(0.0), st.floats(-1e3, 1e12), st.floats(0, 100)), max_size=120),
)
def test_any_costs_give_events_of_their_days(costs: list[float]) -> None:
    for event in told(costs):
        assert 0 <= event.start <= event.end < len(costs)
        assert event.cost == pytest.approx(sum(costs[event.start : event.end + 1]))
