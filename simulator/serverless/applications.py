"""EMR Serverless's operations on applications. Times are epochs."""

import time
from typing import Any

from simulator.errors import Conflict, ValidationError
from simulator.releases import RELEASES
from simulator.serverless.state import Account, Application, Parameters, new_id, page

Answer = dict[str, Any]

_AT_REST = ("CREATED", "STOPPED")
_SUMMED_UP = ("name", "releaseLabel", "type", "architecture")
_DEFAULTS: Parameters = {
    "architecture": "X86_64",
    "autoStartConfiguration": {"enabled": True},
    "autoStopConfiguration": {"enabled": True, "idleTimeoutMinutes": 15},
}


def create_application(account: Account, asked: Parameters) -> Answer:
    known = account.tokens.known("applications", asked)
    if known is None:
        _check(asked)
        now = time.time()
        made = new_id()
        given = {k: v for k, v in asked.items() if k not in {"clientToken", "tags"}}
        account.applications[made] = Application(
            id=made,
            arn=account.arn("applications", made),
            request=_DEFAULTS | given,
            created=now,
            changed=now,
            tags=asked.get("tags", {}),
        )
        account.tokens.note("applications", asked, made)
        known = made
    application = account.application(known)
    name = {"name": asked["name"]} if "name" in asked else {}
    return {"applicationId": application.id, "arn": application.arn, **name}


def get_application(account: Account, asked: Parameters) -> Answer:
    return {"application": _described(account.application(asked["applicationId"]))}


def list_applications(account: Account, asked: Parameters) -> Answer:
    found = [
        application
        for application in reversed(account.applications.values())
        if application.state in asked.get("states", [application.state])
    ]
    shown, token = page(found, asked, lambda one: one.id)
    return {"applications": [_summary(one) for one in shown], **token}


def update_application(account: Account, asked: Parameters) -> Answer:
    application = _at_rest(account, asked, "updated")
    new = {k: v for k, v in asked.items() if k not in {"applicationId", "clientToken"}}
    _check(application.request | new)
    application.request |= new
    return {"application": _described(application)}


def start_application(account: Account, asked: Parameters) -> Answer:
    application = account.application(asked["applicationId"])
    if application.state in _AT_REST:
        application.enter("STARTING", time.time())
    elif application.state not in {"STARTING", "STARTED"}:
        raise ValidationError(f"Application {application.id} is in state {application.state}.")
    return {}


def stop_application(account: Account, asked: Parameters) -> Answer:
    application = account.application(asked["applicationId"])
    if any(not run.is_final for run in application.runs.values()):
        raise ValidationError(f"Application {application.id} has active job runs.")
    if application.state in {"STARTING", "STARTED"}:
        application.enter("STOPPING", time.time())
    return {}


def delete_application(account: Account, asked: Parameters) -> Answer:
    _at_rest(account, asked, "deleted").enter("TERMINATED", time.time())
    return {}


def _check(asked: Parameters) -> None:
    label = asked["releaseLabel"]
    if label not in RELEASES:
        raise ValidationError(f"Release label {label} is not supported.")
    if asked["type"].upper() != "SPARK":
        raise ValidationError(f"Type {asked['type']} is not simulated: SPARK is.")
    most = asked.get("schedulerConfiguration", {}).get("maxConcurrentRuns", 1)
    if not 1 <= most <= 1000:
        raise ValidationError(f"maxConcurrentRuns must be from 1 to 1000, and is {most}.")


def _at_rest(account: Account, asked: Parameters, done: str) -> Application:
    application = account.application(asked["applicationId"])
    if application.state not in _AT_REST:
        raise Conflict(
            f"Application {application.id} can be {done} in the states CREATED and STOPPED, "
            f"and is {application.state}."
        )
    return application


def _summary(application: Application) -> Answer:
    request = application.request
    return {
        "id": application.id,
        "arn": application.arn,
        **{key: request[key] for key in _SUMMED_UP if key in request},
        "state": application.state,
        "createdAt": application.created,
        "updatedAt": application.changed,
    }


def _described(application: Application) -> Answer:
    return {
        **application.request,
        "applicationId": application.id,
        "arn": application.arn,
        "state": application.state,
        "createdAt": application.created,
        "updatedAt": application.changed,
        "tags": application.tags,
    }
