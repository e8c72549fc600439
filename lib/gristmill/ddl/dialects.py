"""The statements by which an engine has a published dataset as a table."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from gristmill.ddl.projection import projection
from gristmill.ddl.types import athena_type, duckdb_type, spark_type, trino_type
from gristmill.model.schema import DatasetSchema


@dataclass(frozen=True)
class Described:
    """A dataset: its schema, where it lies (a URI without a slash at its end), the values that its
    partition columns have, what is said of it and its columns, whether it has no file yet.
    `folders` are those of its partitions below it, by their values. `metadata` is the file, a URI,
    that holds the newest state of a table of Iceberg; empty where it is plain Parquet."""

    schema: DatasetSchema
    location: str
    partitions: Mapping[str, Sequence[str | None]] = field(default_factory=dict)
    help: str = ""
    is_empty: bool = False
    comments: Mapping[str, str] = field(default_factory=dict)
    folders: Mapping[tuple[str, ...], str] = field(default_factory=dict)
    metadata: str = ""

    @property
    def columns(self) -> list[tuple[str, str]]:
        """The columns that lie in the files."""
        return [one for one in self.schema.fields if one[0] not in self.schema.partitioned_by]

    @property
    def by(self) -> list[tuple[str, str]]:
        """The columns that are in the names of folders, in the order of these."""
        kinds = dict(self.schema.fields)
        return [(name, kinds[name]) for name in self.schema.partitioned_by]


Dialect = Callable[[Described, str], list[str]]
"""Makes of a dataset, and of the database that the table is in, statements."""


def athena(found: Described, database: str) -> list[str]:
    """Athena's: https://docs.aws.amazon.com/athena/latest/ug/create-table.html."""
    location = found.location.replace("s3a://", "s3://", 1)
    projected = projection(found.by, found.partitions, location) if found.by else None
    properties = {"parquet.compression": "ZSTD", **(projected or {})}
    table = f"`{database}`.`{found.schema.name}`"
    lines = [
        f"CREATE EXTERNAL TABLE IF NOT EXISTS {table} (",
        _listed(found, found.columns, athena_type, "`", hive_text),
        ")",
        *([f"COMMENT {hive_text(found.help)}"] if found.help else []),
    ]
    if found.by:
        listed = _listed(found, found.by, athena_type, "`", hive_text)
        lines += ["PARTITIONED BY (", listed, ")"]
    told = ",\n".join(f"  {hive_text(k)} = {hive_text(v)}" for k, v in properties.items())
    lines += ["STORED AS PARQUET", f"LOCATION {hive_text(location + '/')}"]
    made = "\n".join([*lines, f"TBLPROPERTIES (\n{told}\n)"])
    # Where it cannot work partitions out it has to be told of them, after each publish.
    again = [f"MSCK REPAIR TABLE {table}"] if found.by and projected is None else []
    return [made, *again]


def spark(found: Described, database: str) -> list[str]:
    """Spark's: https://spark.apache.org/docs/4.1.1/sql-ref-syntax-ddl-create-table-datasource.html."""
    table = f"`{database}`.`{found.schema.name}`"
    lines = [
        f"CREATE TABLE IF NOT EXISTS {table} (",
        _listed(found, [*found.columns, *found.by], spark_type, "`", hive_text),
        ")",
        "USING parquet",
    ]
    if found.by:
        lines.append(f"PARTITIONED BY ({', '.join(f'`{name}`' for name, _ in found.by)})")
    lines.append(f"LOCATION {hive_text(found.location)}")
    if found.help:
        lines.append(f"COMMENT {hive_text(found.help)}")
    # A folder that is not there cannot be looked through.
    again = [f"MSCK REPAIR TABLE {table}"] if found.by and not found.is_empty else []
    return ["\n".join(lines), *again]


