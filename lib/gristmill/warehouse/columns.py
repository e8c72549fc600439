"""Columns of a dataset as columns of PostgreSQL, and rows of Arrow as what COPY takes.

https://www.postgresql.org/docs/current/datatype.html, https://www.postgresql.org/docs/current/sql-copy.html
"""

import base64
import io
import json
from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv

from gristmill.errors import InputError

FILE = "gristmill_file"
"""The column by which a row is known to be of a file."""

_TYPES = {
    "string": "text",
    "boolean": "boolean",
    "tinyint": "smallint",
    "smallint": "smallint",
    "int": "integer",
    "bigint": "bigint",
    "float": "real",
    "double": "double precision",
    "binary": "bytea",
    "date": "date",
    "timestamp": "timestamp with time zone",
    "timestamp_ntz": "timestamp without time zone",
}


def postgres_type(kind: str) -> str:
    """PostgreSQL's type, as it prints it itself, of one in Spark's spelling."""
    if kind in _TYPES:
        return _TYPES[kind]
    # What is nested is JSON there.
    return f"numeric{kind.removeprefix('decimal')}" if kind.startswith("decimal(") else "jsonb"


def copied(batches: Iterator[pa.RecordBatch], file: int) -> Iterator[bytes]:
    """Rows as CSV for COPY, with the number of their file before them. A null is nothing at all,
    and an empty text is `""`.

    Raises `InputError` for text that PostgreSQL cannot hold.
    """
    options = pa_csv.WriteOptions(include_header=False, quoting_style="all_valid")
    for batch in batches:
        if not batch.num_rows:
            continue
        columns = [pa.array([file] * batch.num_rows, pa.int64())]
        columns += [_plain(name, batch.column(name)) for name in batch.schema.names]
        names = [FILE, *batch.schema.names]
        out = io.BytesIO()
        pa_csv.write_csv(pa.RecordBatch.from_arrays(columns, names), out, options)
        yield out.getvalue()


def _plain(name: str, column: Any) -> Any:
    """A column of a type that CSV has."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        column, kind = column.dictionary_decode(), kind.value_type
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        _check(name, column)
        return column
    if pa.types.is_binary(kind):
        values = [None if one is None else f"\\x{one.hex()}" for one in column.to_pylist()]
        return pa.array(values, pa.string())
    if pa.types.is_nested(kind):
        made = pa.array([_json(one, kind) for one in column.to_pylist()], pa.string())
        # As JSON escapes it.
        _check(name, made, "\\u0000")
        return made
    return column


def _check(name: str, column: Any, sign: str = "\0") -> None:
    if pc.any(pc.match_substring(column, sign)).as_py():
        raise InputError(
            f"column {name} has text with a NUL character in it, which PostgreSQL cannot hold: "
            "take it out where the dataset is made"
        )


def _json(value: Any, kind: Any) -> str | None:
    if value is None:
        return None
    return json.dumps(_named(value, kind), ensure_ascii=False, default=_text)


def _named(value: Any, kind: Any) -> Any:
    """A nested value with maps as objects."""
    if value is None:
        return None
    if pa.types.is_map(kind):
        return {_text(key): _named(item, kind.item_type) for key, item in value}
    if pa.types.is_list(kind):
        return [_named(item, kind.value_type) for item in value]
    if pa.types.is_struct(kind):
        return {one.name: _named(value[one.name], one.type) for one in kind}
    return value


def _text(value: Any) -> str:
    if isinstance(value, date | datetime):
        return value.isoformat()
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    # Numbers of JSON have no such digits to be sure of.
    return f"{value:f}" if isinstance(value, Decimal) else str(value)
