"""What of a summary is to be made again, as its sources have changed since it was made.

What a rerun leaves equals what would be made from scratch: partitions whose source has gone go,
those whose source has changed are made anew, and the others are what they would be.
"""

import hashlib
import inspect
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from importlib.metadata import PackageNotFoundError, version

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from gristmill.engine.held import held_rows
from gristmill.model.job import AnyJob, Days, Reading, Request
from gristmill.publish.followed import Followed, Made, changed
from gristmill.publish.publication import Publication
from gristmill.readers.kernels.direct import Direct

_DIGITS = 12


@dataclass(frozen=True)
class Plan:
    """What a run makes: of this `reading`, and of what comes out only the days in `targets`, where
    that is not all. `scope` are the partitions that it replaces anyhow, by dataset; `reached` is
    what reaches the files of the reading's kernels, where the run loads by them."""

    reading: Reading
    scope: Mapping[str, Collection[str]]
    column: str = ""
    targets: Collection[date] | None = None
    note: str = ""
    reached: Direct | None = None

    @property
    def is_current(self) -> bool:
        """Whether there is nothing to do."""
        return self.targets is not None and not self.targets

    def of_targets(self, frame: DataFrame) -> DataFrame:
        """Of what came out, what the run publishes."""
        return frame if self.targets is None else frame.where(_on(self.column, self.targets))


def plan(
    spark: SparkSession, job: AnyJob, request: Request, publication: Publication, reading: Reading
) -> Plan:
    """What to make of a reading. Where that is of no published dataset, all of it.

    To be called once the run has its claims, so that what it builds on stays as it is.
    """
    if not reading.sources:
        return Plan(reading, {})
    made = Made(reading.sources, _maker(job, request))
    publication.follows(made)
    datasets = job.datasets(request.options)
    names = [dataset.name for dataset in datasets if dataset.write_mode == "partition"]
    followed = {name: publication.followed(name) for name in names}
    everything = {name: _taken_over(job, made, followed[name]) for name in names}
    whole = Plan(reading, everything)
    before = _built_on(made, [_own(made, followed[name]) for name in names])
    if job.by_day is None or request.full or before is None:
        return whole
    folders = changed(before.sources, made.sources)
    days = {_day(folder, job.by_day.column) for folder in folders}
    if None in days:
        return whole
    found = [day for day in days if day is not None]
    reached: tuple[Days, Days] | None = (found, found)
    if job.by_day.reach and found:
        published = {
            one.name: held_rows(spark, one, publication) or spark.createDataFrame([], one.ddl)
            for one in job.writes
        }
        reached = job.by_day.reach(published, found, request.options)
    if reached is None:
        return whole
    targets, reads = reached
    column = job.by_day.column
    scope = {
        name: [folder for folder in everything[name] if _day(folder, column) in targets]
        for name in names
    }
    total = sum(len(partitions) for partitions in made.sources.values())
    note = f"{len(folders):,} of {total:,} partitions of the source have changed since the last run"
    note += f": {len(targets):,} days are made again" if targets else ""
    some = replace(reading, frame=reading.rows.where(_on(column, reads)))
    return Plan(some, scope, column, targets, note)


def _maker(job: AnyJob, request: Request) -> str:
    """What else decides what comes out: the code, the options, the columns."""
    try:
        code = inspect.getsource(inspect.getmodule(job.transform) or job.transform)
    except (OSError, TypeError):
        code = ""
    try:
        release = version("gristmill")
    except PackageNotFoundError:
        release = ""
    schemas = [dataset.schema.fingerprint for dataset in job.datasets(request.options)]
    told = json.dumps([job.name, release, code, request.options.to_json(), schemas])
    return hashlib.sha256(told.encode()).hexdigest()[:_DIGITS]


def _own(made: Made, followed: Sequence[Followed]) -> Followed | None:
    return next((one for one in followed if one.uris == frozenset(made.sources)), None)


def _built_on(made: Made, own: Sequence[Followed | None]) -> Made | None:
    """What all datasets were made of, if they were by the same, and nobody has changed them."""
    first = own[0] if own else None
    if first is None or first.made.maker != made.maker:
        return None
    same = all(one is not None and one.made == first.made and not one.forgotten for one in own)
    return first.made if same else None


def _taken_over(job: AnyJob, made: Made, followed: Sequence[Followed]) -> list[str]:
    """The partitions that were made of these sources, and are to be made again or to go."""
    uris = frozenset(made.sources)
    column = job.by_day.source if job.by_day else None
    names = {uri.rpartition("/")[2] for uri in uris}
    taken: list[str] = []
    for one in followed:
        if one.uris <= uris:
            taken += one.folders
        elif column and not uris.isdisjoint(one.uris):
            wanted = {f"{column}={name}" for name in names}
            taken += [folder for folder in one.folders if not wanted.isdisjoint(folder.split("/"))]
    return taken


def _day(folder: str, column: str) -> date | None:
    """The day of a partition; None where it has none."""
    for part in folder.split("/"):
        name, _, value = part.partition("=")
        if name == column:
            try:
                return date.fromisoformat(value)
            except ValueError:
                return None
    return None


def _on(column: str, days: Collection[date]) -> Column:
    return F.col(column).isin(sorted(days)) if days else F.lit(False)
