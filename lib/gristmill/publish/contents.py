"""What became of the contents that a batch was loaded from, when it is loaded again.

A file's name says little: logs are rotated, so that the next content stands under the same name.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

_COMPARED = 1024
_DIGITS = 16


@dataclass(frozen=True)
class Content:
    """What a file holds, in short: its `size` in bytes, when it was `modified` (milliseconds since
    1970), and a digest of the first `compared` bytes, unpacked, where those were looked at."""

    size: int
    modified: int
    compared: int = 0
    digest: str = ""

    @staticmethod
    def of(size: int, modified: int, start: bytes = b"") -> "Content":
        """The content of a file that starts so, unpacked."""
        start = start[:_COMPARED]
        return Content(size, modified, len(start), _digest(start) if start else "")

    def __str__(self) -> str:
        return f"{self.size} {self.modified} {self.compared} {self.digest}".rstrip()

    @staticmethod
    def parse(text: str) -> "Content":
        """What `str` wrote."""
        size, modified, compared, *digest = text.split(" ")
        return Content(int(size), int(modified), int(compared), "".join(digest))


@dataclass(frozen=True)
class Found:
    """A content that is there now, and how the file starts, unpacked; empty where nobody looked."""

    content: Content
    start: bytes = b""
    is_packed: bool = False

    def goes_on(self, other: Content) -> bool:
        """Whether it is that content, renamed, packed, or with more at its end."""
        # Cut to less, its end has gone, even though it starts the same.
        is_less = self.content.size < other.size and not self.is_packed
        return not is_less and _digest(self.start[: other.compared]) == other.digest


@dataclass(frozen=True)
class Fate:
    """What became of the files of a batch, by their fingerprints.

    The contents of those that are `gone` are nowhere any more, nor are those of files under whose
    name stands something new: they have `changed`, or been rotated away. Others may have `grown`.
    `new` are files that hold none of the old contents.
    """

    gone: frozenset[str] = frozenset()
    changed: frozenset[str] = frozenset()
    grown: frozenset[str] = frozenset()
    new: frozenset[str] = frozenset()


def fate(before: Mapping[str, Content], now: Mapping[str, Found]) -> Fate:
    """What became of the contents of files, by fingerprint: each may be in one file alone."""
    free = dict(now)
    left = {file: content for file, content in before.items() if content.size}

    def settle(file: str, heir: str | None) -> bool:
        if heir is None:
            return False
        del free[heir], left[file]
        return True

    # Those that are surest first: a file that is as it was is nobody else.
    for file, content in list(left.items()):
        settle(file, file if file in free and _key(free[file].content) == _key(content) else None)
    # Both moving a file and packing it leave it the time of its last change.
    alike = _by_key(free)
    for file, content in list(left.items()):
        settle(file, _first(alike[_key(content)], free))
    grown = {
        file
        for file, content in list(left.items())
        if content.digest and settle(file, _first(_that_go_on(free, content, file), free))
    }
    changed = {file for file in left if file in free}
    # What is as large as something that has gone may be that, under another name.
    sizes = {left[file].size for file in left if not left[file].digest}
    grown |= {file for file, found in free.items() if found.content.size in sizes}
    new = {file for file in free if file not in changed}
    return Fate(*map(frozenset, (left.keys() - changed, changed, grown, new)))


def _key(content: Content) -> tuple[int, int | str, int]:
    return content.modified, content.digest or content.size, content.compared


def _by_key(free: Mapping[str, Found]) -> Mapping[tuple[int, int | str, int], list[str]]:
    files = defaultdict(list)
    for file, found in free.items():
        files[_key(found.content)].append(file)
    return files


def _first(files: Iterable[str], free: Mapping[str, Found]) -> str | None:
    return next((file for file in files if file in free), None)


def _that_go_on(free: Mapping[str, Found], content: Content, file: str) -> Iterator[str]:
    """The files that start as a content does, and have not been cut to less: itself first."""
    for name in (file, *free):
        if name in free and free[name].goes_on(content):
            yield name


def _digest(start: bytes) -> str:
    return hashlib.sha256(start).hexdigest()[:_DIGITS]
