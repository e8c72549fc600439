"""Checks: predicates that say whether a row may pass, and the split into valid rows and rejects."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

REASON = "_reason"
"""Column of a judged row: the code of the first rule that it broke, null, or `SKIPPED`."""

UNREAD = "_unread"
"""Column of a judged row: the names of those of its columns whose value could not be read and is
null, where the row is good without it."""

SKIPPED = "skipped"
"""The reason of a line that is neither a row nor wrong, such as a header."""


@dataclass(frozen=True)
class Check:
    """A rule that every row of a dataset keeps.

    `code` is stable: it is stored with each reject. `holds` gives a boolean column; null counts
    as true, as in SQL's CHECK. It is a function because a Column needs a running Spark.
    """

    code: str
    holds: Callable[[], Column]


def judge(rows: DataFrame, checks: Iterable[Check]) -> DataFrame:
    """`rows` with `_reason`: what the reader found, else the first failing check, else null."""
    found = [F.col(REASON)] if REASON in rows.columns else []
    broken = [
        F.when(~F.coalesce(check.holds(), F.lit(True)), F.lit(check.code)) for check in checks
    ]
    reasons = [*found, *broken] or [F.lit(None).cast("string")]
    return rows.withColumn(REASON, F.coalesce(*reasons))


def first_reason(
    codes: Iterable[str], rules: Mapping[str, Column], skipped: Column | None = None
) -> Column:
    """The first of `codes` whose rule holds, or null; `SKIPPED` where that holds."""
    found = F.lit(None).cast("string")
    for code in reversed(tuple(codes)):
        found = F.when(rules[code], F.lit(code)).otherwise(found)
    return found if skipped is None else F.when(skipped, F.lit(SKIPPED)).otherwise(found)


def is_rejected() -> Column:
    """Whether a judged row is a reject."""
    return F.col(REASON).isNotNull() & (F.col(REASON) != SKIPPED)


def divide(judged: DataFrame) -> tuple[DataFrame, DataFrame]:
    """(valid, rejects) of rows that were judged."""
    reason = F.col(REASON)
    return judged.where(reason.isNull()).drop(REASON), judged.where(is_rejected())
