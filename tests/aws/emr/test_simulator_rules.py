"""The simulator refuses what EMR refuses, in EMR's words where they are known."""

import json
import urllib.request
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.error import HTTPError

import pytest

from simulator import Simulator
from tests.aws.emr.asked import FLEETS, GROUPS, Made, cluster, refused, step, until

MASTER, CORE = GROUPS
TASKS = {"InstanceRole": "TASK", "InstanceType": "m7g.xlarge", "InstanceCount": 1}
ROLE = "arn:aws:iam::123456789012:role/gristmill-runtime"


def fleets(**changes: Any) -> Made:
    """Instances in fleets, of which the core one is changed."""
    return {
        "InstanceGroups": None,
        "InstanceFleets": [FLEETS[0], FLEETS[1] | changes],
        "Ec2SubnetIds": ["subnet-1"],
    }


def spot(minutes: int) -> Made:
    how = {"TimeoutDurationMinutes": minutes, "TimeoutAction": "SWITCH_TO_ON_DEMAND"}
    return {"LaunchSpecifications": {"SpotSpecification": how}}


def scaling(least: int, most: int, unit: str = "Instances", **changes: Any) -> Made:
    limits = {"UnitType": unit, "MinimumCapacityUnits": least, "MaximumCapacityUnits": most}
    return {"ManagedScalingPolicy": {"ComputeLimits": limits | changes}}


def long_step(characters: int) -> Made:
    return step("x" * (characters - len("command-runner.jar")))


@pytest.mark.parametrize(
    ("instances", "changes", "says"),
    [
        ({}, {"Name": "a<b"}, "Invalid name"),
        ({}, {"ReleaseLabel": "emr-9.9.9"}, "release label is invalid: emr-9.9.9"),
        ({}, {"ReleaseLabel": None}, "release label is invalid"),
        ({}, {"JobFlowRole": None}, "InstanceProfile is required"),
        ({}, {"ServiceRole": None}, "ServiceRole is required"),
        ({}, {"LogUri": "/var/log"}, "Invalid log URI"),
        ({}, {"StepConcurrencyLevel": 257}, "StepConcurrencyLevel must be from 1 to 256"),
        ({}, {"AutoTerminationPolicy": {"IdleTimeout": 59}}, "from 60 to 604800"),
        ({}, {"AutoTerminationPolicy": {"IdleTimeout": 604_801}}, "from 60 to 604800"),
        ({}, {"EbsRootVolumeSize": 5}, "EbsRootVolumeSize"),
        ({}, {"Tags": [{"Key": "aws:x", "Value": ""}]}, "may not begin with aws:"),
        ({}, {"SecurityConfiguration": "none"}, "'none' does not exist"),
        ({}, {"StepExecutionRoleArn": ROLE}, "Runtime roles are not enabled"),
        ({}, {"SecurityConfiguration": "gristmill", "Steps": [step("true")]}, "role is required"),
        ({}, {"Steps": [step("true", name="`id`")]}, "Invalid name"),
        ({}, {"Steps": [long_step(10_241)]}, "10241 characters"),
        ({}, {"Steps": [step("true")] * 257}, "256 steps"),
        (
            {},
            {"Steps": [step("true", action="CANCEL_AND_WAIT")], "StepConcurrencyLevel": 2},
            "CANCEL_AND_WAIT is not supported",
        ),
        ({"InstanceGroups": None}, {}, "Instance groups or instance fleets are required"),
        ({"InstanceFleets": FLEETS}, {}, "not both"),
        ({"InstanceGroups": [CORE]}, {}, "exactly one MASTER"),
        ({"InstanceGroups": [MASTER, MASTER]}, {}, "exactly one MASTER"),
        ({"InstanceGroups": [MASTER | {"InstanceCount": 2}, CORE]}, {}, "has one instance"),
        ({"InstanceGroups": [MASTER, CORE, CORE]}, {}, "one CORE"),
        ({"InstanceGroups": [MASTER, TASKS]}, {}, "need a CORE"),
        ({"InstanceGroups": [MASTER, CORE | {"InstanceType": "t3.micro"}]}, {}, "'t3.micro'"),
        ({"InstanceGroups": [MASTER, CORE | {"InstanceType": "large"}]}, {}, "'large'"),
        ({"InstanceGroups": [MASTER, CORE | {"BidPrice": "1"}]}, {}, "BidPrice"),
        ({"Ec2SubnetIds": ["subnet-1"]}, {}, "take Ec2SubnetId,"),
        (fleets() | {"Ec2SubnetId": "subnet-1"}, {}, "take Ec2SubnetIds"),
        (fleets(InstanceFleetType="MASTER"), {}, "exactly one MASTER"),
        (fleets(TargetOnDemandCapacity=0), {}, "CORE fleet must be 1 or more"),
        (fleets(InstanceTypeConfigs=[]), {}, "no InstanceTypeConfigs"),
        (fleets(**spot(4)), {}, "from 5 to 1440"),
        (fleets(**spot(1441)), {}, "from 5 to 1440"),
        ({}, scaling(3, 2), "greater than MaximumCapacityUnits"),
        ({}, scaling(1, 2, "InstanceFleetUnits"), "does not go with instance groups"),
        ({}, scaling(1, 2, MaximumCoreCapacityUnits=3), "MaximumCoreCapacityUnits"),
        (fleets(), scaling(1, 2), "does not go with instance fleets"),
    ],
)
def test_a_cluster_that_emr_would_refuse_is_refused(
    aws: Simulator, emr: Any, instances: Made, changes: Made, says: str
) -> None:
    told = refused(emr.run_job_flow, **cluster(aws, instances, **changes))
    assert told.startswith("ValidationException: ")
    assert says in told


