"""Claiming a dataset, one run after the other."""

import time
from collections.abc import Callable
from datetime import datetime

from gristmill.errors import BusyError
from gristmill.publish.lease import Clock, claim, find
from gristmill.publish.settle import settle
from gristmill.storage import Storage

_POLL_SECONDS = 1.0


def claim_in_turn(
    storage: Storage,
    dataset: str,
    run: str,
    *,
    deadline: datetime,
    clock: Clock,
    tell: Callable[[str], None],
) -> None:
    """Claim a dataset for a run once nobody else holds it; what dead runs hold is settled.

    Raises `BusyError` when another run holds it still at the deadline.
    """
    told = ""
    while (holder := claim(storage, dataset, run)) is not None:
        lease = find(storage, holder)
        now = clock()
        if lease is None:
            continue
        if lease.is_dead(now):
            settle(storage, lease, run, now)
            continue
        if now >= deadline:
            raise BusyError(
                f"{dataset} is being written by {lease}; nothing was published: "
                "run again later, or wait longer with --wait"
            )
        if told != holder:
            tell(f"waiting for {lease}, which writes {dataset}")
            told = holder
        time.sleep(_POLL_SECONDS)
