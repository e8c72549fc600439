"""Runs as state machines of Step Functions."""

from collections.abc import Mapping
from typing import Any

from gristmill.emr.package import Shipped
from gristmill.emr.requests.clusters import run_job_flow
from gristmill.emr.requests.serverless import start_job_run
from gristmill.emr.requests.steps import step
from gristmill.emr.schedules.words import APPLICATION, capitalised, keyed, plain, sub, text_of
from gristmill.emr.specs import ClusterSpec, ServerlessSpec, Spec
from gristmill.runs import Submission


def machine(name: str, spec: Spec, shipped: Shipped, submission: Submission) -> dict[str, Any]:
    """The state machine that sees a run through, as a resource of CloudFormation."""
    definition = (
        _serverless_machine(plain(start_job_run(spec, APPLICATION, shipped, submission)))
        if isinstance(spec, ServerlessSpec)
        else _cluster_machine(spec, plain(step(spec, shipped, submission, on_failure="CONTINUE")))
    )
    return _machine(name, definition, spec)


def _machine(name: str, definition: Mapping[str, Any], spec: Spec) -> dict[str, Any]:
    return {
        "Type": "AWS::StepFunctions::StateMachine",
        "Properties": {
            "StateMachineName": name[:80],
            "RoleArn": {"Fn::GetAtt": ["MachineRole", "Arn"]},
            "DefinitionString": sub(text_of(definition)),
            "Tags": [{"Key": "gristmill:cluster", "Value": spec.name}],
        },
    }


def _serverless_machine(request: dict[str, Any]) -> dict[str, Any]:
    asked = capitalised(request)
    return {
        "StartAt": "Run",
        "States": {
            "Run": {
                "Type": "Task",
                "Resource": "arn:${AWS::Partition}:states:::emr-serverless:startJobRun.sync",
                "Parameters": keyed(asked),
                "End": True,
            }
        },
    }


def _cluster_machine(spec: ClusterSpec, asked: dict[str, Any]) -> dict[str, Any]:
    resource = "arn:${AWS::Partition}:states:::elasticmapreduce:"
    cluster = run_job_flow(spec)
    # https://docs.aws.amazon.com/step-functions/latest/dg/connect-emr.html: it takes no steps here,
    # and stays until it is ended.
    cluster["Instances"]["TerminationProtected"] = False
    run: dict[str, Any] = {"ClusterId.$": "$.cluster.ClusterId", "Step": keyed(asked)}
    if spec.runtime_role:
        run["ExecutionRoleArn"] = spec.runtime_role
    over = {"ErrorEquals": ["States.ALL"], "ResultPath": "$.error", "Next": "End after a failure"}
    end = {
        "Type": "Task",
        "Resource": f"{resource}terminateCluster.sync",
        "Parameters": {"ClusterId.$": "$.cluster.ClusterId"},
        "ResultPath": None,
    }
    return {
        "StartAt": "Make the cluster",
        "States": {
            "Make the cluster": {
                "Type": "Task",
                "Resource": f"{resource}createCluster.sync",
                "Parameters": cluster,
                "ResultPath": "$.cluster",
                "Next": "Run",
            },
            "Run": {
                "Type": "Task",
                "Resource": f"{resource}addStep.sync",
                "Parameters": run,
                "ResultPath": "$.step",
                "Catch": [over],
                "Next": "End",
            },
            "End": {**end, "End": True},
            "End after a failure": {**end, "Next": "Failed"},
            "Failed": {"Type": "Fail", "ErrorPath": "$.error.Error", "CausePath": "$.error.Cause"},
        },
    }
