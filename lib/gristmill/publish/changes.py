"""What a run does to a dataset of a root: the files that come in, and those that they replace."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from gristmill.model.schema import DatasetSchema
from gristmill.publish import layout
from gristmill.publish.batch import covered
from gristmill.publish.manifest import Change, File, Origin
from gristmill.publish.state import DatasetState, RootState
from gristmill.storage import Storage, StoredFile, map_concurrently


@dataclass(frozen=True)
class StagedDataset:
    """What is staged for a dataset: its files, the rows of each, and folders of partitions that are
    replaced even where there is no file for them."""

    schema: DatasetSchema
    files: Sequence[StoredFile]
    rows: Sequence[int]
    scope: frozenset[str]


def change_of(
    storage: Storage,
    state: RootState,
    origin: Origin,
    staged: StagedDataset,
    into: str | None = None,
) -> Change:
    """What publishing it does to a root that holds `state`.

    `into` is the folder in which the files of a table of Iceberg were written, and stay.
    """
    held = state.datasets.get(staged.schema.name, DatasetState(staged.schema))
    superseded = covered(held.batches, origin)
    # The name says what replaces the file: its batch, where that is what a run replaces.
    is_batch = staged.schema.write_mode == "batch"
    if is_batch:
        own = () if origin.adds else (f"{origin.batch}-",)
        prefixes = (*own, *(f"{batch}-" for batch in superseded))
        removed = {path for path in held.files if layout.writer(path).startswith(prefixes)}
    else:
        removed = _in_partitions(storage, held, staged, whatever=into is None)
    return exchange(origin, staged, removed, superseded, into)


def exchange(
    origin: Origin,
    staged: StagedDataset,
    removed: Collection[str],
    superseded: Collection[str],
    into: str | None = None,
) -> Change:
    """What is staged of a dataset in the place of the files that are `removed`, by their paths
    below it, and with them of other batches; `into` as of `change_of`."""
    if into is not None:
        below = into.removeprefix(f"{staged.schema.name}/")
        written = zip(staged.files, staged.rows, strict=True)
        files = tuple(File(f"{below}/{file.path}", file.size, count) for file, count in written)
        return Change(staged.schema, files, (), tuple(sorted(removed)), tuple(superseded))
    prefix = f"{origin.batch}-" if staged.schema.write_mode == "batch" else ""
    named = enumerate(zip(staged.files, staged.rows, strict=True))
    files = tuple(
        File(
            f"{layout.folder(file.path)}/{prefix}{origin.run}-{number:05d}.parquet",
            file.size,
            count,
        )
        for number, (file, count) in named
    )
    paths = tuple(file.path for file in staged.files)
    return Change(staged.schema, files, paths, tuple(sorted(removed)), tuple(superseded))


def _in_partitions(
    storage: Storage, held: DatasetState, staged: StagedDataset, *, whatever: bool
) -> set[str]:
    """What there is in the partitions that are replaced: what the log has, also of files that
    somebody has deleted, and `whatever` lies there that it does not know of."""
    folders = staged.scope | {layout.folder(file.path) for file in staged.files}
    removed = {path for path in held.files if layout.partition(path) in folders}
    if not whatever:
        return removed
    places = [f"{staged.schema.name}/{folder}" for folder in folders]
    there = map_concurrently(storage, storage.data_files, places)
    for folder, found in zip(folders, there, strict=True):
        removed |= {f"{folder}/{file.path}" for file in found}
    return removed
