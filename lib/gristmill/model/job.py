"""A job is a value: what it is called, what it reads and writes, and a pure transform between."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cached_property
from typing import Any, Generic, TypeVar

from pyspark.sql import Column, DataFrame, SparkSession

from gristmill.errors import UsageError
from gristmill.model.checks import Check
from gristmill.model.dataset import Dataset
from gristmill.model.options import Options

OptionsT = TypeVar("OptionsT", bound=Options)
ReadT_contra = TypeVar("ReadT_contra", contravariant=True)


ParseLines = Callable[[Sequence[bytes]], Any]
"""Lines of text, without their ends, to a polars frame of rows: those of them that are surely rows,
in order, each with its place among the lines, from 0, in the column `PLACE`."""

PLACE = "_place"

SkipLine = Callable[[bytes], bool]
"""Whether a line, without its end, is surely neither a row nor wrong, as a header is."""


def _skips_nothing(_line: bytes) -> bool:
    return False


@dataclass(frozen=True)
class Kernel:
    """A faster way to the rows of some `files` of a reading, URIs, with `columns`, Spark types by
    name.

    `parse`, which leaves `source_file` out, is for the lines of text, plain or `.gz`, that are
    whole. It says nothing of lines that it leaves: but for those that it `skips`, they go to
    `rest`, from rows with the columns of `gristmill.readers.text.lines.ORIGIN` to judged rows,
    which is the reading's own way.
    """

    files: tuple[str, ...]
    columns: Mapping[str, str]
    parse: ParseLines
    rest: Callable[[DataFrame], DataFrame]
    skips: SkipLine = _skips_nothing


@dataclass(frozen=True)
class Reading:
    """What a reader found: its rows, and what it wants to tell the user about them.

    `frame` is the rows, or makes them: nobody asks for it where `kernels` read all files, as they
    together give the same rows. Where the reader can reject lines, `rows` has the columns of
    `gristmill.readers.text.lines.ORIGIN` beside the typed ones. `files` are the URIs of the
    files that were found, where those are what a run loads, so that it knows them again.
    `unread` are the names that the rows may have in `checks.UNREAD`, where they have that
    column. `sources` are the published datasets that it read, by URI of their folders, with a
    fingerprint of each partition, by its folder. `is_live` says that a second look may find other
    rows, as in a database: a run then keeps those that it has read.
    """

    frame: DataFrame | Callable[[], DataFrame]
    notes: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()
    sources: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    is_live: bool = False
    kernels: tuple[Kernel, ...] = ()

    @cached_property
    def rows(self) -> DataFrame:
        """The rows."""
        return self.frame() if callable(self.frame) else self.frame


class Reader(ABC, Generic[ReadT_contra]):
    """From raw files to rows, by options that have at least what `ReadT_contra` has."""

    @property
    @abstractmethod
    def help(self) -> str:
        """What it reads, in a line."""

    @property
    def rejects(self) -> Mapping[str, str]:
        """Reason codes and what each means; empty where no line is ever rejected."""
        return {}

    def resolve(
        self, _spark: SparkSession, _inputs: Sequence[str], _options: ReadT_contra
    ) -> tuple[Mapping[str, Any], tuple[str, ...]]:
        """What of the options depends on the input, by name, and what to tell the user."""
        return {}, ()

    @abstractmethod
    def read(self, spark: SparkSession, inputs: Sequence[str], options: ReadT_contra) -> Reading:
        """Read `inputs` (paths, globs or URIs) by options that are resolved.

        Raises `InputError`.
        """


@dataclass(frozen=True)
class Request:
    """What to run a job on.

    `inputs` are paths, globs or URIs, `output` is the root that holds the datasets. A run whose
    share of rejected lines is above `max_reject_rate` (0 to 1; None is what the job says) publishes
    nothing. `wait` is how long to wait for other runs that write the same datasets. `batch` names
    what is loaded, so that the next run of that name replaces it; without one, the inputs do. With
    `replace` it does so also where that takes rows away whose content is nowhere any more. With
    `full` a summary is made of all of its source, also where little of it has changed. Where the
    output is new, its datasets are in `table_format`, `parquet` or `iceberg`; else it has to be
    the one that the output is in. None takes what is there, or plain Parquet.
    """

    inputs: tuple[str, ...]
    output: str
    options: Options
    max_reject_rate: float | None = None
    wait: timedelta = timedelta(minutes=10)
    batch: str | None = None
    full: bool = False
    replace: bool = False
    table_format: str | None = None

    def __post_init__(self) -> None:
        if not self.inputs:
            raise UsageError("--input is missing")
        if "-" in self.inputs:
            raise UsageError(
                "--input - would be standard input, which is not read: name a file (one that is "
                "called so is ./-)"
            )
        rate = self.max_reject_rate
        if rate is not None and not 0 <= rate <= 1:
            raise UsageError(f"--max-reject-rate takes 0 to 1, not {rate:g}")
        if self.batch is not None and not self.batch.strip():
            raise UsageError(f"--batch takes a name, not {self.batch!r}")


Transform = Callable[[DataFrame, OptionsT], Mapping[str, DataFrame]]
Audit = Callable[[DataFrame, Mapping[str, DataFrame], OptionsT], None]


Days = Collection[date]
Reach = Callable[[Mapping[str, DataFrame], Days, OptionsT], tuple[Days, Days] | None]


@dataclass(frozen=True)
class ByDay(Generic[OptionsT]):
    """How a summary follows a source by day, so that only what has changed is made again.

    `column` is a date by which the sources and all datasets of the job are partitioned. `source`
    is the partition column that names the source of a row, where there are several. Where a day of
    a dataset is not made of that day of the source alone, `reach(published, days, options)` gives,
    for days that have changed, the days to make again and those to read for that; None where it
    takes everything. `published` are the rows of the job's datasets as they are, by name.
    """

    column: str
    source: str | None = None
    reach: Reach[OptionsT] | None = None


@dataclass(frozen=True)
class Costs:
    """What a row costs, so that a reject which costs nothing need not stop a run.

    `amounts` are columns of decimals: a reject of which one is not 0 counts against the rate of
    rejects. The first is what it is said to cost, in the column `currency`. A reject for one of the
    reasons `unknown` always counts, and what it costs is not known.
    """

    amounts: tuple[str, ...]
    currency: str
    unknown: tuple[str, ...] = ()


@dataclass(frozen=True)
class Job(Generic[OptionsT]):
    """What is computed.

    `transform(rows, options)` gives one frame for each dataset in `writes`, by name; it never
    sees a path, a session or a clock. A row that breaks one of `checks` becomes a reject, for which
    the reader has to give the columns of `ORIGIN`. `scope(options)` names the partition that a run
    rewrites even when it has no rows for it, as partition column -> value; and what it writes of
    one dataset it replaces in all of its others that have the same partition columns.
    `outputs(options)` are the names of the datasets that a run writes; None stands for all.
    `is_forced(options)` says whether a run may replace what is final by what is not.
    `by_day` says how what is made of published datasets follows them by day; where it is None, all
    of it is made each time. `max_reject_rate` is the largest share of the lines (0 to 1) that may
    be rejected where a run does not say; where all of them are, nothing is ever published. Of rows
    that have `costs`, only rejects that cost something count.
    `part(options)` is a column of what the job writes: of a partition that a run replaces, it then
    replaces only the rows that have a value of it which the run has too.

    `shared(rows, options)` is what several datasets are made of: it is computed once and kept while
    they are written, and `transform` gets it for the rows. A run replaces every partition that it
    holds, in each dataset that is partitioned by columns of it, also where that came out empty.
    `audit(rows, staged, options)` looks at what lies in the stage, by dataset, beside the rows that
    it was made of, and raises `AuditError` where they do not fit: then nothing is published.
    """

    name: str
    help: str
    options: type[OptionsT]
    reads: Reader[OptionsT]
    writes: tuple[Dataset, ...]
    transform: Transform[OptionsT]
    checks: tuple[Check, ...] = ()
    scope: Callable[[OptionsT], Mapping[str, str]] = field(default=lambda _options: {})
    outputs: Callable[[OptionsT], Collection[str]] | None = None
    is_forced: Callable[[OptionsT], bool] = field(default=lambda _options: False)
    shared: Callable[[DataFrame, OptionsT], DataFrame] | None = None
    audit: Audit[OptionsT] | None = None
    max_reject_rate: float = 1.0
    by_day: ByDay[OptionsT] | None = None
    costs: Costs | None = None
    part: Callable[[OptionsT], Column | None] = field(default=lambda _options: None)

    def datasets(self, options: OptionsT) -> tuple[Dataset, ...]:
        """The datasets that a run with these options, resolved, writes."""
        names = self.outputs(options) if self.outputs else [dataset.name for dataset in self.writes]
        return tuple(dataset for dataset in self.writes if dataset.name in names)


AnyJob = Job[Any]


def catalogue(*jobs: AnyJob) -> dict[str, AnyJob]:
    """Jobs by name, in the order given. Raises `ValueError` where two share a name."""
    named: dict[str, AnyJob] = {}
    for job in jobs:
        if job.name in named:
            raise ValueError(f"two jobs are named {job.name!r}")
        named[job.name] = job
    return named
