"""Applications of EMR Serverless: made, compared with their specs, changed, stopped, deleted."""

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from gristmill.emr.aws import Aws, explained
from gristmill.emr.requests.serverless import application_name, create_application
from gristmill.emr.runners.serverless import active_runs, find_application
from gristmill.emr.specs.serverless import ServerlessSpec
from gristmill.errors import BusyError, GristmillError, UsageError

Tell = Callable[[str], None]
Pause = Callable[[float], None]

_AT_REST = {"CREATED", "STOPPED"}
_MOVING = {"CREATING", "STARTING", "STOPPING"}
_LOOK, _LOOKS = 2.0, 450
# What of an application may differ from its spec, that first which breaks most; what is sent to
# change it has the same names (UpdateApplication).
_PARTS = (
    "architecture",
    "releaseLabel",
    "imageConfiguration",
    "networkConfiguration",
    "initialCapacity",
    "maximumCapacity",
    "schedulerConfiguration",
    "autoStartConfiguration",
    "autoStopConfiguration",
)
# UpdateApplication has no way to say: none any more.
_TO_STAY = {"imageConfiguration", "networkConfiguration"}
_AMOUNT = re.compile(r"(\d+(?:\.\d+)?)\s*(vcpu|gb)s?", re.IGNORECASE)


@dataclass(frozen=True)
class Difference:
    """A part of an application that is not as its spec says; None where it has none."""

    part: str
    wanted: Any
    there: Any

    def __str__(self) -> str:
        words = re.sub(r"(?=[A-Z])", " ", self.part).lower()
        return f"{words}: {_shown(self.wanted)} in the spec, {_shown(self.there)} there"


def differences(spec: ServerlessSpec, told: Mapping[str, Any]) -> list[Difference]:
    """Where an application, as GetApplication tells it, is not what a spec says."""
    wanted = create_application(spec)
    found = []
    for part in _PARTS:
        there = _of(wanted.get(part), told.get(part))
        if _plain(wanted.get(part)) != _plain(there):
            found.append(Difference(part, wanted.get(part), there))
    return found


def drift(aws: Aws, spec: ServerlessSpec, application: str) -> list[Difference]:
    """Where the application that is there is not what its spec says. Raises `GristmillError`."""
    return differences(spec, _described(aws, application))


def up(
    aws: Aws, spec: ServerlessSpec, tell: Tell, pause: Pause = time.sleep, *, update: bool = False
) -> str:
    """Make the application of a spec, if it is not there; gives its id once it takes runs.

    One that is not what the spec says is changed with `update`, and refused without. Raises
    `GristmillError`.
    """
    application = find_application(aws, spec)
    if application is None:
        with explained(f"make the application {application_name(spec)}"):
            made = aws.serverless.create_application(**create_application(spec))
        application = str(made["applicationId"])
    elif found := drift(aws, spec, application):
        if not update:
            lines = "\n".join(f"  {one}" for one in found)
            raise UsageError(
                f"application {application} is not what its spec says:\n{lines}\n"
                f"gristmill emr up --update --cluster {spec.name} changes it"
            )
        _update(aws, application, found, tell, pause)
    state = _wait(aws, application, _MOVING, tell, pause)
    if spec.initial and state != "STARTED":
        # Workers that wait for runs are there only while it runs.
        with explained(f"start {application}"):
            aws.serverless.start_application(applicationId=application)
        state = _wait(aws, application, _MOVING | _AT_REST, tell, pause)
    tell(f"application {application} takes runs ({state})")
    return application


