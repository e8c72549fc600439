"""Publishing without Spark: files of text stand for Parquet, and each of their lines for a row."""

import json
import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from pyiceberg.table import StaticTable

from gristmill.model.schema import DatasetSchema
from gristmill.publish import layout
from gristmill.publish.lease import Clock, utc_now
from gristmill.publish.manifest import Origin
from gristmill.publish.publication import Publication
from gristmill.publish.run_ids import run_id
from gristmill.storage import Storage

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
FIELDS = (("item", "string"), ("shop", "string"))
STOCK = DatasetSchema("stock", FIELDS, ("shop",), "partition")
SALES = DatasetSchema("sales", FIELDS, ("shop",), "batch")
REFUSED = DatasetSchema("refused", FIELDS, ("shop",), "batch")
"""Beside the dataset that a run claims, as rejects are."""
LEDGER = DatasetSchema("ledger", (("item", "string"), ("shop", "date")), ("shop",), "batch")
"""Its shops are days."""

Rows = Collection[tuple[str, str]]
"""Pairs of item and shop; a shop is a partition."""


@dataclass(frozen=True)
class Work:
    """What a run is to publish: rows by contract, and shops that it replaces in any case.

    `files` are the URIs of the files that it reads, `name` is what --batch named its batch.
    """

    rows: Mapping[DatasetSchema, Rows]
    batch: str = "b"
    scope: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    name: str | None = None
    job: str = "shop-keeping"


class Time:
    """A clock that a test turns."""

    def __init__(self, now: datetime = NOW) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def advance(self, span: timedelta) -> None:
        self.now += span


def publication(
    storage: Storage,
    salt: str,
    work: Work,
    clock: Clock = utc_now,
    table_format: str | None = None,
) -> Publication:
    """A publication of `work`, not yet begun."""
    run = run_id(clock(), salt)
    owner = "somebody@somewhere"
    origin = Origin(run, work.job, {}, (f"in/{work.batch}",), work.batch, owner, work.name)
    claimed = [schema for schema in work.rows if schema is not REFUSED]
    return Publication(storage, origin, claimed, clock, table_format)


def begin(publishing: Publication, wait: timedelta = timedelta()) -> None:
    publishing.begin(wait, lambda _text: None)


def stage(storage: Storage, publishing: Publication, work: Work) -> None:
    """Write the rows of `work` as a job would, two files a shop where there are enough."""
    for schema, rows in work.rows.items():
        folder = publishing.folder(schema.name)
        for shop in {shop for _, shop in rows}:
            items = sorted(item for item, place in rows if place == shop)
            for part in range(2):
                lines = items[part::2]
                if lines:
                    path = f"{folder}/shop={shop}/part-{part}.parquet"
                    storage.write(path, "\n".join(lines).encode())
        staged = publishing.staged(schema.name)
        counts = [
            len((storage.read(f"{folder}/{file.path}") or b"").splitlines()) for file in staged
        ]
        scope = [f"shop={shop}" for shop in work.scope] if schema.write_mode == "partition" else []
        publishing.stage(schema, counts, scope)


def commit(publishing: Publication, work: Work) -> None:
    lines = sum(map(len, work.rows.values()))
    publishing.commit(lines, 0)


def publish(
    storage: Storage,
    salt: str,
    work: Work,
    clock: Clock = utc_now,
    table_format: str | None = None,
) -> Publication:
    """A whole run."""
    publishing = publication(storage, salt, work, clock, table_format)
    begin(publishing)
    publishing.reads(work.files)
    stage(storage, publishing, work)
    commit(publishing, work)
    return publishing


def stored(storage: Storage, schema: DatasetSchema = STOCK) -> list[tuple[str, str]]:
    """The rows that a reader of folders finds, or one of tables of Iceberg, sorted."""
    rows = []
    for path in files_of(storage, schema.name):
        shop = path.rpartition("/")[0].rpartition("/")[2].removeprefix("shop=")
        data = storage.read(f"{schema.name}/{path}") or b""
        rows += [(item, shop) for item in data.decode().splitlines()]
    return sorted(rows)


