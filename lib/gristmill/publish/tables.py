"""Telling Iceberg of what was published: the door to `iceberg`, which not everybody has."""

from collections.abc import Iterable, Mapping

from gristmill.model.schema import DatasetSchema
from gristmill.publish.state import DatasetState
from gristmill.publish.table_format import check_installed
from gristmill.storage import Storage


def follow(storage: Storage, datasets: Iterable[str]) -> None:
    """Bring the tables of datasets up to the log of their root, entry by entry.

    May be repeated, from any point, and done by several at once. Raises `GristmillError` where
    what it takes is not installed.
    """
    check_installed()
    from gristmill.publish.iceberg.following import follow_log  # noqa: PLC0415  not for everybody

    for dataset in sorted(set(datasets)):
        follow_log(storage, dataset)


def check(schema: DatasetSchema) -> None:
    """See that a dataset may be a table of Iceberg. Raises `SchemaError` where it may not, and
    `GristmillError` where what it takes is not installed."""
    check_installed()
    from gristmill.publish.iceberg.types import schema_of, spec_of  # noqa: PLC0415

    spec_of(schema, schema_of(schema))


def snapshots(storage: Storage, dataset: str) -> Mapping[int, int]:
    """The ids of a table's snapshots that are kept, by the numbers of their entries in the log.

    Raises `GristmillError` where what it takes is not installed.
    """
    check_installed()
    from gristmill.publish.iceberg.checking import snapshot_ids  # noqa: PLC0415

    return snapshot_ids(storage, dataset)


def kept(storage: Storage, dataset: str) -> set[str]:
    """The files that a snapshot of a table has, also one that is not the newest, by their paths
    below the dataset. Raises `GristmillError` where what it takes is not installed."""
    check_installed()
    from gristmill.publish.iceberg.checking import lies_for_readers  # noqa: PLC0415

    return lies_for_readers(storage, dataset)


def differences(storage: Storage, dataset: str, held: DatasetState) -> list[str]:
    """What a table says otherwise than the log, a line each. Raises `GristmillError` where what it
    takes is not installed."""
    check_installed()
    from gristmill.publish.iceberg.checking import differences as found  # noqa: PLC0415

    return list(found(storage, dataset, held))
