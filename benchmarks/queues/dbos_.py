"""DBOS, on PostgreSQL or SQLite."""

import os
import sys
import threading
import time
from pathlib import Path

from common import main
from dbos import DBOS

FILE = open(os.environ.get("QUEUE_FILE", os.devnull), "a", buffering=1)  # noqa: PTH123, SIM115


@DBOS.workflow()
def note(began: float) -> None:
    """The job."""
    FILE.write(f"{time.time()} {began}\n")


def _launch(url: str, *, listens: bool) -> None:
    name = f"bench-{os.getpid()}"
    DBOS(
        config={
            "name": "bench",
            "system_database_url": url,
            "executor_id": name,
            "application_version": "1",
            "run_admin_server": False,
        }
    )
    if not listens:
        DBOS.listen_queues(["none"])
    DBOS.launch()
    if listens:
        DBOS.register_queue("bench", worker_concurrency=10, polling_interval_sec=0.05)


def prepare(url: str) -> None:
    """Make the tables."""
    _launch(url, listens=False)
    DBOS.register_queue("bench", worker_concurrency=10, polling_interval_sec=0.05)


def enqueue(url: str, count: int) -> float:
    """Enqueue many: one by one, as there is no other way."""
    _launch(url, listens=False)
    began = time.perf_counter()
    for _ in range(count):
        DBOS.enqueue_workflow("bench", note, 0.0)
    return time.perf_counter() - began


def trickle(url: str, count: int, every: float) -> None:
    """Enqueue one after the other."""
    _launch(url, listens=False)
    for _ in range(count):
        DBOS.enqueue_workflow("bench", note, time.time())
        time.sleep(every)


def work(url: str, _file: Path) -> None:
    """Work until it is killed."""
    _launch(url, listens=True)
    threading.Event().wait()


if __name__ == "__main__":
    code = main(prepare, enqueue, trickle, work)
    sys.stdout.flush()
    os._exit(code)
