"""What operators set, in `manager.toml`: where runs run, what starts them, who is told.

`gristmill manager apply FILE` writes it into the ledger, where all workers read it. What changed
gets a new revision; what the file no longer names is retired, and runs that are there keep what
they were submitted with.
"""

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from gristmill.manager.settings.running import (
    DEFAULT,
    LOCAL,
    JobDefinition,
    Place,
    Queue,
    RetryRule,
    Step,
)
from gristmill.manager.settings.starting import Arrival, Inbox, Schedule
from gristmill.manager.settings.telling import Alarm, Notice
from gristmill.manager.values import Name, Table


class Settings(Table):
    """All of `manager.toml`."""

    places: dict[Name, Place] = Field(default_factory=dict)
    queues: dict[Name, Queue] = Field(default_factory=dict)
    jobs: dict[Name, JobDefinition] = Field(default_factory=dict)
    schedules: dict[Name, Schedule] = Field(default_factory=dict)
    arrivals: dict[Name, Arrival] = Field(default_factory=dict)
    inboxes: dict[Name, Inbox] = Field(default_factory=dict)
    notices: dict[Name, Notice] = Field(default_factory=dict)
    alarms: dict[Name, Alarm] = Field(default_factory=dict)

    def place(self, name: str) -> Place | None:
        """A place by its name, `local` or `transient:SPEC`; None where there is none."""
        if name in self.places:
            return self.places[name]
        if name == LOCAL:
            return Place()
        kind, colon, spec = name.partition(":")
        if colon and spec and kind in {"cluster", "transient", "serverless"}:
            return Place(kind=kind, spec=spec)  # type: ignore[arg-type]
        return None

    def queue(self, name: str) -> Queue | None:
        """A queue by its name: `default` is always there."""
        return self.queues.get(name) or (Queue() if name == DEFAULT else None)

    @property
    def all_queues(self) -> Mapping[str, Queue]:
        """The queues, and the one that is always there."""
        return {DEFAULT: Queue()} | dict(self.queues)

    def problems(self) -> list[tuple[str, str]]:
        """What does not fit together: the field, and what is wrong with it."""
        wrong: list[tuple[str, str]] = []
        for name, place in self.places.items():
            if (place.kind == "local") != (place.spec is None):
                said = "takes no spec" if place.spec else "needs a spec, of emr/clusters"
                wrong.append((f"places.{name}", f"a place of kind {place.kind} {said}"))
        for name, queue in self.queues.items():
            unknown = [one for one in queue.places if self.place(one) is None]
            wrong += [(f"queues.{name}.places", f"no place {one!r}") for one in unknown]
        for name, job in self.jobs.items():
            if job.on is not None and self.place(job.on) is None:
                wrong.append((f"jobs.{name}.on", f"no place {job.on!r}"))
            if cycle := self._cycle(name):
                wrong.append((f"jobs.{name}.then", f"goes round for ever: {' → '.join(cycle)}"))
        starts: dict[str, JobDefinition | Schedule | Arrival] = {
            **{f"jobs.{name}": one for name, one in self.jobs.items()},
            **{f"schedules.{name}": one for name, one in self.schedules.items()},
            **{f"arrivals.{name}": one for name, one in self.arrivals.items()},
        }
        wrong += [
            (f"{name}.queue", f"no queue {one.queue!r}")
            for name, one in starts.items()
            if one.queue is not None and self.queue(one.queue) is None
        ]
        return wrong

    def _cycle(self, start: str) -> list[str]:
        def walk(name: str, path: list[str]) -> list[str]:
            for step in self.jobs[name].then if name in self.jobs else ():
                if step.job == start:
                    return [*path, step.job]
                if step.job not in path and (found := walk(step.job, [*path, step.job])):
                    return found
            return []

        return walk(start, [start])


KINDS: Mapping[str, type[Table]] = {
    "places": Place,
    "queues": Queue,
    "jobs": JobDefinition,
    "schedules": Schedule,
    "arrivals": Arrival,
    "inboxes": Inbox,
    "notices": Notice,
    "alarms": Alarm,
}


def documents(settings: Settings) -> dict[tuple[str, str], Any]:
    """Each table of the settings, by its kind and name, as JSON."""
    return {
        (kind, name): table.model_dump(mode="json", exclude_defaults=True)
        for kind in KINDS
        for name, table in getattr(settings, kind).items()
    }


__all__ = [
    "DEFAULT",
    "KINDS",
    "LOCAL",
    "Alarm",
    "Arrival",
    "Inbox",
    "JobDefinition",
    "Notice",
    "Place",
    "Queue",
    "RetryRule",
    "Schedule",
    "Settings",
    "Step",
    "documents",
]
