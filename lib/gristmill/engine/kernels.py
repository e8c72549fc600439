"""Whether a run loads by kernels: tasks that parse lines with a vectorised library, and write rows.

That is for a job which passes on what it reads. What a kernel is not sure of goes the way of all
other rows, and so do all lines where there is none.
"""

from collections.abc import Sequence
from dataclasses import replace

from pyspark.sql import SparkSession

from gristmill.engine.follow import Plan
from gristmill.model.dataset import Dataset
from gristmill.model.job import AnyJob, Kernel, Request
from gristmill.readers import kernels
from gristmill.readers.kernels.direct import Direct, reached
from gristmill.storage.hadoop import stats


def by_kernels(
    spark: SparkSession, job: AnyJob, request: Request, plan: Plan, root: str
) -> tuple[Plan, str]:
    """A plan for the output `root` with what its kernels take, where it loads by them; and what to
    tell the user of one that would, if all that they need were there."""
    found = _reached(spark, job, request, plan, root)
    lack = "" if found is None else kernels.missing(spark)
    if not lack:
        return replace(plan, reached=found), ""
    if sum(size for size, _ in stats(spark, _files(plan)).values()) <= kernels.SMALL:
        return plan, ""
    return plan, f"{lack} is not installed, which parses lines much faster (gristmill[native])"


def _reached(
    spark: SparkSession, job: AnyJob, request: Request, plan: Plan, root: str
) -> Direct | None:
    """What reaches the files of a run that kernels suit; None where they do not."""
    if not plan.reading.kernels or plan.targets is not None or not kernels.are_wanted(spark):
        return None
    if not _passes_on(spark, job, request, plan.reading.kernels):
        return None
    return reached(spark, [root, *_files(plan)])


def _files(plan: Plan) -> list[str]:
    return [file for kernel in plan.reading.kernels for file in kernel.files]


def _passes_on(spark: SparkSession, job: AnyJob, request: Request, by: Sequence[Kernel]) -> bool:
    """Whether what a job makes of rows are those rows, in columns that kernels give."""
    if job.checks or job.shared or job.audit or job.part(request.options) is not None:
        return False
    datasets = job.datasets(request.options)
    if len(datasets) != 1 or job.scope(request.options):
        return False
    (dataset,) = datasets
    columns = {(field.name, field.type) for field in dataset.fields}
    are_given = all(columns <= set(kernel.columns.items()) for kernel in by)
    return not dataset.sorted_by and are_given and _is_same(spark, job, request, dataset)


def _is_same(spark: SparkSession, job: AnyJob, request: Request, dataset: Dataset) -> bool:
    """Whether what comes out is what goes in; asked with no rows, so that none need be parsed."""
    none = spark.range(0)
    try:
        return job.transform(none, request.options).get(dataset.name) is none
    except Exception:  # it asks for columns, so it makes something else
        return False
