"""What is to be submitted, checked on the spot: nobody is asked, nothing is written."""

import re
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from gristmill.catalogue import Found
from gristmill.emr.package import Platform
from gristmill.emr.requests.inputs import split
from gristmill.emr.runs import Record
from gristmill.emr.specs import Spec
from gristmill.emr.targets import Target, target_of
from gristmill.errors import UsageError
from gristmill.model.job import AnyJob
from gristmill.publish.lease import owner
from gristmill.publish.run_ids import run_id
from gristmill.readers.input_list import expand_local, file_of
from gristmill.runs import Submission
from gristmill.runs.chains import joined
from gristmill.script.command import job_parser

_RUN = re.compile(r"[A-Za-z0-9._-]{1,48}")
_IN_S3 = re.compile(r"s3a?://[^/]")
_IN_SIGHT = re.compile(r"s3a?://[^/]|hdfs://")


@dataclass(frozen=True)
class Step:
    """A job of a chain with its flags; `own` is where it was found, if it is not Gristmill's."""

    job: AnyJob
    argv: tuple[str, ...]
    own: Found | None = None


@dataclass(frozen=True)
class SubmitRequest:
    """What is to be run: a job with its flags on what a spec describes, and `then` others.

    `run` is the run key, a new one where it is None; `transient` makes a cluster for it alone;
    `requirements` is a file of dependencies as pip takes. `own` is where the job was found, if that
    is not one of Gristmill's: it is shipped.
    """

    job: AnyJob
    argv: tuple[str, ...]
    spec: Spec
    run: str | None = None
    transient: bool = False
    requirements: Path | None = None
    own: Found | None = None
    then: tuple[Step, ...] = ()

    @property
    def steps(self) -> tuple[Step, ...]:
        """The jobs, in the order in which they run: each once the one before it is done."""
        return (Step(self.job, self.argv, self.own), *self.then)

    @property
    def target(self) -> Target:
        """What it goes to. Raises `UsageError` for a transient one of EMR Serverless."""
        return target_of(self.spec, transient=self.transient)

    @property
    def platform(self) -> Platform:
        """What is shipped must run on."""
        return Platform(self.spec.python, self.spec.architecture)


def prepare(wanted: SubmitRequest) -> Record:
    """The run as it will be written down. Raises `UsageError` for flags that the job refuses."""
    run = wanted.run or run_id(datetime.now(UTC), secrets.token_hex(4))
    if not _RUN.fullmatch(run):
        raise UsageError(f"--run takes 1 to 48 letters, digits, dots or dashes, not {run!r}")
    _ = wanted.target  # or it cannot be
    found = [
        _prepared(step, run if len(wanted.steps) == 1 else f"{run}-{number}")
        for number, step in enumerate(wanted.steps, start=1)
    ]
    reports = tuple(report for _, report in found)
    if len(set(reports)) < len(reports):
        raise UsageError("each job needs a --report of its own: leave it out, and it has one")
    first, *argv = joined(
        [(step.job.name, words) for step, (words, _) in zip(wanted.steps, found, strict=True)]
    )
    submission = Submission(run, first, tuple(argv))
    created = datetime.now(UTC).isoformat(timespec="seconds")
    spec = wanted.spec
    return Record(
        submission,
        spec.name,
        spec.architecture,
        spec.logs,
        reports,
        created,
        owner(),
        claim=secrets.token_hex(8),
    )


def _prepared(step: Step, run: str) -> tuple[tuple[str, ...], str]:
    """The flags that a job is given, and where it puts its report."""
    name = step.job.name
    parsed = job_parser(step.job, f"gristmill emr submit {name}").parse_args(list(step.argv))
    options = step.job.options.from_namespace(parsed)
    argv, inputs, report = step.argv, expand_local(parsed.input), parsed.report
    if list(inputs) != parsed.input:
        # What a list on this machine names no cluster finds there.
        argv = ("--input", *inputs, *split(argv)[1])
    named = [("--input", uri) for uri in inputs] + [("--output", parsed.output)]
    places = (*named, *options.files())
    unseen = [(flag, uri) for flag, uri in places if not _IN_SIGHT.match(file_of(uri))]
    # It is read back from here, where there is no HDFS.
    if report is not None and not _IN_S3.match(report):
        unseen.append(("--report", report))
    if unseen:
        advice = "is not where a cluster and this machine see it: upload it to S3 (s3://…)"
        raise UsageError("\n".join(f"{flag} {uri} {advice}" for flag, uri in unseen))
    if report is None:
        report = f"{parsed.output.rstrip('/')}/_gristmill/reports/{run}.json"
        argv = (*argv, "--report", report)
    return argv, report
