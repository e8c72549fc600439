"""Trying a run again, under its key: where its machines were lost, or somebody asks for it.

What its jobs had done by then is not done again: they find their reports.
"""

import re
import secrets
import time
from collections.abc import Callable
from dataclasses import replace

from gristmill.emr.aws import Aws, RefusedError
from gristmill.emr.cause import Kind
from gristmill.emr.claims import HELD, claimed
from gristmill.emr.outcome import RunOutcome
from gristmill.emr.runners.serverless import ServerlessRunner
from gristmill.emr.runners.transient import TransientRunner
from gristmill.emr.runs import Found, Record, Runs
from gristmill.emr.specs import Spec
from gristmill.emr.specs.elsewhere import elsewhere, is_short
from gristmill.emr.submit import listed_inputs
from gristmill.emr.targets import Target, target_of
from gristmill.emr.targets.target import NotUpError
from gristmill.errors import BusyError, GristmillError, UsageError
from gristmill.runs import State

# Why a cluster ended, as EMR's ClusterStateChangeReasonCode has it, where not for what ran on it
# (https://docs.aws.amazon.com/emr/latest/APIReference/API_ClusterStateChangeReason.html).
_LOST = {
    "BOOTSTRAP_FAILURE": "its cluster did not start: a bootstrap action failed",
    "INSTANCE_FAILURE": "its cluster was lost",
    "INSTANCE_FLEET_TIMEOUT": "its cluster did not get its instances in time",
    "INTERNAL_ERROR": "its cluster was lost",
}
# https://docs.aws.amazon.com/emr/latest/EMR-Serverless-UserGuide/job-states.html
_JOB = re.compile(r"Job failed\b", re.IGNORECASE)
_ENDED = re.compile(r" ended: ([A-Z_]+)\b *(.*)", re.DOTALL)


def lost(found: RunOutcome, runner: str) -> str | None:
    """How a run lost what it ran on, in words; None where it did not, or its job says why it
    failed. `runner` is the kind of what looks after it."""
    status = found.status
    if status.state is not State.FAILED or any(report.error for report in found.reports):
        return None
    if found.cause is not None and found.cause.kind is Kind.SAID:
        return None
    ended = _ENDED.search(status.reason)
    # What else AWS says of a run may be in the words of its job.
    is_told = ended or (runner == ServerlessRunner.name and not _JOB.match(status.reason))
    if is_told and is_short(status.reason):
        return "there was no capacity for it"
    if ended and ended[1] in _LOST:
        return _LOST[ended[1]]
    if found.cause is not None and found.cause.kind is Kind.LOST_NODE:
        return "the machine of its driver went away"
    return None


def again(
    aws: Aws,
    found: Found,
    spec: Spec,
    tell: Callable[[str], None],
    *,
    reason: str = "",
    pause: Callable[[float], None] = time.sleep,
) -> Record:
    """Submit the next attempt of a run that has ended, or what was begun of it; gives it.

    What is shipped is what was. Where the cluster is gone it is made again, where AWS had no
    machines (`reason`) of the next type and in the next subnet. If somebody else is at it, theirs
    is given. Raises `GristmillError`; then the run stands as it did.
    """
    record, runs = found.record, Runs(aws, spec.home)
    if record.spec != spec.name:
        raise UsageError(f"run {record.run} is of {record.spec}: name that by --cluster")
    shipped = record.shipped
    if shipped is None:
        raise UsageError(f"run {record.run} was submitted by an older version: submit it anew")
    if record.handle is None and not record.earlier:
        raise UsageError(
            f"run {record.run} was not submitted: submit it again with --run {record.run}, which "
            "looks for it first"
        )
    if record.handle is None and record.claim and found.age < HELD:
        raise BusyError(f"{record.owner} is about to submit run {record.run}: wait for it")
    ours = _next(record)
    if not runs.replace(found, ours):
        return claimed(runs, ours, tell, pause)
    transient = ours.earlier[-1].runner == TransientRunner.name
    if is_short(reason):
        spec = elsewhere(spec, ours.submission.attempt - 1)
    kind = target_of(spec, transient=transient)
    try:
        target = _found(kind, aws, tell)
        ask = kind.ask(shipped, target)
        inputs = listed_inputs(ask, ours.submission, spec.home)
        wanted = inputs.submission if inputs else ours.submission
        ours = replace(ours, logs=kind.logs(aws, target) or spec.logs)
    except BaseException:
        # Nothing of it was asked for.
        runs.save(record)
        raise
    try:
        done = replace(ours, handle=kind.runner(aws, ask, target).submit(wanted))
    except RefusedError:
        runs.save(record)
        raise
    except GristmillError as error:
        runs.save(replace(ours, claim=""))
        how = f"gristmill emr resume {ours.run} looks for it first"
        raise GristmillError(f"{error}\nrun {ours.run}: {how}") from error
    runs.save(done)
    return done


def _next(record: Record) -> Record:
    """The attempt after the one that has ended, or the one that was begun."""
    claim = secrets.token_hex(8)
    if record.handle is None:
        return replace(record, claim=claim)
    attempt = record.submission.attempt + 1
    submission = replace(record.submission, attempt=attempt, since=record.created)
    earlier = (*record.earlier, record.handle)
    return replace(record, submission=submission, earlier=earlier, handle=None, claim=claim)


def _found(kind: Target, aws: Aws, tell: Callable[[str], None]) -> str:
    try:
        return kind.find(aws, tell, with_requirements=False)
    except NotUpError:
        tell("it is not up any more: making it again")
        return kind.up(aws, tell, update=False)
