"""huey, on SQLite with fsync: a job is gone once it is taken, whatever becomes of its worker."""

import os
import sys
import time
from pathlib import Path

from common import main
from huey import SqliteHuey

HUEY = SqliteHuey(filename=sys.argv[2].removeprefix("sqlite:///"), fsync=True, results=False)
FILE = open(os.environ.get("QUEUE_FILE", os.devnull), "a", buffering=1)  # noqa: PTH123, SIM115


@HUEY.task()
def note(began: float) -> None:
    """The job."""
    FILE.write(f"{time.time()} {began}\n")


def prepare(_url: str) -> None:
    """Nothing: it makes its tables by itself."""


def enqueue(_url: str, count: int) -> None:
    """Enqueue many: one by one, as there is no other way."""
    for _ in range(count):
        note(0.0)


def trickle(_url: str, count: int, every: float) -> None:
    """Enqueue one after the other."""
    for _ in range(count):
        note(time.time())
        time.sleep(every)


def work(_url: str, _file: Path) -> None:
    """Work until it is killed."""
    HUEY.create_consumer(workers=10, initial_delay=0.05, max_delay=0.05, backoff=1.0).run()


if __name__ == "__main__":
    sys.exit(main(prepare, enqueue, trickle, work))
