"""The one road that every run takes: read, split, transform, stage, audit, commit, report."""

import hashlib
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from pyspark.sql import Column, DataFrame, Observation, SparkSession
from pyspark.sql import functions as F

from gristmill.dataset import REJECTS, Dataset
from gristmill.errors import (
    AuditError,
    InputError,
    OutputError,
    TooManyRejectsError,
    UsageError,
)
from gristmill.job import AnyJob
from gristmill.options import Options
from gristmill.publish import Origin, Publication, run_id
from gristmill.publish.lease import owner
from gristmill.quality import REASON, divide, judge
from gristmill.report import DatasetReport, Report
from gristmill.session import aside
from gristmill.storage import StoredFile
from gristmill.storage.hadoop import open_storage, qualified
from gristmill.text.lines import BLOCK_START, LINE_NUMBER, ORIGIN, RAW, SOURCE_FILE
from gristmill.write import partition_folder, rows_by_file, write

_NAMED_FILES = 1000
_SWEEPS, _PAUSE = 20, 0.25


@dataclass(frozen=True)
class Request:
    """What to run a job on.

    `inputs` are paths, globs or URIs, `output` is the root that holds the datasets. A run whose
    share of rejected lines is above `max_reject_rate` (0 to 1) publishes nothing. `wait` is how
    long to wait for other runs that write the same datasets.
    """

    inputs: tuple[str, ...]
    output: str
    options: Options
    max_reject_rate: float = 1.0
    wait: timedelta = timedelta(minutes=10)

    def __post_init__(self) -> None:
        if not self.inputs:
            raise UsageError("--input is missing")
        if not 0 <= self.max_reject_rate <= 1:
            raise UsageError(f"--max-reject-rate takes 0 to 1, not {self.max_reject_rate:g}")


@dataclass(frozen=True)
class Run:
    """One run of a job: its id, which sorts by time, and when it started (UTC)."""

    id: str
    started: datetime

    @staticmethod
    def new() -> "Run":
        """A run that starts now."""
        started = datetime.now(UTC)
        return Run(run_id(started, secrets.token_hex(4)), started)

    @property
    def seconds(self) -> float:
        """How long ago it started."""
        return round((datetime.now(UTC) - self.started).total_seconds(), 3)


def execute(
    spark: SparkSession, job: AnyJob, request: Request, run: Run, tell: Callable[[str], None]
) -> Report:
    """Run `job`. `tell` hears what the reader has to say, such as the format it recognised.

    Raises a `GristmillError`; then nothing was published, and earlier output is as it was.
    """
    storage = open_storage(spark, request.output)
    contracts = [dataset.contract for dataset in job.writes]
    publication = Publication(storage, _origin(spark, job, request, run), contracts)
    spark.sparkContext.setJobGroup(run.id, job.name, interruptOnCancel=True)
    try:
        publication.begin(request.wait, tell)
        reading = job.reads.read(spark, request.inputs, request.options)
        for note in reading.notes:
            tell(note)
        staging = _Staging(spark, publication, storage.root)
        counted = _stage_all(job, request, reading.rows, staging)
        publication.commit(counted.lines, counted.rejected)
    except BaseException as error:
        if not _settle(spark, run, publication) or isinstance(error, OutputError):
            if isinstance(error, Exception) and _is_overtaken(publication):
                # Its stage was put away under it, which shows in many ways.
                raise publication.overtaken() from error
            raise
    finally:
        _context(spark).clearJobGroup()
    return Report(
        run=run.id,
        job=job.name,
        state="done",
        options=request.options.to_json(),
        inputs=request.inputs,
        output=storage.root,
        started=run.started.isoformat(timespec="seconds"),
        seconds=run.seconds,
        lines=counted.lines,
        rejected=counted.rejected,
        rejects=counted.reasons,
        datasets=tuple(_dataset_report(storage.root, stage) for stage in counted.stages),
        notes=reading.notes,
    )


def _is_overtaken(publication: Publication) -> bool:
    overtaken = False

    def look() -> None:
        nonlocal overtaken
        overtaken = publication.is_overtaken()

    aside(look)
    return overtaken


def _settle(spark: SparkSession, run: Run, publication: Publication) -> bool:
    """Put a run that was cut off away; gives whether it is published after all."""
    published = False

    def settle() -> None:
        nonlocal published
        _context(spark).cancelJobGroupAndFutureJobs(run.id)
        published = publication.finish()
        if published:
            return
        # A write that Ctrl-C has left without its caller makes its folder anew until it notices.
        for _ in range(_SWEEPS):
            time.sleep(_PAUSE)
            if not publication.sweep():
                break

    # What cannot be settled now a later run will settle.
    aside(settle)
    return published


def _context(spark: SparkSession) -> Any:
    wrapped: Any = spark._jsc
    return wrapped.sc()


def _origin(spark: SparkSession, job: AnyJob, request: Request, run: Run) -> Origin:
    return Origin(
        run=run.id,
        job=job.name,
        options=request.options.to_json(),
        inputs=request.inputs,
        batch=_batch(spark, job, request.inputs),
        owner=owner(),
    )


@dataclass(frozen=True)
class _Staging:
    """Where a run's datasets are staged: `root` is the output root, as a URI."""

    spark: SparkSession
    publication: Publication
    root: str


@dataclass(frozen=True)
class _Stage:
    """A staged dataset, and what was observed of its rows while they were written."""

    dataset: Dataset
    files: Sequence[StoredFile]
    observed: Mapping[str, int]


@dataclass(frozen=True)
class _Counted:
    lines: int
    rejected: int
    reasons: Mapping[str, int]
    stages: Sequence[_Stage]


