"""pgqueuer, on PostgreSQL."""

import asyncio
import sys
import time
from pathlib import Path

import asyncpg
from common import main
from pgqueuer import AsyncpgDriver, Job, PgQueuer, Queries


async def _connect(url: str) -> AsyncpgDriver:
    return AsyncpgDriver(await asyncpg.connect(url))


def prepare(url: str) -> None:
    """Make the tables."""

    async def do() -> None:
        await Queries(await _connect(url)).install()

    asyncio.run(do())


def enqueue(url: str, count: int) -> None:
    """Enqueue many at once."""

    async def do() -> None:
        queries = Queries(await _connect(url))
        await queries.enqueue(["note"] * count, [b"0"] * count, [0] * count)

    asyncio.run(do())


def trickle(url: str, count: int, every: float) -> None:
    """Enqueue one after the other."""

    async def do() -> None:
        queries = Queries(await _connect(url))
        for _ in range(count):
            await queries.enqueue("note", str(time.time()).encode())
            await asyncio.sleep(every)

    asyncio.run(do())


def work(url: str, file: Path) -> None:
    """Work until it is killed."""

    async def do() -> None:
        queuer = PgQueuer(await _connect(url))
        out = file.open("a", buffering=1)

        @queuer.entrypoint("note")
        async def note(job: Job) -> None:
            out.write(f"{time.time()} {(job.payload or b'0').decode()}\n")

        await queuer.run(batch_size=10)

    asyncio.run(do())


if __name__ == "__main__":
    sys.exit(main(prepare, enqueue, trickle, work))
