"""One writer a dataset: leases of runs, and their claims to datasets.

A run that publishes keeps a lease: a file that says until when the run is to be believed alive,
and that it renews while it works. A claim, numbered and written once, gives a dataset to a run;
the highest number counts, and only while the lease of its run is there. So a finished run frees its
datasets by deleting its lease, and a dead one by running out of it.

Leases only spare runs the trouble of working in vain. What keeps two of them from publishing over
each other is the log, in which a run that was taken for dead is abandoned before anybody else may
write: it does not depend on clocks.
"""

import contextlib
import dataclasses
import getpass
import json
import os
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from gristmill.processes import is_alive
from gristmill.publish import layout
from gristmill.storage import Storage

EXPIRY = timedelta(seconds=120)
"""How long a run is believed alive after its last sign of life. An S3 request takes at most half as
long (`gristmill.spark.s3a`): none outlives the lease under which it was sent."""

_RENEWED_EVERY = EXPIRY / 6

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """The time, in UTC."""
    return datetime.now(UTC)


@dataclass(frozen=True)
class Lease:
    """A run that is not finished: what it is, who runs it where, and until when it counts as alive.

    `base` is the number of the newest entry of the log when it began.
    """

    run: str
    job: str
    owner: str
    host: str
    process: int
    base: int
    expires: datetime

    @staticmethod
    def new(run: str, job: str, base: int, now: datetime) -> "Lease":
        """A lease for a run of this process."""
        return Lease(run, job, owner(), socket.gethostname(), os.getpid(), base, now + EXPIRY)

    def is_dead(self, now: datetime) -> bool:
        """Whether its run is not to be waited for: it ran out, or its process here has gone."""
        return now >= self.expires or (
            self.host == socket.gethostname() and not is_alive(self.process)
        )

    def __str__(self) -> str:
        return f"{self.job} by {self.owner} (run {self.run}, process {self.process})"

    def encode(self) -> bytes:
        """The lease as JSON."""
        document = dataclasses.asdict(self) | {"expires": self.expires.isoformat()}
        return json.dumps(document, indent=1).encode() + b"\n"

    @staticmethod
    def decode(data: bytes) -> "Lease":
        """The lease that `encode` wrote."""
        document = json.loads(data)
        return Lease(**document | {"expires": datetime.fromisoformat(document["expires"])})


def owner() -> str:
    """Who runs this process, and where: `alice@host`."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        # A container may run as a number without a name.
        user = str(os.getuid())
    return f"{user}@{socket.gethostname()}"


def find(storage: Storage, run: str) -> Lease | None:
    """The lease of a run; None once it is finished."""
    data = storage.read(layout.lease(run))
    return None if data is None else Lease.decode(data)


class Heartbeat:
    """Renews a lease, in a thread of its own, until it is stopped or the lease has gone."""

    def __init__(self, storage: Storage, lease: Lease, clock: Clock) -> None:
        self._storage = storage
        self._lease = lease
        self._clock = clock
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._keep, daemon=True)

    def start(self) -> None:
        """Write the lease and begin to renew it."""
        self._storage.create(layout.lease(self._lease.run), self._lease.encode())
        self._thread.start()

    def stop(self) -> None:
        """Renew no more."""
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join()

    def _keep(self) -> None:
        while not self._stopped.wait(_RENEWED_EVERY.total_seconds()):
            # A place that does not answer now may do so before the lease runs out.
            with contextlib.suppress(Exception):
                if not self.renew():
                    return

    def renew(self) -> bool:
        """Extend the lease; gives whether it was still there."""
        path = layout.lease(self._lease.run)
        if not self._storage.is_file(path):
            return False
        expires = self._clock() + EXPIRY
        self._storage.write(path, dataclasses.replace(self._lease, expires=expires).encode())
        return True


def claim(storage: Storage, dataset: str, run: str) -> str | None:
    """Claim `dataset` for `run`; gives the run that has it instead, None where the claim holds."""
    folder = f"{layout.CLAIMS}/{dataset}"
    while True:
        earlier = layout.numbers(storage.names(folder))
        last = earlier[-1] if earlier else 0
        if last:
            holder = storage.read(layout.numbered(folder, last))
            if holder is None:
                continue
            if holder.decode() == run:
                return None
            if storage.is_file(layout.lease(holder.decode())):
                return holder.decode()
        mine = layout.numbered(folder, last + 1)
        if not storage.create(mine, run.encode()):
            continue
        # Lower numbers are swept: one that was seen free may have been made anew by then.
        if max(layout.numbers(storage.names(folder)), default=0) > last + 1:
            storage.delete(mine)
            continue
        for number in earlier:
            storage.delete(layout.numbered(folder, number))
        return None
