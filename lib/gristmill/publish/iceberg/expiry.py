"""Letting go what readers can no longer be at: old snapshots, and the files that only they hold."""

from datetime import datetime, timedelta
from itertools import pairwise

from pyiceberg.exceptions import CommitFailedException
from pyiceberg.table import Table
from pyiceberg.table.snapshots import Snapshot

from gristmill.failpoints import point
from gristmill.publish import layout
from gristmill.publish.iceberg.catalog import RootCatalog
from gristmill.publish.lease import find
from gristmill.publish.run_ids import started
from gristmill.storage import Storage

KEPT_FOR = timedelta(days=7)
"""How long what was replaced stays, from the moment at which it was."""

_UNKNOWN_FOR = timedelta(days=1)


def expire_snapshots(
    storage: Storage,
    catalog: RootCatalog,
    dataset: str,
    now: datetime,
    kept_for: timedelta = KEPT_FOR,
) -> int:
    """Let go the snapshots that were replaced before `kept_for`, and delete what only they held.

    May be repeated, from any point. Gives the number of files that were deleted. The caller holds
    the dataset, or settles a run that did.
    """
    table = catalog.find(dataset)
    if table is None:
        return 0
    old = _old(table.metadata.snapshots, now - kept_for)
    if old:
        try:
            table.maintenance.expire_snapshots().by_ids([one.snapshot_id for one in old]).commit()
        except CommitFailedException:
            # Whoever was faster does this too.
            return 0
        point("table.expired")
    elif not _has_leftovers(storage, table, dataset):
        return 0
    return _sweep(storage, table, dataset, now)


def _old(snapshots: list[Snapshot], before: datetime) -> list[Snapshot]:
    """Those that another had taken the place of by then."""
    ordered = sorted(snapshots, key=lambda one: one.sequence_number or 0)
    limit = before.timestamp() * 1000
    return [one for one, next_ in pairwise(ordered) if next_.timestamp_ms < limit]


def _has_leftovers(storage: Storage, table: Table, dataset: str) -> bool:
    """Whether a sweep was cut off."""
    lists = {one.manifest_list.rpartition("/")[2] for one in table.metadata.snapshots}
    found = storage.names(f"{dataset}/{layout.METADATA}")
    return any(name.startswith("snap-") and name not in lists for name in found)


def _sweep(storage: Storage, table: Table, dataset: str, now: datetime) -> int:
    base = f"{table.metadata.location}/"
    data, metadata, lists = set(), set(), set()
    for snapshot in table.metadata.snapshots:
        lists.add(snapshot.manifest_list.removeprefix(base))
        for manifest in snapshot.manifests(table.io):
            if manifest.manifest_path in metadata:
                continue
            metadata.add(manifest.manifest_path)
            entries = manifest.fetch_manifest_entry(table.io, discard_deleted=True)
            data |= {entry.data_file.file_path.removeprefix(base) for entry in entries}
    kept = {path.removeprefix(base) for path in metadata}
    deleted = 0
    for file in storage.data_files(f"{dataset}/{layout.DATA}"):
        path = f"{layout.DATA}/{file.path}"
        if path not in data and not _may_be_written(storage, path, now):
            point("table.sweep")
            storage.delete(f"{dataset}/{path}")
            storage.delete_empty_folder(f"{dataset}/{layout.folder(path)}")
            deleted += 1
    own = [name for name in storage.names(f"{dataset}/{layout.METADATA}") if name.endswith(".avro")]
    # The lists of snapshots last: by those one sees that a sweep was cut off.
    for name in sorted(own, key=lambda one: one.startswith("snap-")):
        path = f"{layout.METADATA}/{name}"
        if path not in kept | lists:
            point("table.sweep")
            storage.delete(f"{dataset}/{path}")
            deleted += 1
    return deleted


def _may_be_written(storage: Storage, path: str, now: datetime) -> bool:
    """Whether the run that wrote a file may publish it yet."""
    run = layout.writer(path).partition("-")[2]
    return find(storage, run) is not None or started(run, now) > now - _UNKNOWN_FOR
