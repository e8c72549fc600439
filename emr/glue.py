"""Published datasets as tables of the AWS Glue Data Catalog, where Athena and EMR find them.

https://docs.aws.amazon.com/glue/latest/webapi/API_TableInput.html
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from gristmill.ddl.dialects import Described
from gristmill.ddl.projection import projection
from gristmill.ddl.types import athena_type
from gristmill.emr.aws import Aws, code, explained
from gristmill.errors import UsageError

_PARQUET = "org.apache.hadoop.hive.ql.io.parquet"
_OUTPUT, _LOG = "gristmill.output", "gristmill.log_number"
# https://docs.aws.amazon.com/glue/latest/webapi/API_BatchCreatePartition.html and …DeletePartition
_CREATED, _DELETED = 100, 25
_MISSING = "EntityNotFoundException"


@dataclass(frozen=True)
class Wanted:
    """A dataset as a table: what is said of it, the output it is of, the entry of the log up to
    which that holds, and its rows, bytes and files."""

    described: Described
    output: str
    log_number: int
    rows: int
    bytes: int
    files: int

    @property
    def name(self) -> str:
        """The table's name, which Glue keeps in small letters."""
        return self.described.schema.name.lower()


@dataclass(frozen=True)
class Registered:
    """What has become of a table: `made`, `changed`, `the same` or `gone`; how many partitions came
    and went. Where Athena works partitions out, none are registered."""

    table: str
    state: str
    partitions_added: int = 0
    partitions_removed: int = 0


@dataclass(frozen=True)
class Difference:
    """A table, and how it is not what the output holds."""

    table: str
    what: str


def table_input(wanted: Wanted) -> dict[str, Any]:
    """What Glue is told of a table."""
    found = wanted.described
    if found.metadata:
        return _of_iceberg(wanted)
    projected = projection(found.by, found.partitions, _location(found)) if found.by else None
    return {
        "Name": wanted.name,
        "Description": found.help[:2048],
        "TableType": "EXTERNAL_TABLE",
        "PartitionKeys": _columns(found, found.by),
        "StorageDescriptor": _storage(found, f"{_location(found)}/"),
        "Parameters": {
            "EXTERNAL": "TRUE",
            "classification": "parquet",
            "parquet.compression": "ZSTD",
            "recordCount": str(wanted.rows),
            "sizeKey": str(wanted.bytes),
            "objectCount": str(wanted.files),
            _OUTPUT: wanted.output,
            _LOG: str(wanted.log_number),
            **(projected or {}),
        },
    }


def _of_iceberg(wanted: Wanted) -> dict[str, Any]:
    """The same of a table of Iceberg, whose engines read on where its metadata is:
    https://iceberg.apache.org/docs/latest/aws/#glue-catalog."""
    found = wanted.described
    return {
        "Name": wanted.name,
        "Description": found.help[:2048],
        "TableType": "EXTERNAL_TABLE",
        "PartitionKeys": [],
        "StorageDescriptor": {
            "Columns": _columns(found, found.schema.fields),
            "Location": _location(found),
        },
        "Parameters": {
            "EXTERNAL": "TRUE",
            "table_type": "ICEBERG",
            "metadata_location": found.metadata.replace("s3a://", "s3://", 1),
            _OUTPUT: wanted.output,
            _LOG: str(wanted.log_number),
        },
    }


def _location(found: Described) -> str:
    return found.location.replace("s3a://", "s3://", 1)


def _columns(found: Described, columns: Sequence[tuple[str, str]]) -> list[dict[str, str]]:
    made = []
    for name, kind in columns:
        comment = found.comments.get(name, "")
        # Glue takes 255 bytes.
        said = comment.encode()[:255].decode(errors="ignore")
        told = {"Name": name.lower(), "Type": athena_type(kind)}
        made.append(told | ({"Comment": said} if said else {}))
    return made


def _storage(found: Described, location: str) -> dict[str, Any]:
    return {
        "Columns": _columns(found, found.columns),
        "Location": location,
        "InputFormat": f"{_PARQUET}.MapredParquetInputFormat",
        "OutputFormat": f"{_PARQUET}.MapredParquetOutputFormat",
        "SerdeInfo": {"SerializationLibrary": f"{_PARQUET}.serde.ParquetHiveSerDe"},
    }


def register(aws: Aws, database: str, wanted: Sequence[Wanted]) -> list[Registered]:
    """Make tables in a database, or bring them up to date. Run again, it changes nothing more.

    Raises `UsageError` where a table is of somebody else, and then has changed none, and
    `GristmillError`.
    """
    glue = aws.client("glue")
    there = {one.name: _table(glue, database, one.name) for one in wanted}
    for name, table in there.items():
        _check_ours(database, name, table, {one.output for one in wanted})
    with explained(f"make the database {database}"):
        try:
            glue.get_database(Name=database)
        except ClientError as error:
            if code(error) != _MISSING:
                raise
            glue.create_database(DatabaseInput={"Name": database})
    return [_registered(glue, database, one, there[one.name]) for one in wanted]


