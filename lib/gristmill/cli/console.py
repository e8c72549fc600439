"""The console of a person at a terminal: a line that moves, and leaves nothing behind."""

import os
import sys
from typing import TextIO

from rich.console import Console as RichConsole
from rich.progress import BarColumn, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar

from gristmill.model.progress import Progress
from gristmill.model.report import Report, summary, table
from gristmill.script.console import Console, Speech, render


def console(speech: Speech) -> Console:
    """A line that moves where standard error is a terminal, plain lines elsewhere."""
    is_for_people = sys.stderr.isatty() and speech.log_format == "text" and speech.level >= 0
    return TerminalConsole(speech) if is_for_people else Console(speech)


class TerminalConsole(Console):
    """A spinner that names the phase, with a bar for what can be measured, from the start on."""

    def __init__(self, speech: Speech) -> None:
        super().__init__(speech)
        self._bar = Bar(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(bar_width=20),
            TimeElapsedColumn(),
            console=RichConsole(file=_terminal()),
            transient=True,
        )
        self._task: TaskID | None = None

    def progress(self, progress: Progress) -> None:
        """Move the bar."""
        super().progress(progress)
        self._show(str(progress), *_share(progress))

    def close(self) -> None:
        """Take the bar away."""
        self._bar.stop()

    def result(self, report: Report) -> None:
        """Show what a run published, so that it fits."""
        heading, rows = table(report)
        width = self._bar.console.width
        is_wide = any(len(line) > width for line in render(heading, rows))
        if self.speech.as_json or not is_wide or not sys.stdout.isatty():
            super().result(report)
            return
        # A path that is broken cannot be copied: it stands by itself.
        print(summary(report))
        print("\n".join(render(heading[:-1], [row[:-1] for row in rows])))
        print(f"in {report.output}", flush=True)
        self._tuning(report)

    def _show(self, text: str, done: float, total: float | None) -> None:
        if self._task is None:
            self._bar.start()
            self._task = self._bar.add_task(text, total=None)
        self._bar.update(self._task, description=text, completed=done, total=total)

    def _move(self, progress: Progress) -> None:
        """Nothing: the bar has said it."""

    def _stamped(self, text: str) -> str:
        # Somebody is looking, and the bar shows the time.
        return text

    def _print(self, text: str) -> None:
        # Above the bar.
        self._bar.console.print(text, markup=False, highlight=False, soft_wrap=True)


def _terminal() -> TextIO:
    """Standard error, also while that of this process is turned away, as Java starts."""
    if not sys.stderr.isatty():
        return sys.stderr
    try:
        return os.fdopen(os.dup(sys.stderr.fileno()), "w", encoding=sys.stderr.encoding)
    except OSError:  # something that only says that it is one
        return sys.stderr


def _share(progress: Progress) -> tuple[float, float | None]:
    """How much of how much is done; of an unknown whole None."""
    if progress.phase == "reading" and progress.bytes:
        return min(progress.read, progress.bytes), progress.bytes
    return progress.done, progress.tasks or None
