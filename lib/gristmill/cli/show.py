"""What the catalogue of jobs says, as lines for a terminal."""

from collections.abc import Iterable

from gristmill.model.dataset import REJECTS
from gristmill.model.job import AnyJob
from gristmill.model.options import describe
from gristmill.script.console import render


def jobs(catalogue: Iterable[AnyJob]) -> list[str]:
    """A line for each job."""
    rows = [
        (job.name, job.help, ", ".join(dataset.name for dataset in job.writes)) for job in catalogue
    ]
    return render(("job", "what it does", "writes"), rows)


def job(shown: AnyJob) -> list[str]:
    """All about one job: what it reads, its options, its datasets, why it rejects lines."""
    lines = [f"{shown.name}: {shown.help}", "", f"reads  {shown.reads.help}", ""]
    lines += render(("option", "default", "what it does"), describe(shown.options))
    codes = {**shown.reads.rejects, **{check.code: "a check" for check in shown.checks}}
    for dataset in (*shown.writes, *([REJECTS] if codes else [])):
        partitions = ", ".join(dataset.partitioned_by)
        lines += [
            "",
            f"writes  {dataset.name}: {dataset.help}",
            f"        a run replaces a {dataset.write_mode}; partitioned by {partitions}",
        ]
        lines += render(
            ("column", "type", "what it holds"),
            [(field.name, field.type, field.help) for field in dataset.fields],
        )
    if codes:
        lines += ["", "rejects  a line is rejected for the first of these that holds"]
        lines += render(("reason", "what it means"), list(codes.items()))
    return lines
