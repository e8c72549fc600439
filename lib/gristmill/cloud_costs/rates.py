"""Exchange rates: a table of date, from, to and rate, and charges in a reporting currency."""

import csv
import io
from bisect import bisect_right
from calendar import monthrange
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation, localcontext

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from gristmill.cloud_costs.invoices import INVOICE_DATE
from gristmill.cloud_costs.measures import MEASURES
from gristmill.cloud_costs.money import FACTOR, times
from gristmill.errors import InputError

Rates = Mapping[tuple[date, str, str], Decimal]
"""What one unit of the first currency is worth in the second on a day."""

RATE = "_rate"
"""The column of a charge that holds what a unit of its currency is worth in the reporting one."""

COLUMNS = ("date", "from", "to", "rate")
_DIGITS, _PLACES = 7, 12
_SHOWN = 5


def parse(files: Mapping[str, str]) -> Rates:
    """The rates in CSVs, by their names, with headers that name `COLUMNS`, and maybe others.

    Raises `InputError`, naming the line, for what is no rate, and for two rates that contradict.
    """
    rates: dict[tuple[date, str, str], Decimal] = {}
    for file, text in files.items():
        lines = csv.DictReader(io.StringIO(text, newline=""))
        lines.fieldnames = [name.strip().lower() for name in lines.fieldnames or ()]
        missing = [name for name in COLUMNS if name not in lines.fieldnames]
        if missing:
            raise InputError(f"{file} is no table of rates: its header lacks {', '.join(missing)}")
        for line in lines:
            pair, rate = _rate(line, f"{file}, line {lines.line_num}")
            if rates.setdefault(pair, rate) != rate:
                day, one, other = pair
                both = f"{rates[pair]} and {rate}"
                raise InputError(f"{file} has two rates of {one} to {other} on {day}: {both}")
    return rates


def _rate(line: Mapping[str, str | None], place: str) -> tuple[tuple[date, str, str], Decimal]:
    day, one, other, rate = ((line[name] or "").strip() for name in COLUMNS)
    try:
        found = date.fromisoformat(day), Decimal(rate)
    except (ValueError, InvalidOperation):
        raise InputError(
            f"{place}: a date is written as 2024-09-30 and a rate as 1.0876, not {day!r}, {rate!r}"
        ) from None
    _check_fits(found[1], place)
    return (found[0], one, other), found[1]


def _check_fits(rate: Decimal, place: str) -> None:
    limit = Decimal(10) ** _DIGITS
    if not rate.is_finite() or not 0 < rate < limit:
        raise InputError(f"{place}: a rate is above 0 and below {limit:,}, not {rate}")
    if rate != round(rate, _PLACES):
        raise InputError(f"{place}: a rate has up to {_PLACES} digits after the point, not {rate}")


DAY, INVOICE, MONTH_END, MONTH_AVERAGE = "day", "invoice", "month-end", "month-average"
RATE_ON = (DAY, INVOICE, MONTH_END, MONTH_AVERAGE)
"""On which day's rate a charge is exchanged: that on which what is charged for starts, the date of
its invoice, the last day of its billing period's month, or the mean of that month's days that have
one."""


def _days() -> Mapping[str, Column]:
    month = F.to_date(F.concat("billing_period", F.lit("-01")))
    return {
        DAY: F.to_date("charge_period_start"),
        INVOICE: F.col(INVOICE_DATE),
        MONTH_END: F.last_day(month),
        MONTH_AVERAGE: month,
    }


def rated(
    charges: DataFrame, rates: Rates, currency: str, rate_on: str = DAY, *, fill: bool = False
) -> DataFrame:
    """`charges` with `RATE`: what a unit of their currency is worth, on the day of `rate_on`, UTC.

    A day without a rate is an error, not a reason to take another day's, unless it is to `fill`:
    then the last one before it counts. A currency is worth 1 of itself. Raises `InputError`, naming
    days and pairs. It looks at days and currencies at once.
    """
    day = _days()[rate_on]
    others = charges.where(F.col("billing_currency") != currency)
    found = others.select(day, "billing_currency").distinct().collect()
    needed = [(row[0], row[1]) for row in found]
    if fill:
        rates = _filled(rates, needed, currency, rate_on)
    if rate_on == MONTH_AVERAGE:
        rates = _averages(rates, needed, currency)
    _check_none_missing(needed, rates, currency)
    rows = [(one, other, rates[one, other, currency]) for one, other in needed]
    session = charges.sparkSession
    wanted = session.createDataFrame(rows, f"_day date, _from string, {RATE} {FACTOR}")
    same_day = (F.col("_day") == day) & (F.col("_from") == F.col("billing_currency"))
    joined = charges.join(F.broadcast(wanted), same_day, "left").drop("_day", "_from")
    is_same = F.col("billing_currency") == currency
    return joined.withColumn(RATE, F.when(is_same, F.lit(1).cast(FACTOR)).otherwise(F.col(RATE)))


def _month(first: date) -> list[date]:
    """The days of a month, by its first."""
    _, days = monthrange(first.year, first.month)
    return [first.replace(day=number + 1) for number in range(days)]


def _averages(
    rates: Rates, needed: Iterable[tuple[date | None, str]], currency: str
) -> dict[tuple[date, str, str], Decimal]:
    """The means of the rates of months, by their first days."""
    found = {}
    for first, other in needed:
        days = _month(first) if first else []
        known = [rates[one, other, currency] for one in days if (one, other, currency) in rates]
        if first and known:
            found[first, other, currency] = _mean(known)
    return found


def _mean(rates: Sequence[Decimal]) -> Decimal:
    with localcontext() as context:
        context.prec = 60
        mean = sum(rates, Decimal(0)) / len(rates)
        return mean.quantize(Decimal(1).scaleb(-_PLACES), ROUND_HALF_UP)


def _filled(
    rates: Rates, needed: Iterable[tuple[date | None, str]], currency: str, rate_on: str
) -> Rates:
    """The rates, and for each day that is needed and has none, the last one before it."""
    days = {
        (one, other)
        for day, other in needed
        if day is not None
        for one in (_month(day) if rate_on == MONTH_AVERAGE else [day])
    }
    known: dict[str, list[date]] = {}
    for day, one, other in sorted(rates):
        if other == currency:
            known.setdefault(one, []).append(day)
    filled = dict(rates)
    for day, other in days:
        before = bisect_right(known.get(other, []), day)
        if before:
            filled[day, other, currency] = rates[known[other][before - 1], other, currency]
    return filled


def _check_none_missing(
    needed: Iterable[tuple[date | None, str]], rates: Rates, currency: str
) -> None:
    missing = sorted(
        f"{day or 'a charge without a day'} {other} to {currency}"
        for day, other in needed
        if day is None or (day, other, currency) not in rates
    )
    if missing:
        more = f", and {len(missing) - _SHOWN:,} more" if len(missing) > _SHOWN else ""
        raise InputError(f"no exchange rate for {', '.join(missing[:_SHOWN])}{more}")


def converted() -> dict[str, Column]:
    """The measures of a charge in the reporting currency, by name; null costs are 0."""
    return {f"report_{name}": times(F.coalesce(name, F.lit(0)), F.col(RATE)) for name in MEASURES}
