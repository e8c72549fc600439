"""AWS's partitions and regions, as botocore knows them: a newer boto3 knows newer ones."""

from dataclasses import dataclass
from functools import cache

from gristmill.errors import UsageError
from gristmill.nearest import nearest

# Where a service is called by its partition's name in roles, and not as everywhere else.
# https://docs.aws.amazon.com/emr/latest/ManagementGuide/emr-managed-iam-policies.html
_OF_ITS_PARTITION = {("aws-cn", "elasticmapreduce")}


@dataclass(frozen=True)
class Partition:
    """A partition: its name as in ARNs, the end of its services' host names, its regions."""

    name: str
    dns_suffix: str
    regions: tuple[str, ...]

    def principal(self, service: str) -> str:
        """What a service is called in policies and roles: `amazonaws.com` nearly everywhere."""
        here = (self.name, service) in _OF_ITS_PARTITION
        return f"{service}.{self.dns_suffix if here else _partitions()[0].dns_suffix}"

    @property
    def endpoint_prefix(self) -> str:
        """What the names of S3's gateway endpoints begin with: `com.amazonaws`, in China as well.

        Elsewhere it is the host names' end, backwards
        (https://docs.aws.amazon.com/vpc/latest/privatelink/vpc-endpoints-s3.html).
        """
        labels = self.dns_suffix.removesuffix(".cn").split(".")
        return ".".join(reversed(labels))


@cache
def _partitions() -> tuple[Partition, ...]:
    # It takes a moment to load, and the job manager reads specs without it.
    import botocore.session  # noqa: PLC0415

    loader = botocore.session.Session().get_component("data_loader")
    return tuple(
        Partition(
            told["id"],
            told["outputs"]["dnsSuffix"],
            tuple(sorted(one for one in told["regions"] if not one.endswith("-global"))),
        )
        for told in loader.load_data("partitions")["partitions"]
    )


def partition_of(region: str) -> Partition:
    """The partition of a region. Raises `UsageError` with the nearest names where there is none."""
    for partition in _partitions():
        if region in partition.regions:
            return partition
    known = [one for partition in _partitions() for one in partition.regions]
    raise UsageError(f"{region} is no region that this boto3 knows: {nearest(region, known)}")


def partition_in(arn: str) -> str:
    """The name of the partition that an ARN is of."""
    return arn.split(":", 2)[1]
