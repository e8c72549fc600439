"""A job, by the name that a user has typed."""

from gristmill.errors import UsageError
from gristmill.jobs import CATALOGUE
from gristmill.model.job import AnyJob


def find_job(name: str) -> AnyJob:
    """The job of that name. Raises `UsageError`, which names those that there are."""
    if name not in CATALOGUE:
        raise UsageError(f"no job is named {name!r}; there are: {', '.join(CATALOGUE)}")
    return CATALOGUE[name]
