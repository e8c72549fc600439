"""A worker whose runs are files, with leases of seconds: `python -m tests.manager.one_worker`."""

import sys
import zlib
from pathlib import Path

from gristmill.manager import retry
from gristmill.manager.ledger import claiming, open_ledger, workers
from gristmill.manager.worker import Worker, WorkerOptions, loop
from gristmill.manager.worker.identity import this_process
from tests.support.places import FolderPlace


def fails(key: str) -> bool:
    """Whether an attempt fails: one in ten first ones."""
    return key.endswith("-1") and zlib.crc32(key.encode()) % 10 == 0


def main() -> None:
    """Work until it is killed."""
    url, folder, seconds, slots = sys.argv[1:]
    for module in (claiming, workers):
        module.LEASE = 4.0  # type: ignore[attr-defined]
    loop.BEAT = 1.0  # type: ignore[attr-defined]
    retry.FIRST = 0.5
    options = WorkerOptions(int(slots), cores=1000.0, memory=10**12, idle=0.2)
    place = FolderPlace(Path(folder), float(seconds), fails)
    worker = Worker(
        open_ledger(url), this_process(), options, lambda _name, _place: place, tell=lambda _t: None
    )
    worker.run()


if __name__ == "__main__":
    main()