@pytest.mark.parametrize(
    ("instances", "changes"),
    [
        ({}, {"Steps": [long_step(10_240)], "AutoTerminationPolicy": {"IdleTimeout": 60}}),
        ({}, {"SecurityConfiguration": "gristmill", "StepExecutionRoleArn": ROLE}),
        ({"InstanceGroups": [MASTER]}, {"ReleaseLabel": "emr-7.13.0", "LogUri": None}),
        ({"InstanceGroups": [MASTER, CORE, TASKS | {"Market": "SPOT"}]}, scaling(1, 9)),
        (fleets(**spot(5)), scaling(1, 9, "InstanceFleetUnits")),
    ],
)
def test_what_is_within_the_limits_is_taken(
    aws: Simulator, emr: Any, instances: Made, changes: Made
) -> None:
    assert emr.run_job_flow(**cluster(aws, instances, **changes))["JobFlowId"].startswith("j-")


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"Nonsense": 1}, "Unknown parameter 'Nonsense' at '/'"),
        ({"Name": None}, "Value null at 'name' failed to satisfy constraint: Member must not be"),
        ({"Name": 3}, "Value at 'name' is not of type string"),
        ({"Name": "x" * 257}, "Member must have length less than or equal to 256"),
        ({"Name": "a\0b"}, "Member must satisfy regular expression pattern"),
        ({"ScaleDownBehavior": "SLOWLY"}, "Member must satisfy enum value set: [TERMINATE_AT_"),
        ({"Steps": [step("true", action="SHRUG")]}, "at 'steps.1.member.actionOnFailure'"),
        (scaling(1, 2, UnitType="Cars"), "managedScalingPolicy.computeLimits.unitType"),
    ],
)
def test_what_is_not_of_the_shape_of_a_request_is_refused(
    aws: Simulator, changes: Made, says: str
) -> None:
    # Not by boto3, which refuses a part of these itself.
    asked = urllib.request.Request(
        aws.endpoint,
        data=json.dumps({**cluster(aws), **changes}).encode(),
        headers={"X-Amz-Target": "ElasticMapReduce.RunJobFlow"},
    )
    with pytest.raises(HTTPError) as caught:
        urllib.request.urlopen(asked)
    with caught.value as answer:
        told = json.load(answer)
    assert (answer.code, told["__type"]) == (400, "ValidationException")
    assert told["message"].startswith("1 validation error detected: ")
    assert says in told["message"]


