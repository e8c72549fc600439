"""Where a run is to be looked at in AWS's console."""

from gristmill.emr.partitions import partition_of
from gristmill.runs import Handle

# https://docs.aws.amazon.com/awsconsolehelpdocs/latest/gsg/select-region.html, and what the guides
# of the other partitions call theirs.
_HOSTS = {
    "aws": "{region}.console.aws.amazon.com",
    "aws-cn": "{region}.console.amazonaws.cn",
    "aws-us-gov": "{region}.console.amazonaws-us-gov.com",
}


def look_at(region: str | None, handle: Handle) -> str | None:
    """The page of a run's cluster, or the command that gives that of a job run of EMR Serverless.

    None in a partition whose console is not known. Raises `UsageError` for a region that is none.
    """
    if handle.runner == "serverless":
        return (
            f"aws emr-serverless get-dashboard-for-job-run --region {region} "
            f"--application-id {handle.target} --job-run-id {handle.id}"
        )
    host = _HOSTS.get(partition_of(region).name) if region else None
    if region is None or host is None:
        return None
    page = f"emr/home?region={region}#/clusterDetails/{handle.target}"
    return f"https://{host.format(region=region)}/{page}"
