"""Batches: what a run loads as one, and which earlier loads it takes the place of.

A file that was read remains known by its fingerprint, so that an input is known again under another
spelling. No two batches of a job share a file: a batch that holds all files of another takes its
place, and one that holds but some of them is refused.
"""

import hashlib
import json
import shlex
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from gristmill.errors import InputError
from gristmill.publish.contents import Content, Fate, Found, fate
from gristmill.publish.manifest import Origin

_DIGITS = 12
_SHOWN = 3


@dataclass(frozen=True)
class Batch:
    """What `run`, of `job`, has loaded into a dataset.

    `name` is that of its --batch, None where it is named by its `inputs`, which stand here as they
    were given. `files` are the fingerprints of the files that were read; none where those are not
    known. `contents` says what each held, in the same order. Where it is `superseded`, all its
    files came again with another batch, and its rows with them: it is remembered for its name,
    which must not bring them back beside those.
    """

    job: str
    name: str | None
    inputs: tuple[str, ...]
    files: tuple[str, ...]
    run: str
    superseded: bool = False
    contents: tuple[str, ...] = ()

    @staticmethod
    def of(origin: Origin) -> "Batch":
        """The batch that a run loads."""
        return Batch(
            origin.job,
            origin.batch_name,
            origin.inputs,
            origin.files,
            origin.run,
            contents=origin.contents,
        )

    @property
    def known(self) -> dict[str, str]:
        """What its files held, by their fingerprints; empty where that is not known."""
        if len(self.contents) != len(self.files):
            return {}
        return dict(zip(self.files, self.contents, strict=True))

    def __str__(self) -> str:
        return f"batch {self.name!r}" if self.name is not None else f"the batch of {self.input}"

    @property
    def input(self) -> str:
        """The inputs, the first few of them, as they were given."""
        more = len(self.inputs) - _SHOWN
        told = f"--input {shlex.join(self.inputs[:_SHOWN])}"
        return f"{told} and {more:,} more" if more > 0 else told


def batch_id(job: str, name: str | None, places: Sequence[str]) -> str:
    """Twelve hexadecimal digits for a batch of `job`: by its name, else by the URIs of its inputs.

    The two never meet: one is of JSON, which has no line breaks, and the other of lines.
    """
    lines = "\n".join([job, *sorted(places)])
    return _digest(lines if name is None else json.dumps([job, "batch", name]))


def fingerprint(uri: str) -> str:
    """Twelve hexadecimal digits for a file; the same under `s3://` and `s3a://`."""
    return _digest(one_spelling(uri))


def one_spelling(uri: str) -> str:
    """A URI with `s3://` for each of the names that Hadoop has for it."""
    scheme, separator, place = uri.partition("://")
    return f"s3://{place}" if separator and scheme in ("s3a", "s3n") else uri


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode(errors="surrogateescape")).hexdigest()[:_DIGITS]


def reading(origin: Origin, uris: Mapping[str, str], contents: Mapping[str, Found]) -> Origin:
    """The origin of a run that reads files, URIs by their fingerprints.

    `contents` are what they hold, by URI, where that is known.
    """
    known = sorted(uris)
    held = [contents[uris[file]] for file in known if uris[file] in contents]
    told = tuple(str(found.content) for found in held) if len(held) == len(known) else ()
    return replace(origin, files=tuple(known), contents=told)


def adding(origin: Origin, before: Iterable[Batch], gone: Collection[str]) -> Origin:
    """The origin of a run that adds to its batch, which still knows contents that are gone, by the
    fingerprints of their files."""
    files = dict(zip(origin.files, origin.contents, strict=True))
    for batch in before:
        for file, content in batch.known.items():
            if file in gone:
                # Another file may have its name by now.
                files[fingerprint(f"{file} {content}")] = content
    names = tuple(sorted(files))
    return replace(origin, files=names, contents=tuple(files[name] for name in names), adds=True)


def covered(batches: Mapping[str, Batch], origin: Origin) -> dict[str, Batch]:
    """Of `batches`, by id, those all of whose files belong to the batch that `origin` loads.

    They are those that it reads, and those that it had when it was loaded before.
    """
    before = batches.get(origin.batch)
    files = {*origin.files, *(before.files if before else ())}
    return {
        id_: batch
        for id_, batch in _others(batches, origin)
        if batch.files and files.issuperset(batch.files)
    }


def compare(batches: Mapping[str, Batch], origin: Origin, uris: Mapping[str, str]) -> Iterator[str]:
    """What to tell of the batches that a run of `origin` takes the place of.

    `batches` are those of a dataset, by id; `uris` are the files of the run by their fingerprints.
    Raises `InputError` where the run shares files with a batch that has others too.
    """
    gone = covered(batches, origin)
    before = batches.get(origin.batch)
    held = set(before.files) if before else set()
    for id_, batch in _others(batches, origin):
        if id_ in gone:
            yield (
                f"replaces also {batch}, loaded by run {batch.run}: "
                f"all its files ({len(batch.files):,}) belong to this one"
            )
            continue
        shared = sorted(uris[file] for file in batch.files if file in uris)
        if shared:
            raise InputError(_refusal(f"{shared[0]} was loaded", batch))
        if not held.isdisjoint(batch.files):
            raise InputError(_refusal(f"{before} was loaded again", batch))
    left = held.difference(uris)
    if before and left and not before.superseded and not origin.adds:
        yield (
            f"{before} held files that are not in this input ({len(left):,}): "
            "their rows are replaced too"
        )


def lost(batches: Mapping[str, Batch], origin: Origin, now: Mapping[str, Found]) -> Fate:
    """The files of the batch that `origin` loads again whose content is nowhere any more.

    `now` are the files that it reads, by fingerprint. A batch that was named, and is loaded from
    another input than before, has lost nothing: it is meant to be another.
    """
    before = batches.get(origin.batch)
    if not before or before.superseded or (before.name and before.inputs != origin.inputs):
        return Fate(new=frozenset(now))
    if before.files and not before.known:
        files = frozenset(before.files)
        # What the others held then is not known, so that each of them may have grown.
        return Fate(files.difference(now), grown=files.intersection(now))
    return fate({file: Content.parse(text) for file, text in before.known.items()}, now)


def _others(batches: Mapping[str, Batch], origin: Origin) -> Iterator[tuple[str, Batch]]:
    """The batches of the same job that have rows of their own, without that of `origin`."""
    for id_, batch in batches.items():
        if batch.job == origin.job and id_ != origin.batch and not batch.superseded:
            yield id_, batch


def _refusal(what: str, batch: Batch) -> str:
    whose = f"{batch}, by run {batch.run}, which holds other files too"
    again = f"load {batch.input} again as then, or all its files together"
    if batch.name is not None:
        again += f", or replace it with --batch {shlex.quote(batch.name)}"
    return f"{what} as part of {whose}; nothing was published: {again}"
