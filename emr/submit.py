"""Submitting: what is wrong is found here, what is shipped is uploaded, and it runs once."""

import contextlib
import re
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from emr.aws import Aws
from emr.claims import claim, see_that_it_is
from emr.package import Package, Shipped, Target, build, check, locate, upload
from emr.requests import Request
from emr.requests.clusters import run_job_flow_for
from emr.requests.serverless import start_job_run
from emr.requests.steps import add_job_flow_steps
from emr.runners.serverless import ServerlessRunner, find_application
from emr.runners.steps import Ask, StepRunner
from emr.runners.transient import TransientRunner
from emr.runs import Record, Runs, owner
from emr.specs import ServerlessSpec, Spec
from emr.specs.spark import changed_by_yarn
from emr.targets import find_cluster, log_folder
from gristmill.command import job_parser
from gristmill.errors import GristmillError, UsageError
from gristmill.job import AnyJob
from gristmill.publish.settle import run_id
from gristmill.runners import Handle, Runner, Submission

_RUN = re.compile(r"[A-Za-z0-9._-]{1,48}")
_IN_S3 = re.compile(r"s3a?://[^/]")
_IN_SIGHT = re.compile(r"s3a?://[^/]|hdfs://")


@dataclass(frozen=True)
class Wanted:
    """What is to be run: a job with its flags on what a spec describes.

    `run` is the run key, a new one where it is None; `transient` makes a cluster for it alone;
    `requirements` is a file of dependencies as pip takes.
    """

    job: AnyJob
    argv: tuple[str, ...]
    spec: Spec
    run: str | None = None
    transient: bool = False
    requirements: Path | None = None

    @property
    def target(self) -> Target:
        """What is shipped must run on."""
        return Target(self.spec.python, self.spec.architecture)


def prepare(wanted: Wanted) -> Record:
    """The run as it will be written down. Raises `UsageError` for flags that the job refuses."""
    run = wanted.run or run_id(datetime.now(UTC), secrets.token_hex(4))
    if not _RUN.fullmatch(run):
        raise UsageError(f"--run takes 1 to 48 letters, digits, dots or dashes, not {run!r}")
    if wanted.transient and isinstance(wanted.spec, ServerlessSpec):
        raise UsageError("--transient makes a cluster, and EMR Serverless has none: leave it out")
    parsed = job_parser(wanted.job, f"gristmill emr submit {wanted.job.name}").parse_args(
        list(wanted.argv)
    )
    options = wanted.job.options.from_namespace(parsed)
    named = [("--input", uri) for uri in parsed.input] + [("--output", parsed.output)]
    unseen = [one for one in (*named, *options.files()) if not _IN_SIGHT.match(one[1])]
    argv, report = wanted.argv, parsed.report
    # It is read back from here, where there is no HDFS.
    if report is not None and not _IN_S3.match(report):
        unseen.append(("--report", report))
    if unseen:
        advice = "is not where a cluster and this machine see it: upload it to S3 (s3://…)"
        raise UsageError("\n".join(f"{flag} {uri} {advice}" for flag, uri in unseen))
    if report is None:
        report = f"{parsed.output.rstrip('/')}/_gristmill/reports/{run}.json"
        argv = (*argv, "--report", report)
    submission = Submission(run, wanted.job.name, argv)
    created = datetime.now(UTC).isoformat(timespec="seconds")
    spec = wanted.spec
    return Record(
        submission,
        spec.name,
        spec.architecture,
        spec.logs,
        report,
        created,
        owner(),
        claim=secrets.token_hex(8),
    )


def notes(wanted: Wanted) -> list[str]:
    """What is not wrong with a run, and had better be known."""
    on_yarn = not isinstance(wanted.spec, ServerlessSpec)
    return changed_by_yarn(wanted.spec.spark) if on_yarn else []


def pack(wanted: Wanted, folder: Path) -> tuple[Package, Shipped]:
    """What is shipped, built in `folder`, and where it will be. Raises `GristmillError`."""
    package = build(folder, wanted.requirements, wanted.target)
    return package, locate(package, wanted.spec.home)


def plan(wanted: Wanted) -> dict[str, Request]:
    """The request that `submit` would make, by its name; ids that AWS would give are in <>."""
    record = prepare(wanted)
    with TemporaryDirectory() as folder:
        _, shipped = pack(wanted, Path(folder))
    place = "<application>" if isinstance(wanted.spec, ServerlessSpec) else "<cluster>"
    name, ask = _request(wanted, shipped, place)
    return {name: ask(record.submission)}


