"""What an output root holds, what has happened to it, and whether it is whole."""

import json

import pyarrow.parquet as pq
from pyarrow import ArrowException

from gristmill.api.arrow import arrow_path
from gristmill.errors import InputError
from gristmill.model.report import size
from gristmill.nearest import nearest
from gristmill.publish.lease import owner, utc_now
from gristmill.publish.locations import open_output, readable
from gristmill.publish.log import Log
from gristmill.publish.manifest import Manifest, document
from gristmill.publish.settle import recover, unfinished
from gristmill.publish.state import read_state
from gristmill.publish.verify import verify
from gristmill.script.console import render
from gristmill.storage import Storage, map_concurrently


def datasets(output: str) -> list[str]:
    """A line for each dataset, with the newest run that added to it."""
    storage = open_output(output)
    with readable(output):
        state = read_state(storage)
    rows = []
    for name, dataset in sorted(state.datasets.items()):
        files = dataset.files
        rows.append(
            (
                name,
                f"{len({path.rpartition('/')[0] for path in files}):,}",
                f"{sum(file.rows for file in files.values()):,}",
                f"{len(files):,}",
                size(sum(file.bytes for file in files.values())),
                max((file.run for file in files.values()), default="-"),
            )
        )
    heading = ("dataset", "partitions", "rows", "files", "bytes", "newest run")
    return render(heading, rows) if rows else ["nothing was published yet"]


def history(output: str, dataset: str | None, count: int, *, as_json: bool) -> list[str]:
    """The newest publishes, oldest first: a line for each dataset that changed, or JSON."""
    storage = open_output(output)
    with readable(output):
        manifests = _newest(storage, dataset, count)
        if dataset and not manifests:
            _check_known(storage, dataset)
    if as_json:
        return [json.dumps(document(manifest)) for manifest in manifests]
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
        )
        for manifest in manifests
        for change in manifest.changes
        if dataset in (None, change.schema.name)
    ]
    heading = ("when", "job", "dataset", "rows", "files", "bytes", "replaced", "run", "by")
    if rows:
        return render(heading, rows)
    return [f"nothing was published {f'into {dataset} ' if dataset else ''}yet"]


def _check_known(storage: Storage, dataset: str) -> None:
    known = sorted(read_state(storage).datasets)
    if known and dataset not in known:
        raise InputError(f"{storage.root} has no dataset {dataset!r}: {nearest(dataset, known)}")


def _newest(storage: Storage, dataset: str | None, count: int) -> list[Manifest]:
    log = Log(storage)
    numbers = log.numbers()
    found: list[Manifest] = []
    while numbers and len(found) < count:
        numbers, last = numbers[:-count], numbers[-count:]
        entries = map_concurrently(storage, log.read, last)
        some = [entry for entry in entries if isinstance(entry, Manifest)]
        found = [one for one in some if dataset is None or one.touches(dataset)] + found
    return found[-count:]


def check(output: str) -> tuple[list[str], bool]:
    """What does not fit between the files and the log, by dataset; and whether all fits."""
    storage = open_output(output)

    def rows_of(path: str) -> int:
        filesystem, place = arrow_path(storage, path)
        try:
            return int(pq.read_metadata(place, filesystem=filesystem).num_rows)
        except ArrowException as error:
            raise OSError(str(error)) from error

    with readable(output):
        pending = unfinished(storage, utc_now())
        found = verify(storage, read_state(storage), rows_of)
    lines = [line for one in found for line in one.wrong]
    whole = not lines
    if pending and lines:
        lines.append(f"a run has not finished: gristmill recover {output}, then verify again")
    for one in filter(lambda one: one.dataset, found):
        state = f"{len(one.wrong):,} wrong" if one.wrong else "whole"
        lines.append(f"{one.dataset}: {one.files:,} files, {one.rows:,} rows: {state}")
    return lines or ["nothing was published yet"], whole


def settle(output: str) -> list[str]:
    """Settle what dead runs left; gives what was done, and which runs are alive."""
    storage = open_output(output)
    now = utc_now()
    with readable(output):
        settled = recover(storage, owner(), now)
        alive = [found.lease for found in unfinished(storage, now) if found.lease]
    lines = []
    for found, manifest in settled:
        name = str(found.lease) if found.lease else f"what run {found.run} left"
        if manifest is None:
            lines.append(f"dropped {name}: it had not committed")
        else:
            names = ", ".join(change.schema.name for change in manifest.changes)
            lines.append(f"finished {name}: it had committed to {names}")
    for lease in alive:
        due = lease.expires.strftime("%H:%M:%SZ")
        lines.append(f"left alone {lease}: alive, with its next sign of life due by {due}")
    return lines or ["nothing to recover"]
