"""Making few files of many small ones: a publish that changes no row.

Rows of a partition that is replaced as a whole are brought together in it. Rows that are replaced
by batch are brought together across batches of the same partitions, so that the hours of a day
become one batch: what was loaded as many inputs is then known as loaded as all of them together.
"""

import secrets
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from gristmill.errors import AuditError
from gristmill.publish import layout
from gristmill.publish.batch import Batch, batch_id
from gristmill.publish.finishing import finished
from gristmill.publish.lease import owner, utc_now
from gristmill.publish.manifest import Origin
from gristmill.publish.publication import Publication
from gristmill.publish.retention import date_column, day_of, held_dataset
from gristmill.publish.run_ids import run_id
from gristmill.publish.state import DatasetState, FileState, read_state
from gristmill.storage import Storage

SMALL, LARGEST = 32 * 1024 * 1024, 256 * 1024 * 1024
"""Bytes below which a file is small, and up to which small ones are brought together."""

Merge = Callable[[Sequence[str], str], int]
"""Writes the rows of files, by their paths below the root, into another file of the root; gives
their number."""


@dataclass(frozen=True)
class Together:
    """Small files that are brought together: those of `folders`, partitions of a dataset, and the
    `batches` of a job that they are, by id; none where a run replaces partitions."""

    folders: tuple[str, ...]
    files: Mapping[str, FileState]
    batches: Mapping[str, Batch]

    @property
    def targets(self) -> list[tuple[str, list[str]]]:
        """The files to be: the partition of each, and of which files it is made."""
        found: list[tuple[str, list[str]]] = []
        size = 0
        for path in sorted(self.files, key=lambda one: (layout.partition(one), one)):
            folder = layout.partition(path)
            if not found or found[-1][0] != folder or size + self.files[path].bytes > LARGEST:
                found.append((folder, []))
                size = 0
            found[-1][1].append(path)
            size += self.files[path].bytes
        return found


def small_files(held: DatasetState, before: date | None = None) -> list[Together]:
    """What of a dataset may be brought together, of partitions of days before one, so that fewer
    files come out. Raises `InputError` where it has no date and there is a day to go by."""
    files = {path: file for path, file in held.files.items() if file.bytes < SMALL}
    if before is not None:
        depth = held.schema.partitioned_by.index(date_column(held.schema))
        days = {path: day_of(layout.partition(path).split("/")[depth]) for path in files}
        files = {path: file for path, file in files.items() if (days[path] or before) < before}
    is_batch = held.schema.write_mode == "batch"
    found = _of_batches(held, files) if is_batch else _of_partitions(files)
    return [one for one in found if len(one.targets) < len(one.files)]


def _of_partitions(files: Mapping[str, FileState]) -> list[Together]:
    folders: dict[str, dict[str, FileState]] = defaultdict(dict)
    for path, file in files.items():
        folders[layout.partition(path)][path] = file
    # All at once: each by itself would be a publish of its own.
    some = {folder: held for folder, held in folders.items() if len(held) > 1}
    together = {path: file for held in some.values() for path, file in held.items()}
    return [Together(tuple(sorted(some)), together, {})] if together else []


def _of_batches(held: DatasetState, files: Mapping[str, FileState]) -> Iterator[Together]:
    """Batches with the same partitions, all of whose files are small. Those that were named, or
    whose inputs are not known, stay, as they are called for by their names alone."""
    all_of: dict[str, set[str]] = defaultdict(set)
    for path in held.files:
        all_of[layout.writer(path).partition("-")[0]].add(path)
    alike: dict[tuple[str, tuple[str, ...]], list[str]] = defaultdict(list)
    for id_, batch in held.batches.items():
        paths = all_of.get(id_, set())
        nameless = batch.name is None and batch.files and not batch.superseded
        if paths and nameless and paths <= files.keys():
            folders = tuple(sorted({layout.partition(path) for path in paths}))
            alike[batch.job, folders].append(id_)
    for (_, folders), ids in sorted(alike.items()):
        mine = {path: files[path] for id_ in ids for path in all_of[id_]}
        yield Together(folders, mine, {id_: held.batches[id_] for id_ in ids})


def compact(
    storage: Storage,
    dataset: str,
    before: date | None,
    merge: Merge,
    *,
    wait: timedelta,
    tell: Callable[[str], None],
) -> list[Together]:
    """Bring small files together, a publish for each of what `small_files` finds; gives them.

    Each publish is made at once or not at all, and what it is to replace is looked at when no
    other run writes the dataset any more. Raises what `Publication.claim` raises, `InputError`,
    and `AuditError` where rows would be lost.
    """
    done: list[Together] = []
    while True:
        held = held_dataset(read_state(storage), dataset)
        found = small_files(held, before)
        if not found:
            return done
        carried_out = _carry_out(storage, dataset, found[0], before, merge, wait=wait, tell=tell)
        if carried_out:
            done.append(carried_out)


def _carry_out(
    storage: Storage,
    dataset: str,
    wanted: Together,
    before: date | None,
    merge: Merge,
    *,
    wait: timedelta,
    tell: Callable[[str], None],
) -> Together | None:
    schema = held_dataset(read_state(storage), dataset).schema
    publication = Publication(storage, _origin(wanted), [schema])
    with finished(publication):
        now = small_files(publication.claim(wait, tell).datasets[dataset], before)
        if wanted not in now:
            # Another run has changed it while this one waited.
            publication.finish()
            return None
        rows = []
        for number, (folder, paths) in enumerate(wanted.targets):
            target = f"{publication.folder(dataset)}/{folder}/part-{number:05d}.parquet"
            expected = sum(wanted.files[path].rows for path in paths)
            merged = merge([f"{dataset}/{path}" for path in paths], target)
            if merged != expected:
                raise AuditError(f"{dataset}/{folder}: {merged:,} rows, not {expected:,}")
            rows.append((target, merged))
        counts = [count for _, count in sorted(rows)]
        publication.exchange(dataset, counts, list(wanted.files), list(wanted.batches))
        publication.commit(0, 0)
    return wanted


def _origin(wanted: Together) -> Origin:
    """As of a run that has loaded all of it together."""
    run = run_id(utc_now(), secrets.token_hex(4))
    told = {"compacted": len(wanted.files)}
    if not wanted.batches:
        return Origin(run, "compact", told, (), "", owner())
    some = list(wanted.batches.values())
    contents: dict[str, str] = {}
    for batch in some:
        contents |= batch.known or dict.fromkeys(batch.files, "")
    files = tuple(sorted(contents))
    inputs = tuple(dict.fromkeys(uri for batch in some for uri in batch.inputs))
    return Origin(
        run,
        some[0].job,
        told,
        inputs,
        batch_id(some[0].job, None, inputs),
        owner(),
        files=files,
        # Where one does not know what its files held, none does.
        contents=tuple(contents[file] for file in files) if all(contents.values()) else (),
    )
