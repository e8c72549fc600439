"""What the rest of a month is forecast to cost, by hand."""

from datetime import date, timedelta

import pytest

from gristmill.cloud_costs.forecast import naive, rest_of_month

FIRST = date(2026, 1, 1)  # a Thursday


def costs(until: date, workday: float = 100, weekend: float = 20) -> list[float]:
    days = [FIRST + timedelta(days=number) for number in range((until - FIRST).days + 1)]
    return [workday if day.weekday() < 5 else weekend for day in days]


def test_weekdays_to_come_cost_what_they_did() -> None:
    usage = costs(date(2026, 4, 16))
    # From Friday 17 to Thursday 30 April: ten working days and two weekends.
    assert rest_of_month(FIRST, usage, [0] * len(usage)) == pytest.approx(10 * 100 + 4 * 20)


def test_an_odd_day_says_nothing_of_those_to_come() -> None:
    usage = costs(date(2026, 4, 16))
    usage[-2] = 5000
    assert rest_of_month(FIRST, usage, [0] * len(usage)) == pytest.approx(1080)


def test_a_step_is_the_new_level() -> None:
    usage = costs(date(2026, 4, 16))
    usage[-10:] = [2 * cost for cost in usage[-10:]]
    assert rest_of_month(FIRST, usage, [0] * len(usage)) == pytest.approx(2160, rel=0.01)


def test_month_ends_come_back() -> None:
    usage = costs(date(2026, 5, 20), 100, 100)
    for month in (2, 3, 4):
        end = (date(2026, month + 1, 1) - FIRST).days - 1
        usage[end] = 400
    assert rest_of_month(FIRST, usage, [0] * len(usage)) == pytest.approx(10 * 100 + 400)


def test_fees_come_on_the_same_days_as_a_month_before() -> None:
    usage = [0.0] * 105  # until 15 April
    others = [0.0] * 105
    for day, fee in ((date(2026, 3, 20), 50.0), (date(2026, 3, 31), 7.0), (date(2026, 3, 10), 99)):
        others[(day - FIRST).days] = fee
    # What came on the 31st comes on the last day of April.
    assert rest_of_month(FIRST, usage, others) == pytest.approx(57)


def test_a_fee_comes_once_however_many_days_a_month_has() -> None:
    def rest(until: date, paid: date) -> float:
        days = (until - FIRST).days + 1
        others = [0.0] * days
        others[(paid - FIRST).days] = 50.0
        return rest_of_month(FIRST, [0.0] * days, others)

    # March has three days that February has not.
    assert rest(date(2026, 3, 10), date(2026, 2, 28)) == 50
    # February has not the day of January's fee.
    assert rest(date(2026, 2, 10), date(2026, 1, 31)) == 50
    assert rest(date(2026, 2, 28), date(2026, 1, 31)) == 0


def test_what_has_ended_costs_nothing_more_and_what_is_young_its_mean() -> None:
    usage = costs(date(2026, 4, 16), 100, 100)
    ended = [*usage[:-10], *[0.0] * 10]
    assert rest_of_month(FIRST, ended, [0] * len(ended)) == 0
    young = [*[0.0] * (len(usage) - 5), 10, 20, 30, 40, 50]
    assert rest_of_month(FIRST, young, [0] * len(young)) == pytest.approx(14 * 30)
    assert rest_of_month(FIRST, [0.0] * 106, [0.0] * 106) == 0


def test_at_the_end_of_a_month_nothing_is_to_come() -> None:
    usage = costs(date(2026, 4, 30))
    assert rest_of_month(FIRST, usage, [0] * len(usage)) == 0


def test_the_naive_forecast_goes_on_as_before() -> None:
    assert naive([1, 2, 3], 30) == 60
