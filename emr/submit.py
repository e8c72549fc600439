"""Submitting: what is wrong is found here, what is shipped is uploaded, and it runs once."""

import contextlib
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from gristmill.emr.aws import Aws, RefusedError, parse_s3_uri
from gristmill.emr.claims import check_same_run, claim
from gristmill.emr.package import Package, Shipped, build, check, locate, upload
from gristmill.emr.prepare import SubmitRequest, prepare
from gristmill.emr.requests import Request, TooLongError
from gristmill.emr.requests.event_logs import event_log_marker
from gristmill.emr.requests.inputs import InputLists, listed
from gristmill.emr.runners.serverless import ServerlessRunner
from gristmill.emr.runners.steps import Ask, StepRunner
from gristmill.emr.runners.transient import TransientRunner
from gristmill.emr.runs import Record, Runs
from gristmill.errors import GristmillError, UsageError
from gristmill.runs import Handle, Runner, Submission


def pack(wanted: SubmitRequest, folder: Path) -> tuple[Package, Shipped]:
    """What is shipped, built in `folder`, and where it will be. Raises `GristmillError`."""
    package = build(
        folder, wanted.requirements, wanted.platform, [s.own for s in wanted.steps if s.own]
    )
    return package, locate(package, wanted.spec.home)


def plan(wanted: SubmitRequest) -> dict[str, Request]:
    """The request that `submit` would make, by its name; ids that AWS would give are in <>."""
    record = prepare(wanted)
    with TemporaryDirectory() as folder:
        _, shipped = pack(wanted, Path(folder))
    name, ask = wanted.target.operation, wanted.target.ask(shipped, wanted.target.placeholder)
    inputs = listed_inputs(ask, record.submission, wanted.spec.home)
    if inputs is None:
        return {name: ask(record.submission)}
    puts: dict[str, Request] = {}
    for number, (uri, data) in enumerate(inputs.files.items(), start=1):
        bucket, key = parse_s3_uri(uri)
        put = {"Bucket": bucket, "Key": key, "Body": data.decode(), "IfNoneMatch": "*"}
        puts["PutObject" if number == 1 else f"PutObject {number}"] = put
    return {**puts, name: ask(inputs.submission)}


def submit(
    aws: Aws,
    wanted: SubmitRequest,
    tell: Callable[[str], None],
    pause: Callable[[float], None] = time.sleep,
) -> Record:
    """Run a job, or give the run that has the same key. Raises `GristmillError`."""
    record = prepare(wanted)
    kind = wanted.target
    target = kind.find(aws, tell, with_requirements=wanted.requirements is not None)
    runs = Runs(aws, wanted.spec.home)
    before = runs.find(record.run)
    if before and before.record.handle:
        return _submitted(before.record, record, tell)
    with TemporaryDirectory() as folder:
        package, shipped = pack(wanted, Path(folder))
        ask = kind.ask(shipped, target)
        # What is wrong with it is found before anybody knows of it.
        inputs = listed_inputs(ask, record.submission, wanted.spec.home)
        for note in (*package.notes, *check(package)):
            tell(note)
        upload(package, wanted.spec.home, aws.s3)
    for uri, data in inputs.files.items() if inputs else ():
        aws.create(uri, data)
    if kind.has_event_folder:
        make_event_folder(aws, wanted.spec.home, record.run)
    record = replace(record, logs=kind.logs(aws, target) or record.logs, shipped=shipped)
    ours = claim(runs, record, tell, pause)
    if ours.handle:
        return _submitted(ours, record, tell)
    runner = kind.runner(aws, ask, target)
    return _started(runs, runner, ours, inputs.submission if inputs else ours.submission, tell)


def make_event_folder(aws: Aws, home: str, run: str) -> None:
    """Have the folder be there in which a run keeps its events. Raises `GristmillError`."""
    try:
        aws.create(event_log_marker(home, run), b"")
    except RefusedError as error:
        raise RefusedError(
            f"{error}\nthe account's stack is of an older version: gristmill emr deploy brings it "
            "up to date; or leave events where they were, by event_logs = false in the spec"
        ) from error


def listed_inputs(ask: Ask, submission: Submission, home: str) -> InputLists | None:
    """The lists that inputs go into where they are too many for a request; None where they are not.

    Raises `UsageError` where the request is too long even so.
    """
    try:
        ask(submission)
    except TooLongError:
        inputs = listed(submission, home)
        if inputs is None:
            raise
        ask(inputs.submission)
        return inputs
    return None


def _submitted(found: Record, record: Record, tell: Callable[[str], None]) -> Record:
    """The run that was submitted before under the key. Raises `UsageError` if it is another."""
    check_same_run(found, record)
    tell(f"run {record.run} was submitted before, by {found.owner}")
    return found


def _started(
    runs: Runs,
    runner: Runner,
    record: Record,
    submission: Submission,
    tell: Callable[[str], None],
) -> Record:
    """The run, once it is started, as `submission`, and that is written down.

    Of a run that AWS refused, nothing stays.
    """
    again = f"to go on, submit it again with --run {record.run}, which looks for it first"
    try:
        done = replace(record, handle=runner.submit(submission))
        runs.save(done)
    except RefusedError as error:
        if _withdrawn(runs, record):
            raise
        raise GristmillError(f"{error}\nrun {record.run}: {again}") from error
    except GristmillError as error:
        _given_up(runs, record)
        raise GristmillError(f"{error}\nrun {record.run}: {again}") from error
    except KeyboardInterrupt:
        tell(f"run {record.run} may have been submitted: {again}")
        raise
    return done


def _withdrawn(runs: Runs, record: Record) -> bool:
    """Take away the record of a run that cannot be started; whether it is gone."""
    with contextlib.suppress(GristmillError):
        found = runs.find(record.run)
        if found is None or (found.record == record and runs.remove(found)):
            return True
    # Submitters of a stack from before may not delete it.
    _given_up(runs, record)
    return False


def _given_up(runs: Runs, record: Record) -> None:
    """Note that nothing of a run is under way any more, so that nobody waits for it."""
    with contextlib.suppress(GristmillError):
        found = runs.find(record.run)
        if found and found.record == record:
            runs.replace(found, replace(record, claim=""))


def runner_of(aws: Aws, record: Record) -> tuple[Runner, Handle]:
    """What looks after a run. Raises `UsageError` where it was never submitted."""
    if record.handle is None:
        raise UsageError(
            f"run {record.run} was not submitted, or nobody has noted that it was: submit it again "
            f"with --run {record.run}, which looks for it first"
        )
    kinds = {kind.name: kind for kind in (StepRunner, TransientRunner, ServerlessRunner)}
    return kinds[record.handle.runner](aws, record.logs), record.handle
