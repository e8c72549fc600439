"""The log of an output root: numbered files, each written once, which say what happened in order.

A publish is done once its entry is there. Of several that try for a number one succeeds, so that
whoever was overtaken notices: nobody can commit on the strength of what is no longer true.
"""

from collections.abc import Iterator

from gristmill.publish import layout
from gristmill.publish.manifest import Abandoned, Entry, Manifest, decode, encode
from gristmill.storage import Storage


class Log:
    """The entries of a root, by number, from 1."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    def numbers(self) -> list[int]:
        """The numbers of all entries, sorted; the oldest may have been cleaned away."""
        return layout.numbers(self._storage.names(layout.LOG))

    def head(self) -> int:
        """The number of the newest entry; 0 where there is none."""
        return max(self.numbers(), default=0)

    def read(self, number: int) -> Entry | None:
        """An entry; None where there is none, or none any more."""
        data = self._storage.read(layout.numbered(layout.LOG, number, ".json"))
        return None if data is None else decode(data)

    def since(self, number: int) -> Iterator[tuple[int, Entry]]:
        """The entries after `number`, in order."""
        for found in self.numbers():
            if found > number and (entry := self.read(found)) is not None:
                yield found, entry

    def append(self, number: int, entry: Entry) -> bool:
        """Write entry `number`, if there is none; gives whether this one is there now."""
        return self._storage.create(layout.numbered(layout.LOG, number, ".json"), encode(entry))

    def conclude(self, run: str, since: int, abandoned: Abandoned) -> Manifest | None:
        """Whether `run`, which began after entry `since`, has published: what it did then.

        Where it has not it never will: that it is abandoned is now in the log.
        """
        while True:
            for number, entry in self.since(since):
                if entry.run == run:
                    return entry if isinstance(entry, Manifest) else None
                since = number
            if self.append(since + 1, abandoned):
                return None
