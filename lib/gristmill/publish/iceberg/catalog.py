"""Where the tables of an output root are, and how one goes from a state to the next.

A state of a table is a file, `metadata/v42.metadata.json`, and `metadata/version-hint.text` holds
the number of the newest, as in tables without a catalogue that Hadoop's writers make: whoever reads
those by their folder reads these. But a state is created only where nobody else has created one of
its number, also in S3, so that of several that go on from the same one succeeds.
"""

import re

from pyiceberg.catalog.noop import NoopCatalog
from pyiceberg.exceptions import CommitFailedException
from pyiceberg.partitioning import PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.serializers import FromByteStream
from pyiceberg.table import CommitTableResponse, Table
from pyiceberg.table.metadata import TableMetadata, new_table_metadata
from pyiceberg.table.sorting import UNSORTED_SORT_ORDER
from pyiceberg.table.update import (
    AddSnapshotUpdate,
    TableRequirement,
    TableUpdate,
    update_table_metadata,
)

from gristmill.failpoints import point
from gristmill.publish import layout
from gristmill.publish.iceberg.files import StorageFiles, location
from gristmill.storage import Storage

_STATE = re.compile(r"v(\d+)\.metadata\.json")
_HINT = "version-hint.text"
_PROPERTIES = {
    # Who comes late looks at the log again: pyiceberg would add its files a second time.
    "commit.retry.num-retries": "0",
    # Else a table of many publishes has a manifest for each, and readers open them all.
    "commit.manifest-merge.enabled": "true",
    "write.metadata.delete-after-commit.enabled": "true",
    "write.metadata.previous-versions-max": "100",
}


class RootCatalog(NoopCatalog):
    """The tables of an output root, by the names of their datasets."""

    def __init__(self, storage: Storage) -> None:
        super().__init__("gristmill")
        self._storage = storage

    def find(self, dataset: str) -> Table | None:
        """The table of a dataset; None where there is none, or it was made for another place."""
        number = self._newest(dataset)
        if number == 0:
            return None
        table = self._table(dataset, number, self._read(dataset, number))
        return table if table.metadata.location == location(self._storage, dataset) else None

    def has_states(self, dataset: str) -> bool:
        """Whether there is, or was, a table of a dataset, wherever it was made for."""
        return self._newest(dataset) > 0

    def make(
        self, dataset: str, schema: Schema, spec: PartitionSpec, properties: dict[str, str]
    ) -> Table:
        """A new table for a dataset. Raises `CommitFailedException` where somebody was faster."""
        metadata = new_table_metadata(
            schema,
            spec,
            UNSORTED_SORT_ORDER,
            location(self._storage, dataset),
            {"format-version": "2", **_PROPERTIES, **properties},
        )
        number = self._newest(dataset) + 1
        self._write(dataset, number, metadata)
        return self._table(dataset, number, metadata)

    def commit_table(
        self,
        table: Table,
        requirements: tuple[TableRequirement, ...],
        updates: tuple[TableUpdate, ...],
    ) -> CommitTableResponse:
        """Go on to the next state. Raises `CommitFailedException` where somebody was faster."""
        dataset = table.name()[-1]
        for requirement in requirements:
            requirement.validate(table.metadata)
        before = table.metadata.last_updated_ms
        metadata = update_table_metadata(
            table.metadata,
            tuple(_not_before(update, before) for update in updates),
            metadata_location=table.metadata_location,
        )
        latest = max(metadata.last_updated_ms, before)
        metadata = metadata.model_copy(update={"last_updated_ms": latest})
        number = _number(table.metadata_location) + 1
        place = self._write(dataset, number, metadata)
        told = {"metadata": metadata, "metadata-location": place}
        return CommitTableResponse.model_validate(told)

    def hint(self, dataset: str) -> None:
        """See that readers are led to the newest state, which whoever wrote it may not have said
        any more."""
        path, newest = f"{dataset}/{layout.METADATA}/{_HINT}", str(self._newest(dataset)).encode()
        if newest != b"0" and self._storage.read(path) != newest:
            point("table.hint")
            self._storage.write(path, newest)

    def _write(self, dataset: str, number: int, metadata: TableMetadata) -> str:
        folder = f"{dataset}/{layout.METADATA}"
        path = f"{folder}/v{number}.metadata.json"
        point("table.commit")
        if not self._storage.create(path, metadata.model_dump_json(exclude_none=True).encode()):
            raise CommitFailedException(f"{dataset}: somebody else has made state {number}")
        point("table.committed")
        # Whoever slept here must not lead readers back.
        self.hint(dataset)
        return location(self._storage, path)

    def _newest(self, dataset: str) -> int:
        names = self._storage.names(f"{dataset}/{layout.METADATA}")
        return max(
            (int(found[1]) for name in names if (found := _STATE.fullmatch(name))), default=0
        )

    def _read(self, dataset: str, number: int) -> TableMetadata:
        path = f"{dataset}/{layout.METADATA}/v{number}.metadata.json"
        with StorageFiles(self._storage).new_input(location(self._storage, path)).open() as stream:
            return FromByteStream.table_metadata(stream)

    def _table(self, dataset: str, number: int, metadata: TableMetadata) -> Table:
        path = f"{dataset}/{layout.METADATA}/v{number}.metadata.json"
        place = location(self._storage, path)
        return Table(("gristmill", dataset), metadata, place, StorageFiles(self._storage), self)


def _not_before(update: TableUpdate, moment: int) -> TableUpdate:
    """An update whose snapshot is not before a moment, in milliseconds: a clock may have gone back,
    and Iceberg's readers refuse a table whose snapshots do so by more than a minute."""
    if not isinstance(update, AddSnapshotUpdate) or update.snapshot.timestamp_ms >= moment:
        return update
    snapshot = update.snapshot.model_copy(update={"timestamp_ms": moment})
    return update.model_copy(update={"snapshot": snapshot})


def _number(place: str) -> int:
    found = _STATE.fullmatch(place.rpartition("/")[2])
    if found is None:
        raise ValueError(f"{place} is no state of a table of Gristmill's")
    return int(found[1])
