"""Tariffs: what a file says, and what is refused by name."""

from datetime import date
from decimal import Decimal

import pytest

from gristmill.errors import InputError, UsageError
from gristmill.utility import tariff_file, tariffs
from gristmill.utility.prices import step
from gristmill.utility.tariffs import Tariff

HEADER = (
    "type,period,month_start,month_end,weekday_start,weekday_end,hour_start,hour_end,charge,units"
)


def tariff(*rows: str, header: str = HEADER) -> Tariff:
    """The one tariff in these rows, which start in line 2."""
    (found,), notes = tariff_file.parse("\n".join([header, *rows]), "t.csv", "USD")
    assert notes == []
    return found


def refused(*rows: str, header: str = HEADER) -> str:
    with pytest.raises(InputError) as error:
        tariffs.check([tariff(*rows, header=header)])
    return str(error.value)


FLAT = "energy,,,,,,,,0.25,$/kWh"
JUNE = "energy,,6,6,6,6,3,4,1,"
PEAK = "demand,peak,,,,,8,12,1,"


def test_a_row_says_when_its_charge_holds() -> None:
    (charge,) = tariff("energy,,11,2,5,0,8.5,22:45,0.0189944,USD/kWh").charges
    assert (charge.line, charge.kind, charge.rate) == (2, "energy", Decimal("0.0189944"))
    assert charge.months == (11, 12, 1, 2)
    assert charge.weekdays == (5, 6, 0)
    assert (charge.start, charge.end) == (510, 1365)
    assert (charge.window, charge.unit) == ("Nov-Feb Sat-Mon 08:30-22:45", "kWh")
    assert charge.holds(1, 6, 510)
    assert not any(charge.holds(*slot) for slot in [(3, 6, 510), (1, 1, 510), (1, 6, 1365)])


def test_what_is_left_empty_means_always() -> None:
    found = tariff(FLAT, "fixed,meter fee,,,,,,,9.5,$/day", "demand,max,,,,,,,3,$/kW")
    assert [charge.kind for charge in found.charges] == ["energy", "customer", "demand"]
    assert [charge.unit for charge in found.charges] == ["kWh", "day", "kW"]
    assert tariffs.faults(found) == []
    assert found.step == 60


def test_a_slot_is_as_long_as_no_rate_changes_within() -> None:
    half = tariff("energy,,,,,,0,8.5,1,", "energy,,,,,,8.5,24,2,")
    quarter = tariff("energy,,,,,,0,08:45,1,", "energy,,,,,,08:45,24,2,")
    assert (half.step, quarter.step, step([half, quarter])) == (30, 15, 15)
    tariffs.check_interval(half, 30)
    with pytest.raises(InputError, match=r"t\.csv: line [23] has an edge at 08:30, in the midst"):
        tariffs.check_interval(half, 60)


def test_a_gap_is_named_by_its_first_hour_and_its_size() -> None:
    told = refused("energy,,,,0,4,0,24,1,", "energy,,,,5,6,0,21,2,", "energy,,,,5,6,21.5,24,2,")
    assert told.startswith("t.csv: no rate of energy for Jan Sat 21:00, nor for 12 of the 2016 ")


@pytest.mark.parametrize(
    ("rows", "lines", "hour"),
    [
        (["energy,,1,6,,,,,1,", "energy,,7,12,,,,,1,", JUNE], "2 and 4", "Jun Sun 03:00"),
        ([FLAT, "energy,other,3,3,2,2,23.5,24,1,"], "2 and 3", "Mar Wed 23:30"),
        ([FLAT, PEAK, "demand,peak,,,,,11,13,2,"], "3 and 4", "Jan Mon 11:00"),
        ([FLAT, "customer,,,,,,,,1,", "customer,,,,,,,,2,"], "3 and 4", "Jan Mon 00:00"),
    ],
)
def test_two_rates_for_one_hour_are_named(rows: list[str], lines: str, hour: str) -> None:
    kind = rows[-1].split(",")[0]
    assert f"lines {lines} both have a rate of {kind} for {hour}" in refused(*rows)


def test_demand_windows_of_different_names_may_overlap_and_leave_hours_out() -> None:
    found = tariff(
        FLAT, "demand,maximum,,,,,,,3,", "demand,peak,,,,,8,12,2,", "demand,peak,,,,,13,14,2,"
    )
    assert tariffs.faults(found) == []


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ("tiered,,,,,,,,1,", "line 2 has the type 'tiered'"),
        ("energy,,,,,,,,much,", "line 2 has 'much' as charge, not a number"),
        ("energy,,,,,,,,nan,", "line 2 has 'nan' as charge, not a number"),
        ("energy,,,,,,,,1,$/therm", "line 2 has the units '$/therm', not USD/kWh"),
        ("energy,,,,,,,,1,EUR/kWh", "line 2 has the units 'EUR/kWh'"),
        ("energy,,,,,,22,6,1,", "line 2 ends at 06:00, not after 22:00: part it at midnight"),
        ("energy,,0,6,,,,,1,", "line 2 has the month 0, not one from 1 to 12"),
        ("energy,,1,,,,,,1,", "line 2 has '' as month, not a number"),
        ("energy,,,,0,7,,,1,", "line 2 has the weekday 7, not one from 0 to 6"),
        ("energy,,,,,,0,25,1,", "line 2 has the hour_end 25, not a minute of the day"),
        ("energy,,,,,,0,8.51,1,", "line 2 has the hour_end 8.51, not a minute of the day"),
        ("energy,,,,,,,,12345678,", "line 2 has a charge of more than 7 digits"),
        ("energy,,,,,,,,0.1234567890123456789,", "line 2 has a charge of more than 7 digits"),
        ("customer,,6,8,,,,,1,", "line 2 is a customer charge for a part of the year"),
    ],
)
def test_a_row_that_is_not_understood_is_named(row: str, says: str) -> None:
    assert says in refused(row, FLAT)


