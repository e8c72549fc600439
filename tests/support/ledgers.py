"""Ledgers to try things on: new ones, of SQLite and of PostgreSQL, with a clock that is driven."""

import contextlib
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from gristmill.manager.ledger import Ledger, Transaction, open_ledger
from gristmill.manager.ledger.claiming import Claimed, Room, claim
from gristmill.manager.ledger.endings import Ending, end, record
from gristmill.manager.ledger.submitting import Submitted, submit
from gristmill.manager.ledger.tables import events, runs
from gristmill.manager.notify.following import follow
from gristmill.manager.request import RunRequest
from gristmill.manager.settings import Settings
from gristmill.manager.states import RunState

START = 1_800_000_000.0


def handle_of(run: Claimed) -> dict[str, str]:
    """Where a run is, as a worker would write it down."""
    return {"runner": "local", "target": "/nowhere", "id": run.run_key}


@dataclass
class Clock:
    """A clock that stands still until it is driven."""

    now: float = START

    def __call__(self) -> float:
        return self.now

    def forward(self, seconds: float) -> None:
        self.now += seconds


class Databases:
    """Makes new ledgers of one kind, each as a copy of one that is empty."""

    def __init__(self, kind: str, folder: Path, uri: str = "") -> None:
        self.kind = kind
        self._folder = folder
        self._uri = uri
        self._made = 0
        self._template = self._named("template")
        open_ledger(self._template).close()

    def url(self) -> str:
        """The URL of a new ledger."""
        self._made += 1
        name = f"ledger{self._made}"
        if self.kind == "sqlite":
            shutil.copy(self._folder / "template.db", self._folder / f"{name}.db")
        else:
            self._sql(f"CREATE DATABASE {name} TEMPLATE template")
        return self._url(name)

    def empty_url(self) -> str:
        """The URL of a database that has nothing in it."""
        self._made += 1
        return self._named(f"empty{self._made}")

    def _named(self, name: str) -> str:
        if self.kind == "postgresql":
            self._sql(f"CREATE DATABASE {name}")
        return self._url(name)

    def _url(self, name: str) -> str:
        if self.kind == "sqlite":
            return f"sqlite:///{self._folder / name}.db"
        made = sa.make_url(self._uri).set(database=name)
        return made.render_as_string(hide_password=False)

    def _sql(self, statement: str) -> None:
        made = sa.make_url(self._uri).set(drivername="postgresql+psycopg")
        engine = sa.create_engine(made, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.exec_driver_sql(statement)
        engine.dispose()


class Bench:
    """A ledger with what a test does to it, in few words."""

    def __init__(self, ledger: Ledger, clock: Clock, settings: Settings | None = None) -> None:
        self.ledger = ledger
        self.clock = clock
        self.settings = settings or Settings()

    @contextlib.contextmanager
    def tx(self) -> Iterator[Transaction]:
        with self.ledger.begin() as transaction:
            yield transaction

    def submit(self, job: str = "word-count", **more: Any) -> Submitted:
        with self.tx() as tx:
            return submit(tx, RunRequest(job, **more), self.settings)

    def claim(
        self,
        worker: str = "w",
        most: int = 100,
        room: Room | None = None,
        queues: Sequence[str] = (),
    ) -> list[Claimed]:
        with self.tx() as tx:
            room = room or Room(most, 1e6, 10**15)
            settings = self.settings
            return claim(tx, worker, "here", queues=queues, room=room, settings=settings)

    def start(self, *claimed: Claimed) -> set[str]:
        with self.tx() as tx:
            return record(tx, [(run, handle_of(run)) for run in claimed])

    def end(self, run: Claimed, state: RunState = RunState.SUCCEEDED, **more: Any) -> bool:
        """End a run; whether it was still its worker's."""
        outcome = more.pop("outcome", "succeeded" if state is RunState.SUCCEEDED else "failed")
        with self.tx() as tx:
            ended = end(tx, [Ending(run, state, outcome, **more)], self.settings)
            follow(tx, self.settings, ended.final, ended.again)
            return not ended.lost

    def do(self, *names: str, state: RunState = RunState.SUCCEEDED) -> None:
        """Claim all that can go, and end those that are named."""
        for run in self.claim():
            if run.id in names:
                self.end(run, state)
            else:
                self.end(run, RunState.READY, outcome="refused")

    def row(self, run: str) -> dict[str, Any]:
        with self.tx() as tx:
            found = tx.one(sa.select(runs).where(runs.c.id == run))
        assert found is not None
        return found

    def state(self, run: str) -> str:
        return str(self.row(run)["state"])

    def states(self, *names: str) -> list[str]:
        return [self.state(name) for name in names]

    def events(self, run: str) -> list[tuple[str | None, str]]:
        with self.tx() as tx:
            found = tx.all(sa.select(events).where(events.c.run == run).order_by(events.c.id))
        return [(row["before"], row["after"]) for row in found]
