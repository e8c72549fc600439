"""Runs that AWS starts by itself: a job as a template of CloudFormation.

- EventBridge Scheduler calls the API as we would:
  https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-targets-universal.html
- Step Functions sees the run through, and ends the cluster whatever becomes of it:
  https://docs.aws.amazon.com/step-functions/latest/dg/connect-emr.html and
  https://docs.aws.amazon.com/step-functions/latest/dg/connect-emr-serverless.html
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

from gristmill.emr.aws import Aws
from gristmill.emr.package import upload
from gristmill.emr.partitions import partition_of
from gristmill.emr.prepare import SubmitRequest, prepare
from gristmill.emr.requests.clusters import run_job_flow, run_job_flow_for
from gristmill.emr.requests.serverless import start_job_run
from gristmill.emr.requests.steps import step
from gristmill.emr.specs import ClusterSpec, ServerlessSpec, Spec
from gristmill.emr.submit import make_event_folder, pack
from gristmill.errors import UsageError
from gristmill.runs import Submission
from gristmill.runs.encoded import decode, is_encoded

Kind = Literal["scheduler", "step-functions"]

# It stands for the run's key until the very text of the request is there.
_KEY = "gristmill-run-key-5b1f"
# https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-schedule-context-attributes.html
_EXECUTION = "<aws.scheduler.execution-id>"
_EVENTS = "scheduled"
_CHANGED_BY_YARN = ("{{", "}}", "<LOG_DIR>", "<CPS>")
_APPLICATION = "${ApplicationId}"


def template(wanted: SubmitRequest, expression: str | None, kind: Kind) -> dict[str, Any]:
    """The template by which AWS runs a job: at the times of `expression`, a `cron(…)`, `rate(…)` or
    `at(…)` of EventBridge, or, without one, when the state machine is started.

    Each run has the key of its schedule's or its state machine's execution. What is shipped is
    named by its content, and has to be in S3: `ship` brings it there. Raises `UsageError`.
    """
    if kind == "scheduler" and expression is None:
        raise UsageError(
            "--schedule says when: cron(0 2 * * ? *), rate(1 day), at(2026-12-01T02:00)"
        )
    record = prepare(replace(wanted, run=_KEY))
    with TemporaryDirectory() as folder:
        _, shipped = pack(wanted, Path(folder))
    spec, submission = wanted.spec, record.submission
    name = f"gristmill-{submission.job}-{spec.name}"
    resources: dict[str, Any] = {}
    if kind == "scheduler":
        if isinstance(spec, ServerlessSpec):
            service, action = "emrserverless", "startJobRun"
            request = _capitalised(_plain(start_job_run(spec, _APPLICATION, shipped, submission)))
        else:
            service, action = "emr", "runJobFlow"
            request = _plain(run_job_flow_for(spec, shipped, submission))
        text = _text(request).replace(_KEY, _EXECUTION)
        target = f"arn:${{AWS::Partition}}:scheduler:::aws-sdk:{service}:{action}"
    else:
        definition = (
            _serverless_machine(_plain(start_job_run(spec, _APPLICATION, shipped, submission)))
            if isinstance(spec, ServerlessSpec)
            else _cluster_machine(spec, _plain_step(spec, shipped, submission))
        )
        resources["Machine"] = _machine(name, definition, spec)
        resources["MachineRole"] = _role(_of("states", spec), _starts(spec))
        text, target = "{}", "${Machine}"
    if expression is not None:
        resources["Schedule"] = _schedule(name, expression, target, text)
        starts = _starts(spec) if kind == "scheduler" else [_starts_machine()]
        resources["ScheduleRole"] = _role(_of("scheduler", spec), starts)
    parameters = {"ApplicationId": {"Type": "String"}} if isinstance(spec, ServerlessSpec) else {}
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": f"Gristmill: {submission.job} on {spec.name}",
        **({"Parameters": parameters} if parameters else {}),
        "Resources": resources,
    }


def ship(aws: Aws, wanted: SubmitRequest) -> None:
    """Bring to S3 what a template names. Raises `GristmillError`."""
    with TemporaryDirectory() as folder:
        package, _ = pack(wanted, Path(folder))
        upload(package, wanted.spec.home, aws.s3)
    make_event_folder(aws, wanted.spec.home, _EVENTS)


def _schedule(name: str, expression: str, target: str, text: str) -> dict[str, Any]:
    return {
        "Type": "AWS::Scheduler::Schedule",
        "Properties": {
            "Name": name[:64],
            "ScheduleExpression": expression,
            "FlexibleTimeWindow": {"Mode": "OFF"},
            "Target": {
                "Arn": _sub(target),
                "RoleArn": {"Fn::GetAtt": ["ScheduleRole", "Arn"]},
                "Input": _sub(text),
                # Tried again, it is the same execution, and so the same run.
                "RetryPolicy": {"MaximumRetryAttempts": 3, "MaximumEventAgeInSeconds": 3600},
            },
        },
    }


def _machine(name: str, definition: Mapping[str, Any], spec: Spec) -> dict[str, Any]:
    return {
        "Type": "AWS::StepFunctions::StateMachine",
        "Properties": {
            "StateMachineName": name[:80],
            "RoleArn": {"Fn::GetAtt": ["MachineRole", "Arn"]},
            "DefinitionString": _sub(_text(definition)),
            "Tags": [{"Key": "gristmill:cluster", "Value": spec.name}],
        },
    }


def _serverless_machine(request: dict[str, Any]) -> dict[str, Any]:
    asked = _capitalised(request)
    return {
        "StartAt": "Run",
        "States": {
            "Run": {
                "Type": "Task",
                "Resource": "arn:${AWS::Partition}:states:::emr-serverless:startJobRun.sync",
                "Parameters": _keyed(asked),
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
    run: dict[str, Any] = {"ClusterId.$": "$.cluster.ClusterId", "Step": _keyed(asked)}
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


def _plain_step(spec: ClusterSpec, shipped: Any, submission: Submission) -> dict[str, Any]:
    found: dict[str, Any] = _plain(step(spec, shipped, submission, on_failure="CONTINUE"))
    return found


def _plain(value: Any) -> Any:
    """A request with the job's arguments as words in place of the encoded one, in which no key
    could be put. Raises `UsageError` for words that YARN would change."""
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, str):
        # Spark begins no log in a folder that is not there, as that of a run to come.
        return value.replace(f"spark-events/{_KEY}", f"spark-events/{_EVENTS}")
    if not isinstance(value, list | tuple):
        return value
    found: list[Any] = []
    for item in value:
        if not (isinstance(item, str) and is_encoded(item)):
            found.append(_plain(item))
            continue
        for word in decode(item):
            if not word or any(sign in word for sign in _CHANGED_BY_YARN):
                raise UsageError(f"a scheduled run cannot be given {word!r}: YARN would change it")
            found.append(word)
    return found


def _capitalised(value: Any) -> Any:
    """Names as Step Functions and EventBridge Scheduler have them: `applicationId` is
    `ApplicationId`. Tags keep theirs."""
    if isinstance(value, Mapping):
        return {
            f"{key[:1].upper()}{key[1:]}": item if key == "tags" else _capitalised(item)
            for key, item in value.items()
        }
    return [_capitalised(item) for item in value] if isinstance(value, list) else value


def _keyed(value: Any) -> Any:
    """Parameters with the execution's name where the run's key is: `States.Format` makes them."""
    if isinstance(value, Mapping):
        found: dict[str, Any] = {}
        for key, item in value.items():
            if isinstance(item, str) and _KEY in item:
                found[f"{key}.$"] = _formatted(item)
            elif isinstance(item, list) and any(
                _KEY in one for one in item if isinstance(one, str)
            ):
                words = [_formatted(one) if _KEY in one else _quoted(one) for one in item]
                found[f"{key}.$"] = f"States.Array({', '.join(words)})"
            else:
                found[key] = _keyed(item)
        return found
    return value


def _formatted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("'", "\\'").replace("{", "\\{").replace("}", "\\}")
    places = ", $$.Execution.Name" * text.count(_KEY)
    return f"States.Format('{escaped.replace(_KEY, '{}')}'{places})"


def _quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _text(value: object) -> str:
    """JSON in which CloudFormation fills in nothing but what is ours."""
    text = json.dumps(value, ensure_ascii=False)
    for ours in (_APPLICATION, "${AWS::Partition}"):
        text = text.replace(ours, ours.replace("${", "\0"))
    return text.replace("${", "${!").replace("\0", "${")


def _sub(text: str) -> Any:
    """Text in which CloudFormation fills something in, where it does."""
    rest = text.replace("${!", "")
    return {"Fn::Sub": text} if "${" in rest else text.replace("${!", "${")


def _of(service: str, spec: Spec) -> str:
    return partition_of(spec.region).principal(service)


def _role(service: str, statements: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    trust = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    policy = {"Version": "2012-10-17", "Statement": list(statements)}
    return {
        "Type": "AWS::IAM::Role",
        "Properties": {
            "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [trust]},
            "Policies": [{"PolicyName": "start", "PolicyDocument": policy}],
        },
    }


def _allow(actions: str | list[str], resource: Any, **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": actions, "Resource": resource, **more}


def _starts_machine() -> dict[str, Any]:
    return _allow("states:StartExecution", {"Ref": "Machine"})


def _starts(spec: Spec) -> list[dict[str, Any]]:
    """What whoever starts a run, and sees it through, may do."""
    everywhere = "arn:${AWS::Partition}:{service}:${AWS::Region}:${AWS::AccountId}:"
    # By which Step Functions hears that a run has ended.
    rule = everywhere.replace("{service}", "events") + "rule/StepFunctionsGetEventsFor*"
    hears = _allow(["events:PutTargets", "events:PutRule", "events:DescribeRule"], _sub(rule))
    if isinstance(spec, ServerlessSpec):
        place = everywhere.replace("{service}", "emr-serverless") + "/applications/${ApplicationId}"
        places = [_sub(place), _sub(f"{place}/*")]
        given = {"StringEquals": {"iam:PassedToService": _of("emr-serverless", spec)}}
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
    roles = [_sub(_role_arn(one)) for one in (spec.service_role, spec.instance_profile)]
    return [
        _allow([f"elasticmapreduce:{one}" for one in actions], "*"),
        _allow("iam:PassRole", roles),
        hears,
    ]


def _role_arn(name: str) -> str:
    """A role's ARN; an instance profile that the stack has made has the name of its role."""
    if name.startswith("arn:"):
        return name.replace(":instance-profile/", ":role/")
    return "arn:${AWS::Partition}:iam::${AWS::AccountId}:role/" + name