def trino(found: Described, database: str) -> list[str]:
    """Trino's, in the catalogue `hive`: https://trino.io/docs/current/connector/hive.html."""
    location = found.location.replace("s3a://", "s3://", 1)
    with_ = ["format = 'PARQUET'", f"external_location = {sql_text(location + '/')}"]
    if found.by:
        names = ", ".join(sql_text(name) for name, _ in found.by)
        with_.append(f"partitioned_by = ARRAY[{names}]")
    listed = ",\n".join(f"  {one}" for one in with_)
    lines = [
        f'CREATE TABLE IF NOT EXISTS hive."{database}"."{found.schema.name}" (',
        # Those that it is partitioned by come last.
        _listed(found, [*found.columns, *found.by], trino_type, '"', sql_text),
        ")",
        *([f"COMMENT {sql_text(found.help)}"] if found.help else []),
        f"WITH (\n{listed}\n)",
    ]
    names = f"{sql_text(database)}, {sql_text(found.schema.name)}"
    again = [f"CALL hive.system.sync_partition_metadata({names}, 'FULL')"] if found.by else []
    return ["\n".join(lines), *again]


def duckdb(found: Described, database: str) -> list[str]:
    """DuckDB's, as a view: https://duckdb.org/docs/stable/data/partitioning/hive_partitioning."""
    table = f'"{database}"."{found.schema.name}"'
    depth = "/*" * len(found.by)
    given = [sql_text(f"{found.location.removeprefix('file://')}{depth}/*.parquet")]
    if found.by:
        kinds = ", ".join(f"{sql_text(name)}: {duckdb_type(kind)}" for name, kind in found.by)
        given += ["hive_partitioning = true", f"hive_types = {{{kinds}}}"]
    # A file from before may lack a column that has come since.
    given.append("union_by_name = true")
    columns = ",\n".join(f"  {one}" for one in duckdb_columns(found))
    source = "\n  ".join(["FROM read_parquet(", ",\n  ".join(given)]) + "\n)"
    if found.is_empty:
        # No pattern may match nothing.
        source = "WHERE false"
    statements = [
        f'CREATE SCHEMA IF NOT EXISTS "{database}"',
        f"CREATE OR REPLACE VIEW {table} AS\nSELECT\n{columns}\n{source}",
    ]
    return [*statements, *duckdb_comments(found, table)]


def duckdb_columns(found: Described) -> list[str]:
    """The columns of DuckDB's view, in the types that their schema has, whatever files say."""
    return [
        f'CAST({"NULL" if found.is_empty else _quoted(name)} AS {duckdb_type(kind)}) AS "{name}"'
        for name, kind in found.schema.fields
    ]


def duckdb_comments(found: Described, view: str) -> list[str]:
    """The statements that say of a view of DuckDB, and of its columns, what they are."""
    said = [f"COMMENT ON VIEW {view} IS {sql_text(found.help)}"] if found.help else []
    columns = [
        f'COMMENT ON COLUMN {view}."{name}" IS {sql_text(text)}'
        for name, _ in found.schema.fields
        if (text := found.comments.get(name))
    ]
    return [*said, *columns]


DIALECTS: Mapping[str, Dialect] = {
    "athena": athena,
    "duckdb": duckdb,
    "spark": spark,
    "trino": trino,
}


def _quoted(name: str) -> str:
    return f'"{name}"'


def _listed(
    found: Described,
    columns: Sequence[tuple[str, str]],
    type_of: Callable[[str], str],
    quote: str,
    text_of: Callable[[str], str],
) -> str:
    """Columns with their types and comments, one on each line."""
    lines = []
    for name, kind in columns:
        comment = found.comments.get(name)
        said = f" COMMENT {text_of(comment)}" if comment else ""
        lines.append(f"  {quote}{name}{quote} {type_of(kind)}{said}")
    return ",\n".join(lines)


def hive_text(text: str) -> str:
    """A literal of Hive's and Spark's SQL, in which a backslash escapes."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def sql_text(text: str) -> str:
    """A literal of standard SQL, in which a quote is doubled."""
    return "'" + text.replace("'", "''") + "'"
