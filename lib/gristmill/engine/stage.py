"""Staging what a run makes: each dataset written once and audited, and the rejects."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from pyspark.sql import Column, DataFrame, Observation
from pyspark.sql import functions as F

from gristmill.engine.finality import keep_what_is_more
from gristmill.engine.follow import Plan
from gristmill.engine.loading import Loaded, Places, load
from gristmill.engine.parts import with_rest
from gristmill.engine.progress import WORKING
from gristmill.engine.rejects import is_free, too_many
from gristmill.engine.staging import (
    Staged,
    Staging,
    rows_in_stage,
    staged,
    staged_by_kernels,
)
from gristmill.errors import AuditError, InputError
from gristmill.model.checks import REASON, SKIPPED, UNREAD, divide, is_rejected, judge
from gristmill.model.dataset import REJECTS
from gristmill.model.job import AnyJob, Costs, Request
from gristmill.publish import layout
from gristmill.publish.publication import Publication
from gristmill.readers.kernels.direct import Direct
from gristmill.readers.text.lines import BLOCK_START, LINE_NUMBER, ORIGIN, RAW, SOURCE_FILE
from gristmill.storage.partitions import partition_folder

_NAMED_FILES = 1000


@dataclass(frozen=True)
class Counted:
    """What a run has read and staged: lines or rows in, those rejected, by reason, values that were
    not read, by column, and datasets."""

    lines: int
    rejected: int
    skipped: int
    reasons: Mapping[str, int] = field(default_factory=dict)
    unread: Mapping[str, int] = field(default_factory=dict)
    stages: Sequence[Staged] = ()


def stage_all(job: AnyJob, request: Request, plan: Plan, staging: Staging) -> Counted:
    """Write what a run makes by its plan, and its rejects, into its stage, and audit them.

    Raises `InputError` where there was nothing to read, `TooManyRejectsError`, `SchemaError`, or
    `AuditError`.
    """
    can_reject = bool(_reasons(job))
    loaded = None if plan.reached is None else _load(job, request, plan, plan.reached, staging)
    if loaded and loaded.others is None:
        return _stage_loaded(job, request, staging, loaded)
    rows = loaded.others if loaded and loaded.others else plan.reading.rows
    if can_reject and not set(ORIGIN) <= set(rows.columns):
        raise TypeError(f"{job.name} has checks, but its reader does not say where a row stood")
    judged = judge(rows, job.checks)
    observation = Observation()
    valid, _ = divide(
        judged.observe(observation, *_metrics(can_reject, job.costs, plan.reading.unread))
    )
    stages = _stage_datasets(job, request, valid, plan, staging, loaded=loaded)

    seen = observation.get
    lines = seen["lines"]
    rejected, skipped = seen.get("rejected", 0), seen.get("skipped", 0)
    if loaded:
        lines += loaded.rows + loaded.skipped
        skipped += loaded.skipped
        _check_accounted(loaded, lines)
    if not any(plan.scope.values()):
        _check_something_read(job, request, staging.publication, lines, skipped)
    if not job.is_forced(request.options):
        _keep_what_is_more(staging, stages)
    if rejected:
        found = _rejected(judged, seen["rejected_files"])
        rate = job.max_reject_rate if request.max_reject_rate is None else request.max_reject_rate
        if seen["counting"] > rate * lines or rejected + skipped == lines:
            raise too_many(rejected, lines - skipped, rate, found, job.costs)
        stages.append(staged(staging, REJECTS, _rejects(job, found), _by_reason(job)))
        staging.publication.stage(REJECTS.schema, stages[-1].rows)
        if stages[-1].observed["rows"] != rejected:
            raise AuditError("the input changed while it was read: run again")
    elif can_reject:
        staging.publication.stage(REJECTS.schema, ())
    reasons = {code: stages[-1].observed[code] for code in _reasons(job)} if rejected else {}
    unread = {name: seen[f"unread {name}"] for name in plan.reading.unread}
    return Counted(lines, rejected, skipped, _some(reasons), _some(unread), stages)


def _load(
    job: AnyJob, request: Request, plan: Plan, reached: Direct, staging: Staging
) -> Loaded | None:
    """What kernels make of a plan; None where there are no lines, or they cannot read them."""
    (dataset,) = job.datasets(request.options)
    staging.phase.enter("reading")
    publication = staging.publication
    places = Places(staging.root, publication.folder(dataset.name), publication.rest)
    loaded = load(staging.spark, plan, dataset, places, reached)
    staging.phase.enter(WORKING)
    return loaded if loaded and loaded.lines else None


def _stage_loaded(job: AnyJob, request: Request, staging: Staging, loaded: Loaded) -> Counted:
    """Stage a dataset all of which kernels have written."""
    _check_accounted(loaded, loaded.rows + loaded.skipped)
    _check_something_read(job, request, staging.publication, loaded.lines, loaded.skipped)
    (dataset,) = job.datasets(request.options)
    stage = staged_by_kernels(staging, dataset, loaded)
    staging.publication.stage(dataset.schema, stage.rows, sorted(_replaced(stage)))
    staging.publication.stage(REJECTS.schema, ())
    if not job.is_forced(request.options):
        _keep_what_is_more(staging, [stage])
    return Counted(loaded.lines, 0, loaded.skipped, stages=[stage])


def _check_accounted(loaded: Loaded, lines: int) -> None:
    """See that of the lines that kernels have read so many became something."""
    if lines != loaded.lines:
        raise AuditError(f"{loaded.lines:,} lines were read, {lines:,} are accounted for")


def _some(counts: Mapping[str, int]) -> Mapping[str, int]:
    return {name: count for name, count in counts.items() if count}


def _check_something_read(
    job: AnyJob, request: Request, publication: Publication, lines: int, skipped: int
) -> None:
    inputs = ", ".join(request.inputs)
    if lines == 0:
        raise InputError(f"nothing to read: no lines in {inputs}")
    if lines == skipped:
        held = sum(
            sum(publication.batch_rows(dataset.name).values())
            for dataset in job.datasets(request.options)
        )
        if held:
            raise InputError(
                f"nothing to load: all {lines:,} lines in {inputs} are skipped, as headers are; "
                f"the {held:,} rows that were loaded from there before stay as they are"
            )


def _keep_what_is_more(staging: Staging, stages: Sequence[Staged]) -> None:
    for stage in stages:
        folder = staging.uri(stage.dataset)
        if stage.files:
            keep_what_is_more(staging.spark, stage.dataset, staging.publication, folder)


def _stage_datasets(
    job: AnyJob,
    request: Request,
    rows: DataFrame,
    plan: Plan,
    staging: Staging,
    *,
    loaded: Loaded | None,
) -> list[Staged]:
    options = request.options
    shared = job.shared(rows, options).persist() if job.shared else None
    try:
        frames = job.transform(rows if shared is None else shared, options)
        scope = job.scope(options)
        always = [partition_folder(scope)] if scope else []
        held: dict[tuple[str, ...], set[str]] = {}
        stages = []
        for dataset in job.datasets(options):
            by = dataset.partitioned_by
            if by not in held:
                held[by] = set(_partitions(by, shared))
            frame, part = plan.of_targets(frames[dataset.name]), job.part(options)
            if part is not None:
                frame = with_rest(staging.spark, dataset, staging.publication, frame, part=part)
            stages.append(staged(staging, dataset, frame, loaded=loaded))
            held[by] |= _replaced(stages[-1])
        for stage in stages:
            # Where one of them has rows of a partition, another may have none any more.
            by_partition = stage.dataset.write_mode == "partition"
            replaced = held[stage.dataset.partitioned_by] if by_partition else ()
            schema, gone = stage.dataset.schema, plan.scope.get(stage.dataset.name, ())
            staging.publication.stage(schema, stage.rows, [*always, *replaced, *gone])
    finally:
        if shared is not None:
            shared.unpersist()
    if job.audit:
        job.audit(
            rows, {stage.dataset.name: rows_in_stage(staging, stage) for stage in stages}, options
        )
    return stages


def _replaced(stage: Staged) -> set[str]:
    """The folders of the partitions that a staged dataset takes the place of."""
    if stage.dataset.write_mode != "partition":
        return set()
    return {layout.folder(file.path) for file in stage.files}


def _partitions(by: Sequence[str], rows: DataFrame | None) -> list[str]:
    """The folders of the partitions that `rows` hold; none where they lack one of the columns."""
    if rows is None or not set(by) <= set(rows.columns):
        return []
    found = rows.select(*(F.col(name).cast("string") for name in by)).distinct().collect()
    return sorted(partition_folder(row.asDict()) for row in found)


def _metrics(can_reject: bool, costs: Costs | None, unread: Sequence[str]) -> list[Column]:
    metrics = [F.count(F.lit(1)).alias("lines")]
    if can_reject:
        metrics += [
            F.count_if(is_rejected()).alias("rejected"),
            F.count_if(is_rejected() & ~is_free(costs)).alias("counting"),
            F.collect_set(F.when(is_rejected(), F.col(SOURCE_FILE))).alias("rejected_files"),
            F.count_if(F.col(REASON) == SKIPPED).alias("skipped"),
        ]
    for name in unread:
        is_it = F.array_contains(UNREAD, name) & F.col(REASON).isNull()
        metrics.append(F.count_if(is_it).alias(f"unread {name}"))
    return metrics


def _reasons(job: AnyJob) -> list[str]:
    return [*job.reads.rejects, *(check.code for check in job.checks)]


def _by_reason(job: AnyJob) -> list[Column]:
    return [F.count_if(F.col("reason") == code).alias(code) for code in _reasons(job)]


def _rejected(judged: DataFrame, files: Sequence[str]) -> DataFrame:
    """The rejects, by a second look at nothing but the files that held them."""
    if len(files) <= _NAMED_FILES:
        judged = judged.where(F.col(SOURCE_FILE).isin(list(files)))
    # Observed for what observing prevents: the filter on the reason would be pushed below the
    # parsing, and the whole of it repeated for each of the reason's terms.
    return divide(judged.observe(Observation(), F.count(F.lit(1)).alias("lines")))[1]


def _rejects(job: AnyJob, rejected: DataFrame) -> DataFrame:
    return rejected.select(
        F.lit(job.name).alias("job"),
        F.col(REASON).alias("reason"),
        F.col(SOURCE_FILE).alias("source_file"),
        F.col(BLOCK_START).alias("block_start"),
        F.col(LINE_NUMBER).alias("line_number"),
        F.col(RAW).alias("raw"),
    )