def files_of(storage: Storage, dataset: str) -> list[str]:
    """The files that a reader finds of a dataset, by their paths below it."""
    if not is_table(storage):
        return [file.path for file in storage.data_files(dataset)]
    table = table_of(storage, dataset)
    if table is None:
        return []
    files = table.inspect.files().column("file_path").to_pylist()
    return sorted(file.removeprefix(f"{table.location()}/") for file in files)


def is_table(storage: Storage) -> bool:
    """Whether an output is of tables of Iceberg, as its marker says."""
    return b"iceberg" in (storage.read(layout.MARKER) or b"")


def table_of(storage: Storage, dataset: str) -> StaticTable | None:
    """A table as pyiceberg finds it by its folder; None where there is none."""
    folder = f"{storage.root.removeprefix('file://')}/{dataset}"
    hint = storage.read(f"{dataset}/metadata/version-hint.text")
    if hint is None:
        return None
    reach = {
        "s3.endpoint": os.environ.get("AWS_ENDPOINT_URL_S3", os.environ.get("AWS_ENDPOINT_URL")),
        "s3.access-key-id": os.environ.get("AWS_ACCESS_KEY_ID"),
        "s3.secret-access-key": os.environ.get("AWS_SECRET_ACCESS_KEY"),
        "s3.region": os.environ.get("AWS_REGION", "us-east-1"),
    }
    told = {name: value for name, value in reach.items() if value}
    return StaticTable.from_metadata(f"{folder}/metadata/v{hint.decode()}.metadata.json", told)


def wrong(storage: Storage) -> list[str]:
    """What does not fit between the log and what lies there: by means of its own."""
    files: dict[str, int] = {}
    checkpoints = [n for n in storage.names(layout.CHECKPOINTS) if not n.startswith(".")]
    for last in checkpoints[-1:]:
        written = json.loads(storage.read(f"{layout.CHECKPOINTS}/{last}") or b"")
        for dataset, found in written["datasets"].items():
            files |= {f"{dataset}/{p}": file["bytes"] for p, file in found["files"].items()}
    for name in storage.names(layout.LOG):
        if name.startswith(".") or name <= max(checkpoints, default=""):
            continue
        entry = json.loads(storage.read(f"{layout.LOG}/{name}") or b"")
        for change in entry.get("changes", ()):
            dataset = change["contract"]["name"]
            for path in change["removed"]:
                files.pop(f"{dataset}/{path}", None)
            files |= {f"{dataset}/{file['path']}": file["bytes"] for file in change["files"]}
    there = {
        f"{name}/{file.path}": file.size
        for name in storage.names("")
        if name != layout.HOME
        for file in storage.data_files(name)
    }
    tables = _wrong_tables(storage, files, there) if is_table(storage) else []
    # A run that had not even got its lease leaves a folder, which goes when it is a day old.
    left = [run for run in storage.names(layout.STAGING) if storage.data_files(layout.stage(run))]
    return [
        *tables,
        *(f"missing {path}" for path in files if path not in there),
        *(f"stray {path}" for path in there if path not in files),
        *(f"size {path}" for path in files if there.get(path, files[path]) != files[path]),
        *(f"left behind {run}" for run in left),
    ]


def _wrong_tables(storage: Storage, files: dict[str, int], there: dict[str, int]) -> list[str]:
    """What does not fit between the log and tables of Iceberg; takes out of `there` what only
    their earlier snapshots and their metadata hold."""
    found = []
    for name in {path.partition("/")[0] for path in (*files, *there)}:
        mine = {path for path in files if path.startswith(f"{name}/")}
        told = {f"{name}/{path}" for path in files_of(storage, name)}
        found += [f"not in the table {path}" for path in mine - told]
        found += [f"still in the table {path}" for path in told - mine]
        for path in _of_earlier(storage, name) - mine:
            if there.pop(path, None) is None:
                found.append(f"missing in an earlier snapshot {path}")
        for path in [one for one in there if one.startswith(f"{name}/metadata/")]:
            del there[path]
    return found


def _of_earlier(storage: Storage, dataset: str) -> set[str]:
    table = table_of(storage, dataset)
    if table is None:
        return set()
    base = storage.root.removeprefix("file://")
    return {
        path.removeprefix(f"{base}/")
        for snapshot in table.snapshots()
        for path in table.inspect.files(snapshot.snapshot_id).column("file_path").to_pylist()
    }
