"""The account's side: its stack, deployed or only planned."""

import argparse
from typing import Any

from gristmill.cli.emr.context import print_requests, tell
from gristmill.emr.aws import Aws, explained
from gristmill.emr.deploy import DEFAULT_PREFIX, Deployment, deploy, first_use, plan
from gristmill.emr.partitions import Partition, partition_of

_MANY = ("subnets", "route_tables", "inputs", "outputs", "data_kms_keys", "cluster_names")
_ONE = ("stack", "vpc", "kms_key", "name_prefix", "access_logs", "log_days", "old_version_days")


def add_flags(parser: argparse.ArgumentParser) -> None:
    """The flags of a deployment: what is left out stays as it is."""
    add = parser.add_argument
    add("--region", metavar="NAME", help="where (default: as the AWS tools have it)")
    add("--stack", default="gristmill", metavar="NAME", help="its name (default: gristmill)")
    add("--vpc", metavar="ID", help="the VPC of clusters; a new stack needs it")
    text = "a subnet for clusters, and again for each more; a new stack needs one"
    add("--subnet", dest="subnets", action="append", metavar="ID", help=text)
    text = "a route table that gets a way to S3 of its own (a gateway endpoint)"
    add("--route-table", dest="route_tables", action="append", metavar="ID", help=text)
    text = "a folder in S3 that jobs may read, and again for each more"
    add("--input", dest="inputs", action="append", metavar="URI", help=text)
    text = "a folder in S3 that jobs may read and write, and again for each more"
    add("--output", dest="outputs", action="append", metavar="URI", help=text)
    text = "a folder in S3, of another bucket, for S3's logs of who reads and writes the bucket"
    add("--access-logs", metavar="URI", help=text)
    add("--kms-key", metavar="ARN", help="encrypts the bucket and the disks of clusters")
    text = "a key with which inputs or outputs are encrypted"
    add("--data-kms-key", dest="data_kms_keys", action="append", metavar="ARN", help=text)
    text = "a spec that may be submitted to; without any, all"
    add("--cluster-name", dest="cluster_names", action="append", metavar="NAME", help=text)
    add("--name-prefix", metavar="TEXT", help="what names of roles begin with")
    add("--log-days", type=int, metavar="N", help="how long logs are kept")
    text = "how long what was replaced in the bucket is kept"
    add("--old-version-days", type=int, metavar="N", help=text)


def make(arguments: argparse.Namespace) -> int:
    """Deploy the stack and write the account's file; gives the exit code."""
    aws = Aws(arguments.region)
    partition = _partition(aws)
    request = _request(arguments, partition)
    with explained("deploy"):
        first_use(aws.client("iam"), tell, partition)
        deploy(request, tell, aws.client("cloudformation"), arguments.account)
    return 0


def show_plan(arguments: argparse.Namespace) -> int:
    """Print what AWS would be asked for; gives the exit code."""
    request = _request(arguments, _partition(Aws(arguments.region)))
    return print_requests({"CreateChangeSet": plan(request)})


def _partition(aws: Aws) -> Partition:
    # Without a region there is nothing to deploy to; a plan is then of most accounts' partition.
    return partition_of(aws.region or "us-east-1")


def _request(arguments: argparse.Namespace, partition: Partition) -> Deployment:
    given: dict[str, Any] = {name: getattr(arguments, name) for name in _ONE}
    for name in _MANY:
        found = getattr(arguments, name)
        given[name] = None if found is None else tuple(found)
    prefix = partition.endpoint_prefix
    # A stack of before keeps the template's own.
    given["endpoint_prefix"] = None if prefix == DEFAULT_PREFIX else prefix
    return Deployment(**given, partition=partition.name)
