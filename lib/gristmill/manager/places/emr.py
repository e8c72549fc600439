"""EMR: a cluster that is up, one that is made for each run, or EMR Serverless."""

import os
import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

from gristmill.catalogue import find_job
from gristmill.emr.aws import Aws, RefusedError
from gristmill.emr.files import ACCOUNT
from gristmill.emr.outcome import run_outcome
from gristmill.emr.prepare import SubmitRequest
from gristmill.emr.prices import read_prices
from gristmill.emr.runners.steps import FullError
from gristmill.emr.runs import Record, Runs
from gristmill.emr.specs import Spec, load_spec
from gristmill.emr.submit import runner_of, submit
from gristmill.emr.targets.target import NotUpError
from gristmill.errors import GristmillError, UsageError
from gristmill.followers import follow
from gristmill.manager.ledger.claiming import Claimed
from gristmill.manager.places import Outcome, RefusedForNowError
from gristmill.manager.places.reports import read_progress, result_of
from gristmill.runs import Handle, Runner, Status, Submission

# Logs of a run without a report may come minutes after its end; a retry need not wait for them all.
_PATIENCE = timedelta(minutes=2)


class EmrPlace:
    """Runs are submitted as `gristmill emr submit` does, each attempt under its run key."""

    poll_every = 10.0

    def __init__(
        self,
        spec: str,
        *,
        transient: bool,
        account: Path | None = None,
        tell: Callable[[str], None],
    ) -> None:
        self._spec_name = spec
        self._transient = transient
        self._account = account or Path(os.environ.get("GRISTMILL_EMR_ACCOUNT", ACCOUNT))
        self._tell = tell
        self._one_at_a_time = threading.Lock()

    @cached_property
    def _spec(self) -> Spec:
        return load_spec(self._spec_name, self._account)

    @cached_property
    def _aws(self) -> Aws:
        return Aws(self._spec.region)

    @cached_property
    def _records(self) -> Runs:
        return Runs(self._aws, self._spec.home)

    def start(self, run: Claimed) -> Handle:
        """Submit an attempt, or find the one that has its run key."""
        found = find_job(run.job, Path(run.folder) if run.folder else None)
        wanted = SubmitRequest(
            found.job,
            (*run.argv, "--progress-to", self._progress_uri(run.run_key)),
            self._spec,
            run.run_key,
            self._transient,
            None,
            found,
        )
        try:
            # Each builds what is shipped, which takes a core for seconds.
            with self._one_at_a_time:
                record = submit(self._aws, wanted, self._tell)
        except (FullError, NotUpError) as error:
            raise RefusedForNowError(str(error)) from error
        except RefusedError as error:
            # The same again would be refused again.
            raise UsageError(str(error)) from error
        if record.handle is None:
            raise GristmillError(f"run {run.run_key} is being submitted by another process")
        return record.handle

    def _progress_uri(self, run_key: str) -> str:
        return f"{self._spec.home}/progress/{run_key}.json"

    def poll(self, handles: Sequence[Handle]) -> Mapping[Handle, Status]:
        """How attempts are, in as few requests as EMR allows."""
        kinds: dict[str, list[Handle]] = {}
        for handle in handles:
            kinds.setdefault(handle.runner, []).append(handle)
        found: dict[Handle, Status] = {}
        for some in kinds.values():
            found |= self._runner(some[0]).poll(some)
        return found

    def cancel(self, handle: Handle) -> None:
        """Ask that an attempt end."""
        self._runner(handle).cancel(handle)

    def _runner(self, handle: Handle) -> Runner:
        return runner_of(self._aws, _watched(handle, self._spec))[0]

    def outcome(self, run: Claimed, handle: Handle, status: Status) -> Outcome:
        """Its report, its cost, and why it failed; what follows runs is brought up to it."""
        record = self._records.load(run.run_key)
        found = run_outcome(
            self._aws,
            record,
            runner_of(self._aws, record)[0],
            handle,
            status,
            prices=read_prices(),
            tell=self._tell,
            patience=_PATIENCE,
        )
        follow(found.reports, self._tell, Path(run.folder) if run.folder else None)
        cause = found.cause
        report = found.reports[-1] if found.reports else None
        return Outcome(
            cause=cause.kind.name if cause else "",
            reason="\n".join(cause.lines) if cause else status.reason,
            advice=cause.advice if cause else "",
            logs=found.logs_at,
            cost=float(found.cost.amount) if found.cost else None,
            result=result_of(report) if report and not report.error else {},
        )

    def progress(self, run: Claimed, _handle: Handle) -> Mapping[str, Any] | None:
        """What the attempt last wrote of itself into S3."""
        return read_progress(self._aws.read(self._progress_uri(run.run_key)))

    def tail(self, handle: Handle, lines: int) -> Sequence[str]:
        """The end of the logs that EMR has put into S3, its driver's where they are there."""
        runner = self._runner(handle)
        logs = sorted(runner.logs(handle), key=lambda log: ("stderr" in log.uri, log.size))
        return runner.read(logs[-1]).splitlines()[-lines:] if logs else []


def _watched(handle: Handle, spec: Spec) -> Record:
    """As much of a record as looking after a run takes."""
    submission = Submission(handle.id, "", ())
    return Record(submission, spec.name, spec.architecture, spec.logs, (), "", "", handle)