def _stage_all(job: AnyJob, request: Request, rows: DataFrame, staging: _Staging) -> _Counted:
    judged = judge(rows, job.checks)
    can_reject = bool(_reasons(job))
    if can_reject and not set(ORIGIN) <= set(rows.columns):
        raise TypeError(f"{job.name} has checks, but its reader does not say where a row stood")
    seen = Observation()
    valid, _ = divide(judged.observe(seen, *_metrics(can_reject)))
    frames = job.transform(valid, request.options)
    scope = job.scope(request.options)
    stages = [_stage(staging, dataset, frames[dataset.name], scope) for dataset in job.writes]

    lines, rejected = seen.get["lines"], seen.get.get("rejected", 0)
    if lines == 0:
        raise InputError(f"nothing to read: no lines in {', '.join(request.inputs)}")
    if rejected:
        rejects = _rejects(job, judged, seen.get["rejected_files"])
        if rejected > request.max_reject_rate * lines:
            raise _too_many(rejected, lines, request.max_reject_rate, rejects)
        stages.append(_stage(staging, REJECTS, rejects, {}, _by_reason(job)))
        if stages[-1].observed["rows"] != rejected:
            raise AuditError("the input changed while it was read: run again")
    elif can_reject:
        staging.publication.stage(REJECTS.contract, ())
    reasons = {code: stages[-1].observed[code] for code in _reasons(job)} if rejected else {}
    return _Counted(
        lines, rejected, {code: count for code, count in reasons.items() if count}, stages
    )


def _metrics(can_reject: bool) -> list[Column]:
    metrics = [F.count(F.lit(1)).alias("lines")]
    if can_reject:
        is_rejected = F.col(REASON).isNotNull()
        metrics += [
            F.count_if(is_rejected).alias("rejected"),
            F.collect_set(F.when(is_rejected, F.col(SOURCE_FILE))).alias("rejected_files"),
        ]
    return metrics


def _reasons(job: AnyJob) -> list[str]:
    return [*job.reads.rejects, *(check.code for check in job.checks)]


def _by_reason(job: AnyJob) -> list[Column]:
    return [F.count_if(F.col("reason") == code).alias(code) for code in _reasons(job)]


def _rejects(job: AnyJob, judged: DataFrame, files: Sequence[str]) -> DataFrame:
    """The rejects, by a second look at nothing but the files that held them."""
    if len(files) <= _NAMED_FILES:
        judged = judged.where(F.col(SOURCE_FILE).isin(list(files)))
    # Observed for what observing prevents: the filter on the reason would be pushed below the
    # parsing, and the whole of it repeated for each of the reason's terms.
    _, rejects = divide(judged.observe(Observation(), F.count(F.lit(1)).alias("lines")))
    return rejects.select(
        F.lit(job.name).alias("job"),
        F.col(REASON).alias("reason"),
        F.col(SOURCE_FILE).alias("source_file"),
        F.col(BLOCK_START).alias("block_start"),
        F.col(LINE_NUMBER).alias("line_number"),
        F.col(RAW).alias("raw"),
    )


def _too_many(rejected: int, lines: int, rate: float, rejects: DataFrame) -> TooManyRejectsError:
    counts = sorted((row[0], row[1]) for row in rejects.groupBy("reason").count().collect())
    reasons = ", ".join(f"{code} {count:,}" for code, count in counts)
    return TooManyRejectsError(
        f"{rejected:,} of {lines:,} lines were rejected ({rejected / lines:.1%}: {reasons}), "
        f"more than --max-reject-rate {rate:g} allows; nothing was published"
    )


def _stage(
    staging: _Staging,
    dataset: Dataset,
    frame: DataFrame,
    scope: Mapping[str, str],
    extra: Sequence[Column] = (),
) -> _Stage:
    spark, publication = staging.spark, staging.publication
    observation = Observation()
    broken = [F.count_if(~check.holds()).alias(check.code) for check in dataset.checks]
    metrics = [F.count(F.lit(1)).alias("rows"), *broken, *extra]
    observed = dataset.conform(frame).observe(observation, *metrics)
    uri = f"{staging.root}/{publication.folder(dataset.name)}"
    write(dataset, observed, uri)
    files = publication.staged(dataset.name)
    counted = rows_by_file(spark, dataset, uri) if files else {}
    rows = [counted.get(file.path, 0) for file in files]
    _audit(dataset, sum(rows), observation.get)
    emptied = [partition_folder(spark, scope)] if scope else []
    publication.stage(dataset.contract, rows, emptied)
    return _Stage(dataset, files, observation.get)


def _audit(dataset: Dataset, written: int, observed: Mapping[str, int]) -> None:
    """Hold what lies in the stage against the checks and against what was observed."""
    for check in dataset.checks:
        if observed[check.code]:
            raise AuditError(f"{dataset.name}: {observed[check.code]:,} rows break {check.code}")
    if written != observed["rows"]:
        raise AuditError(
            f"{dataset.name}: {observed['rows']:,} rows were made, {written:,} written"
        )


def _batch(spark: SparkSession, job: AnyJob, inputs: Sequence[str]) -> str:
    """A name for what a run reads, by which a rerun finds the files to replace."""
    places = sorted(qualified(spark, uri) for uri in inputs)
    return hashlib.sha256("\n".join([job.name, *places]).encode()).hexdigest()[:12]


def _dataset_report(root: str, stage: _Stage) -> DatasetReport:
    return DatasetReport(
        name=stage.dataset.name,
        rows=stage.observed["rows"],
        partitions=len({file.path.rpartition("/")[0] for file in stage.files}),
        files=len(stage.files),
        bytes=sum(file.size for file in stage.files),
        uri=f"{root}/{stage.dataset.name}",
    )
