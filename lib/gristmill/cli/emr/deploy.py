"""The account's side: its stack, deployed or only planned."""

import argparse
from typing import Any

from gristmill.cli.emr.context import print_requests
from gristmill.cli.voice import tell
from gristmill.emr.aws import Aws, explained
from gristmill.emr.deploy import DEFAULT_PREFIX, StackRequest, deploy, first_use, plan
from gristmill.emr.partitions import Partition, partition_of

_MANY = ("subnets", "route_tables", "inputs", "outputs", "data_kms_keys", "cluster_names")
_ONE = (
    *("stack", "vpc", "kms_key", "name_prefix", "access_logs", "catalog_database"),
    *("log_days", "old_version_days"),
)


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


def _request(arguments: argparse.Namespace, partition: Partition) -> StackRequest:
    given: dict[str, Any] = {name: getattr(arguments, name) for name in _ONE}
    for name in _MANY:
        found = getattr(arguments, name)
        given[name] = None if found is None else tuple(found)
    prefix = partition.endpoint_prefix
    # A stack of before keeps the template's own.
    given["endpoint_prefix"] = None if prefix == DEFAULT_PREFIX else prefix
    return StackRequest(**given, partition=partition.name)
