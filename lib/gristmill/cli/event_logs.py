"""The event logs of runs: found, brought here, and shown by Spark's own History Server."""

import argparse
import contextlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa

from gristmill.cli.show import Block, blocks
from gristmill.cli.show import show as print_value
from gristmill.cli.voice import tell
from gristmill.diagnosis.event_log import usage_of_events
from gristmill.diagnosis.tuning import tuning
from gristmill.errors import ExitCode, GristmillError, InputError
from gristmill.publish.layout import HOME
from gristmill.publish.locations import open_location
from gristmill.script.places import SPARK_EVENTS
from gristmill.spark.history import history_server
from gristmill.storage import Storage

# Of a packed log that is cut off as much as this is lost.
_CHUNK = 8192
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
        found = _found(arguments.place)
        for one in found:
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


@dataclass(frozen=True)
class Tuned:
    """An event log: its application, how long that took (seconds), and what stood still in it."""

    log: str
    application: str
    seconds: float
    notes: tuple[str, ...]


@dataclass(frozen=True)
class TunedLogs:
    """Event logs, and what there is to say of each."""

    logs: tuple[Tuned, ...]


def show_tuning(arguments: argparse.Namespace) -> None:
    """Say what stood still in the runs whose event logs a place has."""
    found = _found(arguments.place)
    print_value(TunedLogs(tuple(map(_tuned, found))), as_json=arguments.json)


def _tuned(log: _EventLog) -> Tuned:
    name, usage = usage_of_events(_lines(log))
    place = f"{log.storage.root}/{log.path}"
    return Tuned(place, name, round(usage.seconds, 1), tuning(usage))


@blocks.register
def _(found: TunedLogs) -> Iterable[Block]:
    for one in found.logs:
        yield f"{one.application}, {one.seconds:.0f} s: {one.log}"
        for note in one.notes or ("nothing to say: all is well, or it was too short to gain",):
            yield f"  {note}"


def _lines(log: _EventLog) -> Iterator[str]:
    """The lines of a log, in the order in which they were written."""
    parts = [name for name in log.files if name.startswith("events_")]
    for name in sorted(parts, key=_number) if log.files else [""]:
        data = log.storage.read(f"{log.path}/{name}".rstrip("/"))
        if data:
            yield from _unpacked(name or log.name, data)


def _number(name: str) -> int:
    number = name.split("_")[1]
    return int(number) if number.isdecimal() else 0


def _unpacked(name: str, data: bytes) -> Iterator[str]:
    codec = name.removesuffix(".inprogress").rpartition(".")[2]
    stream: Any = pa.BufferReader(data)
    if codec in {"zstd", "gz"}:
        stream = pa.CompressedInputStream(stream, {"gz": "gzip"}.get(codec, codec))
    elif codec in {"lz4", "snappy", "lzf"}:
        raise InputError(
            f"{name} is packed by Spark's {codec}: spark.eventLog.compression.codec=zstd"
        )
    rest = b""
    while True:
        try:
            chunk = stream.read(_CHUNK)
        except OSError:
            # Of a driver that died the end is missing.
            chunk = b""
        if not chunk:
            break
        *whole, rest = (rest + chunk).split(b"\n")
        yield from (line.decode(errors="replace") for line in whole)
    yield rest.decode(errors="replace")


def _found(place: str) -> list[_EventLog]:
    """The event logs of a place. Raises `InputError` where there are none."""
    found = {one.name: one for one in _event_logs(place)}
    if not found:
        raise InputError(
            f"{place} has no event logs: a run here keeps one with --event-log, one on EMR always"
        )
    return list(found.values())


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
