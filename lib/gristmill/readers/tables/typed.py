"""From texts to values of declared types, and what is wrong where a text is none."""

from collections.abc import Mapping, Sequence
from decimal import Decimal

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from gristmill.errors import UsageError
from gristmill.model.checks import REASON
from gristmill.nearest import nearest
from gristmill.readers import local_time
from gristmill.readers.tables.column import INTEGERS, TableColumn
from gristmill.readers.text.lines import ORIGIN

_WHOLE = r"^\s*[+-]?\d+(\.0*)?\s*\z"
_NUMBER = r"^\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?\s*\z"
_TRUE, _FALSE = ("true", "t", "yes", "y", "1"), ("false", "f", "no", "n", "0")
_DAY = r"^\s*\d{4}-\d{2}-\d{2}\s*\z"
_MICROS = "yyyy-MM-dd'T'HH:mm:ss.SSSSSS"
_INSTANT, _FAULT = "_instant {}", "_fault {}"


def check_zones(columns: Sequence[TableColumn], known: frozenset[str]) -> None:
    """Raise `UsageError` for a zone that is not one of `known`."""
    for column in columns:
        if column.zone not in known:
            told = nearest(column.zone, known) if known else ""
            raise UsageError(f"column {column.name}: no IANA time zone {column.zone!r}; {told}")


def typed(rows: DataFrame, columns: Sequence[TableColumn]) -> DataFrame:
    """`rows` of texts with the values that these stand for, and why a row has none.

    A column that is of its type already is not read again. Rows whose reason is known keep it;
    another row has that of the first column with a fault, as `TableColumn.code` gives it.
    """
    types = {field.name: field.dataType.simpleString() for field in rows.schema.fields}
    texts = [column for column in columns if types[column.name] != column.type]
    # One column after the other: what is used more than once is then worked out once.
    for column in texts:
        if column.type == "timestamp":
            rows = _with_instant(rows, column)
    values = {column.name: F.col(column.name) for column in columns}
    values |= {column.name: _value(column) for column in texts}
    reasons = [F.col(REASON)]
    for column in columns:
        broken = _broken(column, values[column.name], is_text=column in texts)
        reasons += [
            F.when(broken[fault], F.lit(column.code(fault)))
            for fault in column.faults
            if fault in broken
        ]
    named = [value.alias(name) for name, value in values.items()]
    return rows.select(*ORIGIN, F.coalesce(*reasons).alias(REASON), *named)


def _value(column: TableColumn) -> Column:
    text, kind = F.col(column.name), column.type
    if kind in INTEGERS:
        # A whole number may be written with a point: pandas makes 5.0 of a 5 beside missing ones.
        pointed = F.when(text.rlike(_WHOLE), text.try_cast("decimal(38,0)")).try_cast(kind)
        return F.coalesce(F.when(text.rlike(_WHOLE), text.try_cast(kind)), pointed)
    if column.digits or kind == "double":
        return F.when(text.rlike(_NUMBER), text.try_cast(kind))
    if kind == "boolean":
        said = F.lower(F.trim(text))
        return F.when(said.isin(*_TRUE), F.lit(True)).when(said.isin(*_FALSE), F.lit(False))
    if kind == "date":
        if column.format:
            return F.try_to_timestamp(F.trim(text), F.lit(column.format)).cast("date")
        return F.when(text.rlike(_DAY), F.trim(text).try_cast("date"))
    return F.col(_INSTANT.format(column.name)) if kind == "timestamp" else text


def _with_instant(rows: DataFrame, column: TableColumn) -> DataFrame:
    """`rows` with when the clock showed what a column says, and what is wrong with that."""
    text = F.trim(F.col(column.name))
    if column.format:
        text = F.date_format(F.try_to_timestamp(text, F.lit(column.format)), _MICROS)
    rows = rows.withColumns({"_text": text, "_zone": F.lit(column.zone)})
    instant, fault = _INSTANT.format(column.name), _FAULT.format(column.name)
    found = local_time.with_instant(rows, "_text", "_zone")
    return found.withColumnsRenamed({"instant": instant, "fault": fault}).drop("_text", "_zone")


def _broken(column: TableColumn, value: Column, *, is_text: bool) -> Mapping[str, Column]:
    """For each fault, whether a row has it."""
    text, is_missing = F.col(column.name), F.col(column.name).isNull()
    broken = {"missing": is_missing}
    below = value < _bound(column, column.minimum) if column.minimum is not None else F.lit(False)
    above = value > _bound(column, column.maximum) if column.maximum is not None else F.lit(False)
    outside = below | above
    if column.type == "double":
        outside = outside | value.isin(float("inf"), float("-inf")) | F.isnan(value)
    if is_text and column.unlike:
        broken[column.unlike] = ~is_missing & ~_is_like(column, value)
        outside = outside | (~is_missing & value.isNull())
    if is_text and column.type == "timestamp":
        fault = F.col(_FAULT.format(column.name))
        broken[column.unlike or ""] = ~is_missing & (value.isNull() & (fault == local_time.BAD))
        broken["skipped_time"] = fault == local_time.SKIPPED
        broken["ambiguous_time"] = fault == local_time.AMBIGUOUS
    if is_text and column.digits:
        # What stands behind the digits that are kept; a power of ten comes from doubles alone.
        cut = rf"\.\d{{{column.digits[1]}}}\d*[1-9]\d*\s*\z"
        is_power = text.rlike("[eE]")
        is_other = value.cast("double") != F.when(is_power, text.try_cast("double"))
        broken["too_precise"] = text.rlike(cut) | is_other
    broken["out_of_range"] = outside
    if column.choices:
        broken["not_a_choice"] = ~value.isin(*column.choices)
    if column.pattern:
        broken["no_match"] = ~value.rlike(rf"\A(?:{column.pattern})\z")
    return broken


def _is_like(column: TableColumn, value: Column) -> Column:
    """Whether a text has the form of the type, whatever the size of what it says."""
    text = F.col(column.name)
    if column.type in INTEGERS:
        return text.rlike(_WHOLE)
    return text.rlike(_NUMBER) if column.digits or column.type == "double" else value.isNotNull()


def _bound(column: TableColumn, bound: object) -> Column:
    if column.type in INTEGERS or column.digits:
        return F.lit(Decimal(f"{Decimal(str(bound)):f}"))  # with all of its digits
    return F.lit(str(bound)).cast(column.type)
