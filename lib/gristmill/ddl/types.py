"""Types of columns: Spark's spelling, as outputs remember them, in other engines'."""

from collections.abc import Mapping
from dataclasses import dataclass

from gristmill.model.schema import inner_types

# https://docs.aws.amazon.com/athena/latest/ug/create-table.html#create-table-columns: Athena's are
# Hive's, which has one kind of timestamp.
_ATHENA = {"timestamp_ntz": "timestamp"}
# https://trino.io/docs/current/connector/hive.html#hive-type-mapping
_TRINO = {
    "string": "varchar",
    "int": "integer",
    "float": "real",
    "binary": "varbinary",
    "timestamp": "timestamp(6)",
    "timestamp_ntz": "timestamp(6)",
}
# https://duckdb.org/docs/stable/data/parquet/overview
_DUCKDB = {
    "string": "VARCHAR",
    "boolean": "BOOLEAN",
    "tinyint": "TINYINT",
    "smallint": "SMALLINT",
    "int": "INTEGER",
    "bigint": "BIGINT",
    "float": "FLOAT",
    "double": "DOUBLE",
    "binary": "BLOB",
    "date": "DATE",
    "timestamp": "TIMESTAMPTZ",
    "timestamp_ntz": "TIMESTAMP",
}


@dataclass(frozen=True)
class _Engine:
    """How an engine writes types: those that it calls otherwise, and the shapes of nested ones."""

    simple: Mapping[str, str]
    array: str
    map: str
    struct: str
    field: str

    def type(self, kind: str) -> str:
        """Spark's `kind`, in this engine's words."""
        outer, _, inner = kind.removesuffix(">").partition("<")
        if not inner:
            return self.simple.get(kind, kind)
        inside = inner_types(inner)
        if outer == "struct":
            return self.struct.format(",".join(map(self._field, inside)))
        return (self.array if outer == "array" else self.map).format(*map(self.type, inside))

    def _field(self, text: str) -> str:
        name, _, kind = text.partition(":")
        return self.field.format(name.strip(), self.type(kind.strip()))


def spark_type(kind: str) -> str:
    """Spark's: it is theirs."""
    return kind


athena_type = _Engine(_ATHENA, "array<{}>", "map<{},{}>", "struct<{}>", "{}:{}").type
"""Athena's, which are Hive's."""

trino_type = _Engine(_TRINO, "array({})", "map({}, {})", "row({})", '"{}" {}').type
"""Trino's, for its connector to Hive."""

duckdb_type = _Engine(_DUCKDB, "{}[]", "MAP({}, {})", "STRUCT({})", '"{}" {}').type
"""DuckDB's."""
