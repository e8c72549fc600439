"""Exchange rates: a table of date, from, to and rate, and charges in a reporting currency."""

import csv
import io
from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal, InvalidOperation

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

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


def _day() -> Column:
    return F.to_date("charge_period_start")


def rated(charges: DataFrame, rates: Rates, currency: str) -> DataFrame:
    """`charges` with `RATE`: that of the UTC day on which what is charged for starts.

    A day without a rate is an error, not a reason to take another day's; a currency is worth 1 of
    itself. Raises `InputError`, naming days and pairs. It looks at days and currencies at once.
    """
    others = charges.where(F.col("billing_currency") != currency)
    found = others.select(_day(), "billing_currency").distinct().collect()
    needed = [(row[0], row[1]) for row in found]
    _check_none_missing(needed, rates, currency)
    rows = [(day, other, rates[day, other, currency]) for day, other in needed]
    session = charges.sparkSession
    wanted = session.createDataFrame(rows, f"_day date, _from string, {RATE} {FACTOR}")
    same_day = (F.col("_day") == _day()) & (F.col("_from") == F.col("billing_currency"))
    joined = charges.join(F.broadcast(wanted), same_day, "left").drop("_day", "_from")
    is_same = F.col("billing_currency") == currency
    return joined.withColumn(RATE, F.when(is_same, F.lit(1).cast(FACTOR)).otherwise(F.col(RATE)))


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
