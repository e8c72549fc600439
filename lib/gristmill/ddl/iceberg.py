"""The statements by which an engine has a table of Iceberg, which knows its own columns."""

from gristmill.ddl.dialects import Described, Dialect, hive_text, sql_text
from gristmill.errors import UsageError


def athena(found: Described, _database: str) -> list[str]:
    """Raises `UsageError`: https://docs.aws.amazon.com/athena/latest/ug/querying-iceberg.html."""
    raise UsageError(
        f"Athena finds {found.schema.name}, a table of Iceberg, in Glue's catalogue: "
        "gristmill catalog register"
    )


def spark(found: Described, _database: str) -> list[str]:
    """Spark's, as a view: https://iceberg.apache.org/docs/latest/spark-queries/."""
    view = f"CREATE OR REPLACE TEMPORARY VIEW `{found.schema.name}`"
    return [f"{view}\nUSING iceberg\nOPTIONS (path {hive_text(_place(found))})"]


def trino(found: Described, database: str) -> list[str]:
    """Trino's, in the catalogue `iceberg`: https://trino.io/docs/current/connector/iceberg.html."""
    told = (
        f"schema_name => {sql_text(database)}",
        f"table_name => {sql_text(found.schema.name)}",
        f"table_location => {sql_text(_place(found))}",
    )
    return [f"CALL iceberg.system.register_table({', '.join(told)})"]


def duckdb(found: Described, database: str) -> list[str]:
    """DuckDB's, as a view: https://duckdb.org/docs/stable/core_extensions/iceberg/overview."""
    view = f'"{database}"."{found.schema.name}"'
    return [
        "INSTALL iceberg",
        "LOAD iceberg",
        f'CREATE SCHEMA IF NOT EXISTS "{database}"',
        f"CREATE OR REPLACE VIEW {view} AS\nSELECT * FROM iceberg_scan({sql_text(_place(found))})",
    ]


def _place(found: Described) -> str:
    return found.location.replace("s3a://", "s3://", 1).removeprefix("file://")


TABLE_DIALECTS: dict[str, Dialect] = {
    "athena": athena,
    "duckdb": duckdb,
    "spark": spark,
    "trino": trino,
}
