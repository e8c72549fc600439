"""Runs that failed: they are in no log, so an output keeps them until they have been told."""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta

from gristmill.model.report import Report
from gristmill.publish.layout import HOME
from gristmill.publish.log import Log
from gristmill.publish.manifest import Manifest
from gristmill.publish.run_ids import started
from gristmill.storage import Storage

FAILURES = f"{HOME}/lineage/failed"
_KEPT_FOR = timedelta(days=30)


@dataclass(frozen=True)
class Failure:
    """A run that published nothing: when it ended (ISO 8601), what it was to read, and why."""

    run: str
    job: str
    ended: str
    inputs: tuple[str, ...]
    error: str

    @staticmethod
    def of(report: Report) -> "Failure":
        """That of which a report tells."""
        ended = datetime.fromisoformat(report.started) + timedelta(seconds=report.seconds)
        return Failure(report.run, report.job, ended.isoformat(), report.inputs, report.error or "")


def has_published(storage: Storage, report: Report) -> bool:
    """Whether a run that did not end well had published by then, as one may that is interrupted."""
    log = Log(storage)
    began = datetime.fromisoformat(report.started)
    for number in sorted(log.numbers(), reverse=True):
        entry = log.read(number)
        if isinstance(entry, Manifest):
            if entry.run == report.run:
                return True
            if datetime.fromisoformat(entry.committed) < began:
                break
    return False


def keep(storage: Storage, failure: Failure) -> None:
    """Keep a failure for all places that will ask for it."""
    storage.write(f"{FAILURES}/{failure.run}.json", json.dumps(asdict(failure)).encode())


def kept(storage: Storage, now: datetime | None = None) -> Iterator[Failure]:
    """The failures that are kept, in the order in which their runs began.

    Those of more than 30 days ago are let go, told or not.
    """
    moment = now or datetime.now(UTC)
    for name in sorted(storage.names(FAILURES)):
        path = f"{FAILURES}/{name}"
        if started(name, moment) < moment - _KEPT_FOR:
            storage.delete(path)
            continue
        try:
            found = json.loads(storage.read(path) or b"")
            yield Failure(**{**found, "inputs": tuple(found["inputs"])})
        except (ValueError, KeyError, TypeError):
            # It was cut off as it was written.
            continue
