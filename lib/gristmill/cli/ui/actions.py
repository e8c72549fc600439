"""What may be done from a page, by whoever has signed in."""

import shlex
from collections.abc import Callable

from starlette.datastructures import FormData
from starlette.requests import Request

from gristmill.catalogue import known_jobs
from gristmill.errors import InputError, UsageError
from gristmill.manager.ledger import Ledger, acting, definitions
from gristmill.manager.ledger.definitions import load_settings
from gristmill.manager.ledger.looking import dead_letters
from gristmill.manager.request import RunRequest
from gristmill.manager.submit import submit_request
from gristmill.nearest import nearest
from gristmill.workflow.engine import service
from gristmill.workflow.redriving import redrive

_BY = "the web page"

Action = Callable[[Ledger, Request, FormData], str]
"""Does something; gives where to go afterwards. Raises `GristmillError`."""


def submit_run(ledger: Ledger, _request: Request, form: FormData) -> str:
    """Submit a run of a job definition, or of a job by its name: files are no jobs here."""
    job = str(form.get("job", "")).strip()
    with ledger.look() as tx:
        known = {*load_settings(tx).jobs, *known_jobs()}
    if job not in known:
        raise UsageError(f"{nearest(job, known)}: a page submits what has a name")
    try:
        argv = tuple(shlex.split(str(form.get("flags", ""))))
        priority = int(str(form.get("priority", "") or 0))
    except ValueError as error:
        raise UsageError(f"flags are words as in a shell, priority is a number: {error}") from error
    key, queue = (str(form.get(name, "")).strip() or None for name in ("key", "queue"))
    request = RunRequest(job, argv, key=key, queue=queue or "default", priority=priority)
    return f"/runs/{submit_request(ledger, request).run}"


def retry_run(ledger: Ledger, request: Request, _form: FormData) -> str:
    """Try a run again."""
    run = request.path_params["run"]
    with ledger.begin() as tx:
        acting.retry(tx, run, _BY)
    return f"/runs/{run}"


def cancel_run(ledger: Ledger, request: Request, _form: FormData) -> str:
    """Cancel a run."""
    run = request.path_params["run"]
    with ledger.begin() as tx:
        acting.cancel(tx, run, _BY)
    return f"/runs/{run}"


def retry_dead(ledger: Ledger, _request: Request, form: FormData) -> str:
    """Try again all that failed for a cause."""
    with ledger.begin() as tx:
        for one in dead_letters(tx, str(form.get("cause", ""))):
            acting.retry(tx, one["id"], _BY)
    return "/dead-letters"


def dismiss_dead(ledger: Ledger, _request: Request, form: FormData) -> str:
    """Take all that failed for a cause off the list."""
    with ledger.begin() as tx:
        for one in dead_letters(tx, str(form.get("cause", ""))):
            acting.look_at(tx, one["id"])
    return "/dead-letters"


def pause(ledger: Ledger, request: Request, _form: FormData) -> str:
    """Pause a queue or a schedule."""
    kind, name = request.path_params["kind"], request.path_params["name"]
    with ledger.begin() as tx:
        _check(ledger, kind, name)
        definitions.pause(tx, kind, name, _BY)
    return f"/{kind}s"


def resume(ledger: Ledger, request: Request, _form: FormData) -> str:
    """Let a queue or a schedule go on."""
    kind, name = request.path_params["kind"], request.path_params["name"]
    with ledger.begin() as tx:
        definitions.resume(tx, kind, name)
    return f"/{kind}s"


def _check(ledger: Ledger, kind: str, name: str) -> None:
    with ledger.look() as tx:
        settings = definitions.load_settings(tx)
    known = {"queue": settings.all_queues, "schedule": settings.schedules}.get(kind, {})
    if name not in known:
        raise InputError(f"there is no {kind} {name}")


def redrive_execution(ledger: Ledger, request: Request, _form: FormData) -> str:
    """Go on with an execution that ended badly; a worker drives it."""
    redrive(ledger, request.path_params["execution"])
    return f"/workflows/{request.path_params['execution']}"


def stop_execution(ledger: Ledger, request: Request, _form: FormData) -> str:
    """Ask for an execution to be stopped."""
    with ledger.begin() as tx:
        arn = service.find(tx, request.path_params["execution"])["arn"]
        service.ask_to_stop(tx, arn, None, _BY)
    return f"/workflows/{request.path_params['execution']}"
