"""Runs that were submitted, written down in S3 before they are, so that any machine finds them."""

import getpass
import json
import socket
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import islice
from typing import Any

from emr.aws import Aws
from gristmill.errors import InputError
from gristmill.runners import Handle, Submission


@dataclass(frozen=True)
class Record:
    """A run: what was asked for, by whom, when (UTC, ISO 8601), on which spec, and where it is.

    `handle` is None until AWS has taken it. `logs` is the folder in S3 for logs, `report` the URI
    where its job puts its report.
    """

    submission: Submission
    spec: str
    architecture: str
    logs: str
    report: str
    created: str
    owner: str
    handle: Handle | None = None

    @property
    def run(self) -> str:
        """Its key."""
        return self.submission.run

    def to_bytes(self) -> bytes:
        """The record as JSON."""
        return json.dumps(asdict(self), indent=2).encode() + b"\n"

    @staticmethod
    def from_bytes(data: bytes) -> "Record":
        """The record that `to_bytes` gave."""
        told: dict[str, Any] = json.loads(data)
        submission, handle = told.pop("submission"), told.pop("handle")
        submission["argv"] = tuple(submission["argv"])
        return Record(
            submission=Submission(**submission),
            handle=Handle(**handle) if handle else None,
            **told,
        )


class Runs:
    """The records below `home`, a folder in S3."""

    def __init__(self, aws: Aws, home: str) -> None:
        self._aws = aws
        self._folder = f"{home}/runs"

    def create(self, record: Record) -> bool:
        """Write a record where there is none of that run; gives whether there was none."""
        return self._aws.create(self._uri(record.run), record.to_bytes())

    def save(self, record: Record) -> None:
        """Replace a record."""
        self._aws.write(self._uri(record.run), record.to_bytes())

    def load(self, run: str) -> Record:
        """The record of a run. Raises `InputError` where there is none."""
        data = self._aws.read(self._uri(run))
        if data is None:
            raise InputError(f"no run {run} in {self._folder}: gristmill emr status lists them")
        return Record.from_bytes(data)

    def newest(self, count: int) -> list[Record]:
        """The newest records, as far as run keys begin with their time."""
        uris = sorted((uri for uri, _ in self._aws.objects(self._folder)), reverse=True)
        return list(islice(self._records(uris), count))

    def _records(self, uris: list[str]) -> Iterator[Record]:
        for uri in uris:
            data = self._aws.read(uri)
            if data is not None:
                yield Record.from_bytes(data)

    def _uri(self, run: str) -> str:
        return f"{self._folder}/{run}.json"


def owner() -> str:
    """Who submits: the user and the machine."""
    return f"{getpass.getuser()}@{socket.gethostname()}"
