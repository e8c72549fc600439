"""What is asked of AWS, as the dictionaries that boto3 takes: pure functions of specs and runs.

Sources: the API references of EMR and EMR Serverless, and for what surprises, the page named at
the place.
"""

from collections.abc import Mapping
from typing import Any

from gristmill.errors import UsageError
from gristmill.runs import Submission

Request = dict[str, Any]


class TooLongError(UsageError):
    """A request has no room for the arguments of a job."""


CLUSTER_TAG, RUN_TAG = "gristmill:cluster", "gristmill:run"
# AWS's managed policies for EMR's service role cover only what carries this tag.
MANAGED_TAG = "for-use-with-amazon-emr-managed-policies"


# Settings that are lists: of files, by commas; of folders to import from, by colons.
_FILES = "spark.submit.pyFiles"
_PATH = ".PYTHONPATH"


def joined(
    base: Mapping[str, str], shipped: Mapping[str, str], own: Mapping[str, str]
) -> dict[str, str]:
    """Settings of Spark: `own` goes before the others, but archives and paths are all kept."""
    found = {**base, **shipped, **own}
    for key in shipped.keys() & own.keys():
        found[key] = (":" if key.endswith(_PATH) else ",").join((own[key], shipped[key]))
    return found


def py_files(settings: dict[str, str], shipped: str) -> str:
    """What `--py-files` is given: it would hide the setting, so that is taken out of `settings`."""
    own = settings.pop(_FILES, "").split(",")
    return ",".join(dict.fromkeys([*filter(None, map(str.strip, own)), shipped]))


def title(submission: Submission) -> str:
    """What a step or a job run is called: it can be found by it."""
    return f"gristmill {submission.job} {submission.key}"
