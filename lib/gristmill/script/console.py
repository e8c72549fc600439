"""Where a command tells its user how it goes: plain lines, for logs and pipes."""

import argparse
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from gristmill.model.progress import Progress
from gristmill.model.report import Report, size, summary, table

if TYPE_CHECKING:
    from gristmill.engine.preview import Preview

_EVERY, _EVERY_LATER = 2.0, 10.0  # seconds from one word on progress to the next
_LATER = 20.0


@dataclass(frozen=True)
class Speech:
    """How a command speaks: `level` is -1 for errors alone, 0, or 1 for all there is to say; as
    lines for people, or each line as JSON (`log_format`); the result as JSON, if `as_json`."""

    level: int = 0
    log_format: str = "text"
    as_json: bool = False

    @staticmethod
    def of(arguments: argparse.Namespace) -> "Speech":
        """What the flags of `add_flags` say."""
        level = (1 if arguments.verbose else 0) - (2 if arguments.quiet else 0)
        return Speech(max(-1, level), arguments.log_format, arguments.json)


def add_flags(parser: argparse.ArgumentParser) -> None:
    """The flags that say how a command speaks."""
    group = parser.add_argument_group("how it speaks")
    group.add_argument("--json", action="store_true", help="give the result as JSON")
    text = "say nothing in passing: errors and the result alone"
    group.add_argument("-q", "--quiet", action="store_true", help=text)
    text = "say more: how long each phase took"
    group.add_argument("-v", "--verbose", action="store_true", help=text)
    text = "how to write what is said in passing, on standard error (default: text)"
    group.add_argument("--log-format", choices=("text", "json"), default="text", help=text)


_PLAIN = Speech()


class Console:
    """Plain lines: the result on standard output, everything else on standard error, with times."""

    def __init__(self, speech: Speech = _PLAIN) -> None:
        self.speech = speech
        self._started = self._last = self._phase_since = time.monotonic()
        self._phase = ""

    def tell(self, text: str) -> None:
        """Say something in passing."""
        if self.speech.level >= 0:
            self._log("info", text)

    def detail(self, text: str) -> None:
        """Say something that few want to know."""
        if self.speech.level > 0:
            self._log("debug", text)

    def progress(self, progress: Progress) -> None:
        """Say how far a run is, every few seconds at most."""
        now = time.monotonic()
        if progress.phase != self._phase:
            if self._phase:
                self.detail(f"{self._phase} took {now - self._phase_since:.1f} s")
            self._phase, self._phase_since = progress.phase, now
        every = _EVERY if now - self._started < _LATER else _EVERY_LATER
        if now - self._last >= every and self.speech.level >= 0:
            self._last = now
            self._move(progress)

    def close(self) -> None:
        """Leave nothing behind on the terminal; no more progress will come."""

    def result(self, report: Report) -> None:
        """Show what a run published."""
        if self.speech.as_json:
            print(json.dumps(report.to_json(), indent=2, ensure_ascii=False), flush=True)
            return
        print(summary(report))
        for line in render(*table(report)):
            print(line, flush=True)
        self._tuning(report)

    def preview(self, found: "Preview") -> None:
        """Show what a run would do."""
        if self.speech.as_json:
            print(json.dumps(asdict(found), indent=2, ensure_ascii=False), flush=True)
            return
        named = "1 file" if found.files == 1 else f"{found.files or 0:,} files"
        told = f"{named}, {size(found.bytes or 0)}" if found.files else "no files"
        print(f"{found.job} would read {told}, from {', '.join(found.inputs)}")
        rows = [
            (
                one.name,
                one.write_mode,
                f"{one.rows:,}",
                "?" if one.replaced_rows is None else f"{one.replaced_rows:,}",
            )
            for one in found.datasets
        ]
        for line in render(("dataset", "a run replaces a", "rows now", "of them replaced"), rows):
            print(line)
        if any(one.replaced_rows is None for one in found.datasets):
            print("?: shows only as the input is read")
        print(f"nothing was written to {found.output}", flush=True)

    def fail(self, text: str) -> None:
        """Say why a run failed."""
        self._log("error", text)

    def _tuning(self, report: Report) -> None:
        for note in report.tuning:
            self.tell(f"tuning: {note}")

    def _move(self, progress: Progress) -> None:
        self._log("progress", str(progress), **asdict(progress))

    def _log(self, level: str, text: str, **more: object) -> None:
        if self.speech.log_format == "json":
            when = datetime.now(UTC).isoformat(timespec="milliseconds")
            entry = {"time": when, "level": level, "message": text, **more}
            print(json.dumps(entry, ensure_ascii=False), file=sys.stderr, flush=True)
        elif level == "error":
            self._print(f"gristmill: {text}")
        else:
            self._print(self._stamped(text))

    def _stamped(self, text: str) -> str:
        return f"{datetime.now(UTC):%H:%M:%SZ}  {text}"

    def _print(self, text: str) -> None:
        print(text, file=sys.stderr, flush=True)


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
