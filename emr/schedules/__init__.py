"""Runs that AWS starts by itself: a job as a template of CloudFormation.

- EventBridge Scheduler calls the API as we would:
  https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-targets-universal.html
- Step Functions sees the run through, and ends the cluster whatever becomes of it:
  https://docs.aws.amazon.com/step-functions/latest/dg/connect-emr.html and
  https://docs.aws.amazon.com/step-functions/latest/dg/connect-emr-serverless.html
"""

from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

from gristmill.emr.aws import Aws
from gristmill.emr.package import upload
from gristmill.emr.prepare import SubmitRequest, prepare
from gristmill.emr.requests.clusters import run_job_flow_for
from gristmill.emr.requests.serverless import start_job_run
from gristmill.emr.schedules.machines import machine
from gristmill.emr.schedules.roles import principal, role, starts, starts_machine
from gristmill.emr.schedules.words import APPLICATION, EVENTS, KEY, capitalised, plain, sub, text_of
from gristmill.emr.specs import ServerlessSpec
from gristmill.emr.submit import make_event_folder, pack
from gristmill.errors import UsageError

Kind = Literal["scheduler", "step-functions"]

# https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-schedule-context-attributes.html
_EXECUTION = "<aws.scheduler.execution-id>"


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
    record = prepare(replace(wanted, run=KEY))
    with TemporaryDirectory() as folder:
        _, shipped = pack(wanted, Path(folder))
    spec, submission = wanted.spec, record.submission
    name = f"gristmill-{submission.job}-{spec.name}"
    resources: dict[str, Any] = {}
    if kind == "scheduler":
        if isinstance(spec, ServerlessSpec):
            service, action = "emrserverless", "startJobRun"
            request = capitalised(plain(start_job_run(spec, APPLICATION, shipped, submission)))
        else:
            service, action = "emr", "runJobFlow"
            request = plain(run_job_flow_for(spec, shipped, submission))
        text = text_of(request).replace(KEY, _EXECUTION)
        target = f"arn:${{AWS::Partition}}:scheduler:::aws-sdk:{service}:{action}"
    else:
        resources["Machine"] = machine(name, spec, shipped, submission)
        resources["MachineRole"] = role(principal("states", spec), starts(spec))
        text, target = "{}", "${Machine}"
    if expression is not None:
        resources["Schedule"] = _schedule(name, expression, target, text)
        allowed = starts(spec) if kind == "scheduler" else [starts_machine()]
        resources["ScheduleRole"] = role(principal("scheduler", spec), allowed)
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
    make_event_folder(aws, wanted.spec.home, EVENTS)


def _schedule(name: str, expression: str, target: str, text: str) -> dict[str, Any]:
    return {
        "Type": "AWS::Scheduler::Schedule",
        "Properties": {
            "Name": name[:64],
            "ScheduleExpression": expression,
            "FlexibleTimeWindow": {"Mode": "OFF"},
            "Target": {
                "Arn": sub(target),
                "RoleArn": {"Fn::GetAtt": ["ScheduleRole", "Arn"]},
                "Input": sub(text),
                # Tried again, it is the same execution, and so the same run.
                "RetryPolicy": {"MaximumRetryAttempts": 3, "MaximumEventAgeInSeconds": 3600},
            },
        },
    }
