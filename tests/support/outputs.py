"""Outputs that are published without Spark: tables of Arrow, by their partitions."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from gristmill.model.schema import DatasetSchema
from gristmill.publish.manifest import Origin
from gristmill.publish.publication import Publication
from gristmill.storage.local import LocalStorage


def publish(
    root: Path,
    name: str,
    fields: Sequence[tuple[str, str]],
    partitions: Mapping[str, pa.Table],
    run: str = "aa",
    by: Sequence[str] = (),
) -> None:
    """Publish a dataset: `partitions` has the table of each folder (`date=2026-03-01`; empty for
    one that is not partitioned), `fields` all columns with Spark's types."""
    schema = DatasetSchema(name, tuple(fields), tuple(by), "partition")
    origin = Origin(f"20261121T1200{run}", "test", {}, ("in",), run, "ann@here")
    publication = Publication(LocalStorage(str(root)), origin, [schema])
    publication.begin(timedelta(), lambda _text: None)
    folder = root / publication.folder(name)
    for partition, table in sorted(partitions.items()):
        (folder / partition).mkdir(parents=True, exist_ok=True)
        pq.write_table(table, folder / partition / "part-0.parquet")
    counts = [partitions[one].num_rows for one in sorted(partitions)]
    publication.stage(schema, counts)
    publication.commit(sum(counts), 0)