def submit(
    aws: Aws,
    wanted: Wanted,
    tell: Callable[[str], None],
    pause: Callable[[float], None] = time.sleep,
) -> Record:
    """Run a job, or give the run that has the same key. Raises `GristmillError`."""
    record = prepare(wanted)
    place = _place(aws, wanted)
    runs = Runs(aws, wanted.spec.home)
    before = runs.find(record.run)
    if before and before.record.handle:
        return _submitted(before.record, record, tell)
    with TemporaryDirectory() as folder:
        package, shipped = pack(wanted, Path(folder))
        _, ask = _request(wanted, shipped, place)
        # What is wrong with it is found before anybody knows of it.
        ask(record.submission)
        for note in (*package.notes, *check(package)):
            tell(note)
        upload(package, wanted.spec.home, aws.s3)
    if _is_step(wanted):
        record = replace(record, logs=log_folder(aws, place) or record.logs)
    ours = claim(runs, record, tell, pause)
    if ours.handle:
        return _submitted(ours, record, tell)
    return _started(runs, _runner(aws, wanted, ask, place), ours, tell)


def _is_step(wanted: Wanted) -> bool:
    """Whether it goes to a cluster that is there."""
    return not (wanted.transient or isinstance(wanted.spec, ServerlessSpec))


def _submitted(found: Record, record: Record, tell: Callable[[str], None]) -> Record:
    """The run that was submitted before under the key. Raises `UsageError` if it is another."""
    see_that_it_is(found, record)
    tell(f"run {record.run} was submitted before, by {found.owner}")
    return found


def _started(runs: Runs, runner: Runner, record: Record, tell: Callable[[str], None]) -> Record:
    """The run, once it is started and that is written down."""
    again = f"to go on, submit it again with --run {record.run}, which looks for it first"
    try:
        done = replace(record, handle=runner.submit(record.submission))
        runs.save(done)
    except GristmillError as error:
        with contextlib.suppress(GristmillError):
            # Nothing of it is under way any more, so nobody has to wait for it.
            found = runs.find(record.run)
            if found and found.record == record:
                runs.replace(found, replace(record, claim=""))
        raise GristmillError(f"{error}\nrun {record.run}: {again}") from error
    except KeyboardInterrupt:
        tell(f"run {record.run} may have been submitted: {again}")
        raise
    return done


def _place(aws: Aws, wanted: Wanted) -> str:
    """The id of the cluster or the application that is there for it; none for a transient one."""
    spec = wanted.spec
    if wanted.transient:
        return ""
    if isinstance(spec, ServerlessSpec):
        found = find_application(aws, spec)
    else:
        found = find_cluster(aws, spec)
    if found is None:
        other = "" if isinstance(spec, ServerlessSpec) else ", or add --transient"
        raise UsageError(f"{spec.name} is not up: gristmill emr up --cluster {spec.name}{other}")
    return found


def _request(wanted: Wanted, shipped: Shipped, place: str) -> tuple[str, Ask]:
    """What AWS is asked for: the name of the operation, and what makes its request."""
    spec = wanted.spec
    if isinstance(spec, ServerlessSpec):
        return "StartJobRun", partial(start_job_run, spec, place, shipped)
    if wanted.transient:
        return "RunJobFlow", partial(run_job_flow_for, spec, shipped)
    return "AddJobFlowSteps", partial(add_job_flow_steps, spec, place, shipped)


def _runner(aws: Aws, wanted: Wanted, ask: Ask, place: str) -> Runner:
    logs = wanted.spec.logs
    if isinstance(wanted.spec, ServerlessSpec):
        return ServerlessRunner(aws, logs, ask, place)
    if wanted.transient:
        return TransientRunner(aws, logs, ask)
    return StepRunner(aws, logs, ask, place)


def runner_of(aws: Aws, record: Record) -> tuple[Runner, Handle]:
    """What looks after a run. Raises `UsageError` where it was never submitted."""
    if record.handle is None:
        raise UsageError(
            f"run {record.run} was not submitted, or nobody has noted that it was: submit it again "
            f"with --run {record.run}, which looks for it first"
        )
    kinds = {kind.name: kind for kind in (StepRunner, TransientRunner, ServerlessRunner)}
    return kinds[record.handle.runner](aws, record.logs), record.handle
