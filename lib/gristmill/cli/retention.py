"""Showing what is old in an output, and removing it."""

import secrets
from collections.abc import Callable
from datetime import timedelta

from gristmill.model.report import size
from gristmill.publish.lease import owner, utc_now
from gristmill.publish.locations import open_output, readable
from gristmill.publish.manifest import Origin
from gristmill.publish.retention import Aged, aged
from gristmill.publish.retention import expire as remove
from gristmill.publish.settle import run_id
from gristmill.publish.state import read_state
from gristmill.script.console import render


def show(output: str, dataset: str, older_than: timedelta) -> list[str]:
    """The partitions of a dataset that are older than a span, and how to remove them."""
    storage = open_output(output)
    before = utc_now().date() - older_than
    with readable(output):
        found = aged(read_state(storage), dataset, before)
    if not found.older:
        return [*_undated(found), f"{dataset} has no partitions from before {before}"]
    done = f"nothing was removed: --yes removes these partitions of {dataset}, from before {before}"
    return [*_older(found), *_undated(found), done]


def expire(
    output: str,
    dataset: str,
    older_than: timedelta,
    wait: timedelta,
    tell: Callable[[str], None],
) -> list[str]:
    """Remove the partitions of a dataset that are older than a span; gives which those were."""
    storage = open_output(output)
    now = utc_now()
    before = now.date() - older_than
    run = run_id(now, secrets.token_hex(4))
    origin = Origin(run, "expire", {"before": before.isoformat()}, (), "", owner())
    with readable(output):
        found = remove(storage, origin, dataset, before, wait=wait, tell=tell)
    if not found.older:
        done = f"{dataset} has no partitions from before {before}: nothing to remove"
        return [*_undated(found), done]
    done = f"removed these partitions of {dataset}, from before {before}, as run {run}"
    return [*_older(found), *_undated(found), done]


def _older(found: Aged) -> list[str]:
    rows = [
        (one.folder, f"{one.rows:,}", f"{len(one.files):,}", size(one.bytes)) for one in found.older
    ]
    count = sum(len(one.files) for one in found.older)
    total = sum(one.rows for one in found.older), count, sum(one.bytes for one in found.older)
    rows.append(("total", f"{total[0]:,}", f"{total[1]:,}", size(total[2])))
    return render(("partition", "rows", "files", "bytes"), rows)


def _undated(found: Aged) -> list[str]:
    return [f"left alone {one.folder} ({one.rows:,} rows): it has no date" for one in found.undated]
