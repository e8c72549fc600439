"""EMR's operations on clusters. They take and give what boto3's do; times are epochs."""

import time
from typing import Any

from simulator.emr import answers, rules, steps
from simulator.emr.state import Account, Cluster, new_id, page
from simulator.errors import ValidationError
from simulator.releases import RELEASES

Parameters = dict[str, Any]
Answer = dict[str, Any]


def run_job_flow(account: Account, asked: Parameters) -> Answer:
    has_roles = account.has_runtime_roles(asked.get("SecurityConfiguration"))
    rules.check_cluster(asked)
    wanted_steps = asked.get("Steps", [])
    role = asked.get("StepExecutionRoleArn", "")
    concurrency = asked.get("StepConcurrencyLevel", 1)
    rules.check_steps(wanted_steps, concurrency, role, has_runtime_roles=has_roles)
    now = time.time()
    instances = asked["Instances"]
    fleets = "InstanceFleets" in instances
    wanted = instances["InstanceFleets" if fleets else "InstanceGroups"]
    cluster = Cluster(
        id=new_id("j-"),
        request=asked,
        release=RELEASES[asked["ReleaseLabel"]],
        collections=answers.collections(wanted, fleets=fleets),
        has_runtime_roles=has_roles,
        created=now,
        changed=now,
        tags={tag["Key"]: tag.get("Value", "") for tag in asked.get("Tags", [])},
        keeps_alive=instances.get("KeepJobFlowAliveWhenNoSteps", False),
        is_protected=instances.get("TerminationProtected", False),
        concurrency=concurrency,
        scaling=asked.get("ManagedScalingPolicy"),
        idle_timeout=asked.get("AutoTerminationPolicy", {}).get("IdleTimeout"),
    )
    steps.add(cluster, wanted_steps, role)
    account.clusters[cluster.id] = cluster
    return {"JobFlowId": cluster.id, "ClusterArn": answers.arn(account.region, cluster)}


def describe_cluster(account: Account, asked: Parameters) -> Answer:
    return {"Cluster": answers.description(account.region, account.cluster(asked["ClusterId"]))}


def list_clusters(account: Account, asked: Parameters) -> Answer:
    after, before = asked.get("CreatedAfter", 0), asked.get("CreatedBefore", float("inf"))
    states = asked.get("ClusterStates")
    found = [
        cluster
        for cluster in reversed(account.clusters.values())
        if after <= cluster.created <= before and (not states or cluster.state in states)
    ]
    shown, marker = page(found, asked, lambda cluster: cluster.id)
    return {"Clusters": [answers.summary(account.region, one) for one in shown], **marker}


def terminate_job_flows(account: Account, asked: Parameters) -> Answer:
    found = [account.job_flow(one) for one in asked["JobFlowIds"]]
    if any(cluster.is_protected for cluster in found):
        raise ValidationError(
            "Could not shut down one or more job flows since they are termination protected."
        )
    for cluster in found:
        if cluster.state not in {"TERMINATING", "TERMINATED", "TERMINATED_WITH_ERRORS"}:
            account.lifecycle.terminate(
                cluster, time.time(), "USER_REQUEST", "Terminated by user request"
            )
    return {}


def set_termination_protection(account: Account, asked: Parameters) -> Answer:
    for cluster in [account.job_flow(one) for one in asked["JobFlowIds"]]:
        cluster.is_protected = asked["TerminationProtected"]
    return {}
