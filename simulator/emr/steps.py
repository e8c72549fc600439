"""EMR's operations on steps. They take and give what boto3's do; times are epochs."""

import time
from typing import Any

from simulator.emr import answers, rules
from simulator.emr.state import Account, Cluster, Step, new_id, page
from simulator.errors import InvalidRequest

Parameters = dict[str, Any]
Answer = dict[str, Any]

_MOST_IDS = 10


def add_job_flow_steps(account: Account, asked: Parameters) -> Answer:
    cluster = account.job_flow(asked["JobFlowId"])
    role = asked.get("ExecutionRoleArn", "")
    rules.check_takes_steps(cluster, len(asked["Steps"]))
    rules.check_steps(
        asked["Steps"], cluster.concurrency, role, has_runtime_roles=cluster.has_runtime_roles
    )
    return {"StepIds": add(cluster, asked["Steps"], role)}


def add(cluster: Cluster, asked: list[Any], role: str) -> list[str]:
    made = [
        Step(
            id=new_id("s-", 19),
            name=one["Name"],
            config=one["HadoopJarStep"],
            action=one.get("ActionOnFailure", "TERMINATE_CLUSTER"),
            role=role,
            created=time.time(),
        )
        for one in asked
    ]
    cluster.steps += made
    return [step.id for step in made]


def list_steps(account: Account, asked: Parameters) -> Answer:
    cluster = account.cluster(asked["ClusterId"])
    ids = asked.get("StepIds", [])
    if len(ids) > _MOST_IDS:
        raise InvalidRequest("A maximum of 10 step ids is allowed.")
    if ids and asked.get("StepStates"):
        raise InvalidRequest("Specify either step ids or step states, not both.")
    known = {step.id for step in cluster.steps}
    for one in ids:
        if one not in known:
            raise InvalidRequest(f"Step id '{one}' is not valid.")
    states = asked.get("StepStates")
    found = [
        step
        for step in reversed(cluster.steps)
        if (not ids or step.id in ids) and (not states or step.state in states)
    ]
    shown, marker = page(found, asked, lambda step: step.id)
    return {"Steps": [answers.step_summary(step) for step in shown], **marker}


def describe_step(account: Account, asked: Parameters) -> Answer:
    cluster = account.cluster(asked["ClusterId"])
    return {"Step": answers.step_description(cluster.step(asked["StepId"]))}


def cancel_steps(account: Account, asked: Parameters) -> Answer:
    cluster = account.cluster(asked["ClusterId"])
    told = []
    for one in asked["StepIds"]:
        step = cluster.step(one)
        info = {"StepId": one, "Status": "SUBMITTED"}
        if step.is_finished:
            reason = f"The step is in state {step.state} and cannot be cancelled."
            info |= {"Status": "FAILED", "Reason": reason}
        else:
            step.state, step.changed = "CANCEL_PENDING", time.time()
            step.force = asked.get("StepCancellationOption") == "TERMINATE_PROCESS"
        told.append(info)
    return {"CancelStepsInfoList": told}
