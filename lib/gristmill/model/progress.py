"""How far a run is."""

from dataclasses import dataclass

from gristmill.model.report import size


@dataclass
class Phase:
    """What a run is doing, as it goes on: `name`, and the bytes of the files that it loads."""

    name: str = "starting"
    bytes: int = 0


@dataclass(frozen=True)
class Progress:
    """A look at a run: its phase, how many tasks of Spark's stage are done, what that has read.

    The phases are starting, waiting (for another run), listing, reading, writing and publishing.
    `bytes` are those of all files, 0 where that is not known.
    """

    phase: str
    tasks: int = 0
    done: int = 0
    read: int = 0
    bytes: int = 0

    def __str__(self) -> str:
        tasks = f"{self.done:,} of {self.tasks:,} tasks" if self.tasks else ""
        amount = ""
        if self.phase == "reading" and self.bytes:
            # Spark counts what a task has read once that has ended.
            read = f"{size(min(self.read, self.bytes))} of " if self.read else ""
            amount = f"{read}{size(self.bytes)}"
        told = ", ".join(filter(None, (amount, tasks)))
        return f"{self.phase}: {told}" if told else self.phase
