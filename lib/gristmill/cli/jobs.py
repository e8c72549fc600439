"""What the catalogue of jobs says."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from gristmill.cli.show import Block, Table, blocks
from gristmill.model.dataset import REJECTS, Dataset
from gristmill.model.job import AnyJob
from gristmill.model.options import describe


@dataclass(frozen=True)
class JobSummary:
    """A job: its name, what it does, and the names of the datasets that it writes."""

    name: str
    help: str
    writes: tuple[str, ...]


@dataclass(frozen=True)
class JobList:
    """All jobs that are known here."""

    jobs: tuple[JobSummary, ...]


@dataclass(frozen=True)
class OptionHelp:
    """An option of a job: its flag with what it takes, its default (`required`), what it does."""

    flag: str
    default: str
    help: str


@dataclass(frozen=True)
class ColumnHelp:
    """A column of a dataset: its name, its Spark type, what it holds."""

    name: str
    type: str
    help: str


@dataclass(frozen=True)
class DatasetHelp:
    """A dataset: `write_mode` is what a run replaces of it, a `partition` or a `batch`."""

    name: str
    help: str
    write_mode: str
    partitioned_by: tuple[str, ...]
    columns: tuple[ColumnHelp, ...]


@dataclass(frozen=True)
class RejectHelp:
    """A reason for a reject: its stable code, and what it means."""

    code: str
    help: str


@dataclass(frozen=True)
class JobHelp:
    """All about a job: `reads` is its input in a line."""

    name: str
    help: str
    reads: str
    options: tuple[OptionHelp, ...]
    datasets: tuple[DatasetHelp, ...]
    rejects: tuple[RejectHelp, ...]


def job_list(jobs: Iterable[AnyJob]) -> JobList:
    """What there is of jobs."""
    return JobList(
        tuple(
            JobSummary(job.name, job.help, tuple(dataset.name for dataset in job.writes))
            for job in jobs
        )
    )


def job_help(job: AnyJob) -> JobHelp:
    """What it reads, its options, its datasets, why it rejects lines."""
    codes = {**job.reads.rejects, **{check.code: "a check" for check in job.checks}}
    datasets = (*job.writes, *([REJECTS] if codes else []))
    return JobHelp(
        job.name,
        job.help,
        job.reads.help,
        tuple(OptionHelp(*option) for option in describe(job.options)),
        tuple(map(_dataset, datasets)),
        tuple(RejectHelp(code, text) for code, text in codes.items()),
    )


def _dataset(dataset: Dataset) -> DatasetHelp:
    columns = tuple(ColumnHelp(field.name, field.type, field.help) for field in dataset.fields)
    return DatasetHelp(
        dataset.name, dataset.help, dataset.write_mode, dataset.partitioned_by, columns
    )


@blocks.register
def _(found: JobList) -> Iterable[Block]:
    rows = [(job.name, job.help, ", ".join(job.writes)) for job in found.jobs]
    return [Table(("job", "what it does", "writes"), rows)]


@blocks.register
def _(job: JobHelp) -> Iterable[Block]:
    found: list[Block] = [f"{job.name}: {job.help}", "", f"reads  {job.reads}", ""]
    options: Sequence[Sequence[str]] = [(one.flag, one.default, one.help) for one in job.options]
    found.append(Table(("option", "default", "what it does"), options))
    for dataset in job.datasets:
        partitions = ", ".join(dataset.partitioned_by)
        columns = [(column.name, column.type, column.help) for column in dataset.columns]
        found += [
            "",
            f"writes  {dataset.name}: {dataset.help}",
            f"        a run replaces a {dataset.write_mode}; partitioned by {partitions}",
            Table(("column", "type", "what it holds"), columns),
        ]
    if job.rejects:
        reasons = [(one.code, one.help) for one in job.rejects]
        found += ["", "rejects  a line is rejected for the first of these that holds"]
        found.append(Table(("reason", "what it means"), reasons))
    return found
