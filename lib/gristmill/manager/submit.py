"""From a job and its flags to a run in the ledger: what is wrong with them is found here."""

import argparse
import dataclasses
import os
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

from gristmill.catalogue import find_job
from gristmill.emr.specs.load import kind_of
from gristmill.errors import UsageError
from gristmill.manager.ledger import Ledger, Transaction, open_ledger
from gristmill.manager.ledger.definitions import load_settings, revision_of
from gristmill.manager.ledger.submitting import Submitted
from gristmill.manager.ledger.submitting import submit as submit_to
from gristmill.manager.request import RunRequest, of_definition
from gristmill.manager.settings import Settings
from gristmill.model.job import AnyJob, Job
from gristmill.model.options import ArgumentParser, duration
from gristmill.nearest import nearest
from gristmill.publish.lease import owner
from gristmill.readers.input_list import is_remote
from gristmill.script.command import job_parser

Place = str | os.PathLike[str]


def submit_request(ledger: Ledger, request: RunRequest) -> Submitted:
    """Write down a run in the ledger. Raises as `gristmill.manager.ledger.submitting.submit`."""
    with ledger.begin() as tx:
        settings = load_settings(tx)
        return submit_to(tx, completed(tx, request, settings), settings)


def completed(tx: Transaction, request: RunRequest, settings: Settings) -> RunRequest:
    """A request whose job may be the name of a definition, with all that says, checked.

    Raises `UsageError` for a job that is not there or flags that it refuses.
    """
    definition = settings.jobs.get(request.job)
    if definition is not None:
        revision = revision_of(tx, "jobs", request.job)
        asked = _asked(request)
        argv = (*definition.args, *request.argv)
        request = of_definition(request.job, revision, definition, **{**asked, "argv": argv})
    folder = request.folder or str(Path.cwd())
    name = request.job
    if name.endswith(".py") or ".py:" in name:
        name = str(Path(folder) / name)
    try:
        job = find_job(name, Path(folder)).job
    except UsageError as error:
        if request.job.isidentifier() or "-" in request.job:
            known = nearest(request.job, settings.jobs)
            raise UsageError(f"{error}; of job definitions, {known}") from error
        raise
    return dataclasses.replace(
        request,
        folder=folder,
        on=_place(request.on, settings),
        scope=request.scope or scope(job, request, Path(folder)),
        submitter=request.submitter or owner(),
    )


def _place(name: str | None, settings: Settings) -> str | None:
    """A place by its name; that of a spec stands for a cluster, or an application, that is up."""
    if name is None or settings.place(name) is not None:
        return name
    kind = kind_of(name)
    return name if kind is None else f"{kind}:{name}"


_PLAIN = RunRequest("")


def _asked(request: RunRequest) -> dict[str, Any]:
    """What a request says otherwise than one that says nothing."""
    return {
        field.name: getattr(request, field.name)
        for field in dataclasses.fields(request)
        if field.name not in {"job", "argv", "definition"}
        and getattr(request, field.name) != getattr(_PLAIN, field.name)
    }


def scope(job: AnyJob, request: RunRequest, folder: Path) -> str | None:
    """What only one run at a time writes: what a job publishes below its output, where that is.

    Which datasets those are shows with the input only. Runs of two jobs that write one dataset find
    each other at work there, and one of them waits (`gristmill.manager.retry.BUSY`). Raises
    `UsageError` for flags that the job refuses.
    """
    argv = request.argv_of(0) if request.array else request.argv
    parsed = job_parser(job, f"gristmill submit {job.name}").parse_args(list(argv))
    job.options.from_namespace(parsed)
    # Children may write to places of their own: what tells them apart has to stay in.
    only = ArgumentParser(add_help=False, allow_abbrev=False)
    only.add_argument("--output")
    output = str(only.parse_known_args(list(request.argv))[0].output)
    if not is_remote(output):
        output = str(folder / output)
    return f"{output.rstrip('/')} {job.name}"


def submit(
    job: AnyJob | Place,
    *,
    input: Place | Iterable[Place] | None = None,  # noqa: A002  the flag's name
    output: Place | None = None,
    batch: str | None = None,
    key: str | None = None,
    queue: str | None = None,
    priority: int = 0,
    share: str | None = None,
    after: Sequence[str] = (),
    after_any: Sequence[str] = (),
    array: int | Sequence[str] | None = None,
    n_to_n: str | None = None,
    sequential: bool = False,
    fail_fast: bool = False,
    retries: int | None = None,
    timeout: timedelta | str | None = None,
    cores: float | None = None,
    memory: int | None = None,
    on: str | None = None,
    ledger: str | Ledger | None = None,
    **options: Any,
) -> Submitted:
    """Submit a run of a job, or of a job definition by its name, as `gristmill submit` does.

    Gives its id, its state, and whether it `is_new`: with a `key` that was there, it is the run
    that has it. `options` are those of the job; `memory` is in bytes, `retries` how often it is
    tried after the first time. `ledger` is a URL or a ledger that is open; by default that of the
    project or the user. Nothing happens until a worker is there (`gristmill worker`).

    Raises `UsageError` for what can never run, `InputError` for a run to wait for that is not
    there, `BusyError` where the queue is full.
    """
    name = job.name if isinstance(job, Job) else os.fspath(job)
    words = [*_where(input, output)]
    if batch is not None:
        words += ["--batch", batch]
    if options:
        found = job if isinstance(job, Job) else find_job(name).job
        words += found.options.from_json(options).render()
    asked: Mapping[str, Any] = {
        "queue": queue,
        "share": share,
        "attempts": None if retries is None else retries + 1,
        "timeout": None if timeout is None else _span(timeout).total_seconds(),
        "cores": cores,
        "memory": memory,
    }
    request = RunRequest(
        name,
        tuple(words),
        key=key,
        priority=priority,
        after=tuple(after),
        after_any=tuple(after_any),
        array=children(array),
        n_to_n=n_to_n,
        sequential=sequential,
        fail_fast=fail_fast,
        on=on,
        **{name: value for name, value in asked.items() if value is not None},
    )
    if isinstance(ledger, Ledger):
        return submit_request(ledger, request)
    opened = open_ledger(ledger)
    try:
        return submit_request(opened, request)
    finally:
        opened.close()


def children(array: int | Sequence[str] | None) -> tuple[str, ...] | None:
    """The items of an array; of one that is only counted, its indexes."""
    if isinstance(array, int):
        return tuple(map(str, range(array)))
    return None if array is None else tuple(array)


def _where(places: Place | Iterable[Place] | None, output: Place | None) -> Iterable[str]:
    if places is not None:
        some = (places,) if isinstance(places, str | os.PathLike) else tuple(places)
        yield "--input"
        yield from (os.fspath(one) for one in some)
    if output is not None:
        yield from ("--output", os.fspath(output))


def _span(span: timedelta | str) -> timedelta:
    if isinstance(span, timedelta):
        return span
    try:
        return duration(span)
    except argparse.ArgumentTypeError as error:
        raise UsageError(f"timeout: {error}") from error
