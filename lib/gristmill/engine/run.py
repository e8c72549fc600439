"""The one road that every run takes: read, split, transform, stage, audit, commit, report."""

import contextlib
import secrets
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from pyspark.sql import SparkSession

from gristmill.diagnosis.tuning import SHORTEST_SECONDS, tuning
from gristmill.engine.follow import plan
from gristmill.engine.kernels import by_kernels
from gristmill.engine.progress import WORKING
from gristmill.engine.reloading import Reload, settle_reload
from gristmill.engine.stage import Counted, stage_all
from gristmill.engine.staging import Staged, Staging
from gristmill.engine.usage import event_log, usage_of
from gristmill.errors import OutputError
from gristmill.model.job import AnyJob, Reading, Request
from gristmill.model.progress import Phase
from gristmill.model.report import DatasetReport, Report
from gristmill.publish.batch import batch_id
from gristmill.publish.lease import owner
from gristmill.publish.manifest import Origin
from gristmill.publish.publication import Publication
from gristmill.publish.run_ids import run_id
from gristmill.spark.session import aside
from gristmill.spark.settings import session_for_run
from gristmill.storage.hadoop import open_storage, qualified

_SWEEPS, _PAUSE = 20, 0.25
_JOB_GROUP = ("spark.jobGroup.id", "spark.job.description", "spark.job.interruptOnCancel")
_QUIET = 6  # sweeps in a row that find nothing, after an interrupt


