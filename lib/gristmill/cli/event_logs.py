"""The event logs of runs: found, brought here, and shown by Spark's own History Server."""

import argparse
import contextlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from gristmill.cli.voice import tell
from gristmill.errors import ExitCode, GristmillError, InputError
from gristmill.publish.layout import HOME
from gristmill.publish.locations import open_location
from gristmill.script.command import SPARK_EVENTS
from gristmill.spark.history import history_server
from gristmill.storage import Storage

_ROLLING, _REPORTS = "eventlog_v2_", f"{HOME}/reports"
# As Spark calls applications: here, on YARN, on a cluster of its own.
_SINGLE = ("local-", "application_", "app-")


@dataclass(frozen=True)
class _EventLog:
    """An event log: its name below a place, and the files in it where it rolls."""

    storage: Storage
    path: str
    files: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return self.path.rpartition("/")[2]


def serve(arguments: argparse.Namespace) -> int:
    """Show the event logs of an output, or of a folder of them; gives the exit code."""
    with TemporaryDirectory(prefix="gristmill-history-") as made:
        folder = Path(made)
        found = {one.name: one for one in _event_logs(arguments.place)}
        if not found:
            raise InputError(
                f"{arguments.place} has no event logs: a run here keeps one with --event-log, one "
                "on EMR always"
            )
        for one in found.values():
            _bring(one, folder)
        with history_server(folder, arguments.port) as (url, server):
            runs = "1 event log" if len(found) == 1 else f"{len(found):,} event logs"
            tell(f"{runs}; Ctrl-C ends it")
            print(url, flush=True)
            try:
                server.wait()
            except KeyboardInterrupt:
                return ExitCode.INTERRUPTED
        raise GristmillError("Spark's History Server has ended by itself")


def _event_logs(place: str) -> Iterator[_EventLog]:
    storage = open_location(place)
    yield from _in(storage, "")
    yield from _in(storage, f"{SPARK_EVENTS}/")
    for name in storage.names(_REPORTS):
        uri = _told(storage.read(f"{_REPORTS}/{name}"))
        folder, _, last = (uri or "").rpartition("/")
        if folder:
            # What was removed since is passed over.
            with contextlib.suppress(OSError, GristmillError):
                yield from (one for one in _in(open_location(folder), "") if one.name == last)


def _told(report: bytes | None) -> str | None:
    try:
        found = json.loads(report or b"{}").get("event_log")
    except (ValueError, AttributeError):
        return None
    return found if isinstance(found, str) else None


def _in(storage: Storage, folder: str) -> Iterator[_EventLog]:
    for name in storage.names(folder):
        path = f"{folder}{name}"
        if name.startswith(_ROLLING):
            yield _EventLog(storage, path, tuple(storage.names(path)))
        elif name.startswith(_SINGLE):
            yield _EventLog(storage, path)


def _bring(log: _EventLog, folder: Path) -> None:
    """Have a log in `folder`: a link to what is on this disk, a copy of what is elsewhere."""
    here = log.storage.root.removeprefix("file://")
    if here != log.storage.root:
        (folder / log.name).symlink_to(Path(here, log.path))
        return
    tell(f"reading {log.storage.root}/{log.path}")
    target = folder / log.name
    if log.files:
        target.mkdir()
    for name in log.files or ("",):
        data = log.storage.read(f"{log.path}/{name}".rstrip("/"))
        if data is not None:
            (target / name if name else target).write_bytes(data)
