"""Where a command tells its user how it goes: plain lines, for logs and pipes."""

import sys
import time
from collections.abc import Sequence

from gristmill.model.progress import Progress
from gristmill.model.report import Report, summary, table

_QUIET_SECONDS = 5.0


class Console:
    """Plain lines: the result on standard output, everything else on standard error."""

    def __init__(self) -> None:
        self._last_progress = time.monotonic()

    def tell(self, text: str) -> None:
        """Say something in passing."""
        print(text, file=sys.stderr, flush=True)

    def progress(self, progress: Progress) -> None:
        """Say how far a run is, every few seconds at most."""
        if time.monotonic() - self._last_progress >= _QUIET_SECONDS:
            self._last_progress = time.monotonic()
            self.tell(f"stage {progress.stage}: {progress.done} of {progress.tasks} tasks done")

    def close(self) -> None:
        """Leave nothing behind on the terminal; no more progress will come."""

    def result(self, report: Report) -> None:
        """Show what a run published."""
        print(summary(report))
        for line in render(*table(report)):
            print(line, flush=True)

    def fail(self, text: str) -> None:
        """Say why a run failed."""
        self.tell(f"gristmill: {text}")


def render(heading: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Lines of a table: columns aligned, those that hold only numbers to the right."""
    widths = [max(len(cell) for cell in column) for column in zip(heading, *rows, strict=True)]
    numeric = [
        bool(rows) and all(row[index][:1].isdigit() for row in rows)
        for index in range(len(heading))
    ]

    def line(cells: Sequence[str]) -> str:
        aligned = (
            cell.rjust(width) if right else cell.ljust(width)
            for cell, width, right in zip(cells, widths, numeric, strict=True)
        )
        return "  ".join(aligned).rstrip()

    return [line(heading), line(["-" * width for width in widths]), *map(line, rows)]
