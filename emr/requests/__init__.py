"""What is asked of AWS, as the dictionaries that boto3 takes: pure functions of specs and runs.

Sources: the API references of EMR and EMR Serverless, and for what surprises, the page named at
the place.
"""

from dataclasses import dataclass
from typing import Any

from gristmill.runners import Submission

Request = dict[str, Any]

CLUSTER_TAG, RUN_TAG = "gristmill:cluster", "gristmill:run"
DEPENDENCIES = "dependencies"
"""The folder, in a run's own, into which the archive of its dependencies is unpacked."""


@dataclass(frozen=True)
class Shipped:
    """Where in S3 the code of a run is: the entry script, the package, what it depends on."""

    entry: str
    py_files: str
    archive: str | None = None


def title(submission: Submission) -> str:
    """What a step or a job run is called: it can be found by it."""
    return f"gristmill {submission.job} {submission.run}"
