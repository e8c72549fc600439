"""Showing what is old in an output, and removing it."""

import secrets
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from gristmill.cli.show import Block, Table, blocks
from gristmill.model.report import size
from gristmill.publish.lease import owner, utc_now
from gristmill.publish.locations import open_output, readable
from gristmill.publish.manifest import Origin
from gristmill.publish.retention import Aged, aged
from gristmill.publish.retention import expire as remove
from gristmill.publish.run_ids import run_id
from gristmill.publish.state import read_state


@dataclass(frozen=True)
class OldPartition:
    """A partition, by its folder."""

    folder: str
    rows: int
    files: int
    bytes: int


@dataclass(frozen=True)
class Expiry:
    """The partitions of a dataset `before` a day (UTC), and those without a date, which stay.

    `run` is the run that removed them, null where they were only looked at.
    """

    dataset: str
    before: date
    run: str | None
    partitions: tuple[OldPartition, ...]
    undated: tuple[OldPartition, ...]


def look(output: str, dataset: str, older_than: timedelta) -> Expiry:
    """The partitions of a dataset that are older than a span."""
    storage = open_output(output)
    before = utc_now().date() - older_than
    with readable(output):
        found = aged(read_state(storage), dataset, before)
    return _expiry(found, dataset, before, None)


def expire(
    output: str,
    dataset: str,
    older_than: timedelta,
    wait: timedelta,
    tell: Callable[[str], None],
) -> Expiry:
    """Remove the partitions of a dataset that are older than a span; gives which those were."""
    storage = open_output(output)
    now = utc_now()
    before = now.date() - older_than
    run = run_id(now, secrets.token_hex(4))
    origin = Origin(run, "expire", {"before": before.isoformat()}, (), "", owner())
    with readable(output):
        found = remove(storage, origin, dataset, before, wait=wait, tell=tell)
    return _expiry(found, dataset, before, run)


def _expiry(found: Aged, dataset: str, before: date, run: str | None) -> Expiry:
    older, undated = (
        tuple(OldPartition(one.folder, one.rows, len(one.files), one.bytes) for one in some)
        for some in (found.older, found.undated)
    )
    return Expiry(dataset, before, run, older, undated)


@blocks.register
def _(found: Expiry) -> Iterable[Block]:
    named, before = found.dataset, found.before
    if found.partitions:
        yield _table(found.partitions)
    for one in found.undated:
        yield f"left alone {one.folder} ({one.rows:,} rows): it has no date"
    if not found.partitions:
        nothing = f"{named} has no partitions from before {before}"
        yield f"{nothing}: nothing to remove" if found.run else nothing
    elif found.run:
        yield f"removed these partitions of {named}, from before {before}, as run {found.run}"
    else:
        done = f"--yes removes these partitions of {named}, from before {before}"
        yield f"nothing was removed: {done}"


def _table(partitions: Sequence[OldPartition]) -> Table:
    total = OldPartition(
        "total",
        sum(one.rows for one in partitions),
        sum(one.files for one in partitions),
        sum(one.bytes for one in partitions),
    )
    rows = [
        (one.folder, f"{one.rows:,}", f"{one.files:,}", size(one.bytes))
        for one in (*partitions, total)
    ]
    return Table(("partition", "rows", "files", "bytes"), rows)
