"""EMR's operations on what is set of a cluster: its tags and its policies."""

from typing import Any

from simulator.emr import answers, rules
from simulator.emr.state import Account
from simulator.errors import ValidationError

Parameters = dict[str, Any]
Answer = dict[str, Any]


def add_tags(account: Account, asked: Parameters) -> Answer:
    cluster = account.cluster(asked["ResourceId"])
    new = {tag["Key"]: tag.get("Value", "") for tag in asked["Tags"]}
    tags = cluster.tags | new
    rules.check_tags([{"Key": key, "Value": value} for key, value in tags.items()])
    cluster.tags = tags
    return {}


def remove_tags(account: Account, asked: Parameters) -> Answer:
    cluster = account.cluster(asked["ResourceId"])
    cluster.tags = {k: v for k, v in cluster.tags.items() if k not in asked["TagKeys"]}
    return {}


def get_managed_scaling_policy(account: Account, asked: Parameters) -> Answer:
    policy = account.cluster(asked["ClusterId"]).scaling
    return {"ManagedScalingPolicy": policy} if policy else {}


def put_managed_scaling_policy(account: Account, asked: Parameters) -> Answer:
    cluster = account.cluster(asked["ClusterId"])
    policy = asked["ManagedScalingPolicy"]
    rules.check_scaling(policy, has_fleets=answers.has_fleets(cluster))
    cluster.scaling = policy
    return {}


def remove_managed_scaling_policy(account: Account, asked: Parameters) -> Answer:
    account.cluster(asked["ClusterId"]).scaling = None
    return {}


def get_auto_termination_policy(account: Account, asked: Parameters) -> Answer:
    idle = account.cluster(asked["ClusterId"]).idle_timeout
    return {"AutoTerminationPolicy": {"IdleTimeout": idle}} if idle else {}


def put_auto_termination_policy(account: Account, asked: Parameters) -> Answer:
    cluster = account.cluster(asked["ClusterId"])
    policy = asked.get("AutoTerminationPolicy")
    rules.check_idle_timeout(policy)
    cluster.idle_timeout = policy["IdleTimeout"] if policy else None
    return {}


def remove_auto_termination_policy(account: Account, asked: Parameters) -> Answer:
    account.cluster(asked["ClusterId"]).idle_timeout = None
    return {}


def modify_cluster(account: Account, asked: Parameters) -> Answer:
    cluster = account.cluster(asked["ClusterId"])
    level = asked.get("StepConcurrencyLevel", cluster.concurrency)
    if not 1 <= level <= rules.MOST_AT_ONCE:
        raise ValidationError(f"StepConcurrencyLevel must be from 1 to {rules.MOST_AT_ONCE}.")
    cluster.concurrency = level
    return {"StepConcurrencyLevel": level}
