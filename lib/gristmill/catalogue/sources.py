"""Where jobs that have a name to go by come from."""

import importlib
import pkgutil
from collections.abc import Iterator
from dataclasses import replace
from importlib.metadata import EntryPoint, entry_points

from gristmill.catalogue.loading import Found, from_module, jobs_in, load_module, root_of
from gristmill.errors import UsageError
from gristmill.project import Project

GROUP = "gristmill.jobs"
"""The group of entry points that name jobs."""


def ours() -> Iterator[Found]:
    """The jobs of `gristmill.jobs`."""
    # Jobs import `gristmill`, whose API imports this module.
    for job in importlib.import_module("gristmill.jobs").CATALOGUE.values():
        yield Found(job, "Gristmill", job.transform.__module__, "JOB")


def installed() -> Iterator[Found]:
    """The jobs that entry points name. Raises `UsageError` for one that does not load."""
    for point in sorted(entry_points(group=GROUP), key=lambda one: one.name):
        module, attribute = point.module, point.attr or "JOB"
        found = from_module(module, attribute, ())
        if found.job.name != point.name:
            raise UsageError(
                f"the entry point {point.name!r} of {_distribution(point)} names a job that is "
                f"called {found.job.name!r}: give both one name"
            )
        location = f"{found.location} ({_distribution(point)})"
        yield replace(found, location=location, is_installed=True)


def _distribution(point: EntryPoint) -> str:
    return point.dist.name if point.dist else "a package"


def of_project(project: Project) -> Iterator[Found]:
    """The jobs of the modules that a project lists, and of the modules in them.

    Raises `UsageError` for one that does not load, or has none.
    """
    for listed in project.jobs:
        found = dict[str, Found]()
        for name in _modules(listed, project):
            module = load_module(name, project.roots)
            for attribute, job in jobs_in(module).items():
                where = f"{name}:{attribute}"
                # What a package imports from its modules is the same job.
                if all(job is not other.job for other in found.values()):
                    found[where] = Found(job, where, name, attribute, root_of(module))
        if not found:
            raise UsageError(f"{project.file} lists {listed!r} for jobs, which has none")
        yield from found.values()


def _modules(name: str, project: Project) -> Iterator[str]:
    """A module's name and, where it is a package, those of the modules in it, which come first."""
    module = load_module(name, project.roots)
    for inside in pkgutil.iter_modules(getattr(module, "__path__", ())):
        yield from _modules(f"{name}.{inside.name}", project)
    yield name
