"""What follows each run, as the project says: Glue's tables, and lineage.

They come after the commit, and hold nothing up: where one fails, the run has published all the
same. Each works out anew what it lacks, by the output's log, so that whatever was missed comes with
the next publish. Of a run that failed there is lineage alone.
"""

import shlex
from collections.abc import Callable, Iterable
from pathlib import Path

from gristmill.errors import GristmillError, UsageError
from gristmill.model.report import Report
from gristmill.project import Project

NAMESPACE = "gristmill"
"""Of jobs, in events of lineage."""


def follow(
    reports: Iterable[Report], tell: Callable[[str], None], folder: Path | None = None
) -> None:
    """Bring up what follows the outputs of runs, as the project of a folder has it, by default of
    the working directory; what fails is told, with what to do."""
    try:
        project = Project.find(folder)
    except UsageError as error:
        tell(f"note: nothing follows the run: {error}")
    else:
        follow_as(project, reports, tell)


def follow_as(project: Project, reports: Iterable[Report], tell: Callable[[str], None]) -> None:
    """Bring up what follows the outputs of runs, as a project has it."""
    ended = list(reports)
    for report in ended:
        if report.state == "failed":
            _follow_failure(report, tell, project)
    for output in dict.fromkeys(one.output for one in ended if one.state == "succeeded"):
        _follow_publish(output, tell, project)


def _follow_failure(report: Report, tell: Callable[[str], None], project: Project) -> None:
    if project.lineage:
        to, namespace = _lineage(project)
        try:
            _send_failure(report, to, namespace)
        except Exception as error:  # whatever it is: why the run failed has been told
            tell(f"note: lineage has not heard of it: {_first_line(error)}")


def _follow_publish(output: str, tell: Callable[[str], None], project: Project) -> None:
    catalog = project.catalog
    if catalog and output.startswith(("s3://", "s3a://")):
        database, region = catalog["database"], catalog.get("region")
        again = f"gristmill catalog register {shlex.quote(output)} --database {database}"
        _try("the catalogue", lambda: _register(output, database, region), again, tell)
    if project.lineage:
        to, namespace = _lineage(project)
        again = f"gristmill lineage {shlex.quote(output)} --to {shlex.quote(to)}"
        _try("lineage", lambda: _send(output, to, namespace), again, tell)


def _lineage(project: Project) -> tuple[str, str]:
    """Where events go to, and the namespace of jobs. A file is beside the project's own."""
    to, namespace = project.lineage["to"], project.lineage.get("namespace", NAMESPACE)
    if project.file and not to.startswith(("http://", "https://")):
        to = str(project.file.parent / to)
    return to, namespace


def _register(output: str, database: str, region: str | None) -> None:
    try:
        from gristmill.followers.catalog import registered  # noqa: PLC0415  not everybody has boto3
    except ModuleNotFoundError as error:
        raise GristmillError(
            f"{error.name} is not installed: pip install gristmill[emr]"
        ) from error
    registered(output, database, region)


def _send(output: str, to: str, namespace: str) -> None:
    from gristmill.followers.lineage import sent  # noqa: PLC0415  slow to load

    sent(output, to, namespace)


def _send_failure(report: Report, to: str, namespace: str) -> None:
    from gristmill.followers.lineage import sent_failure  # noqa: PLC0415  slow to load

    sent_failure(report, to, namespace)


def _try(what: str, follower: Callable[[], None], again: str, tell: Callable[[str], None]) -> None:
    try:
        follower()
    except Exception as error:  # whatever it is: the run is published
        tell(
            f"published, but {what} is behind: {_first_line(error)}; the next publish brings it "
            f"up, or now: {again}"
        )


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__
