"""What is asked of AWS, as the dictionaries that boto3 takes: pure functions of specs and runs.

Sources: the API references of EMR and EMR Serverless, and for what surprises, the page named at
the place.
"""

from collections.abc import Mapping
from typing import Any

from gristmill.runners import Submission

Request = dict[str, Any]

CLUSTER_TAG, RUN_TAG = "gristmill:cluster", "gristmill:run"
# AWS's managed policies for EMR's service role cover only what carries this tag.
MANAGED_TAG = "for-use-with-amazon-emr-managed-policies"


def joined(
    base: Mapping[str, str], shipped: Mapping[str, str], own: Mapping[str, str]
) -> dict[str, str]:
    """Settings of Spark: `own` goes before the others, but archives and paths are all kept."""
    found = {**base, **shipped, **own}
    for key in shipped.keys() & own.keys():
        found[key] = ("," if key == "spark.archives" else ":").join((own[key], shipped[key]))
    return found


def title(submission: Submission) -> str:
    """What a step or a job run is called: it can be found by it."""
    return f"gristmill {submission.job} {submission.run}"
