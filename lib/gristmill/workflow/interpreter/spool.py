"""Items that were read from elsewhere, in a file: one JSON value on each line."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO

from gristmill.workflow.values import Json, dump

_OPEN: dict[str, "Spool"] = {}


class Spool:
    """Such a file, read from front to back. It is kept open between the iterations of a map."""

    def __init__(self, file: Path, count: int) -> None:
        self.file = file
        self._count = count
        self._next = 0
        self._stream: BinaryIO | None = None

    @staticmethod
    def write(file: Path, items: Iterable[Json]) -> dict[str, Json]:
        """Put items into a file; gives what finds them again."""
        count = 0
        file.parent.mkdir(parents=True, exist_ok=True)
        beside = file.with_suffix(".part")
        with beside.open("w", encoding="utf-8", errors="surrogatepass") as stream:
            for one in items:
                stream.write(dump(one))
                stream.write("\n")
                count += 1
        beside.replace(file)
        return {"file": str(file), "count": count}

    @staticmethod
    def of(found: dict[str, Json]) -> "Spool":
        """The one that `write` gave."""
        name = str(found["file"])
        if name not in _OPEN:
            _OPEN[name] = Spool(Path(name), int(found["count"]))
        return _OPEN[name]

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, index: int) -> Json:
        if self._stream is None or index < self._next:
            self.close()
            self._stream, self._next = self.file.open("rb"), 0
            _OPEN[str(self.file)] = self
        while self._next < index:
            self._stream.readline()
            self._next += 1
        self._next += 1
        return json.loads(self._stream.readline())

    def close(self) -> None:
        """Let go of the file."""
        _OPEN.pop(str(self.file), None)
        if self._stream is not None:
            self._stream.close()
            self._stream = None