@dataclass(frozen=True)
class Run:
    """One run of a job: its id, which sorts by time, and when it started (UTC).

    `published` is set once it has published what it made; `phase` is what it is doing.
    """

    id: str
    started: datetime
    published: threading.Event = field(default_factory=threading.Event, compare=False, repr=False)
    phase: Phase = field(default_factory=Phase, compare=False, repr=False)

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

    `spark` may be any session: the run has one of its own beside it, whose settings are those that
    results rest on. Raises a `GristmillError`; then nothing was published, and earlier output is as
    it was.
    """
    with session_for_run(spark) as own:
        return _execute(own, job, request, run, tell)


def _execute(
    spark: SparkSession, job: AnyJob, request: Request, run: Run, tell: Callable[[str], None]
) -> Report:
    storage = open_storage(spark, request.output)
    settled, found = job.reads.resolve(spark, request.inputs, request.options)
    options = replace(request.options, **settled)
    request = replace(request, options=options)
    schemas = [dataset.schema for dataset in job.datasets(options)]
    origin = origin_of(spark, job, request, run)
    publication = Publication(storage, origin, schemas, table_format=request.table_format)
    for note in found:
        tell(note)
    before = {name: _context(spark).getLocalProperty(name) for name in _JOB_GROUP}
    spark.sparkContext.setJobGroup(run.id, job.name, interruptOnCancel=True)
    try:
        run.phase.enter("waiting")
        publication.begin(request.wait, tell)
        run.phase.enter("listing")
        began = time.time()
        reading = job.reads.read(spark, request.inputs, request.options)
        staging = Staging(spark, publication, storage.root, run.phase)
        with _kept(reading):
            again = settle_reload(spark, job, request, publication, reading)
            run.phase.enter(WORKING)
            run.phase.bytes = again.bytes
            counted, notes = _made(job, request, staging, again, tell)
        if counted is not None:
            run.phase.enter("publishing")
            publication.commit(counted.lines, counted.rejected, counted.skipped)
            run.published.set()
    except BaseException as error:
        quiet = _QUIET if isinstance(error, KeyboardInterrupt) else 1
        if not _settle(spark, run, publication, quiet) or isinstance(error, OutputError):
            if isinstance(error, Exception) and aside(publication.is_overtaken):
                # Its stage was put away under it, which shows in many ways.
                raise publication.overtaken() from error
            raise
        run.published.set()
    finally:
        # The thread may have had one of its caller's.
        for name, value in before.items():
            _context(spark).setLocalProperty(name, value)
    counted = counted or Counted(0, 0, 0)
    datasets = tuple(_dataset_report(storage.root, stage) for stage in counted.stages)
    return Report(
        run=run.id,
        job=job.name,
        state="succeeded",
        options=request.options.to_json(),
        inputs=request.inputs,
        output=storage.root,
        started=run.started.isoformat(timespec="seconds"),
        seconds=run.seconds,
        phases=run.phase.spans,
        lines=counted.lines,
        rejected=counted.rejected,
        skipped=counted.skipped,
        rejects=counted.reasons,
        unread=counted.unread,
        datasets=datasets,
        notes=(*found, *notes),
        tuning=_tuning(spark, run, began, datasets),
        event_log=event_log(spark),
    )


def _made(
    job: AnyJob,
    request: Request,
    staging: Staging,
    again: Reload,
    tell: Callable[[str], None],
) -> tuple[Counted | None, Sequence[str]]:
    """Stage what a run makes of its input: what came out, None where there was nothing to make, and
    what the user was told."""
    publication = staging.publication
    notes = [*again.notes]
    planned = None
    if again.reading:
        planned = plan(staging.spark, job, request, publication, again.reading)
        planned, lack = by_kernels(staging.spark, job, request, planned, staging.root)
        notes += filter(None, (planned.note, lack))
    for note in notes:
        tell(note)
    if planned is None or planned.is_current:
        publication.finish()
        return None, notes
    counted = stage_all(job, request, planned, staging)
    if counted.unread:
        notes.append(f"{_listed(counted.unread)}: no value that can be read, so it is null")
        tell(notes[-1])
    return counted, notes


@contextlib.contextmanager
def _kept(reading: Reading) -> Iterator[None]:
    """Keep the rows of a reading that a second look may find changed."""
    if not reading.is_live:
        yield
        return
    reading.rows.persist()
    try:
        yield
    finally:
        reading.rows.unpersist()


def _listed(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} of {count:,} rows" for name, count in sorted(counts.items()))


def _settle(spark: SparkSession, run: Run, publication: Publication, quiet: int) -> bool:
    """Put a run that was cut off away; gives whether it is published after all."""

    def settle() -> bool:
        _context(spark).cancelJobGroupAndFutureJobs(run.id)
        if publication.finish():
            return True
        # Tasks that were cancelled make their folder anew until they notice.
        found_nothing = 0
        for _ in range(_SWEEPS):
            time.sleep(_PAUSE)
            found_nothing = 0 if publication.sweep() else found_nothing + 1
            if found_nothing == quiet:
                break
        return False

    # What cannot be settled now a later run will settle.
    return bool(aside(settle))


def _context(spark: SparkSession) -> Any:
    wrapped: Any = spark._jsc
    return wrapped.sc()


def origin_of(spark: SparkSession, job: AnyJob, request: Request, run: Run) -> Origin:
    """Where a run's publish comes from."""
    places = [qualified(spark, uri) for uri in request.inputs]
    return Origin(
        run=run.id,
        job=job.name,
        options=request.options.to_json(),
        inputs=request.inputs,
        batch=batch_id(job.name, request.batch, places),
        owner=owner(),
        batch_name=request.batch,
    )


def _tuning(
    spark: SparkSession, run: Run, began: float, datasets: Sequence[DatasetReport]
) -> tuple[str, ...]:
    if time.time() - began < SHORTEST_SECONDS:
        return ()
    # It is published: what cannot be told of it must not make it a failure.
    with contextlib.suppress(Exception):
        return tuning(usage_of(spark, run.id, began, datasets))
    return ()


def _dataset_report(root: str, stage: Staged) -> DatasetReport:
    return DatasetReport(
        name=stage.dataset.name,
        rows=stage.observed["rows"],
        partitions=len({file.path.rpartition("/")[0] for file in stage.files}),
        files=len(stage.files),
        bytes=sum(file.size for file in stage.files),
        uri=f"{root}/{stage.dataset.name}",
    )
