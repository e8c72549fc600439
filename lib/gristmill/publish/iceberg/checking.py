"""Holding a table against the log, and asking it for its snapshots."""

from collections.abc import Iterator, Mapping

from pyiceberg.table import Table
from pyiceberg.table.snapshots import Snapshot

from gristmill.publish.iceberg.catalog import RootCatalog
from gristmill.publish.iceberg.following import entry_of
from gristmill.publish.state import DatasetState
from gristmill.storage import Storage


def snapshot_ids(storage: Storage, dataset: str) -> Mapping[int, int]:
    """The ids of a table's snapshots, by the numbers of the entries that they stand for."""
    table = RootCatalog(storage).find(dataset)
    return {entry_of(one): one.snapshot_id for one in table.metadata.snapshots} if table else {}


def lies_for_readers(storage: Storage, dataset: str) -> set[str]:
    """The files that one of a table's snapshots has, by their paths below the dataset."""
    table = RootCatalog(storage).find(dataset)
    if table is None:
        return set()
    return {path for snapshot in table.metadata.snapshots for path in _files(table, snapshot)}


def differences(storage: Storage, dataset: str, held: DatasetState) -> Iterator[str]:
    """What a table says otherwise than the log, a line for each file."""
    table = RootCatalog(storage).find(dataset)
    if table is None:
        if held.files:
            yield f"{dataset}: there is no table of Iceberg for this place"
        return
    found = _files(table, table.current_snapshot())
    for path in sorted(set(held.files) - set(found)):
        yield f"{dataset}/{path}: not in the table of Iceberg"
    for path in sorted(set(found) - set(held.files)):
        yield f"{dataset}/{path}: in the table of Iceberg, and not published any more"
    for path in sorted(set(found) & set(held.files)):
        if found[path] != held.files[path].rows:
            yield f"{dataset}/{path}: {found[path]:,} rows in the table of Iceberg"


def _files(table: Table, snapshot: Snapshot | None) -> dict[str, int]:
    """The files of a snapshot, by their paths below the dataset, and their rows."""
    base = f"{table.metadata.location}/"
    return {
        entry.data_file.file_path.removeprefix(base): entry.data_file.record_count
        for manifest in (snapshot.manifests(table.io) if snapshot else ())
        for entry in manifest.fetch_manifest_entry(table.io, discard_deleted=True)
    }
