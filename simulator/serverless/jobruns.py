"""EMR Serverless's operations on job runs. Times are epochs."""

import math
import shlex
import time
from typing import Any

from simulator.errors import ApiError, Conflict, ValidationError
from simulator.releases import RELEASES
from simulator.serverless.state import (
    ACCOUNT,
    Account,
    Application,
    JobRun,
    Parameters,
    new_id,
    page,
)

Answer = dict[str, Any]

_MOST_ATTEMPTS = 10
_LONGEST_ARGUMENT = 10_280
_DEFAULT_TIMEOUT = 720
_ANSWERED = (
    "name",
    "configurationOverrides",
    "executionIamPolicy",
    "executionTimeoutMinutes",
    "mode",
    "retryPolicy",
)


def start_job_run(account: Account, asked: Parameters) -> Answer:
    application = account.application(asked["applicationId"])
    known = account.tokens.known(application.id, asked)
    if known is None:
        _check(asked)
        _check_takes_runs(application)
        now = time.time()
        known = new_id()
        application.runs[known] = JobRun(
            id=known,
            arn=account.arn("applications", application.id, "jobruns", known),
            request={"executionTimeoutMinutes": _DEFAULT_TIMEOUT, "mode": "BATCH", **asked},
            release=RELEASES[application.request["releaseLabel"]],
            created=now,
            changed=now,
            tags=asked.get("tags", {}),
        )
        account.tokens.note(application.id, asked, known)
    run = application.job_run(known)
    return {"applicationId": application.id, "jobRunId": run.id, "arn": run.arn}


def get_job_run(account: Account, asked: Parameters) -> Answer:
    application, run = _found(account, asked)
    now = time.time()
    seconds = int((run.ended or now) - run.started) if run.started else 0
    answer = {
        **_common(application, run),
        "jobRunId": run.id,
        **{key: run.request[key] for key in _ANSWERED if key in run.request},
        "jobDriver": run.request["jobDriver"],
        "tags": run.tags,
        "totalExecutionDurationSeconds": seconds,
        "attempt": run.attempt,
    }
    if run.started:
        answer["startedAt"] = run.started
    if run.ended:
        answer["endedAt"] = run.ended
        used = _used(seconds)
        answer |= {"totalResourceUtilization": used, "billedResourceUtilization": used}
    return {"jobRun": answer}


def list_job_runs(account: Account, asked: Parameters) -> Answer:
    application = account.application(asked["applicationId"])
    after, before = asked.get("createdAtAfter", 0), asked.get("createdAtBefore", math.inf)
    states = asked.get("states")
    found = [
        run
        for run in reversed(application.runs.values())
        if after <= run.created <= before and (not states or run.state in states)
    ]
    shown, token = page(found, asked, lambda run: run.id)
    answers = []
    for run in shown:
        name = {"name": run.request["name"]} if "name" in run.request else {}
        answers.append({**_common(application, run), "id": run.id, **name, "type": "SPARK"})
    return {"jobRuns": answers, **token}


def cancel_job_run(account: Account, asked: Parameters) -> Answer:
    application, run = _found(account, asked)
    if run.is_final:
        raise ValidationError(f"Job run {run.id} is in state {run.state} and cannot be cancelled.")
    if run.state != "CANCELLING":
        run.enter("CANCELLING", time.time())
    return {"applicationId": application.id, "jobRunId": run.id}


def get_dashboard_for_job_run(account: Account, asked: Parameters) -> Answer:
    application, run = _found(account, asked)
    home = f"https://{run.id}.emrappui-prod.us-east-1.amazonaws.com"
    return {"url": f"{home}/shs/history/{application.id}/jobs/?token=simulated"}


def arguments(asked: Parameters) -> list[str]:
    """What spark-submit is to be given for a job run. Raises `ValidationError`."""
    submit = asked["jobDriver"]["sparkSubmit"]
    try:
        options = shlex.split(submit.get("sparkSubmitParameters", ""))
    except ValueError as error:
        raise ValidationError(f"Invalid sparkSubmitParameters: {error}") from error
    return [
        *("spark-submit", "--deploy-mode", "cluster", *options),
        *(submit["entryPoint"], *submit.get("entryPointArguments", [])),
    ]


def _check(asked: Parameters) -> None:
    if f":{ACCOUNT}:" not in asked["executionRoleArn"]:
        raise ApiError("AccessDeniedException", "Cross-account pass role is not allowed.", 403)
    if "sparkSubmit" not in asked.get("jobDriver", {}):
        raise ValidationError("A job run of a SPARK application needs jobDriver.sparkSubmit.")
    arguments(asked)
    longest = max(
        map(len, asked["jobDriver"]["sparkSubmit"].get("entryPointArguments", [])), default=0
    )
    if longest > _LONGEST_ARGUMENT:
        raise ValidationError(f"An entryPointArgument has {_LONGEST_ARGUMENT} characters at most.")
    if asked.get("executionTimeoutMinutes", _DEFAULT_TIMEOUT) < 5:
        raise ValidationError("RunTimeout must be at least 5 minutes.")
    if asked.get("retryPolicy", {}).get("maxAttempts", 1) > _MOST_ATTEMPTS:
        raise ValidationError(f"maxAttempts of a batch job is {_MOST_ATTEMPTS} at most.")
    logs = asked.get("configurationOverrides", {}).get("monitoringConfiguration", {})
    uri = logs.get("s3MonitoringConfiguration", {}).get("logUri", "s3://")
    if not uri.startswith("s3://"):
        raise ValidationError(f"Invalid logUri: {uri}")


def _check_takes_runs(application: Application) -> None:
    starts = application.request["autoStartConfiguration"].get("enabled", True)
    if application.state in {"STOPPING", "TERMINATED"} or (
        application.state not in {"STARTED", "STARTING"} and not starts
    ):
        raise Conflict(
            f"Application {application.id} is in state {application.state} and takes no job runs."
        )


def _found(account: Account, asked: Parameters) -> tuple[Application, JobRun]:
    application = account.application(asked["applicationId"])
    return application, application.job_run(asked["jobRunId"])


def _common(application: Application, run: JobRun) -> Answer:
    return {
        "applicationId": application.id,
        "arn": run.arn,
        "createdBy": f"arn:aws:iam::{ACCOUNT}:user/gristmill",
        "createdAt": run.created,
        "updatedAt": run.changed,
        "executionRole": run.request["executionRoleArn"],
        "state": run.state,
        # It is of one character at least.
        "stateDetails": run.details or run.state.capitalize(),
        "releaseLabel": run.release.label,
    }


def _used(seconds: int) -> Answer:
    """What a job run is billed for, with workers of the default size: by minutes, one at least."""
    hours = math.ceil(max(seconds, 60) / 60) / 60
    workers = 1 + 3
    return {
        "vCPUHour": round(4 * workers * hours, 3),
        "memoryGBHour": round(16 * workers * hours, 3),
        "storageGBHour": 0.0,
    }
