"""Spark's types as Arrow's, and places as Arrow reads them."""

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from gristmill.model.schema import inner_types
from gristmill.storage import Storage
from gristmill.storage.local import LocalStorage

if TYPE_CHECKING:
    import pyarrow

_DECIMAL = re.compile(r"decimal\((\d+),(\d+)\)")


def arrow_schema(fields: Iterable[tuple[str, str]]) -> "pyarrow.Schema":
    """Columns, given as name and type in Spark's spelling, as a schema of Arrow.

    Raises `ValueError` for a type that no dataset may have.
    """
    import pyarrow  # noqa: PLC0415  slow to load

    return pyarrow.schema([(name, _type(kind)) for name, kind in fields])


def _type(kind: str) -> Any:
    import pyarrow  # noqa: PLC0415

    simple = {
        "string": pyarrow.string(),
        "boolean": pyarrow.bool_(),
        "tinyint": pyarrow.int8(),
        "smallint": pyarrow.int16(),
        "int": pyarrow.int32(),
        "bigint": pyarrow.int64(),
        "float": pyarrow.float32(),
        "double": pyarrow.float64(),
        "binary": pyarrow.binary(),
        "date": pyarrow.date32(),
        "timestamp": pyarrow.timestamp("us", "UTC"),
        "timestamp_ntz": pyarrow.timestamp("us"),
    }
    if kind in simple:
        return simple[kind]
    if found := _DECIMAL.fullmatch(kind):
        return pyarrow.decimal128(int(found[1]), int(found[2]))
    outer, _, inner = kind.removesuffix(">").partition("<")
    if outer == "array":
        return pyarrow.list_(_type(inner))
    if outer == "map":
        key, value = inner_types(inner)
        return pyarrow.map_(_type(key), _type(value))
    if outer == "struct":
        named = (part.partition(":") for part in inner_types(inner))
        return pyarrow.struct([(name, _type(one)) for name, _, one in named])
    raise ValueError(f"{kind} is no type that a dataset has")


def arrow_path(storage: Storage, path: str) -> tuple[Any, str]:
    """The filesystem by which Arrow reads a place, and a path in it."""
    import pyarrow.fs as arrow  # noqa: PLC0415

    if isinstance(storage, LocalStorage):
        return arrow.LocalFileSystem(), f"{storage.root.removeprefix('file://')}/{path}"
    remote: Any = storage
    return arrow.PyFileSystem(arrow.FSSpecHandler(remote.filesystem)), f"{remote.folder}/{path}"
