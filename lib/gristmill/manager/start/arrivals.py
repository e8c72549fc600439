"""Files that arrive: noted when they are seen, gone into a run once, in batches."""

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from gristmill.errors import GristmillError
from gristmill.manager.ledger import Ledger, Transaction
from gristmill.manager.ledger.database import Row
from gristmill.manager.ledger.definitions import load_settings, paused_names
from gristmill.manager.ledger.submitting import submit
from gristmill.manager.ledger.tables import arrivals
from gristmill.manager.notify.outbox import tell
from gristmill.manager.request import RunRequest
from gristmill.manager.settings import DEFAULT, Arrival, Settings
from gristmill.manager.start.workflows import NoWorkflows, Workflows
from gristmill.manager.submit import completed

_HIDDEN = ("_", ".")


@dataclass(frozen=True)
class SeenFile:
    """A file as it was seen: its version changes with its content."""

    uri: str
    version: str
    size: int


@dataclass(frozen=True)
class Batch:
    """Files that went to a run or an execution, and why then; `is_short` where some were expected
    that are not there. `run` names it, or is None where that failed, for the reason."""

    arrival: str
    files: tuple[str, ...]
    why: str
    run: str | None
    is_short: bool = False
    reason: str = ""


def in_folder(folder: Path, patterns: Sequence[str]) -> list[SeenFile]:
    """The files below a folder, at any depth, whose names fit a pattern. Raises `OSError`."""
    found = []
    for path in sorted(folder.rglob("*")):
        parts = path.relative_to(folder).parts
        if any(part.startswith(_HIDDEN) for part in parts[:-1]) or not path.is_file():
            continue
        if parts[-1].startswith(".") or not fits(parts[-1], patterns):
            continue
        stat = path.stat()
        found.append(SeenFile(str(path), f"{stat.st_mtime_ns}-{stat.st_size}", stat.st_size))
    return found


def fits(name: str, patterns: Sequence[str]) -> bool:
    """Whether a name fits one of some patterns."""
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def note(tx: Transaction, name: str, seen: Iterable[SeenFile]) -> int:
    """Write down files that are new, or that have changed; gives how many.

    What was seen before of a file that has changed, and that went into no run yet, is forgotten.
    """
    count = 0
    for one in seen:
        values = {"source": name, "uri": one.uri, "version": one.version}
        added = tx.insert(arrivals).values(**values, size=one.size, seen=tx.now)
        is_new = tx.one(added.on_conflict_do_nothing().returning(arrivals.c.uri)) is not None
        if is_new:
            count += 1
            older = (
                (arrivals.c.source == name)
                & (arrivals.c.uri == one.uri)
                & (arrivals.c.version != one.version)
                & arrivals.c.run.is_(None)
            )
            tx.run(arrivals.delete().where(older))
    return count


def why_now(arrival: Arrival, waiting: Sequence[Row], now: float) -> tuple[str, bool] | None:
    """Why a batch goes now, and whether it lacks some that are expected; None where it waits."""
    files = [row for row in waiting if not _is_marker(arrival, row)]
    if not files:
        return None
    settled = [row for row in files if now - row["seen"] >= arrival.settle]
    oldest = min(row["seen"] for row in waiting)
    has_marker = any(_is_marker(arrival, row) for row in waiting)
    is_expected = arrival.expect is not None and len(files) >= arrival.expect
    waits_for_more = arrival.marker is not None or arrival.expect is not None
    quiet = not waits_for_more and now - max(row["seen"] for row in waiting) >= arrival.settle
    is_late = arrival.by is not None and now - oldest >= arrival.by
    all_settled = len(settled) == len(files)
    reasons = (
        (all_settled and has_marker, f"{arrival.marker} is there", False),
        (all_settled and is_expected, f"all {len(files):,} are there", False),
        (is_late, f"{len(files):,} of {arrival.expect or 0:,} after {arrival.by or 0:g} s", True),
        (len(settled) >= arrival.max_files, f"{arrival.max_files:,} are there", False),
        (now - oldest >= arrival.max_wait, f"waited {arrival.max_wait:g} s", waits_for_more),
        (quiet, f"no more came for {arrival.settle:g} s", False),
    )
    return next(((why, is_short) for holds, why, is_short in reasons if holds), None)


