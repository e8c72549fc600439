"""A table that follows the log: a snapshot for each entry, that names it."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from functools import partial

from pyiceberg.exceptions import CommitFailedException
from pyiceberg.manifest import DataFile
from pyiceberg.table import Table, Transaction
from pyiceberg.table.name_mapping import create_mapping_from_schema
from pyiceberg.table.snapshots import Snapshot

from gristmill.model.schema import DatasetSchema
from gristmill.publish.iceberg.catalog import RootCatalog
from gristmill.publish.iceberg.data_files import data_file
from gristmill.publish.iceberg.expiry import expire_snapshots
from gristmill.publish.iceberg.types import schema_of, spec_of, type_of
from gristmill.publish.log import Log
from gristmill.publish.manifest import Change, File, Manifest
from gristmill.publish.state import DatasetState, read_state
from gristmill.storage import Storage, map_concurrently

ENTRY, RUN, JOB = "gristmill.entry", "gristmill.run", "gristmill.job"
"""What the summary of a snapshot says of the entry of the log that it stands for."""

_FAR = 20  # entries that a table is behind, at which it says that they did not concern it
_MAPPING = "schema.name-mapping.default"


def follow_log(storage: Storage, dataset: str) -> None:
    """Bring the table of a dataset up to the log: see `tables.follow`."""
    catalog = RootCatalog(storage)
    while True:
        try:
            _catch_up(storage, catalog, dataset)
        except CommitFailedException:
            # Somebody else does the same, and was faster.
            continue
        break
    catalog.hint(dataset)
    expire_snapshots(storage, catalog, dataset, datetime.now(UTC))


def entry_of(snapshot: Snapshot | None) -> int:
    """The number of the entry that a snapshot stands for; 0 for none."""
    told = snapshot.summary if snapshot else None
    return int(told.additional_properties.get(ENTRY, "0")) if told else 0


def _catch_up(storage: Storage, catalog: RootCatalog, dataset: str) -> None:
    table = catalog.find(dataset)
    reached = _reached(table) if table else 0
    log = Log(storage)
    if table is None and (min(log.numbers(), default=1) > 1 or catalog.has_states(dataset)):
        # Its beginnings are not in the log any more, or it was moved: it begins with what is there.
        state = read_state(storage)
        held = state.datasets.get(dataset)
        if held is not None:
            table = _made(catalog, held.schema)
            _commit(storage, table, _whole(held), {ENTRY: str(state.number)})
        return
    number = reached
    for number, entry in log.since(reached):
        for change in entry.changes if isinstance(entry, Manifest) else ():
            if change.schema.name == dataset and isinstance(entry, Manifest):
                table = table or _made(catalog, change.schema)
                told = {ENTRY: str(number), RUN: entry.run, JOB: entry.origin.job}
                _commit(storage, table, change, told)
    if table and number >= _reached(table) + _FAR:
        # Else all that did not concern it would be read again each time.
        with table.transaction() as transaction:
            transaction.set_properties({ENTRY: str(number)})


def _reached(table: Table) -> int:
    """Up to which entry a table has followed the log: that of its newest snapshot, or further."""
    return max(entry_of(table.current_snapshot()), int(table.properties.get(ENTRY, "0")))


def _whole(held: DatasetState) -> Change:
    files = tuple(File(path, file.bytes, file.rows) for path, file in sorted(held.files.items()))
    return Change(held.schema, files, (), ())


def _made(catalog: RootCatalog, dataset: DatasetSchema) -> Table:
    schema = schema_of(dataset)
    mapping = {_MAPPING: create_mapping_from_schema(schema).model_dump_json()}
    return catalog.make(dataset.name, schema, spec_of(dataset, schema), mapping)


def _commit(storage: Storage, table: Table, change: Change, told: Mapping[str, str]) -> None:
    """Make a change of a dataset a snapshot of its table, in one step with new columns."""
    with table.transaction() as transaction:
        _add_columns(transaction, change.schema)
        gone = list(_lying(table, change))
        if change.files or gone:
            schema = transaction.table_metadata.schema()
            known = partial(data_file, storage, schema, change.schema)
            update = transaction.update_snapshot(snapshot_properties=dict(told))
            # What only adds brings manifests together, too, as the table's properties have it.
            with update.overwrite() if gone else update.merge_append() as snapshot:
                for file in map_concurrently(storage, known, change.files):
                    snapshot.append_data_file(file)
                for old in gone:
                    snapshot.delete_data_file(old)


def _add_columns(transaction: Transaction, dataset: DatasetSchema) -> None:
    known = set(transaction.table_metadata.schema().column_names)
    new = [(name, kind) for name, kind in dataset.fields if name not in known]
    if not new:
        return
    with transaction.update_schema() as update:
        for name, kind in new:
            update.add_column((name,), type_of(kind))
    mapping = create_mapping_from_schema(transaction.table_metadata.schema())
    transaction.set_properties({_MAPPING: mapping.model_dump_json()})


def _lying(table: Table, change: Change) -> Iterator[DataFile]:
    """The files of a table that a change takes out."""
    snapshot = table.current_snapshot()
    if snapshot is None or not change.removed:
        return
    base = table.metadata.location
    places = {f"{base}/{path}" for path in change.removed}
    for manifest in snapshot.manifests(table.io):
        for entry in manifest.fetch_manifest_entry(table.io, discard_deleted=True):
            if entry.data_file.file_path in places:
                yield entry.data_file
