"""Loading an input again, of which files have gone or changed since: what stays, what is read."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from urllib.parse import unquote

from pyspark.sql import SparkSession

from gristmill.engine.contents import contents
from gristmill.errors import InputError
from gristmill.model.job import AnyJob, Reading, Request
from gristmill.publish.batch import fingerprint
from gristmill.publish.contents import Found
from gristmill.publish.publication import Publication


@dataclass(frozen=True)
class Reload:
    """What to load: `reading`, None where there is nothing new, with the `bytes` of its files where
    those are known; and what to tell of it."""

    reading: Reading | None
    notes: tuple[str, ...]
    bytes: int = 0


def settle_reload(
    spark: SparkSession, job: AnyJob, request: Request, publication: Publication, reading: Reading
) -> Reload:
    """What to load of files that a run reads, held against those that it loaded before.

    Where some have gone, their rows stay, and only files that are new are loaded, beside them.
    Raises `InputError` where that cannot be, as others have changed, unless the request says that
    the rows may go.
    """
    found = contents(spark, reading.files)
    fate = publication.lost(found)
    datasets = job.datasets(request.options)
    if not fate.gone or request.replace:
        notes = publication.reads(reading.files, found)
        if fate.changed:
            where = _named(fate.changed, found)
            notes += (f"{where} other content than when it was loaded: those rows are replaced",)
        return Reload(reading, (*reading.notes, *notes), _bytes(found, reading.files))
    held = sum(sum(publication.batch_rows(dataset.name).values()) for dataset in datasets)
    told = f"files of this batch that are gone: {len(fate.gone):,}"
    if fate.changed or fate.grown or any(dataset.write_mode != "batch" for dataset in datasets):
        others = _named(fate.changed | fate.grown, found) or "others have"
        raise InputError(
            f"{told}; and {others} other content, or more of it. Nothing was published, and the "
            f"{held:,} rows of the batch stay: load files that do not change any more by "
            "themselves, or let the rows of those that are gone go with --replace"
        )
    notes = publication.reads(reading.files, found, beside=fate.gone)
    notes += (f"{told}; its {held:,} rows stay, and would go with --replace",)
    new = [file for file in reading.files if fingerprint(file) in fate.new]
    if not new:
        return Reload(None, (*reading.notes, *notes, "no file is new: there is nothing to load"))
    read = job.reads.read(spark, [unquote(file) for file in new], request.options)
    notes = (*reading.notes, *notes, f"new files: {len(new):,}")
    return Reload(replace(read, files=reading.files), notes, _bytes(found, new))


def _bytes(found: Mapping[str, Found], files: Collection[str]) -> int:
    return sum(found[file].content.size for file in files if file in found)


def _named(fingerprints: Collection[str], found: Mapping[str, object]) -> str:
    """Files in words, with a verb; empty where none of them is there."""
    files = sorted(file for file in found if fingerprint(file) in fingerprints)
    if not files:
        return ""
    return f"{files[0]} has" if len(files) == 1 else f"{files[0]} and {len(files) - 1:,} more have"
