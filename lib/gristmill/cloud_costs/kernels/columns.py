"""What stands in for Spark's columns and functions where charges are made by polars.

It has what `cells.Functions` has, and what `cur` and `focus` do with a column, no more, and null is
what it is in Spark. What polars has no like of gives null: lines for which that counts are left.
"""

from typing import Any

import polars as pl

from gristmill.cloud_costs.charges import MONEY

_MAP = pl.List(pl.Struct({"key": pl.String(), "value": pl.String()}))
AMOUNT = pl.Decimal(38, 18)
AMOUNTS = pl.List(pl.Struct({"key": pl.String(), "value": AMOUNT}))
TYPES: dict[str, Any] = {
    "string": pl.String(),
    "timestamp": pl.Datetime("us", "UTC"),
    MONEY: AMOUNT,
    "decimal(37,18)": AMOUNT,
    "decimal(24,10)": AMOUNT,
    "map<string,string>": _MAP,
    f"map<string,{MONEY}>": AMOUNTS,
}
"""Spark's types, and those that they are here."""


class Column:
    """A column of polars with the methods of one of Spark's."""

    __hash__ = None  # type: ignore[assignment]

    def __init__(self, expr: pl.Expr) -> None:
        self.expr = expr

    def __eq__(self, other: object) -> "Column":  # type: ignore[override]
        return Column(self.expr == _expr(other))

    def __ne__(self, other: object) -> "Column":  # type: ignore[override]
        return Column(self.expr != _expr(other))

    def __and__(self, other: "Column") -> "Column":
        return Column(self.expr & other.expr)

    def __or__(self, other: "Column") -> "Column":
        return Column(self.expr | other.expr)

    def __invert__(self) -> "Column":
        return Column(~self.expr)

    def __add__(self, other: "Column") -> "Column":
        return Column(self.expr + other.expr)

    def __sub__(self, other: "Column") -> "Column":
        return Column(self.expr - other.expr)

    def isNull(self) -> "Column":  # noqa: N802 - as in Spark
        return Column(self.expr.is_null())

    def isNotNull(self) -> "Column":  # noqa: N802
        return Column(self.expr.is_not_null())

    def isin(self, *values: str) -> "Column":
        return Column(self.expr.is_in(values))

    def cast(self, type_: str) -> "Column":
        return Column(self.expr.cast(TYPES[type_]))

    try_cast = cast


class When(Column):
    """`when`, to go on with."""

    def __init__(self, condition: Column, value: Any) -> None:
        self._parts = [(condition, value)]
        super().__init__(self._until(pl.lit(None)))

    def when(self, condition: Column, value: Any) -> "When":
        found = When(*self._parts[0])
        found._parts = [*self._parts, (condition, value)]
        found.expr = found._until(pl.lit(None))
        return found

    def otherwise(self, value: Any) -> Column:
        return Column(self._until(_expr(value)))

    def _until(self, last: pl.Expr) -> pl.Expr:
        for condition, value in reversed(self._parts):
            last = pl.when(condition.expr).then(_expr(value)).otherwise(last)
        return last


class Functions:
    """The functions of `cells.Functions`."""

    def lit(self, value: Any) -> Column:
        return Column(pl.lit(value))

    def when(self, condition: Column, value: Any) -> When:
        return When(condition, value)

    def coalesce(self, *columns: Column) -> Column:
        return Column(pl.coalesce(column.expr for column in columns))

    def lower(self, text: Column) -> Column:
        return Column(text.expr.str.to_lowercase())

    def startswith(self, text: Column, start: Column) -> Column:
        return Column(text.expr.str.starts_with(start.expr))

    def endswith(self, text: Column, end: Column) -> Column:
        return Column(text.expr.str.ends_with(end.expr))

    def regexp_extract(self, text: Column, expression: str, group: int) -> Column:
        # Java's \w is of ASCII.
        found = text.expr.str.extract(expression.replace(r"\w", "0-9A-Za-z_"), group)
        return Column(pl.when(text.expr.is_not_null()).then(found.fill_null("")))

    def try_add(self, one: Column, other: Column) -> Column:
        return one + other

    def try_subtract(self, one: Column, other: Column) -> Column:
        return one - other

    def try_multiply(self, _one: Column, _other: Column) -> Column:
        return Column(pl.lit(None, dtype=AMOUNT))

    try_divide = try_multiply


def _expr(value: Any) -> pl.Expr:
    return value.expr if isinstance(value, Column) else pl.lit(value)
