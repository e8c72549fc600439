"""The roles in a template: what whoever starts runs, and sees them through, may do."""

from collections.abc import Mapping, Sequence
from typing import Any

from gristmill.emr.partitions import partition_of
from gristmill.emr.schedules.words import sub
from gristmill.emr.specs import ServerlessSpec, Spec


def principal(service: str, spec: Spec) -> str:
    """What a service is called in roles, where a spec is."""
    return partition_of(spec.region).principal(service)


def role(service: str, statements: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """A role that a service takes, as a resource of CloudFormation."""
    trust = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    policy = {"Version": "2012-10-17", "Statement": list(statements)}
    return {
        "Type": "AWS::IAM::Role",
        "Properties": {
            "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [trust]},
            "Policies": [{"PolicyName": "start", "PolicyDocument": policy}],
        },
    }


def starts_machine() -> dict[str, Any]:
    """What whoever starts the state machine may do."""
    return _allow("states:StartExecution", {"Ref": "Machine"})


def starts(spec: Spec) -> list[dict[str, Any]]:
    """What whoever starts a run, and sees it through, may do."""
    everywhere = "arn:${AWS::Partition}:{service}:${AWS::Region}:${AWS::AccountId}:"
    # By which Step Functions hears that a run has ended.
    rule = everywhere.replace("{service}", "events") + "rule/StepFunctionsGetEventsFor*"
    hears = _allow(["events:PutTargets", "events:PutRule", "events:DescribeRule"], sub(rule))
    if isinstance(spec, ServerlessSpec):
        place = everywhere.replace("{service}", "emr-serverless") + "/applications/${ApplicationId}"
        places = [sub(place), sub(f"{place}/*")]
        given = {"StringEquals": {"iam:PassedToService": principal("emr-serverless", spec)}}
        runs = ["StartJobRun", "GetJobRun", "CancelJobRun", "TagResource"]
        return [
            _allow([f"emr-serverless:{one}" for one in runs], places),
            _allow("iam:PassRole", spec.runtime_role, Condition=given),
            hears,
        ]
    actions = (
        *("RunJobFlow", "AddTags", "AddJobFlowSteps", "CancelSteps", "DescribeCluster"),
        *("DescribeStep", "TerminateJobFlows", "SetTerminationProtection"),
        *("PutAutoTerminationPolicy", "PutManagedScalingPolicy"),
    )
    roles = [sub(_role_arn(one)) for one in (spec.service_role, spec.instance_profile)]
    return [
        _allow([f"elasticmapreduce:{one}" for one in actions], "*"),
        _allow("iam:PassRole", roles),
        hears,
    ]


def _allow(actions: str | list[str], resource: Any, **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": actions, "Resource": resource, **more}


def _role_arn(name: str) -> str:
    """A role's ARN; an instance profile that the stack has made has the name of its role."""
    if name.startswith("arn:"):
        return name.replace(":instance-profile/", ":role/")
    return "arn:${AWS::Partition}:iam::${AWS::AccountId}:role/" + name
