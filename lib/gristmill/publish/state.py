"""What a root holds according to its log: every file that a reader should find, and whose it is."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from gristmill.errors import InputError
from gristmill.failpoints import point
from gristmill.model.schema import DatasetSchema
from gristmill.publish import layout
from gristmill.publish.batch import Batch
from gristmill.publish.followed import Followed, after, followed_from_json
from gristmill.publish.log import Log
from gristmill.publish.manifest import Change, Manifest, Origin
from gristmill.storage import Storage, map_concurrently

_CHECKPOINT_EVERY = 100
KEPT_FOR = timedelta(days=90)
"""How long the log is kept once a checkpoint stands for it."""


@dataclass(frozen=True)
class FileState:
    """A data file: its bytes, its rows, and the run that published it."""

    bytes: int
    rows: int
    run: str


@dataclass
class DatasetState:
    """A dataset: its schema, its files by their path below it, its batches by id, and what it
    was made of, where it is a summary.

    A batch stays when its last file has gone: what came out empty, or was expired, was loaded.
    """

    schema: DatasetSchema
    files: dict[str, FileState] = field(default_factory=dict)
    batches: dict[str, Batch] = field(default_factory=dict)
    followed: tuple[Followed, ...] = ()

    def apply(self, origin: Origin, change: Change) -> None:
        """Go on to what a run has made of it."""
        self.schema = change.schema
        for path in change.removed:
            self.files.pop(path, None)
        for file in change.files:
            self.files[file.path] = FileState(file.bytes, file.rows, origin.run)
        if change.schema.write_mode == "batch" and origin.batch:
            for id_ in change.superseded:
                superseded = self.batches.pop(id_, None)
                if superseded and superseded.name is not None:
                    self.batches[id_] = replace(superseded, superseded=True)
            self.batches[origin.batch] = Batch.of(origin)
        if change.schema.write_mode == "partition":
            written = {layout.partition(file.path) for file in change.files}
            removed = {layout.partition(path) for path in change.removed}
            self.followed = after(self.followed, origin.made, written, removed)


@dataclass
class RootState:
    """The datasets of a root by name, as entry `number` of the log left them."""

    number: int
    datasets: dict[str, DatasetState]

    def holds(self, path: str) -> bool:
        """Whether `path`, that of a file below the root, is a file of a dataset."""
        name, _, below = path.partition("/")
        return name in self.datasets and below in self.datasets[name].files

    def apply(self, number: int, manifest: Manifest | None) -> None:
        """Go on to the next entry; None for one that published nothing."""
        self.number = number
        if manifest is None:
            return
        for change in manifest.changes:
            dataset = self.datasets.setdefault(change.schema.name, DatasetState(change.schema))
            dataset.apply(manifest.origin, change)


def read_state(storage: Storage, until: int | None = None) -> RootState:
    """What the log says now: its newest checkpoint, and the entries since.

    With `until`, what it said when that entry was its newest. Raises `InputError` where so much of
    the log is not kept any more.
    """
    log = Log(storage)
    found = layout.numbers(storage.names(layout.CHECKPOINTS))
    checkpoints = [number for number in found if until is None or number <= until]
    state = _read_checkpoint(storage, checkpoints[-1]) if checkpoints else RootState(0, {})
    numbers = [number for number in log.numbers() if until is None or number <= until]
    later = [number for number in numbers if number > state.number]
    if until is not None and found and not checkpoints and later[:1] != [1]:
        raise InputError(f"{storage.root}: the log of entry {until} is not kept any more")
    for number, entry in zip(later, map_concurrently(storage, log.read, later), strict=True):
        state.apply(number, entry if isinstance(entry, Manifest) else None)
    return state


def write_checkpoint(storage: Storage, now: datetime) -> None:
    """Write a checkpoint when the log has grown by a hundred, and let go what is older than that.

    Entries go once a checkpoint has stood for them for as long as `KEPT_FOR`.
    """
    checkpoints = layout.numbers(storage.names(layout.CHECKPOINTS))
    if Log(storage).head() < max(checkpoints, default=0) + _CHECKPOINT_EVERY:
        return
    state = read_state(storage)
    document = {
        "written": now.isoformat(timespec="seconds"),
        "datasets": {name: _document_of(dataset) for name, dataset in state.datasets.items()},
    }
    path = layout.numbered(layout.CHECKPOINTS, state.number, ".json")
    storage.create(path, json.dumps(document).encode() + b"\n")
    point("checkpoint.written")
    old = [
        number
        for number in checkpoints
        if now - datetime.fromisoformat(_document(storage, number)["written"]) > KEPT_FOR
    ]
    if old:
        _clean(storage, old[-1])


def _clean(storage: Storage, number: int) -> None:
    """Delete the checkpoints and entries before a checkpoint, oldest first."""
    for folder in (layout.LOG, layout.CHECKPOINTS):
        for earlier in layout.numbers(storage.names(folder)):
            if earlier < number:
                point("checkpoint.clean")
                storage.delete(layout.numbered(folder, earlier, ".json"))


def _document_of(dataset: DatasetState) -> Mapping[str, Any]:
    document = asdict(dataset)
    del document["schema"]
    return {"contract": dataset.schema.to_json(), **document}


def _document(storage: Storage, number: int) -> Mapping[str, Any]:
    data = storage.read(layout.numbered(layout.CHECKPOINTS, number, ".json"))
    document: Mapping[str, Any] = json.loads(data or b"{}")
    return document


def _read_checkpoint(storage: Storage, number: int) -> RootState:
    datasets = _document(storage, number)["datasets"]
    return RootState(
        number,
        {
            name: DatasetState(
                DatasetSchema.from_json(found["contract"]),
                {path: FileState(**file) for path, file in found["files"].items()},
                # A checkpoint that was written before batches were remembered has none.
                {id_: _batch(batch) for id_, batch in found.get("batches", {}).items()},
                followed_from_json(found.get("followed", ())),
            )
            for name, found in datasets.items()
        },
    )


def _batch(told: Mapping[str, Any]) -> Batch:
    return Batch(
        **{
            **told,
            "inputs": tuple(told["inputs"]),
            "files": tuple(told["files"]),
            "contents": tuple(told.get("contents", ())),
        }
    )
