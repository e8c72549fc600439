"""The audit of summaries: each table of a period and currency sums to what its charges do."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from functools import reduce

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from gristmill.cloud_costs.measures import SUMMED, TOTAL
from gristmill.errors import AuditError

_SHOWN = 5

_Period = tuple[str, ...]
_Sums = Mapping[str, Decimal]


def check_sums(totals: DataFrame, tables: Mapping[str, DataFrame]) -> None:
    """Hold each of `tables`, by name, against `totals`, which has a row a period and currency.

    Raises `AuditError`, naming table, period, currency and difference. One look at all of them.
    """
    parts = [
        frame.groupBy(*TOTAL)
        .agg(*(F.coalesce(F.sum(name), F.lit(0)).alias(name) for name in SUMMED))
        .select(F.lit(name).alias("_table"), "*")
        for name, frame in {**tables, "": totals}.items()
    ]
    sums: dict[str, dict[_Period, _Sums]] = {name: {} for name in ("", *tables)}
    for row in reduce(DataFrame.union, parts).collect():
        period = tuple(row[name] for name in TOTAL)
        sums[row["_table"]][period] = {name: Decimal(row[name]) for name in SUMMED}
    expected = sums.pop("")
    wrong = [text for name in sorted(sums) for text in _differences(name, sums[name], expected)]
    if wrong:
        more = f"; and {len(wrong) - _SHOWN:,} more" if len(wrong) > _SHOWN else ""
        raise AuditError("; ".join(wrong[:_SHOWN]) + more)


def _differences(
    table: str, found: Mapping[_Period, _Sums], expected: Mapping[_Period, _Sums]
) -> Iterator[str]:
    nothing = dict.fromkeys(SUMMED, Decimal(0))
    for period in sorted({*expected, *found}):
        theirs, total = found.get(period, nothing), expected.get(period, nothing)
        export, month, currency = period
        for name in SUMMED:
            if theirs[name] != total[name]:
                off = theirs[name] - total[name]
                yield (
                    f"{table}: {name} of {export} {month} in {currency} is {off:+f} off the "
                    f"{total[name]:f} that its charges sum to"
                )
