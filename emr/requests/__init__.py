"""What is asked of AWS, as the dictionaries that boto3 takes: pure functions of specs and runs.

Sources: the API references of EMR and EMR Serverless, and for what surprises, the page named at
the place.
"""

from typing import Any

from gristmill.runners import Submission

Request = dict[str, Any]

CLUSTER_TAG, RUN_TAG = "gristmill:cluster", "gristmill:run"


def title(submission: Submission) -> str:
    """What a step or a job run is called: it can be found by it."""
    return f"gristmill {submission.job} {submission.run}"