def _registered(
    glue: Any, database: str, wanted: Wanted, table: Mapping[str, Any] | None
) -> Registered:
    asked = table_input(wanted)
    state = "the same"
    with explained(f"register {database}.{wanted.name}"):
        if table is None:
            glue.create_table(DatabaseName=database, TableInput=asked)
            state = "made"
        elif _differs(asked, table):
            glue.update_table(DatabaseName=database, TableInput=asked)
            state = "changed"
        if not _has_partitions(wanted, asked):
            return Registered(wanted.name, state)
        new, gone = _partitions(glue, database, wanted, asked)
        for some in _slices(new, _CREATED):
            glue.batch_create_partition(
                DatabaseName=database, TableName=wanted.name, PartitionInputList=some
            )
        for some in _slices([{"Values": list(one)} for one in gone], _DELETED):
            glue.batch_delete_partition(
                DatabaseName=database, TableName=wanted.name, PartitionsToDelete=some
            )
    return Registered(wanted.name, state, len(new), len(gone))


def _has_partitions(wanted: Wanted, asked: Mapping[str, Any]) -> bool:
    """Whether Glue has to be told of each partition."""
    told = asked["Parameters"]
    is_known = "projection.enabled" in told or "metadata_location" in told
    return bool(wanted.described.by) and not is_known


def verify(aws: Aws, database: str, wanted: Sequence[Wanted]) -> list[Difference]:
    """How the tables of a database are not what the output holds. Raises `GristmillError`."""
    glue = aws.client("glue")
    found: list[Difference] = []
    for one in wanted:
        table = _table(glue, database, one.name)
        if table is None:
            found.append(Difference(one.name, "it is not there"))
            continue
        asked = table_input(one)
        if table.get("Parameters", {}).get(_OUTPUT) != one.output:
            found.append(Difference(one.name, "it is of somebody else"))
            continue
        found += [Difference(one.name, what) for what in _differences(asked, table)]
        if _has_partitions(one, asked):
            new, gone = _partitions(glue, database, one, asked)
            if new or gone:
                text = f"{len(new):,} partitions are missing, {len(gone):,} are there no more"
                found.append(Difference(one.name, text))
    return found


def drop(aws: Aws, database: str, wanted: Sequence[Wanted]) -> list[Registered]:
    """Take the tables of an output out of a database; the files stay. Raises as `register`."""
    glue = aws.client("glue")
    there = {one.name: _table(glue, database, one.name) for one in wanted}
    for name, table in there.items():
        _check_ours(database, name, table, {one.output for one in wanted})
    gone = [name for name, table in there.items() if table is not None]
    for name in gone:
        with explained(f"drop {database}.{name}"):
            glue.delete_table(DatabaseName=database, Name=name)
    return [Registered(name, "gone") for name in gone]


def _table(glue: Any, database: str, name: str) -> dict[str, Any] | None:
    with explained(f"look at {database}.{name}"):
        try:
            found: dict[str, Any] = glue.get_table(DatabaseName=database, Name=name)["Table"]
        except ClientError as error:
            if code(error) == _MISSING:
                return None
            raise
    return found


def _check_ours(
    database: str, name: str, table: Mapping[str, Any] | None, outputs: set[str]
) -> None:
    if table is None:
        return
    of = table.get("Parameters", {}).get(_OUTPUT)
    if of not in outputs:
        whose = f"of {of}" if of else "of somebody else"
        raise UsageError(f"table {database}.{name} is {whose}: --database names another one")


def _differs(asked: Mapping[str, Any], table: Mapping[str, Any]) -> bool:
    return any(True for _ in _differences(asked, table))


def _differences(asked: Mapping[str, Any], table: Mapping[str, Any]) -> Iterator[str]:
    told = asked["Parameters"]
    has = table.get("Parameters", {})
    if has.get(_LOG) != told[_LOG]:
        yield f"it is of entry {has.get(_LOG, 'none')} of the log, and the output at {told[_LOG]}"
    if other := sorted(key for key in told if has.get(key) != told[key] and key != _LOG):
        yield f"it has other properties: {', '.join(other)}"
    if old := sorted(key for key in has if key.startswith("projection.") and key not in told):
        yield f"it has properties that are gone: {', '.join(old)}"
    storage, has_storage = asked["StorageDescriptor"], table.get("StorageDescriptor", {})
    if _plain(storage["Columns"]) != _plain(has_storage.get("Columns", ())):
        yield "it has other columns"
    if _plain(asked["PartitionKeys"]) != _plain(table.get("PartitionKeys", ())):
        yield "it has other partitions"
    if storage["Location"] != has_storage.get("Location"):
        yield f"it is at {has_storage.get('Location')}"


def _plain(columns: Sequence[Mapping[str, Any]]) -> list[tuple[str, str, str]]:
    return [(one["Name"], one.get("Type", ""), one.get("Comment", "")) for one in columns]


def _partitions(
    glue: Any, database: str, wanted: Wanted, asked: Mapping[str, Any]
) -> tuple[list[dict[str, Any]], list[tuple[str, ...]]]:
    """The partitions that have to come, as Glue takes them, and the values of those to go."""
    pages = glue.get_paginator("get_partitions").paginate(
        DatabaseName=database, TableName=wanted.name, ExcludeColumnSchema=True
    )
    there = {tuple(one["Values"]) for page in pages for one in page["Partitions"]}
    now = dict(wanted.described.folders)
    storage = {**asked["StorageDescriptor"]}
    new = [
        {
            "Values": list(values),
            "StorageDescriptor": {**storage, "Location": f"{storage['Location']}{folder}/"},
        }
        for values, folder in sorted(now.items())
        if values not in there
    ]
    return new, sorted(there - now.keys())


def _slices(items: Sequence[Any], size: int) -> Iterator[list[Any]]:
    for start in range(0, len(items), size):
        yield list(items[start : start + size])
