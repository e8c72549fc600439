"""What a root holds according to its log: every file that a reader should find, and whose it is."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any

from gristmill.contract import Contract
from gristmill.faults import point
from gristmill.publish import layout
from gristmill.publish.log import Log
from gristmill.publish.manifest import Manifest
from gristmill.storage import Storage, each

_CHECKPOINT_EVERY = 100
KEPT_FOR = timedelta(days=90)
"""How long the log is kept once a checkpoint stands for it."""


@dataclass(frozen=True)
class LiveFile:
    """A data file: its bytes, its rows, and the run that published it."""

    bytes: int
    rows: int
    run: str


@dataclass
class LiveDataset:
    """A dataset: its contract, and its files by their path below it."""

    contract: Contract
    files: dict[str, LiveFile] = field(default_factory=dict)


@dataclass
class Live:
    """The datasets of a root by name, as entry `number` of the log left them."""

    number: int
    datasets: dict[str, LiveDataset]

    def holds(self, path: str) -> bool:
        """Whether `path`, that of a file below the root, is a file of a dataset."""
        name, _, below = path.partition("/")
        return name in self.datasets and below in self.datasets[name].files

    def apply(self, number: int, manifest: Manifest | None) -> None:
        """Go on to the next entry; None for one that published nothing."""
        self.number = number
        for change in manifest.changes if manifest else ():
            name = change.contract.name
            dataset = self.datasets.setdefault(name, LiveDataset(change.contract))
            dataset.contract = change.contract
            for path in change.removed:
                dataset.files.pop(path, None)
            for file in change.files:
                run = manifest.run if manifest else ""
                dataset.files[file.path] = LiveFile(file.bytes, file.rows, run)


def read_live(storage: Storage) -> Live:
    """What the log says now: its newest checkpoint, and the entries since."""
    log = Log(storage)
    checkpoints = layout.numbers(storage.names(layout.CHECKPOINTS))
    live = _read_checkpoint(storage, checkpoints[-1]) if checkpoints else Live(0, {})
    later = [number for number in log.numbers() if number > live.number]
    for number, entry in zip(later, each(storage, log.read, later), strict=True):
        live.apply(number, entry if isinstance(entry, Manifest) else None)
    return live


def tend(storage: Storage, now: datetime) -> None:
    """Write a checkpoint when the log has grown by a hundred, and let go what is older than that.

    Entries go once a checkpoint has stood for them for as long as `KEPT_FOR`.
    """
    checkpoints = layout.numbers(storage.names(layout.CHECKPOINTS))
    if Log(storage).head() < max(checkpoints, default=0) + _CHECKPOINT_EVERY:
        return
    live = read_live(storage)
    document = {
        "written": now.isoformat(timespec="seconds"),
        "datasets": {name: asdict(dataset) for name, dataset in live.datasets.items()},
    }
    path = layout.numbered(layout.CHECKPOINTS, live.number, ".json")
    storage.create(path, json.dumps(document).encode() + b"\n")
    point("tend.checkpoint")
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
                point("tend.clean")
                storage.delete(layout.numbered(folder, earlier, ".json"))


def _document(storage: Storage, number: int) -> Mapping[str, Any]:
    data = storage.read(layout.numbered(layout.CHECKPOINTS, number, ".json"))
    document: Mapping[str, Any] = json.loads(data or b"{}")
    return document


def _read_checkpoint(storage: Storage, number: int) -> Live:
    datasets = _document(storage, number)["datasets"]
    return Live(
        number,
        {
            name: LiveDataset(
                Contract.from_json(found["contract"]),
                {path: LiveFile(**file) for path, file in found["files"].items()},
            )
            for name, found in datasets.items()
        },
    )
