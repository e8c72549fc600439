"""Too many rejects: which of them count, and what a run says that it stops for."""

from collections import defaultdict
from collections.abc import Mapping
from functools import reduce
from operator import and_

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from gristmill.errors import TooManyRejectsError
from gristmill.model.checks import REASON
from gristmill.model.job import Costs
from gristmill.model.report import plain
from gristmill.readers.text.lines import BLOCK_START, LINE_NUMBER, RAW, SOURCE_FILE

_SHOWN = 120
_ROUNDED = "decimal(38,6)"


def is_free(costs: Costs | None) -> Column:
    """Whether a reject is known to cost nothing; never, where rows have no costs."""
    if costs is None:
        return F.lit(False)
    known = [F.coalesce(F.col(name) == 0, F.lit(False)) for name in costs.amounts]
    return reduce(and_, known) & ~F.col(REASON).isin(*costs.unknown)


def too_many(
    rejected: int, lines: int, rate: float, rejects: DataFrame, costs: Costs | None
) -> TooManyRejectsError:
    """What to raise where `rejected` of `lines` are too many: how many for which reason, what they
    cost, the first for the commonest reason, and how to go on. `rejects` are judged rows."""
    place = F.struct(SOURCE_FILE, BLOCK_START, LINE_NUMBER, F.substring(RAW, 1, _SHOWN))
    found = rejects.groupBy(REASON).agg(F.count(F.lit(1)).alias("count"), F.min(place).alias("at"))
    rows = sorted(found.collect(), key=lambda row: (-row["count"], row[REASON]))
    sums = _sums(rejects, costs)
    reasons = ", ".join(
        f"{row[REASON]} {row['count']:,}{sums.get(row[REASON], '')}" for row in rows
    )
    file, start, number, raw = rows[0]["at"]
    where = f"{file}:{number}" if start == 0 else f"{file} (line {number} after byte {start})"
    if rejected == lines:
        limit, on = "and nothing is left to publish", ""
    else:
        limit = f"more than --max-reject-rate {rate:g} allows"
        on = "; if the rest is good as it is, allow more with --max-reject-rate"
    return TooManyRejectsError(
        f"{rejected:,} of {lines:,} lines were rejected ({rejected / lines:.1%}: {reasons}), "
        f"{limit}; nothing was published, and what was there stays{on}. "
        f"The first {rows[0][REASON]}: {where}: {raw!r}"
    )


def _sums(rejects: DataFrame, costs: Costs | None) -> Mapping[str, str]:
    """What rejects cost in words, by reason: ` (12.5 EUR, 3 USD; not known of 2)`."""
    if costs is None:
        return {}
    amount = F.when(~F.col(REASON).isin(*costs.unknown), F.col(costs.amounts[0]))
    found = rejects.groupBy(REASON, F.col(costs.currency).alias("currency")).agg(
        F.sum(amount).cast(_ROUNDED).alias("sum"), F.count_if(amount.isNull()).alias("unknown")
    )
    parts: dict[str, list[str]] = defaultdict(list)
    unknown: dict[str, int] = defaultdict(int)
    for row in sorted(found.collect(), key=lambda row: str(row["currency"])):
        if row["sum"] is not None:
            parts[row[REASON]].append(f"{plain(row['sum'])} {row['currency'] or 'no currency'}")
        unknown[row[REASON]] += row["unknown"]
    told = {}
    for reason, count in unknown.items():
        words = [", ".join(parts[reason])] if parts[reason] else []
        words += [f"cost not known of {count:,}"] if count else []
        told[reason] = f" ({'; '.join(words)})" if words else ""
    return told
