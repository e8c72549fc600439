"""What follows each publish, as the project says: Glue's tables, and lineage.

They come after the commit, and hold nothing up: where one fails, the run has published all the
same. Each works out anew what it lacks, by the output's log, so that whatever was missed comes with
the next publish.
"""

import shlex
from collections.abc import Callable

from gristmill.errors import GristmillError
from gristmill.project import Project

NAMESPACE = "gristmill"
"""Of jobs, in events of lineage."""


def follow(output: str, tell: Callable[[str], None], project: Project | None = None) -> None:
    """Bring what follows an output up to it; what fails is told, with what to do."""
    project = project or Project.find()
    catalog, lineage = project.catalog, project.lineage
    if catalog and output.startswith(("s3://", "s3a://")):
        database, region = catalog["database"], catalog.get("region")
        again = f"gristmill catalog register {shlex.quote(output)} --database {database}"
        _try("the catalogue", lambda: _register(output, database, region), again, tell)
    if lineage:
        to, namespace = lineage["to"], lineage.get("namespace", NAMESPACE)
        again = f"gristmill lineage {shlex.quote(output)} --to {shlex.quote(to)}"
        _try("lineage", lambda: _send(output, to, namespace), again, tell)


def _register(output: str, database: str, region: str | None) -> None:
    try:
        from gristmill.cli.emr.catalog import registered  # noqa: PLC0415  not everybody has boto3
    except ModuleNotFoundError as error:
        raise GristmillError(
            f"{error.name} is not installed: pip install gristmill[emr]"
        ) from error
    registered(output, database, region)


def _send(output: str, to: str, namespace: str) -> None:
    from gristmill.cli.lineage import sent  # noqa: PLC0415  slow to load

    sent(output, to, namespace)


def _try(what: str, follower: Callable[[], None], again: str, tell: Callable[[str], None]) -> None:
    try:
        follower()
    except Exception as error:  # whatever it is: the run is published
        said = str(error).splitlines()[0] if str(error) else type(error).__name__
        tell(
            f"published, but {what} is behind: {said}; the next publish brings it up, or now: "
            f"{again}"
        )
