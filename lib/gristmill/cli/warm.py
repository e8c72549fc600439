"""What is warm on this machine, and its end."""

import argparse
import contextlib
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from gristmill.cli.show import Block, Table, blocks, show
from gristmill.model.report import size
from gristmill.warm.client import connect
from gristmill.warm.client import stop as end
from gristmill.warm.folder import runtime_folder, sockets
from gristmill.warm.messages import receive, send


@dataclass(frozen=True)
class WarmSpark:
    """A Spark that is kept: its process, its Java, the folder that paths are relative to, the
    processes of the runs on it, and its memory in bytes."""

    process: int
    java: str
    folder: str
    runs: tuple[int, ...]
    bytes: int


@dataclass(frozen=True)
class WarmRun:
    """A run that was handed over: its process, its command, and since when it goes on (UTC)."""

    process: int
    command: str
    since: datetime


@dataclass(frozen=True)
class WarmProcess:
    """A process that serves runs, with what it keeps; it ends in so many seconds, if unasked."""

    process: int
    since: datetime
    ends_in: float
    runs: tuple[WarmRun, ...]
    sparks: tuple[WarmSpark, ...]


@dataclass(frozen=True)
class WarmStatus:
    """All that is warm for this user on this machine."""

    processes: tuple[WarmProcess, ...]


@dataclass(frozen=True)
class WarmEnd:
    """How many processes were told to end, and how many runs they let end before."""

    processes: int
    runs: int


@blocks.register
def _(found: WarmStatus) -> Iterable[Block]:
    if not found.processes:
        yield "nothing is warm"
    for one in found.processes:
        yield f"process {one.process}: ends in {one.ends_in / 60:.0f} min, if nothing is run"
        if one.sparks:
            rows = [
                (str(s.process), s.java, size(s.bytes), str(len(s.runs)), s.folder)
                for s in one.sparks
            ]
            yield Table(("Spark", "Java", "memory", "runs", "folder"), rows)
        if one.runs:
            yield Table(
                ("run", "since (UTC)", "command"),
                [(str(r.process), f"{r.since:%H:%M:%S}", r.command) for r in one.runs],
            )


@blocks.register
def _(found: WarmEnd) -> Iterable[Block]:
    if not found.processes:
        yield "nothing is warm"
    elif found.runs:
        yield f"ends as soon as what is run has ended: {found.runs:,} under way"
    else:
        yield "nothing is warm any more"


def status(arguments: argparse.Namespace) -> None:
    """Show what is warm."""
    found = tuple(_process(answer) for answer in _answers())
    show(WarmStatus(found), as_json=arguments.json)


def stop(arguments: argparse.Namespace) -> None:
    """End what is warm; runs go on to their end."""
    runs = [told for path in _all() if (told := end(path)) is not None]
    show(WarmEnd(len(runs), sum(runs)), as_json=arguments.json)


def _all() -> Iterator[Path]:
    folder = runtime_folder() if sys.platform != "win32" else None
    yield from sockets(folder) if folder else ()


def _answers() -> Iterator[dict[str, Any]]:
    """What each of the warm processes tells of itself."""
    for path in _all():
        server = connect(path)
        if server is None:
            continue
        with contextlib.suppress(OSError), server:
            send(server, {"ask": "status"})
            answer, _ = receive(server)
            yield answer


def _process(answer: dict[str, Any]) -> WarmProcess:
    return WarmProcess(
        answer["process"],
        _moment(answer["since"]),
        round(answer["ends_in"], 1),
        tuple(
            WarmRun(one["process"], one["command"], _moment(one["since"])) for one in answer["runs"]
        ),
        tuple(WarmSpark(**one | {"runs": tuple(one["runs"])}) for one in answer["sparks"]),
    )


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(round(seconds), UTC)
