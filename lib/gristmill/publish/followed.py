"""What a summary was made of, so that the next run knows what has changed since.

Every publish of a summary writes down, for each partition of its sources, a fingerprint of the
files that it had. A partition whose fingerprint is another one now, that has come, or that has
gone, has changed. Which partitions of the summary came of it is kept beside that, so that those
whose source has gone can go too.
"""

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from gristmill.publish import layout
from gristmill.storage import StoredFile

_DIGITS = 12

Partitions = Mapping[str, str]
"""The fingerprints of a dataset's partitions, by their folders below it."""


@dataclass(frozen=True)
class Made:
    """What a summary is made of: the `sources`, by the URI of each one's folder, and by `maker`,
    which stands for the code and the options: what another one has made is not to be built on."""

    sources: Mapping[str, Partitions]
    maker: str


@dataclass(frozen=True)
class Followed:
    """What a run left in a summary: `folders` are the partitions that it has made of its sources.

    Where somebody else has changed one of them since, what they were made of is forgotten.
    """

    made: Made
    folders: tuple[str, ...]
    forgotten: bool = False

    @property
    def uris(self) -> frozenset[str]:
        """The folders of its sources."""
        return frozenset(self.made.sources)


def partitions(files: Iterable[StoredFile]) -> Partitions:
    """The fingerprints of the partitions that these files of a dataset, by paths below it, make."""
    by_folder: dict[str, list[str]] = {}
    for file in files:
        by_folder.setdefault(layout.partition(file.path), []).append(f"{file.path} {file.size}")
    return {
        folder: hashlib.sha256("\n".join(sorted(said)).encode()).hexdigest()[:_DIGITS]
        for folder, said in sorted(by_folder.items())
    }


def changed(before: Mapping[str, Partitions], now: Mapping[str, Partitions]) -> set[str]:
    """The folders of partitions that have come, gone or changed, of whichever source."""
    found: set[str] = set()
    for uri in {*before, *now}:
        old, new = before.get(uri, {}), now.get(uri, {})
        found |= {folder for folder in {*old, *new} if old.get(folder) != new.get(folder)}
    return found


def after(
    followed: Sequence[Followed],
    made: Made | None,
    written: Collection[str],
    removed: Collection[str],
) -> tuple[Followed, ...]:
    """What is known of a summary once a run has changed it.

    `made` says of what the run made it, None where it was no summary of anything; `written` and
    `removed` are the folders of the files that came and went.
    """
    uris = frozenset(made.sources) if made else None
    touched = {*written, *removed}
    left, kept = [], set(written)
    for one in followed:
        if one.uris == uris:
            kept |= set(one.folders) - set(removed)
        elif touched.isdisjoint(one.folders):
            left.append(one)
        elif folders := tuple(name for name in one.folders if name not in touched):
            left.append(replace(one, folders=folders, forgotten=True))
    if made:
        left.append(Followed(made, tuple(sorted(kept))))
    return tuple(left)


def made_from_json(told: Mapping[str, Any] | None) -> Made | None:
    """What was written as JSON; None where there was nothing."""
    return Made(told["sources"], told["maker"]) if told else None


def followed_from_json(told: Sequence[Mapping[str, Any]]) -> tuple[Followed, ...]:
    """What was written as JSON."""
    return tuple(
        Followed(
            Made(one["made"]["sources"], one["made"]["maker"]),
            tuple(one["folders"]),
            one.get("forgotten", False),
        )
        for one in told
    )