def down(
    aws: Aws,
    spec: ServerlessSpec,
    ask: Callable[[str], bool],
    tell: Tell,
    pause: Pause = time.sleep,
    *,
    force: bool = False,
    delete: bool = False,
) -> str | None:
    """Stop the application of a spec, or `delete` it; gives its id, None where it is not there.

    Where runs go on it `ask`s whether to cancel them; with `force` it does not ask. Raises
    `BusyError` where they are to go on.
    """
    application = find_application(aws, spec)
    if application is None:
        return None
    if runs := active_runs(aws, application):
        named = ", ".join(runs.values())
        what = f"{len(runs)} runs go on" if len(runs) > 1 else "1 run goes on"
        if not force and not ask(f"{what} in {application}: {named}. Cancel?"):
            raise BusyError(f"{what} in {application}: {named}: wait, or --force cancels")
        _cancel(aws, application, list(runs), tell, pause)
    state = _wait(aws, application, _MOVING, tell, pause)
    if state == "STARTED":
        with explained(f"stop {application}"):
            aws.serverless.stop_application(applicationId=application)
    if delete:
        _wait(aws, application, {*_MOVING, "STARTED"}, tell, pause)
        with explained(f"delete {application}"):
            aws.serverless.delete_application(applicationId=application)
    return application


def _update(aws: Aws, application: str, found: list[Difference], tell: Tell, pause: Pause) -> None:
    """Make an application what its spec says: it must be at rest for that."""
    stuck = [one.part for one in found if one.part in _TO_STAY and one.wanted is None]
    if stuck:
        raise UsageError(
            f"{application} cannot lose its {', '.join(stuck)}: gristmill emr down --delete, "
            "then up, makes another one"
        )
    if runs := active_runs(aws, application):
        named = ", ".join(runs.values())
        raise BusyError(f"{application} cannot be changed while runs go on: {named}")
    if _wait(aws, application, _MOVING, tell, pause) == "STARTED":
        with explained(f"stop {application}"):
            aws.serverless.stop_application(applicationId=application)
        _wait(aws, application, {*_MOVING, "STARTED"}, tell, pause)
    changes = {one.part: {} if one.wanted is None else one.wanted for one in found}
    with explained(f"change {application}"):
        aws.serverless.update_application(applicationId=application, **changes)
    for one in found:
        tell(f"changed {one}")


def _cancel(aws: Aws, application: str, runs: list[str], tell: Tell, pause: Pause) -> None:
    for run in runs:
        with explained(f"cancel {run}"):
            aws.serverless.cancel_job_run(applicationId=application, jobRunId=run)
    tell(f"asked that {', '.join(runs)} end")
    for _ in range(_LOOKS):
        if not set(active_runs(aws, application)) & set(runs):
            return
        pause(_LOOK)
    raise GristmillError(f"runs of {application} have not ended yet: try again later")


def _described(aws: Aws, application: str) -> dict[str, Any]:
    with explained(f"describe {application}"):
        told: dict[str, Any] = aws.serverless.get_application(applicationId=application)
    return dict(told["application"])


def _wait(aws: Aws, application: str, states: set[str], tell: Tell, pause: Pause) -> str:
    """The state of an application once it is in none of `states`."""
    said = ""
    for _ in range(_LOOKS):
        told = _described(aws, application)
        state = str(told["state"])
        if state == "TERMINATED":
            raise GristmillError(
                f"application {application} is gone: {told.get('stateDetails') or 'no reason'}"
            )
        if state not in states:
            return state
        if state != said:
            said = state
            tell(f"application {application} {state}")
        pause(_LOOK)
    raise GristmillError(f"application {application} is {said} still: try again later")


def _of(wanted: Any, there: Any) -> Any:
    """Of what is there, what a spec says something of: AWS adds defaults of its own."""
    if isinstance(wanted, Mapping) and isinstance(there, Mapping):
        return {key: _of(wanted[key], there.get(key)) for key in wanted}
    return there or None


def _plain(value: Any) -> Any:
    """A value as it is compared: `256 GB` as `256.0 gb`, lists in any order."""
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return sorted(map(_plain, value))
    if isinstance(value, str):
        found = _AMOUNT.fullmatch(value.strip())
        return (float(found[1]), found[2].lower()) if found else value.upper()
    return value


def _shown(value: Any) -> str:
    if value is None:
        return "none"
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_shown(item)}" for key, item in value.items()) or "none"
    return " ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