def _is_marker(arrival: Arrival, row: Mapping[str, Any]) -> bool:
    return arrival.marker is not None and row["uri"].rpartition("/")[2] == arrival.marker


def submit_batch(
    tx: Transaction,
    settings: Settings,
    name: str,
    write: Callable[[str, str], str],
    workflows: Workflows,
) -> Batch | None:
    """Submit a run for what has arrived, or start an execution, if it is time; gives the batch.

    `write(name, text)` writes the list of its files and gives where it is.
    """
    arrival = settings.arrivals[name]
    waiting = tx.all(
        sa.select(arrivals)
        .where(arrivals.c.source == name, arrivals.c.run.is_(None))
        .order_by(arrivals.c.uri, arrivals.c.version)
        .with_for_update(skip_locked=True)
    )
    found = why_now(arrival, waiting, tx.now)
    if found is None:
        return None
    why, is_short = found
    files = [row for row in waiting if not _is_marker(arrival, row)]
    ready = [row for row in files if tx.now - row["seen"] >= arrival.settle]
    chosen = (ready or files)[: arrival.max_files]
    told = "".join(f"{row['uri']}\n" for row in chosen)
    versions = "".join(f"{row['uri']} {row['version']}\n" for row in chosen)
    digest = hashlib.sha256(versions.encode()).hexdigest()[:16]
    listed = write(f"{name}-{digest}.txt", told)
    names = tuple(row["uri"] for row in chosen)
    try:
        if arrival.workflow is None:
            request = _request(name, arrival, listed, digest)
            begun = submit(tx, completed(tx, request, settings), settings).run
        else:
            given = {**arrival.input, "files": list(names), "list": listed}
            called = f"arrival-{name}-{digest}"
            begun = workflows.start(tx, arrival.what, Path(arrival.folder), given, called)
    except GristmillError as error:
        return Batch(name, names, why, None, is_short, str(error))
    # The marker goes with the last of its batch.
    markers = [row for row in waiting if _is_marker(arrival, row)]
    for row in [*chosen, *(markers if len(chosen) == len(files) else [])]:
        mine = (arrivals.c.source == name) & (arrivals.c.uri == row["uri"])
        taken = arrivals.update().where(mine, arrivals.c.version == row["version"])
        tx.run(taken.values(run=begun))
    if is_short:
        queue = arrival.queue or DEFAULT
        facts = {"job": arrival.what, "queue": queue, "run": begun, "reason": why}
        tell(tx, settings, f"arrival/{name}/{digest}", "late_files", facts)
    return Batch(name, names, why, begun, is_short)


def _request(name: str, arrival: Arrival, listed: str, digest: str) -> RunRequest:
    return RunRequest(
        arrival.what,
        (*arrival.args, "--input", f"@{listed}"),
        folder=arrival.folder,
        key=f"arrival/{name}/{digest}",
        queue=arrival.queue or DEFAULT,
        submitter=f"arrival {name}",
    )


def take_arrivals(
    ledger: Ledger,
    look: Callable[[str, Arrival], Iterable[SeenFile]],
    write: Callable[[str, str], str],
    tell_wrong: Callable[[str], None],
    workflows: Workflows | None = None,
) -> list[Batch]:
    """Look at all places where files arrive, and submit what is complete. A place that cannot be
    looked at keeps no other one back."""
    with ledger.look() as tx:
        settings = load_settings(tx)
        paused = paused_names(tx, "arrival")
    found: list[Batch] = []
    for name, arrival in settings.arrivals.items():
        if name in paused:
            continue
        try:
            seen = list(look(name, arrival))
        except GristmillError as error:
            tell_wrong(str(error))
            continue
        with ledger.begin() as tx:
            note(tx, name, seen)
        with ledger.begin() as tx:
            batch = submit_batch(tx, settings, name, write, workflows or NoWorkflows())
        found += [batch] if batch else []
    return found
