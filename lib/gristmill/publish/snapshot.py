"""Listing a dataset at a moment at which no publish is under way."""

import time
from collections.abc import Callable
from datetime import timedelta
from typing import TypeVar

from gristmill.errors import BusyError
from gristmill.publish.lease import Clock, Lease, utc_now
from gristmill.publish.log import Log
from gristmill.publish.manifest import Manifest
from gristmill.publish.settle import settle, unfinished
from gristmill.publish.table_format import ICEBERG, found_format
from gristmill.storage import Storage

T = TypeVar("T")
_POLL_SECONDS = 0.2
_PATIENCE = timedelta(minutes=10)


def settled(storage: Storage, dataset: str, look: Callable[[], T], clock: Clock = utc_now) -> T:
    """What `look` finds of `dataset`, as publishes left it and none was half done.

    Waits for a publish that is being applied, and finishes that of a dead run. Raises `BusyError`
    where publishes follow each other for ten minutes. A `storage` without a log has no publishes.
    `look` at a table of Iceberg goes by the log, and not by what lies in its folder.
    """
    if found_format(storage) == ICEBERG:
        # Its files lie where they stay: what the log says is there.
        return look()
    log = Log(storage)
    deadline = clock() + _PATIENCE
    while clock() < deadline:
        before = log.head()
        applying = _applying(storage, dataset, log, clock)
        if not applying:
            found = look()
            later = (entry for _, entry in log.since(before))
            if not any(isinstance(it, Manifest) and it.touches(dataset) for it in later):
                return found
            continue
        for lease in applying:
            if lease.is_dead(clock()):
                settle(storage, lease, "a reader", clock())
        time.sleep(_POLL_SECONDS)
    raise BusyError(f"{storage.root}/{dataset} is being written all the time: run again later")


def _applying(storage: Storage, dataset: str, log: Log, clock: Clock) -> list[Lease]:
    """The leases of the runs that have committed to `dataset` and are not finished."""
    leases = [found.lease for found in unfinished(storage, clock())]
    return [
        lease
        for lease in leases
        if lease is not None
        and any(
            isinstance(entry, Manifest) and entry.run == lease.run and entry.touches(dataset)
            for _, entry in log.since(lease.base)
        )
    ]
