"""Tariffs as CSV files.

The columns are those of the tariffs of US wastewater plants (Chapin, Bolorinos and Mauter 2024,
https://doi.org/10.1038/s41597-023-02886-6), with a few more; docs/utility.md tells them.
"""

import csv
import io
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation

from gristmill.errors import InputError
from gristmill.utility.tariffs import (
    CUSTOMER,
    DAY,
    DEMAND,
    ENERGY,
    EXPORT,
    Charge,
    Tariff,
    around,
    by_validity,
    clock,
)

_UNITS = {CUSTOMER: ("month", "day"), DEMAND: ("kW",), ENERGY: ("kWh",), EXPORT: ("kWh",)}
_KINDS = {
    "customer": CUSTOMER,
    "fixed": CUSTOMER,
    "demand": DEMAND,
    "energy": ENERGY,
    "export": EXPORT,
}
_CHARGE = ("charge", "charge (metric)", "charge (imperial)")
_LIMITS = ("basic_charge_limit", "basic_charge_limit (metric)", "basic_charge_limit (imperial)")
_SINCE, _UNTIL = "valid_from", "valid_to"
_DATED = re.compile(r"(valid|effective|start|end)(_?(from|to|until|through|start|end|date))*")
_SHOWN = 5


def parse(text: str, file: str, currency: str) -> tuple[list[Tariff], list[str]]:
    """The tariffs in a CSV file's text, and what was left out of it.

    `file` is for messages. Raises `InputError`, naming every row that is not understood.
    """
    reader = csv.DictReader(io.StringIO(text.lstrip("\ufeff")), skipinitialspace=True)
    reader.fieldnames = [name.strip().lower() for name in reader.fieldnames or ()]
    charge = next((name for name in _CHARGE if name in reader.fieldnames), None)
    missing = [name for name in ("type",) if name not in reader.fieldnames]
    if missing or charge is None:
        wanted = ", ".join([*missing, *([] if charge else ["charge"])])
        raise InputError(f"{file} is no tariff: it has no column {wanted}")
    charges: dict[str, list[Charge]] = {}
    wrong: list[str] = []
    others: list[int] = []
    for row in reader:
        cells = {name: (value or "").strip() for name, value in row.items() if name}
        if not any(cells.values()):
            continue
        if cells.get("utility", "").lower() not in ("", "electric", "electricity"):
            others.append(reader.line_num)
            continue
        try:
            read = _charge(cells, cells[charge], reader.line_num, currency)
        except ValueError as error:
            wrong.append(f"line {reader.line_num} {error}")
            continue
        charges.setdefault(cells.get("tariff", ""), []).append(read)
    if wrong:
        more = f"; and {len(wrong) - _SHOWN} lines more" if len(wrong) > _SHOWN else ""
        raise InputError(f"{file}: {'; '.join(wrong[:_SHOWN])}{more}")
    if not charges:
        raise InputError(f"{file} holds no charges for electricity")
    lines = ", ".join(map(str, others[:_SHOWN])) + (" …" if len(others) > _SHOWN else "")
    notes = [
        f"{file}: {len(others)} charges that are not for electricity were left out (lines {lines})"
    ]
    tariffs = [
        span
        for name, found in charges.items()
        for span in by_validity(Tariff(name, file, tuple(found)))
    ]
    return tariffs, notes if others else []