@pytest.mark.parametrize(
    ("header", "row", "says"),
    [
        ("type,charge,basic_charge_limit", "demand,1,500", "line 2 has a basic_charge_limit"),
        ("type,charge,basic_charge_limit", "energy,1,-5", "line 2 has a basic_charge_limit"),
        ("type,charge,basic_charge_limit", "energy,1,500", "no rate of energy for Jan Mon 00:00"),
        ("type,charge,assessed", "demand,1,daily", "line 2 is assessed daily, not monthly"),
        ("type,charge,enddate", "energy,1,2026-07-01", "line 2 has enddate 2026-07-01: the first"),
        ("type,charge,valid_from", "energy,1,7/1/26", "line 2 has '7/1/26' as valid_from, not a"),
        ("type,charge,valid_from", "energy,1,2026-07-15", "line 2 has valid_from 2026-07-15: a ch"),
        ("type,charge,valid_to", "energy,1,2026-07-01", "line 2 has valid_to 2026-07-01: a charge"),
        (
            "type,charge,valid_from,valid_to",
            "energy,1,2026-07-01,2026-06-30",
            "line 2 is valid to 2026-06-30, before 2026-07-01",
        ),
        ("kind,price", "energy,1", "t.csv is no tariff: it has no column type, charge"),
        ("utility,type,charge", "gas,energy,1", "t.csv holds no charges for electricity"),
    ],
)
def test_what_is_not_known_here_is_refused(header: str, row: str, says: str) -> None:
    assert says in refused(row, header=header)


def test_charges_that_are_not_for_electricity_are_left_out_with_a_note() -> None:
    text = "utility,type,charge (metric)\nelectric,energy,1\ngas,energy,2\n"
    (found,), notes = tariff_file.parse(text, "t.csv", "USD")
    assert [charge.rate for charge in found.charges] == [1]
    assert notes == ["t.csv: 1 charges that are not for electricity were left out (lines 3)"]


def test_charges_that_are_valid_at_other_times_are_tariffs_of_their_own() -> None:
    text = """type,period,charge,valid_from,valid_to
energy,,1,,2026-06-30
energy,,2,2026-07-01,
customer,,5,,
customer,meter,3,2026-09-01,2026-12-31
"""
    found, _ = tariff_file.parse(text, "t.csv", "USD")
    tariffs.check(found)
    spans = [
        (one.since, one.until, sorted(int(charge.rate) for charge in one.charges)) for one in found
    ]
    july, september = date(2026, 7, 1), date(2026, 9, 1)
    assert spans == [
        (None, july, [1, 5]),
        (july, september, [2, 5]),
        (september, date(2027, 1, 1), [2, 3, 5]),
        (date(2027, 1, 1), None, [2, 5]),
    ]


def test_tiers_have_the_same_window() -> None:
    header = "type,charge,basic_charge_limit,hour_start,hour_end"
    found = tariff("energy,1,0,,", "energy,2,500,,", "energy,3,1e3,,", header=header)
    assert tariffs.faults(found) == []
    assert [charge.above for charge in found.charges] == [0, 500, 1000]
    assert "lines 2 and 3 both" in refused("energy,1,0,,", "energy,2,0.0,,", header=header)
    told = refused("energy,1,0,,", "energy,2,500,8,12", header=header)
    assert "lines 2 and 3 are tiers of the same hours, but not of all of them" in told


def test_a_gap_is_told_with_when_it_is() -> None:
    text = "type,charge,valid_from,valid_to\nenergy,1,,2026-06-30\ncustomer,5,,\n"
    found, _ = tariff_file.parse(text, "t.csv", "USD")
    with pytest.raises(InputError, match=r"t\.csv: from 2026-07-01: no rate of energy"):
        tariffs.check(found)


def test_a_file_may_hold_several_tariffs() -> None:
    text = "tariff,type,charge\na,energy,1\nb,energy,2\na,demand,3\n"
    found, _ = tariff_file.parse(text, "t.csv", "USD")
    assert [(one.name, len(one.charges)) for one in found] == [("a", 2), ("b", 1)]


def test_seasons_are_those_of_the_tariff_or_as_the_option_has_them() -> None:
    option = tariffs.seasons("cold=10-4, warm=5-9")
    assert [option[month] for month in (1, 4, 5, 9, 10)] == ["cold", "cold", "warm", "warm", "cold"]
    header = "type,season,month_start,month_end,charge"
    found = tariff("energy,summer,6,8,1", "energy,,9,5,1", header=header)
    assert [found.seasons(option)[month] for month in (5, 6, 8, 9)] == [
        "warm",
        "summer",
        "summer",
        "warm",
    ]
    twice = tariff("energy,summer,6,8,1", "energy,winter,8,5,1", header=header)
    with pytest.raises(InputError, match="lines 2 and 3 put Aug into the seasons summer and w"):
        twice.seasons(option)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("summer", "NAME=FIRST-LAST"),
        ("all=1-13", "months from 1 to 12"),
        ("a=1-6,b=6-12", "Jun in a and b"),
        ("a=1-10", "no season for Nov, Dec"),
    ],
)
def test_seasons_that_do_not_make_a_year_are_refused(text: str, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        tariffs.seasons(text)
