"""What is under way: how much of queues, places, jobs and shares is taken."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from gristmill.manager.ledger.database import Transaction
from gristmill.manager.ledger.tables import runs
from gristmill.manager.states import ACTIVE


@dataclass
class Load:
    """What is under way: runs, cores, memory; of all, or of one place, job or share."""

    runs: int = 0
    cores: float = 0.0
    memory: int = 0

    def add(self, runs: int, cores: float, memory: int) -> None:
        """Count more."""
        self.runs += runs
        self.cores += cores
        self.memory += memory

    def takes(
        self,
        cores: float,
        memory: int,
        most: int | None,
        most_cores: float | None,
        most_memory: int | None,
    ) -> bool:
        """Whether one more fits."""
        return (
            (most is None or self.runs < most)
            and (most_cores is None or self.cores + cores <= most_cores)
            and (most_memory is None or self.memory + memory <= most_memory)
        )


@dataclass
class Loads:
    """All that is under way. Jobs and shares are counted by their queue."""

    queues: dict[str, Load] = field(default_factory=lambda: defaultdict(Load))
    places: dict[str, Load] = field(default_factory=lambda: defaultdict(Load))
    jobs: Counter[tuple[str, str]] = field(default_factory=Counter)
    shares: Counter[tuple[str, str]] = field(default_factory=Counter)

    def add(self, row: Mapping[str, Any], place: str, count: int = 1) -> None:
        """Count a run, or so many with the sums of what they take."""
        for load in (self.queues[row["queue"]], self.places[place]):
            load.add(count, float(row["cores"]), int(row["memory"]))
        self.jobs[row["queue"], row["job"]] += count
        self.shares[row["queue"], row["share"]] += count


def loads_now(tx: Transaction) -> Loads:
    """What is under way now."""
    grouped = (runs.c.queue, runs.c.job, runs.c.share, runs.c.place)
    totals = (sa.func.count(), sa.func.sum(runs.c.cores), sa.func.sum(runs.c.memory))
    query = sa.select(
        *grouped,
        *(one.label(name) for one, name in zip(totals, ("n", "cores", "memory"), strict=True)),
    )
    found = Loads()
    for row in tx.all(query.where(runs.c.state.in_(ACTIVE)).group_by(*grouped)):
        found.add(row, row["place"], row["n"])
    return found
