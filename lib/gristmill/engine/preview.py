"""What a run would read and replace, found out without a job of Spark's."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pyspark.sql import SparkSession

from gristmill.engine.run import Run, origin_of
from gristmill.errors import InputError
from gristmill.model.dataset import Dataset
from gristmill.model.job import AnyJob, Reader, Request
from gristmill.publish import layout
from gristmill.publish.batch import covered, fingerprint
from gristmill.publish.manifest import Origin
from gristmill.publish.state import RootState, read_state
from gristmill.readers.published import DatasetReader, DatasetsReader
from gristmill.readers.text.lines import find_files
from gristmill.spark.jdbc import database_kind
from gristmill.spark.settings import session_for_run
from gristmill.storage.hadoop import open_storage, stats


@dataclass(frozen=True)
class DatasetPreview:
    """A dataset that a run would write: the rows that it holds, and how many of them would go.

    `replaced_rows` is null where that shows only as the input is read, as for partitions.
    """

    name: str
    write_mode: str
    rows: int
    replaced_rows: int | None


@dataclass(frozen=True)
class Preview:
    """What a run would do: its options with all settled, its input, its datasets.

    `files` and `bytes` are null where the input is no files, but datasets or a database.
    """

    job: str
    options: dict[str, Any]
    inputs: tuple[str, ...]
    files: int | None
    bytes: int | None
    output: str
    datasets: tuple[DatasetPreview, ...]


def preview(
    spark: SparkSession, job: AnyJob, request: Request, tell: Callable[[str], None]
) -> Preview:
    """What a run of `job` would do. Raises what it would raise before it reads."""
    with session_for_run(spark) as own:
        settled, notes = job.reads.resolve(own, request.inputs, request.options)
        options = replace(request.options, **settled)
        for note in notes:
            tell(note)
        request = replace(request, options=options)
        files = _files(own, job, request)
        sizes = None if files is None else stats(own, files)
        storage = open_storage(own, request.output)
        origin = origin_of(own, job, request, Run.new())
        known = tuple(sorted(map(fingerprint, files or ())))
        state = read_state(storage)
        return Preview(
            job.name,
            options.to_json(),
            request.inputs,
            None if files is None else len(files),
            None if sizes is None else sum(size for size, _ in sizes.values()),
            storage.root,
            tuple(
                _dataset(dataset, state, replace(origin, files=known))
                for dataset in job.datasets(options)
            ),
        )


def _files(spark: SparkSession, job: AnyJob, request: Request) -> Sequence[str] | None:
    reads: Reader[Any] = job.reads
    if isinstance(job.reads, DatasetReader | DatasetsReader):
        reads.read(spark, request.inputs, request.options)  # It is there, or this says so.
        return None
    if any(database_kind(uri) for uri in request.inputs):
        return None
    files = find_files(spark, request.inputs)
    if not files:
        raise InputError(f"no files in {', '.join(request.inputs)}")
    return files


def _dataset(dataset: Dataset, state: RootState, origin: Origin) -> DatasetPreview:
    held = state.datasets.get(dataset.name)
    if held is None:
        return DatasetPreview(dataset.name, dataset.write_mode, 0, 0)
    rows = sum(file.rows for file in held.files.values())
    if dataset.write_mode == "partition":
        return DatasetPreview(dataset.name, dataset.write_mode, rows, None)
    batches = (origin.batch, *covered(held.batches, origin))
    prefixes = tuple(f"{batch}-" for batch in batches)
    gone = sum(
        file.rows for path, file in held.files.items() if layout.writer(path).startswith(prefixes)
    )
    return DatasetPreview(dataset.name, dataset.write_mode, rows, gone)