def test_steps_are_taken_only_with_the_role_that_their_cluster_wants(
    aws: Simulator, emr: Any
) -> None:
    plain = emr.run_job_flow(**cluster(aws))["JobFlowId"]
    secured = emr.run_job_flow(**cluster(aws, SecurityConfiguration="gristmill"))["JobFlowId"]
    add, steps = emr.add_job_flow_steps, [step("true")]
    assert "not enabled" in refused(add, JobFlowId=plain, Steps=steps, ExecutionRoleArn=ROLE)
    assert "is required" in refused(add, JobFlowId=secured, Steps=steps)
    wrong = ROLE.replace("role", "user")
    assert "role ARN" in refused(add, JobFlowId=secured, Steps=steps, ExecutionRoleArn=wrong)
    (made,) = add(JobFlowId=secured, Steps=steps, ExecutionRoleArn=ROLE)["StepIds"]
    found = emr.describe_step(ClusterId=secured, StepId=made)["Step"]
    assert found["ExecutionRoleArn"] == ROLE


def test_what_is_not_there_is_said_as_emr_says_it(aws: Simulator, emr: Any) -> None:
    here = emr.run_job_flow(**cluster(aws))["JobFlowId"]
    nowhere = "InvalidRequestException: Cluster id 'j-0' is not valid."
    for call in (emr.describe_cluster, emr.list_steps, emr.list_instances):
        assert refused(call, ClusterId="j-0") == nowhere
    no_step = "InvalidRequestException: Step id 's-0' is not valid."
    assert refused(emr.describe_step, ClusterId=here, StepId="s-0") == no_step
    assert refused(emr.list_steps, ClusterId=here, StepIds=["s-0"]) == no_step
    said = refused(emr.add_job_flow_steps, JobFlowId="j-0", Steps=[step("true")])
    assert said == "ValidationException: Specified job flow ID does not exist."


def test_steps_are_listed_newest_first_fifty_a_page(aws: Simulator, emr: Any) -> None:
    aws.timing.starting = 60
    names = [f"step {number}" for number in range(120)]
    asked = cluster(aws, Steps=[step("true", name=name) for name in names])
    here = emr.run_job_flow(**asked)["JobFlowId"]
    pages = list(emr.get_paginator("list_steps").paginate(ClusterId=here))
    assert [len(page["Steps"]) for page in pages] == [50, 50, 20]
    found = [one for page in pages for one in page["Steps"]]
    assert [one["Name"] for one in found] == names[::-1]
    ids = [one["Id"] for one in found[:11]]
    chosen = emr.list_steps(ClusterId=here, StepIds=ids[:10])["Steps"]
    assert [one["Id"] for one in chosen] == ids[:10]
    assert "10 step ids" in refused(emr.list_steps, ClusterId=here, StepIds=ids)
    assert emr.list_steps(ClusterId=here, StepStates=["RUNNING"])["Steps"] == []
    more = [step("true")] * 137
    said = refused(emr.add_job_flow_steps, JobFlowId=here, Steps=more)
    assert "Maximum number of active steps" in said
    emr.add_job_flow_steps(JobFlowId=here, Steps=more[1:])


def test_clusters_are_found_by_when_they_were_made_and_how_they_are(
    aws: Simulator, emr: Any
) -> None:
    start = datetime.now(UTC)
    made = [emr.run_job_flow(**cluster(aws))["JobFlowId"] for _ in range(51)]
    pages = list(emr.get_paginator("list_clusters").paginate(CreatedAfter=start))
    found = [one["Id"] for page in pages for one in page["Clusters"]]
    assert (len(pages), found) == (2, made[::-1])
    later = start + timedelta(hours=1)
    assert emr.list_clusters(CreatedAfter=later)["Clusters"] == []
    assert emr.list_clusters(CreatedBefore=start - timedelta(hours=1))["Clusters"] == []
    emr.terminate_job_flows(JobFlowIds=made[:2])
    over = {"CreatedAfter": start, "ClusterStates": ["TERMINATED"]}
    until(lambda: len(emr.list_clusters(**over)["Clusters"]) == 2)


def test_machines_of_a_fleet_are_listed_by_what_they_cost(aws: Simulator, emr: Any) -> None:
    weighted = [{"InstanceType": "m7g.2xlarge", "WeightedCapacity": 2}]
    core = fleets(TargetSpotCapacity=3, InstanceTypeConfigs=weighted)
    here = emr.run_job_flow(**cluster(aws, core))["JobFlowId"]
    machines = emr.list_instances(ClusterId=here, InstanceFleetType="CORE")["Instances"]
    assert sorted(one["Market"] for one in machines) == ["ON_DEMAND", "SPOT", "SPOT"]
    assert len({one["InstanceFleetId"] for one in machines}) == 1
