"""JSON lines: an object on each line (https://jsonlines.org), its members by name."""

from collections.abc import Mapping, Sequence
from functools import reduce
from operator import or_

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from gristmill.errors import InputError
from gristmill.model.checks import REASON, first_reason
from gristmill.readers.tables.column import TableColumn
from gristmill.readers.text.lines import ORIGIN, RAW, TextFiles

REJECTS = {
    "not_json": "the line is no JSON (RFC 8259), or more than one value, or an object in it has a "
    "name twice",
    "not_an_object": "the line is JSON, and no object",
    "repeated_name": "the object has a name twice, and so two values for one column",
}
"""Why a line can be rejected, in the order in which it is looked for."""

_END = "end of the line"


def rows(found: TextFiles, columns: Sequence[TableColumn]) -> DataFrame:
    """Rows with the columns of `ORIGIN`, `REASON` and those wanted, as strings.

    An empty line is skipped. A number comes as its digits, an object or an array as JSON. Raises
    `InputError` for a file that is one array.
    """
    for file, text in found.heads.items():
        if text.lstrip("\ufeff \t\r\n").startswith("["):
            raise InputError(
                f"{file} is an array, where JSON lines have an object on each line: "
                f"jq -c '.[]' {file.rpartition('/')[2]} makes such"
            )
    # Spark stops reading behind the first value on a line. In an array with something behind it,
    # what should not be there is seen.
    array = F.concat(F.lit("["), F.col(RAW), F.lit(f',"{_END}"]'))
    lines = found.lines.select(*ORIGIN, F.try_parse_json(array).alias("_json"))
    is_whole = F.try_variant_get("_json", "$[1]", "string") == _END
    value = F.try_variant_get("_json", "$[0]", "variant")
    lines = lines.withColumn("_value", F.when(is_whole, value))
    kind = F.schema_of_variant("_value")
    names = F.json_object_keys(RAW)
    is_repeated = F.size(F.array_distinct(names)) < F.size(names)
    broken: Mapping[str, Column] = {
        "repeated_name": (F.col("_value").isNull() & F.coalesce(is_repeated, F.lit(False)))
        | _has_two_names(columns),
        "not_json": F.col("_value").isNull(),
        "not_an_object": ~F.startswith(kind, F.lit("OBJECT")),
    }
    order = ("repeated_name", "not_json", "not_an_object")
    reason = first_reason(order, broken, skipped=F.trim(RAW) == "")
    return lines.select(*ORIGIN, reason.alias(REASON), *map(_member, columns))


def _member(column: TableColumn) -> Column:
    return F.coalesce(*_members(column)).alias(column.name)


def _members(column: TableColumn) -> list[Column]:
    return [F.try_variant_get("_value", f"$['{name}']", "string") for name in column.names]


def _has_two_names(columns: Sequence[TableColumn]) -> Column:
    """Whether an object has values under several of the names that one column may have."""
    counted = [
        sum((one.isNotNull().cast("int") for one in _members(column)), F.lit(0)) > 1
        for column in columns
        if len(column.names) > 1
    ]
    return reduce(or_, counted, F.lit(False))
