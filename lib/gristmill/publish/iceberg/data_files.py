"""A file of Parquet as Iceberg knows it, with what its footer says of its columns."""

import io
from typing import Any

import pyarrow
import pyarrow.parquet as pq
from pyiceberg.io.pyarrow import (
    compute_statistics_plan,
    data_file_statistics_from_parquet_metadata,
    parquet_path_to_id_mapping,
)
from pyiceberg.manifest import DataFile, DataFileContent, FileFormat
from pyiceberg.schema import Schema

from gristmill.model.schema import DatasetSchema
from gristmill.publish.iceberg.files import location
from gristmill.publish.iceberg.types import partition_of
from gristmill.publish.manifest import File
from gristmill.storage import Storage

_TAIL = 64 * 1024
_LENGTH, _MAGIC = 4, b"PAR1"
_SPEC = 0  # The partitions of a dataset never change.


def data_file(storage: Storage, schema: Schema, dataset: DatasetSchema, file: File) -> DataFile:
    """A published file, for a manifest."""
    path = f"{dataset.name}/{file.path}"
    told = {"record_count": file.rows, **_statistics(_footer(storage, path, file.bytes), schema)}
    found = DataFile.from_args(
        content=DataFileContent.DATA,
        file_path=location(storage, path),
        file_format=FileFormat.PARQUET,
        partition=partition_of(dataset, file.path),
        file_size_in_bytes=file.bytes,
        sort_order_id=None,
        equality_ids=None,
        key_metadata=None,
        **told,
    )
    found.spec_id = _SPEC
    return found


def _statistics(footer: pq.FileMetaData | None, schema: Schema) -> dict[str, Any]:
    if footer is None:
        return {}
    told = data_file_statistics_from_parquet_metadata(
        footer, compute_statistics_plan(schema, {}), parquet_path_to_id_mapping(schema)
    )
    return told.to_serialized_dict()


def _footer(storage: Storage, path: str, size: int) -> pq.FileMetaData | None:
    """The footer of a file; None where it has none that can be read: Iceberg does without, and
    that a file is whole was seen before it was published."""
    end = storage.read_end(path, _TAIL, size)
    length = int.from_bytes(end[-_LENGTH - len(_MAGIC) : -len(_MAGIC)], "little")
    whole = length + _LENGTH + len(_MAGIC)
    if not end.endswith(_MAGIC):
        return None
    if whole > len(end):
        end = storage.read_end(path, whole, size)
    try:
        return pq.read_metadata(io.BytesIO(_MAGIC + end[-whole:]))
    except pyarrow.ArrowException:
        return None
