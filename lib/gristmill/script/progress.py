"""How far a run is, as a file that others look at."""

import json
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from gristmill.model.progress import Progress

_HERE, _ELSEWHERE = 2.0, 15.0  # seconds from one writing to the next


class ProgressFile:
    """Writes what it hears, by `write`, every few seconds at most: JSON with the fields of
    `Progress`, and `at`, seconds since 1970. What cannot be written is let go."""

    def __init__(self, write: Callable[[bytes], None], every: float) -> None:
        self._write = write
        self._every = every
        self._last = float("-inf")

    @staticmethod
    def here(path: Path) -> "ProgressFile":
        """One that writes a file of this disk, whole or not at all."""

        def write(data: bytes) -> None:
            new = path.with_name(f"{path.name}.new")
            new.write_bytes(data)
            new.replace(path)

        return ProgressFile(write, _HERE)

    @staticmethod
    def elsewhere(write: Callable[[bytes], None]) -> "ProgressFile":
        """One that writes where each writing takes its time."""
        return ProgressFile(write, _ELSEWHERE)

    def hear(self, progress: Progress) -> None:
        """Write it, unless that was done a moment ago."""
        now = time.monotonic()
        if now - self._last < self._every:
            return
        self._last = now
        document = {**asdict(progress), "at": round(time.time(), 3)}
        self._write(json.dumps(document).encode())
