"""Types of columns in other engines' words, by their documentation."""

import pytest

from gristmill.ddl.types import athena_type, duckdb_type, spark_type, trino_type

NESTED = "map<string,array<struct<a:decimal(38,9),b:timestamp>>>"


@pytest.mark.parametrize(
    ("kind", "athena", "trino", "duckdb"),
    [
        ("string", "string", "varchar", "VARCHAR"),
        ("int", "int", "integer", "INTEGER"),
        ("bigint", "bigint", "bigint", "BIGINT"),
        ("float", "float", "real", "FLOAT"),
        ("binary", "binary", "varbinary", "BLOB"),
        ("date", "date", "date", "DATE"),
        ("timestamp", "timestamp", "timestamp(6)", "TIMESTAMPTZ"),
        ("timestamp_ntz", "timestamp", "timestamp(6)", "TIMESTAMP"),
        ("decimal(38,9)", "decimal(38,9)", "decimal(38,9)", "decimal(38,9)"),
        (
            NESTED,
            "map<string,array<struct<a:decimal(38,9),b:timestamp>>>",
            'map(varchar, array(row("a" decimal(38,9),"b" timestamp(6))))',
            'MAP(VARCHAR, STRUCT("a" decimal(38,9),"b" TIMESTAMPTZ)[])',
        ),
    ],
)
def test_a_type_is_that_of_the_engine(kind: str, athena: str, trino: str, duckdb: str) -> None:
    assert spark_type(kind) == kind
    assert athena_type(kind) == athena
    assert trino_type(kind) == trino
    assert duckdb_type(kind) == duckdb