def _charge(cells: Mapping[str, str], rate: str, line: int, currency: str) -> Charge:
    """A row as a charge. Raises `ValueError` that goes on after "line 7 "."""
    kind = _KINDS.get(cells["type"].lower())
    if kind is None:
        raise ValueError(f"has the type {cells['type']!r}, not one of {', '.join(_KINDS)}")
    limits = [_number(cells.get(name) or "0", name) for name in _LIMITS]
    above = max(limits)
    if min(limits) < 0 or (above and kind != ENERGY):
        raise ValueError("has a basic_charge_limit: tiers are of energy, in kWh a month, from 0 on")
    dated = next(
        (
            name
            for name in cells
            if cells[name] and _DATED.fullmatch(name) and name not in (_SINCE, _UNTIL)
        ),
        None,
    )
    if dated:
        raise ValueError(
            f"has {dated} {cells[dated]}: the first day on which a charge is valid is {_SINCE}, "
            f"the last one {_UNTIL}"
        )
    if cells.get("assessed", "").lower() not in ("", "monthly"):
        raise ValueError(f"is assessed {cells['assessed']}, not monthly")
    unit = _unit(kind, cells.get("units", ""), currency)
    months = _range(cells, "month", 1, 12)
    weekdays = _range(cells, "weekday", 0, 6)
    start, end = _minute(cells, "hour_start", "0"), _minute(cells, "hour_end", "24")
    if start >= end:
        raise ValueError(f"ends at {clock(end)}, not after {clock(start)}: part it at midnight")
    whole = (len(months), len(weekdays), end - start) == (12, 7, DAY)
    if kind == CUSTOMER and not whole:
        raise ValueError("is a customer charge for a part of the year, week or day")
    season = cells.get("season") or None
    value = _number(rate, "charge")
    if value != round(value, 18) or abs(value) >= 10**7:
        raise ValueError(f"has a charge of more than 7 digits before the point or 18 after: {rate}")
    # What is fed in is paid back.
    price = -value if kind == EXPORT else value
    charge = Charge(
        *(line, kind, "", months, weekdays, start, end, price, unit, season),
        *_validity(cells),
    )
    window = cells.get("period") or (kind if kind == CUSTOMER else charge.hours)
    return replace(charge, window=window, above=above.normalize() if above else Decimal(0))


def _validity(cells: Mapping[str, str]) -> tuple[date | None, date | None]:
    """From which day on a charge is valid, and from which on no more: both starts of months."""
    since, last = (_day(cells.get(name) or "", name) for name in (_SINCE, _UNTIL))
    if since and since.day != 1:
        raise ValueError(f"has {_SINCE} {since}: a charge starts on the first day of a month")
    until = last + timedelta(days=1) if last else None
    if until and until.day != 1:
        raise ValueError(f"has {_UNTIL} {last}: a charge ends on the last day of a month")
    if since and until and since >= until:
        raise ValueError(f"is valid to {last}, before {since}")
    return since, until


def _day(text: str, name: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise ValueError(f"has {text!r} as {name}, not a day as 2026-07-01") from None


def _number(text: str, name: str) -> Decimal:
    try:
        value = Decimal(text)
    except InvalidOperation:
        value = Decimal("NaN")
    if not value.is_finite():
        raise ValueError(f"has {text!r} as {name}, not a number")
    return value


def _range(cells: Mapping[str, str], name: str, lowest: int, highest: int) -> tuple[int, ...]:
    """The months or weekdays of a charge: all where neither end is given."""
    ends = [cells.get(f"{name}_start", ""), cells.get(f"{name}_end", "")]
    if ends == ["", ""]:
        return tuple(range(lowest, highest + 1))
    values = [_number(end, name) for end in ends]
    for value in values:
        if value != int(value) or not lowest <= value <= highest:
            raise ValueError(f"has the {name} {value}, not one from {lowest} to {highest}")
    return around(int(values[0]), int(values[1]), lowest, highest)


def _minute(cells: Mapping[str, str], name: str, otherwise: str) -> int:
    """A minute of the day, written as hours (8.5) or as a clock shows it (08:30)."""
    text = cells.get(name) or otherwise
    shown = re.fullmatch(r"(\d{1,2}):([0-5]\d)", text)
    minute = Decimal(int(shown[1]) * 60 + int(shown[2])) if shown else _number(text, name) * 60
    if minute != int(minute) or not 0 <= minute <= DAY:
        raise ValueError(f"has the {name} {text}, not a minute of the day")
    return int(minute)


def _unit(kind: str, text: str, currency: str) -> str:
    """What the charge is for: `$/kWh` is kWh, and so is nothing at all in an energy charge."""
    known = {unit.lower(): unit for unit in _UNITS[kind]}
    money, slash, unit = text.partition("/")
    if not text:
        return _UNITS[kind][0]
    if not slash or unit.strip().lower() not in known or money.strip() not in ("$", currency):
        wanted = " or ".join(f"{currency}/{unit}" for unit in _UNITS[kind])
        raise ValueError(f"has the units {text!r}, not {wanted}")
    return known[unit.strip().lower()]
