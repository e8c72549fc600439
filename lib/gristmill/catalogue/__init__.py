"""The jobs that there are: Gristmill's own, those of installed packages, and those of a project.

A job is named by its name, by the file that holds it (`my_job.py`), or by the module that does
(`mypackage.module:JOB`). By their names are known the jobs of `gristmill.jobs`, of packages that
declare an entry point in the group `gristmill.jobs`
(https://packaging.python.org/specifications/entry-points/), and of the modules that a project
lists as `jobs` under `[tool.gristmill]` in its `pyproject.toml`.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path

from gristmill.catalogue.loading import Found, from_file, from_module, let_workers_import
from gristmill.catalogue.sources import installed, of_project, ours
from gristmill.errors import UsageError
from gristmill.model.dataset import REJECTS, Dataset
from gristmill.nearest import nearest
from gristmill.project import Project

__all__ = [
    "Found",
    "Project",
    "find_job",
    "known_datasets",
    "known_jobs",
    "let_workers_import",
]


def known_jobs(start: Path | None = None) -> Mapping[str, Found]:
    """All jobs that have a name to go by, Gristmill's first.

    A project is looked for from the folder `start` upwards, by default the working directory.
    Raises `UsageError` where two have one name, or what a project or a package lists has no job.
    """
    return _by_name((*ours(), *installed(), *of_project(Project.find(start))))


def known_datasets() -> Mapping[str, Dataset]:
    """The datasets that the known jobs write, by name, rejects among them."""
    written = (one for found in known_jobs().values() for one in found.job.writes)
    return {one.name: one for one in (REJECTS, *written)}


def find_job(text: str, start: Path | None = None) -> Found:
    """The job that a user names. Raises `UsageError`: the nearest names, and where was looked."""
    path, _, attribute = text.partition(".py:")
    if text.endswith(".py") or attribute:
        file = Path(path if text.endswith(".py") else f"{path}.py")
        return _beside_ours(from_file(file, attribute or None))
    module, colon, attribute = text.partition(":")
    if colon:
        project = Project.find(start)
        return _beside_ours(from_module(module, attribute, project.roots))
    known = known_jobs(start)
    if text in known:
        return known[text]
    told = _looked_at(known, start)
    raise UsageError(f"no job is named {text!r}; {nearest(text, known)} ({told})")


def _looked_at(known: Mapping[str, Found], start: Path | None) -> str:
    project = Project.find(start)
    own = project.file or "no pyproject.toml here or above"
    packages = len({found.location for found in known.values() if found.is_installed})
    return (
        f"looked at Gristmill's jobs, {packages:,} entry points, and {own}; a job in a file is "
        "named by it: my_job.py"
    )


def _beside_ours(found: Found) -> Found:
    _by_name((*ours(), found))
    return found


def _by_name(jobs: Iterable[Found]) -> Mapping[str, Found]:
    known: dict[str, Found] = {}
    for found in jobs:
        name = found.job.name
        if name in known and known[name].job is not found.job:
            raise UsageError(
                f"two jobs are named {name!r}, of {known[name].location} and of {found.location}: "
                "rename one"
            )
        known.setdefault(name, found)
    return known
