"""What an output root holds, what has happened to it, and whether it is whole."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pyarrow.parquet as pq
from pyarrow import ArrowException

from gristmill.cli.show import Block, Table, blocks, document
from gristmill.errors import InputError, UsageError
from gristmill.model.report import size
from gristmill.nearest import nearest
from gristmill.outputs.arrow import arrow_path
from gristmill.publish import layout, tables
from gristmill.publish.lease import owner, utc_now
from gristmill.publish.locations import open_output, readable
from gristmill.publish.log import Log
from gristmill.publish.manifest import Manifest
from gristmill.publish.manifest import document as entry_document
from gristmill.publish.settle import Unfinished, recover, unfinished
from gristmill.publish.state import read_state
from gristmill.publish.table_format import ICEBERG, found_format, is_installed
from gristmill.publish.verify import verify
from gristmill.storage import Storage, map_concurrently


@dataclass(frozen=True)
class DatasetSummary:
    """What an output holds of a dataset. `newest_run` is null where all of it has gone."""

    name: str
    partitions: int
    rows: int
    files: int
    bytes: int
    newest_run: str | None


@dataclass(frozen=True)
class DatasetList:
    """The datasets of an output."""

    datasets: tuple[DatasetSummary, ...]


@dataclass(frozen=True)
class EntryNames:
    """How a publish is called: the `number` of its entry in the log, and the snapshots of tables
    of Iceberg that stand for it and are kept, by dataset; none where the output is plain Parquet.
    """

    number: int
    snapshots: Mapping[str, int]


@dataclass(frozen=True)
class History:
    """The newest publishes of an output, oldest first: the entries of its log, as they were written
    (docs/publishing.md). `dataset` is the one that was asked for. `entries` are the names of the
    publishes, in the same order."""

    dataset: str | None
    publishes: tuple[Manifest, ...]
    entries: tuple[EntryNames, ...] = ()


@dataclass(frozen=True)
class VerifiedDataset:
    """A dataset, held against the log: what of its files is `wrong`, a line each."""

    name: str
    files: int
    rows: int
    wrong: tuple[str, ...]


@dataclass(frozen=True)
class Verification:
    """Whether the files of an output are those that were published. A run may be `unfinished`."""

    output: str
    is_whole: bool
    is_unfinished: bool
    wrong: tuple[str, ...]
    datasets: tuple[VerifiedDataset, ...]


@dataclass(frozen=True)
class SettledRun:
    """A run that died: it was `finished` where it had committed, to `datasets`, else `dropped`."""

    run: str
    who: str
    outcome: str
    datasets: tuple[str, ...]


@dataclass(frozen=True)
class LivingRun:
    """A run that goes on: its next sign of life is due by `due`, UTC."""

    run: str
    who: str
    due: datetime


@dataclass(frozen=True)
class Recovery:
    """What was done about runs that had not finished."""

    settled: tuple[SettledRun, ...]
    alive: tuple[LivingRun, ...]


def datasets(output: str) -> DatasetList:
    """What there is, with the newest run that added to each."""
    storage = open_output(output)
    with readable(output):
        state = read_state(storage)
    return DatasetList(
        tuple(
            DatasetSummary(
                name,
                len({layout.partition(path) for path in dataset.files}),
                sum(file.rows for file in dataset.files.values()),
                len(dataset.files),
                sum(file.bytes for file in dataset.files.values()),
                max((file.run for file in dataset.files.values()), default=None),
            )
            for name, dataset in sorted(state.datasets.items())
        )
    )


def history(output: str, dataset: str | None, count: int) -> History:
    """The newest publishes, oldest first."""
    if count < 1:
        raise UsageError(f"-n takes 1 or more, not {count}")
    storage = open_output(output)
    with readable(output):
        found = _newest(storage, dataset, count)
        if dataset and not found:
            _check_known(storage, dataset)
        names = {change.schema.name for _, manifest in found for change in manifest.changes}
        # What there is to tell of the log is told without it, too.
        is_table = found_format(storage) == ICEBERG and is_installed()
        snapshots = {name: tables.snapshots(storage, name) for name in names if is_table}
    entries = tuple(
        EntryNames(number, {name: ids[number] for name, ids in snapshots.items() if number in ids})
        for number, _ in found
    )
    return History(dataset, tuple(manifest for _, manifest in found), entries)


def _check_known(storage: Storage, dataset: str) -> None:
    known = sorted(read_state(storage).datasets)
    if known and dataset not in known:
        raise InputError(f"{storage.root} has no dataset {dataset!r}: {nearest(dataset, known)}")


def _newest(storage: Storage, dataset: str | None, count: int) -> list[tuple[int, Manifest]]:
    log = Log(storage)
    numbers = log.numbers()
    found: list[tuple[int, Manifest]] = []
    while numbers and len(found) < count:
        numbers, last = numbers[:-count], numbers[-count:]
        entries = map_concurrently(storage, log.read, last)
        some = [
            (number, entry)
            for number, entry in zip(last, entries, strict=True)
            if isinstance(entry, Manifest)
        ]
        found = [one for one in some if dataset is None or one[1].touches(dataset)] + found
    return found[-count:]


def check(output: str) -> Verification:
    """What does not fit between the files and the log, by dataset."""
    storage = open_output(output)

    def rows_of(path: str) -> int:
        filesystem, full = arrow_path(storage, path)
        try:
            return int(pq.read_metadata(full, filesystem=filesystem).num_rows)
        except ArrowException as error:
            raise OSError(str(error)) from error

    with readable(output):
        pending = unfinished(storage, utc_now())
        found = verify(storage, read_state(storage), rows_of)
    wrong = tuple(line for one in found for line in one.wrong)
    named = tuple(
        VerifiedDataset(one.dataset, one.files, one.rows, tuple(one.wrong))
        for one in found
        if one.dataset
    )
    return Verification(output, not wrong, bool(pending), wrong, named)


def settle(output: str) -> Recovery:
    """Settle what dead runs left; gives what was done, and which runs are alive."""
    storage = open_output(output)
    now = utc_now()
    with readable(output):
        settled = recover(storage, owner(), now)
        leases = [found.lease for found in unfinished(storage, now) if found.lease]
    alive = tuple(LivingRun(lease.run, str(lease), lease.expires) for lease in leases)
    return Recovery(tuple(_settled(*one) for one in settled), alive)


def _settled(found: Unfinished, manifest: Manifest | None) -> SettledRun:
    who = str(found.lease) if found.lease else f"what run {found.run} left"
    names = tuple(change.schema.name for change in manifest.changes) if manifest else ()
    return SettledRun(found.run, who, "finished" if manifest else "dropped", names)


@document.register
def _(manifest: Manifest) -> Any:
    return entry_document(manifest)


@blocks.register
def _(found: DatasetList) -> Iterable[Block]:
    rows = [
        (
            one.name,
            f"{one.partitions:,}",
            f"{one.rows:,}",
            f"{one.files:,}",
            size(one.bytes),
            one.newest_run or "-",
        )
        for one in found.datasets
    ]
    heading = ("dataset", "partitions", "rows", "files", "bytes", "newest run")
    return [Table(heading, rows) if rows else "nothing was published yet"]


@blocks.register
def _(found: History) -> Iterable[Block]:
    is_table = any(names.snapshots for names in found.entries)
    rows = [
        (
            manifest.committed.replace("+00:00", "Z"),
            manifest.origin.job,
            change.schema.name,
            f"{change.rows:,}",
            f"{len(change.files):,}",
            size(change.bytes),
            f"{len(change.removed):,}",
            manifest.run,
            manifest.origin.owner,
            *(
                (
                    f"{names.number}",
                    f"{names.snapshots.get(change.schema.name, '-')}",
                )
                * is_table
            ),
        )
        for manifest, names in zip(found.publishes, found.entries, strict=True)
        for change in manifest.changes
        if found.dataset in (None, change.schema.name)
    ]
    heading: tuple[str, ...]
    heading = ("when", "job", "dataset", "rows", "files", "bytes", "replaced", "run", "by")
    heading += ("entry", "snapshot") * is_table
    into = f"into {found.dataset} " if found.dataset else ""
    return [Table(heading, rows) if rows else f"nothing was published {into}yet"]


@blocks.register
def _(found: Verification) -> Iterable[Block]:
    yield from found.wrong
    if found.wrong and found.is_unfinished:
        yield f"a run has not finished: gristmill recover {found.output}, then verify again"
    for one in found.datasets:
        state = f"{len(one.wrong):,} wrong" if one.wrong else "whole"
        yield f"{one.name}: {one.files:,} files, {one.rows:,} rows: {state}"
    if not (found.wrong or found.datasets):
        yield "nothing was published yet"


@blocks.register
def _(found: Recovery) -> Iterable[Block]:
    for run in found.settled:
        if run.outcome == "dropped":
            yield f"dropped {run.who}: it had not committed"
        else:
            yield f"finished {run.who}: it had committed to {', '.join(run.datasets)}"
    for living in found.alive:
        due = living.due.strftime("%H:%M:%SZ")
        yield f"left alone {living.who}: alive, with its next sign of life due by {due}"
    if not (found.settled or found.alive):
        yield "nothing to recover"
