"""The audit of summaries: each table of a period and currency sums to what its charges do."""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from functools import reduce

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from gristmill.cloud_costs.measures import SUMMED, TOTAL
from gristmill.errors import AuditError

_SHOWN = 5

_Period = tuple[str, ...]
_Sums = Mapping[str, Decimal]


def check_sums(
    totals: DataFrame,
    tables: Mapping[str, DataFrame],
    by: Sequence[str] = TOTAL,
    measures: Sequence[str] = SUMMED,
) -> None:
    """Hold each of `tables`, by name, against `totals`: sums of `measures` by the columns of `by`.

    Raises `AuditError`, naming table, period, currency and difference. One look at all of them.
    """
    parts = [
        frame.groupBy(*by)
        .agg(*(F.coalesce(F.sum(name), F.lit(0)).alias(name) for name in measures))
        .select(F.lit(name).alias("_table"), "*")
        for name, frame in {**tables, "": totals}.items()
    ]
    sums: dict[str, dict[_Period, _Sums]] = {name: {} for name in ("", *tables)}
    for row in reduce(DataFrame.union, parts).collect():
        period = tuple(row[name] for name in by)
        sums[row["_table"]][period] = {name: Decimal(row[name]) for name in measures}
    expected = sums.pop("")
    wrong = [
        text for name in sorted(sums) for text in _differences(name, sums[name], expected, measures)
    ]
    if wrong:
        more = f"; and {len(wrong) - _SHOWN:,} more" if len(wrong) > _SHOWN else ""
        raise AuditError("; ".join(wrong[:_SHOWN]) + more)


def _differences(
    table: str,
    found: Mapping[_Period, _Sums],
    expected: Mapping[_Period, _Sums],
    measures: Sequence[str],
) -> Iterator[str]:
    nothing = dict.fromkeys(measures, Decimal(0))
    for period in sorted({*expected, *found}):
        theirs, total = found.get(period, nothing), expected.get(period, nothing)
        *scope, currency = period
        for name in measures:
            if theirs[name] != total[name]:
                off = theirs[name] - total[name]
                yield (
                    f"{table}: {name} of {' '.join(scope)} in {currency} is {off:+f} off the "
                    f"{total[name]:f} that its charges sum to"
                )
