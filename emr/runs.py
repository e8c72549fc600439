"""Runs that were submitted, written down in S3 before they are, so that any machine finds them."""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from datetime import timedelta
from itertools import islice
from operator import itemgetter
from typing import Any

from gristmill.emr.aws import Aws, Stored
from gristmill.emr.package.contents import Shipped
from gristmill.errors import InputError
from gristmill.runs import Handle, Submission


@dataclass(frozen=True)
class Record:
    """A run: what was asked for, by whom, when (UTC, ISO 8601), on which spec, and where it is.

    `handle` is None until AWS has taken it; until then `claim` names the process that submits it,
    and is empty where that one has given up. `logs` is the folder in S3 for logs, `reports` the
    URIs where its jobs put their reports, in their order, `shipped` what it was sent with, and
    `earlier` where its attempts were that were lost.
    """

    submission: Submission
    spec: str
    architecture: str
    logs: str
    reports: tuple[str, ...]
    created: str
    owner: str
    handle: Handle | None = None
    claim: str = ""
    shipped: Shipped | None = None
    earlier: tuple[Handle, ...] = ()

    @property
    def run(self) -> str:
        """Its key."""
        return self.submission.run

    def to_bytes(self) -> bytes:
        """The record as JSON."""
        return json.dumps(asdict(self), indent=2).encode() + b"\n"

    @staticmethod
    def from_bytes(data: bytes) -> "Record":
        """The record that `to_bytes` gave, of this version or a later one. Raises `ValueError`."""
        try:
            told: dict[str, Any] = json.loads(data)
            submission = _known(Submission, told["submission"])
            submission["argv"] = tuple(submission["argv"])
            # A run was one job, before.
            told["reports"] = tuple(told.get("reports") or (told["report"],))
            handle = told["handle"]
            if handle and "place" in handle:
                # As it was called before.
                handle = {"target": handle["place"], **handle}
            shipped = told.get("shipped")
            made = {
                "submission": Submission(**submission),
                "handle": Handle(**_known(Handle, handle)) if handle else None,
                "shipped": Shipped(**_known(Shipped, shipped)) if shipped else None,
                "earlier": tuple(Handle(**_known(Handle, one)) for one in told.get("earlier", ())),
            }
            return Record(**(_known(Record, told) | made))
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"it lacks {error}") from error


def _known(kind: type[Any], told: dict[str, Any]) -> dict[str, Any]:
    names = {field.name for field in fields(kind)}
    return {name: value for name, value in told.items() if name in names}


@dataclass(frozen=True)
class Found:
    """A record as it was read: `age` is since it was written, `stored` what may be replaced."""

    record: Record
    stored: Stored

    @property
    def age(self) -> timedelta:
        """How long ago it was written."""
        return self.stored.age


class Runs:
    """The records below `home`, a folder in S3."""

    def __init__(self, aws: Aws, home: str) -> None:
        self._aws = aws
        self._folder = f"{home}/runs"

    def create(self, record: Record) -> bool:
        """Write a record where there is none of that run; gives whether there was none."""
        return self._aws.create(self._uri(record.run), record.to_bytes())

    def replace(self, found: Found, record: Record) -> bool:
        """Put a record in the place of one that was found, if that is still there."""
        return self._aws.replace(found.stored.uri, record.to_bytes(), found.stored.etag)

    def remove(self, found: Found) -> bool:
        """Take a record away that was found, if it is as it was; gives whether it was."""
        return self._aws.remove(found.stored.uri, found.stored.etag)

    def save(self, record: Record) -> None:
        """Replace a record."""
        self._aws.write(self._uri(record.run), record.to_bytes())

    def find(self, run: str) -> Found | None:
        """The record of a run, if there is one. Raises `InputError` where it is none of ours."""
        stored = self._aws.find(self._uri(run))
        return None if stored is None else Found(_record(stored.data, stored.uri), stored)

    def load(self, run: str) -> Record:
        """The record of a run. Raises `InputError` where there is none."""
        found = self.find(run)
        if found is None:
            raise InputError(f"no run {run} in {self._folder}: gristmill emr status lists them")
        return found.record

    def newest(self, count: int) -> list[Record]:
        """The records that were written last: so many of them, the newest first."""
        found = sorted(self._aws.written(self._folder), key=itemgetter(1), reverse=True)
        return list(islice(self._records([uri for uri, _ in found]), count))

    def _records(self, uris: list[str]) -> Iterator[Record]:
        for uri in uris:
            data = self._aws.read(uri)
            if data is not None:
                yield _record(data, uri)

    def _uri(self, run: str) -> str:
        return f"{self._folder}/{run}.json"


def _record(data: bytes, uri: str) -> Record:
    try:
        return Record.from_bytes(data)
    except ValueError as error:
        raise InputError(f"{uri} is not the record of a run: {error}") from error
