"""The console of a person at a terminal: a progress bar that leaves nothing behind."""

import sys

from rich.console import Console as RichConsole
from rich.progress import BarColumn, MofNCompleteColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar

from gristmill.model.progress import Progress
from gristmill.script.console import Console


def console() -> Console:
    """A progress bar where standard error is a terminal, plain lines elsewhere."""
    return TerminalConsole() if sys.stderr.isatty() else Console()


class TerminalConsole(Console):
    """A bar for the stage that Spark is working on."""

    def __init__(self) -> None:
        super().__init__()
        self._bar = Bar(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("tasks"),
            TimeElapsedColumn(),
            console=RichConsole(stderr=True),
            transient=True,
        )
        self._task: TaskID | None = None

    def tell(self, text: str) -> None:
        """Say something in passing, above the bar."""
        self._bar.console.print(text, markup=False, highlight=False, soft_wrap=True)

    def progress(self, progress: Progress) -> None:
        """Move the bar."""
        if self._task is None:
            self._bar.start()
            self._task = self._bar.add_task("")
        self._bar.update(
            self._task,
            description=f"stage {progress.stage}",
            completed=progress.done,
            total=progress.tasks,
        )

    def close(self) -> None:
        """Take the bar away."""
        self._bar.stop()
