"""Runs each on a cluster of its own, which ends with it."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from gristmill.emr.aws import Aws, explained
from gristmill.emr.requests import title
from gristmill.emr.runners.once import once
from gristmill.emr.runners.steps import StepRunner, asked, steps
from gristmill.errors import GristmillError
from gristmill.runs import Handle, Submission

_SINCE = timedelta(days=7)


class TransientRunner(StepRunner):
    """Runs as the only steps of clusters: else they are as other steps."""

    name = "transient"

    def submit(self, submission: Submission) -> Handle:
        """Make a cluster, or give the one that has the same run key. Raises `GristmillError`."""
        request = asked(self._request, submission)

        def find() -> str | None:
            since = datetime.now(UTC) - _SINCE
            for cluster in clusters(self._aws, CreatedAfter=since):
                if cluster["Name"] == request["Name"]:
                    return str(cluster["Id"])
            return None

        def send() -> str:
            return str(self._aws.emr_once.run_job_flow(**request)["JobFlowId"])

        cluster = once("make a cluster", find, send, self._pause)
        for step in steps(self._aws, cluster):
            if step["Name"] == title(submission):
                return Handle(self.name, cluster, step["Id"])
        raise GristmillError(f"{cluster} has no step {title(submission)}")

    def cancel(self, handle: Handle) -> None:
        """End the cluster, and the run with it. Raises `GristmillError`."""
        with explained(f"end {handle.target}"):
            self._aws.emr.terminate_job_flows(JobFlowIds=[handle.target])


def clusters(aws: Aws, **which: Any) -> Iterator[dict[str, Any]]:
    """The clusters of the account, the newest first. Raises `GristmillError`."""
    with explained("list clusters"):
        for page in aws.emr.get_paginator("list_clusters").paginate(**which):
            yield from page["Clusters"]
