"""Columns and partitions in Iceberg's words (https://iceberg.apache.org/spec/#schemas)."""

import re
from collections.abc import Callable, Sequence
from datetime import date
from itertools import count
from urllib.parse import unquote

from pyiceberg.partitioning import PartitionField, PartitionSpec
from pyiceberg.schema import Schema, assign_fresh_schema_ids
from pyiceberg.transforms import IdentityTransform
from pyiceberg.typedef import Record
from pyiceberg.types import (
    BinaryType,
    BooleanType,
    DateType,
    DecimalType,
    DoubleType,
    FloatType,
    IcebergType,
    IntegerType,
    ListType,
    LongType,
    MapType,
    NestedField,
    StringType,
    StructType,
    TimestampType,
    TimestamptzType,
)

from gristmill.errors import SchemaError
from gristmill.model.schema import DatasetSchema, inner_types
from gristmill.publish import layout

_SIMPLE: dict[str, IcebergType] = {
    "string": StringType(),
    "boolean": BooleanType(),
    "tinyint": IntegerType(),
    "smallint": IntegerType(),
    "int": IntegerType(),
    "bigint": LongType(),
    "float": FloatType(),
    "double": DoubleType(),
    "binary": BinaryType(),
    "date": DateType(),
    "timestamp": TimestamptzType(),
    "timestamp_ntz": TimestampType(),
}
_DECIMAL = re.compile(r"decimal\((\d+),\s*(\d+)\)")
_FIRST_PARTITION_FIELD = 1000
_EPOCH = date(1970, 1, 1).toordinal()
# As Hive, and so Spark, names the folder of rows without a value.
_NULL = "__HIVE_DEFAULT_PARTITION__"


def schema_of(dataset: DatasetSchema) -> Schema:
    """The columns of a dataset, numbered anew from 1. Raises `SchemaError` for another type."""
    ids = count(1)
    columns = [NestedField(next(ids), name, type_of(kind)) for name, kind in dataset.fields]
    return assign_fresh_schema_ids(Schema(*columns))


def spec_of(dataset: DatasetSchema, schema: Schema) -> PartitionSpec:
    """Its partitions, by the values of its columns. Raises `SchemaError` where they cannot be."""
    types = dict(dataset.fields)
    for name in dataset.partitioned_by:
        if types[name] not in _VALUES:
            raise SchemaError(
                f"{dataset.name} is partitioned by {name}, {types[name]}: as a table of Iceberg "
                f"it may be by {', '.join(sorted(_VALUES))}"
            )
    numbers = count(_FIRST_PARTITION_FIELD)
    return PartitionSpec(
        *(
            PartitionField(schema.find_field(name).field_id, number, IdentityTransform(), name)
            for name, number in zip(dataset.partitioned_by, numbers, strict=False)
        )
    )


def type_of(kind: str) -> IcebergType:
    """A type in Spark's spelling; the numbers of what is inside are not yet its own."""
    if kind in _SIMPLE:
        return _SIMPLE[kind]
    if found := _DECIMAL.fullmatch(kind):
        return DecimalType(int(found[1]), int(found[2]))
    outer, _, inside = kind.removesuffix(">").partition("<")
    parts = inner_types(inside)
    if outer == "array":
        return ListType(-1, type_of(parts[0]), element_required=False)
    if outer == "map":
        key, value = map(type_of, parts)
        return MapType(-1, key, -1, value, value_required=False)
    if outer == "struct":
        named = (part.partition(":") for part in parts)
        fields = [NestedField(-1, name.strip(), type_of(one.strip())) for name, _, one in named]
        return StructType(*fields)
    raise SchemaError(f"Iceberg has no type for {kind}")


def partition_of(dataset: DatasetSchema, path: str) -> Record:
    """The values of the partition in whose folder a file lies, by its path below its dataset."""
    folder = layout.partition(path)
    texts = [unquote(part.partition("=")[2]) for part in folder.split("/")] if folder else []
    types = dict(dataset.fields)
    kinds = [types[name] for name in dataset.partitioned_by]
    return Record(*_values(texts, kinds))


def _values(texts: Sequence[str], kinds: Sequence[str]) -> list[object]:
    return [
        None if text == _NULL else _VALUES[kind](text)
        for text, kind in zip(texts, kinds, strict=True)
    ]


def _day(text: str) -> int:
    return date.fromisoformat(text).toordinal() - _EPOCH


_VALUES: dict[str, Callable[[str], object]] = {
    "string": str,
    "tinyint": int,
    "smallint": int,
    "int": int,
    "bigint": int,
    "date": _day,
}
"""How the value of a partition is read from the name of its folder, by its type."""
