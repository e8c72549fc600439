"""Taking out partitions that are older than a day: a publish that brings nothing in."""

import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from urllib.parse import unquote

from gristmill.errors import InputError
from gristmill.model.schema import DatasetSchema
from gristmill.publish import layout
from gristmill.publish.finishing import finished
from gristmill.publish.manifest import Origin
from gristmill.publish.publication import Publication
from gristmill.publish.state import DatasetState, FileState, RootState, read_state
from gristmill.storage import Storage


@dataclass(frozen=True)
class Partition:
    """A partition: its folder below its dataset, and its files by their path below the same."""

    folder: str
    files: Mapping[str, FileState]

    @property
    def rows(self) -> int:
        """How many rows it has."""
        return sum(file.rows for file in self.files.values())

    @property
    def bytes(self) -> int:
        """How many bytes of Parquet it has."""
        return sum(file.bytes for file in self.files.values())


@dataclass(frozen=True)
class Aged:
    """The partitions that are `older` than a day, and those that are `undated`, as are those of
    rows without a date; both by folder."""

    older: tuple[Partition, ...]
    undated: tuple[Partition, ...]


def aged(state: RootState, dataset: str, before: date) -> Aged:
    """The partitions of `dataset` whose date is before a day.

    Raises `InputError` where there is no such dataset, or it is not partitioned by one date.
    """
    held = held_dataset(state, dataset)
    depth = held.schema.partitioned_by.index(date_column(held.schema))
    folders: dict[str, dict[str, FileState]] = {}
    for path, file in held.files.items():
        folders.setdefault(layout.partition(path), {})[path] = file
    older, undated = [], []
    for folder, files in sorted(folders.items()):
        day = day_of(folder.split("/")[depth])
        if day is None:
            undated.append(Partition(folder, files))
        elif day < before:
            older.append(Partition(folder, files))
    return Aged(tuple(older), tuple(undated))


def expire(
    storage: Storage,
    origin: Origin,
    dataset: str,
    before: date,
    *,
    wait: timedelta,
    tell: Callable[[str], None],
) -> Aged:
    """Take out the partitions of `dataset` whose date is before a day, at once or not at all.

    What they are is looked at when no other run writes the dataset any more, for which it waits as
    long as `wait`. Gives them; where there are none, nothing is written down. Raises what `aged`
    raises, and `Publication.claim`, and `Publication.commit`.
    """
    aged(state := read_state(storage), dataset, before)
    publication = Publication(storage, origin, [state.datasets[dataset].schema])
    found = Aged((), ())
    with finished(publication):
        found = aged(publication.claim(wait, tell), dataset, before)
        if found.older:
            publication.remove(dataset, [path for one in found.older for path in one.files])
            publication.commit(0, 0)
        else:
            publication.finish()
    return found


def held_dataset(state: RootState, dataset: str) -> DatasetState:
    """A dataset that a root holds. Raises `InputError` where there is none of that name."""
    if dataset not in state.datasets:
        known = ", ".join(sorted(state.datasets)) or "none yet"
        raise InputError(f"no dataset is named {dataset!r} here; there are: {known}")
    return state.datasets[dataset]


def date_column(schema: DatasetSchema) -> str:
    """The one date that a dataset is partitioned by. Raises `InputError` where there is none."""
    types = dict(schema.fields)
    columns = [name for name in schema.partitioned_by if types[name] == "date"]
    if len(columns) != 1:
        by = ", ".join(f"{name} {types[name]}" for name in schema.partitioned_by)
        raise InputError(
            f"{schema.name} is partitioned by {by}, not by one date: nothing says what is old"
        )
    return columns[0]


def day_of(part: str) -> date | None:
    """The day of a folder `date=2026-11-21`; None for another value."""
    value = unquote(part.partition("=")[2])
    with contextlib.suppress(ValueError):
        day = date.fromisoformat(value)
        # Other ways to write a date are not Spark's.
        if day.isoformat() == value:
            return day
    return None
