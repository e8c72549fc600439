"""procrastinate, on PostgreSQL."""

import asyncio
import os
import sys
import time
from pathlib import Path

import procrastinate
from common import main

APP = procrastinate.App(connector=procrastinate.PsycopgConnector(conninfo=sys.argv[2]))
FILE = open(os.environ.get("QUEUE_FILE", os.devnull), "a", buffering=1)  # noqa: PTH123, SIM115


@APP.task(name="note")
async def note(began: float) -> None:
    """The job."""
    FILE.write(f"{time.time()} {began}\n")


def prepare(_url: str) -> None:
    """Make the tables."""

    async def do() -> None:
        async with APP.open_async():
            await APP.schema_manager.apply_schema_async()

    asyncio.run(do())


def enqueue(_url: str, count: int) -> None:
    """Defer many at once."""

    async def do() -> None:
        async with APP.open_async():
            await note.batch_defer_async(*({"began": 0.0} for _ in range(count)))

    asyncio.run(do())


def trickle(_url: str, count: int, every: float) -> None:
    """Defer one after the other."""

    async def do() -> None:
        async with APP.open_async():
            for _ in range(count):
                await note.defer_async(began=time.time())
                await asyncio.sleep(every)

    asyncio.run(do())


def work(_url: str, _file: Path) -> None:
    """Work until it is killed."""

    async def do() -> None:
        async with APP.open_async():
            await APP.run_worker_async(concurrency=10, install_signal_handlers=False)

    asyncio.run(do())


if __name__ == "__main__":
    sys.exit(main(prepare, enqueue, trickle, work))
