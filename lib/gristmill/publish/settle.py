"""Finishing what a run left: its publish is carried out if it was committed, else put away."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from gristmill.errors import OutputError
from gristmill.failpoints import point
from gristmill.publish import layout, tables
from gristmill.publish.lease import Lease, find
from gristmill.publish.log import Log
from gristmill.publish.manifest import Abandoned, Manifest
from gristmill.publish.run_ids import started
from gristmill.publish.state import read_state
from gristmill.publish.table_format import ICEBERG, found_format
from gristmill.storage import Storage, map_concurrently

_LEFT_BEHIND_AFTER = timedelta(days=1)


@dataclass(frozen=True)
class Unfinished:
    """A run that has not finished. `lease` is None where only leftovers are there."""

    run: str
    lease: Lease | None
    dead: bool


def unfinished(storage: Storage, now: datetime) -> list[Unfinished]:
    """The runs that have not finished, oldest first: alive, dead, or gone but for leftovers."""
    found = []
    for run in storage.names(layout.STAGING):
        lease = find(storage, run)
        if lease is not None:
            found.append(Unfinished(run, lease, lease.is_dead(now)))
        elif started(run, now) < now - _LEFT_BEHIND_AFTER:
            # Younger ones may be about to write their lease.
            found.append(Unfinished(run, None, dead=True))
    return found


def recover(storage: Storage, by: str, now: datetime) -> list[tuple[Unfinished, Manifest | None]]:
    """Settle every dead run; gives each with what it had committed, None where that was nothing."""
    settled = []
    for found in unfinished(storage, now):
        if found.dead:
            manifest = settle(storage, found.lease, by, now) if found.lease else None
            put_away(storage, found.run)
            settled.append((found, manifest))
    return settled


def settle(storage: Storage, lease: Lease, by: str, now: datetime) -> Manifest | None:
    """Finish the run of `lease`; gives what it published, None where it never will.

    May be repeated, from any point, and done by several at once.
    """
    manifest = conclude(storage, lease, by, now)
    point("settle.concluded")
    if manifest is not None:
        apply(storage, manifest)
    else:
        drop(storage, lease.run)
    put_away(storage, lease.run)
    return manifest


def conclude(storage: Storage, lease: Lease, by: str, now: datetime) -> Manifest | None:
    """What the run of `lease` has committed; where that is nothing, it cannot commit any more."""
    abandoned = Abandoned(lease.run, by, now.isoformat(timespec="seconds"))
    return Log(storage).conclude(lease.run, lease.base, abandoned)


def apply(storage: Storage, manifest: Manifest) -> None:
    """Carry out a publish: bring its files in, then take out those that they replace.

    May be repeated, from any point, and done by several at once. Raises `OutputError` where a
    staged file has gone that was never brought in; then nothing is taken out.

    The files of a table of Iceberg lie where they stay: it is told of them.
    """
    if found_format(storage) == ICEBERG:
        tables.follow(storage, [change.schema.name for change in manifest.changes])
        return

    def bring(move: tuple[str, str]) -> str | None:
        point("apply.move")
        try:
            storage.move(*move)
        except FileNotFoundError:
            return move[1]
        return None

    def remove(path: str) -> None:
        point("apply.delete")
        storage.delete(path)

    removed = [
        f"{change.schema.name}/{path}" for change in manifest.changes for path in change.removed
    ]
    brought = map_concurrently(storage, bring, _moves(manifest))
    missing = [path for path in brought if path is not None]
    if missing:
        state = read_state(storage)
        lost = [path for path in missing if state.holds(path)]
        if not lost:
            # Another run has carried out the same, and since then a later publish.
            return
        put_away(storage, manifest.run)
        raise OutputError(
            f"{storage.root}/{lost[0]} was staged and has gone before it was brought in, with "
            f"{len(lost) - 1:,} more; what it was to replace is still there: "
            f"run {manifest.origin.job} again on the same input"
        )
    point("apply.moved")
    map_concurrently(storage, remove, removed)
    point("apply.deleted")
    for folder in _folders(removed):
        storage.delete_empty_folder(folder)


def _moves(manifest: Manifest) -> list[tuple[str, str]]:
    return [
        (f"{layout.stage(manifest.run)}/{name}/{staged}", f"{name}/{file.path}")
        for change in manifest.changes
        for name in [change.schema.name]
        for staged, file in zip(change.staged, change.files, strict=True)
    ]


def drop(storage: Storage, run: str) -> bool:
    """Delete the files that a run has written into tables of Iceberg and not published; gives
    whether there were any."""
    if found_format(storage) != ICEBERG:
        return False
    found = [
        f"{dataset}/{layout.DATA}/{name}"
        for dataset in storage.names("")
        if dataset != layout.HOME
        for name in storage.names(f"{dataset}/{layout.DATA}")
        if name.endswith(f"-{run}")
    ]
    for folder in found:
        point("drop.folder")
        storage.delete(folder)
        storage.delete_empty_folder(layout.folder(folder))
        storage.delete_empty_folder(folder.partition("/")[0])
    return bool(found)


def put_away(storage: Storage, run: str) -> None:
    """Delete what a finished run has staged; its lease last, for that says it is not finished."""
    folder = layout.stage(run)
    for name in storage.names(folder):
        if f"{folder}/{name}" != layout.lease(run):
            point("put_away.dataset")
            storage.delete(f"{folder}/{name}")
    point("put_away.lease")
    storage.delete(layout.lease(run))
    point("put_away.folder")
    storage.delete_empty_folder(folder)


def _folders(paths: Iterable[str]) -> list[str]:
    """The partition folders of files, inner before outer, without those of the datasets."""
    found = set()
    for path in paths:
        folder = layout.folder(path)
        while "/" in folder:
            found.add(folder)
            folder = layout.folder(folder)
    return sorted(found, key=lambda folder: (-folder.count("/"), folder))
