"""What a publish writes down: the documents of the log."""

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gristmill.model.schema import DatasetSchema
from gristmill.publish.followed import Made, made_from_json


@dataclass(frozen=True)
class File:
    """A data file: its path below its dataset, its bytes, its rows."""

    path: str
    bytes: int
    rows: int


@dataclass(frozen=True)
class Change:
    """What a run does to a dataset: files that come in, each with where it was staged, and the
    paths of those that go out. `superseded` are the ids of other batches that go with them."""

    schema: DatasetSchema
    files: tuple[File, ...]
    staged: tuple[str, ...]
    removed: tuple[str, ...]
    superseded: tuple[str, ...] = ()

    @property
    def rows(self) -> int:
        """Rows that come in."""
        return sum(file.rows for file in self.files)

    @property
    def bytes(self) -> int:
        """Bytes that come in."""
        return sum(file.bytes for file in self.files)


@dataclass(frozen=True)
class Origin:
    """Where a publish comes from: a run of a job, by somebody, on some input.

    `batch` is an id, empty where nothing was loaded, `batch_name` what --batch named it. `files`
    are the fingerprints of the files that were read: see `batch`, and `contents` what each held, in
    the same order: see `contents`. A run that `adds` leaves what was there of its batch. `made`
    says what a summary was made of: see `followed`.
    """

    run: str
    job: str
    options: Mapping[str, Any]
    inputs: tuple[str, ...]
    batch: str
    owner: str
    batch_name: str | None = None
    files: tuple[str, ...] = ()
    made: Made | None = None
    contents: tuple[str, ...] = ()
    adds: bool = False


@dataclass(frozen=True)
class Manifest:
    """A publish. `committed` is ISO 8601 in UTC; `lines` are the lines or rows that were read."""

    origin: Origin
    committed: str
    lines: int
    rejected: int
    changes: tuple[Change, ...]
    skipped: int = 0

    @property
    def run(self) -> str:
        """The run that published."""
        return self.origin.run

    def touches(self, dataset: str) -> bool:
        """Whether it changes `dataset`."""
        return any(change.schema.name == dataset for change in self.changes)


@dataclass(frozen=True)
class Abandoned:
    """A run that may not publish any more, since `by` found it dead at `when`."""

    run: str
    by: str
    when: str


Entry = Manifest | Abandoned


def document(entry: Entry) -> dict[str, Any]:
    """An entry as a JSON object; beside each schema stands its fingerprint."""
    if isinstance(entry, Abandoned):
        return {"kind": "abandon", **dataclasses.asdict(entry)}
    told = {"kind": "publish", **dataclasses.asdict(entry)}
    for change, written in zip(entry.changes, told["changes"], strict=True):
        del written["schema"]
        written |= {
            "contract": change.schema.to_json(),
            "fingerprint": change.schema.fingerprint,
        }
    return told


def encode(entry: Entry) -> bytes:
    """An entry as JSON."""
    return json.dumps(document(entry), indent=1).encode() + b"\n"


def decode(data: bytes) -> Entry:
    """The entry that `encode` wrote. Fields that are not known are passed over."""
    told = json.loads(data)
    if told["kind"] == "abandon":
        return Abandoned(told["run"], told["by"], told["when"])
    origin = told["origin"]
    return Manifest(
        origin=Origin(
            run=origin["run"],
            job=origin["job"],
            options=origin["options"],
            inputs=tuple(origin["inputs"]),
            batch=origin["batch"],
            owner=origin["owner"],
            # Those that were written before runs knew their files have neither.
            batch_name=origin.get("batch_name"),
            files=tuple(origin.get("files", ())),
            made=made_from_json(origin.get("made")),
            contents=tuple(origin.get("contents", ())),
            adds=origin.get("adds", False),
        ),
        committed=told["committed"],
        lines=told["lines"],
        rejected=told["rejected"],
        changes=tuple(map(_change, told["changes"])),
        skipped=told.get("skipped", 0),
    )


def _change(told: Any) -> Change:
    return Change(
        schema=DatasetSchema.from_json(told["contract"]),
        files=tuple(File(file["path"], file["bytes"], file["rows"]) for file in told["files"]),
        staged=tuple(told["staged"]),
        removed=tuple(told["removed"]),
        superseded=tuple(told.get("superseded", ())),
    )
