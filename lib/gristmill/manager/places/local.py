"""This machine: each attempt is a `gristmill run` in a process of its own."""

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from gristmill.emr.cause import Kind, probable_cause
from gristmill.emr.cause.kinds import kind_of
from gristmill.errors import ExitCode
from gristmill.manager.ledger.claiming import Claimed
from gristmill.manager.places import Outcome
from gristmill.manager.places.reports import read_progress, read_report, result_of
from gristmill.manager.retry import BUSY, INTERRUPTED, KILLED, REJECTS, USAGE
from gristmill.runs import Handle, State, Status, Submission
from gristmill.runs.local import Command, LocalRunner

_KILLED_CODES = {137, 134, 139}
_BY_CODE = {
    ExitCode.USAGE: USAGE,
    ExitCode.REJECTS: REJECTS,
    ExitCode.BUSY: BUSY,
    ExitCode.INTERRUPTED: INTERRUPTED,
    143: INTERRUPTED,
}


def gristmill_run(run: Claimed, home: Path) -> Sequence[str]:
    """The command of a run, which reports into the folder `home`."""
    reports = ["--report", str(home / "report.json"), "--progress-to", str(home / "progress.json")]
    return [sys.executable, "-m", "gristmill", "run", run.job, *run.argv, *reports]


class LocalPlace:
    """Runs are folders below `folder`. `command` makes of one what is run."""

    poll_every = 0.2

    def __init__(
        self,
        folder: Path,
        command: Callable[[Claimed, Path], Sequence[str]] = gristmill_run,
    ) -> None:
        self._folder = folder
        self._runs = command
        # One runner for all, which buries the processes that it started.
        self._runner = LocalRunner(folder, self._command)
        self._claimed: dict[str, Claimed] = {}

    def start(self, run: Claimed) -> Handle:
        """Start an attempt, or give the one that is there."""
        self._claimed[run.run_key] = run
        try:
            return self._runner.submit(Submission(run.run_key, run.job, run.argv))
        finally:
            del self._claimed[run.run_key]

    def _command(self, submission: Submission, home: Path) -> Command:
        run = self._claimed[submission.run]
        index = {} if run.index is None else _indexed(run.index)
        environ = {**os.environ, "GRISTMILL_RUN": run.id, **index}
        return Command(self._runs(run, home), run.folder or str(home), environ)

    def poll(self, handles: Sequence[Handle]) -> Mapping[Handle, Status]:
        """How attempts are."""
        return self._runner.poll(handles)

    def cancel(self, handle: Handle) -> None:
        """Interrupt an attempt."""
        self._runner.cancel(handle)

    def outcome(self, _run: Claimed, handle: Handle, status: Status) -> Outcome:
        """What came of it, by its report, its exit code and what it printed."""
        home = Path(handle.target) / handle.id
        report = read_report(_bytes(home / "report.json"))
        words = status.detail.rpartition(" ")[2]
        code = int(words) if words.isdigit() else None
        logs = self._runner.logs_at(handle)
        if status.state is State.SUCCEEDED:
            return Outcome(exit_code=0, logs=logs, result=result_of(report) if report else {})
        said = report.error if report and report.error else ""
        if code is None or code in _KILLED_CODES:
            reason = "its process was killed, as one is that takes more memory than there is"
            return Outcome(KILLED, said or reason, exit_code=code, logs=logs)
        if code in _BY_CODE:
            said = said or "\n".join(_said(self.tail(handle, 50)))
            return Outcome(_BY_CODE[code], said or status.detail, exit_code=code, logs=logs)
        if said:
            known = next((kind for kind in map(kind_of, said.splitlines()) if kind), Kind.SAID)
            return Outcome(known.name, said, known.advice, code, logs)
        cause = probable_cause({"stderr": "\n".join(self.tail(handle, 10_000))})
        return Outcome(cause.kind.name, "\n".join(cause.lines), cause.advice, code, logs)

    def progress(self, _run: Claimed, handle: Handle) -> Mapping[str, Any] | None:
        """What the attempt last wrote of itself."""
        return read_progress(_bytes(Path(handle.target) / handle.id / "progress.json"))

    def tail(self, handle: Handle, lines: int) -> Sequence[str]:
        """The end of its standard error."""
        logs = [log for log in self._runner.logs(handle) if log.uri.endswith("stderr")]
        return self._runner.read(logs[0]).splitlines()[-lines:] if logs else []


def _indexed(index: int) -> dict[str, str]:
    return {"GRISTMILL_ARRAY_INDEX": str(index), "AWS_BATCH_JOB_ARRAY_INDEX": str(index)}


def _said(lines: Sequence[str]) -> list[str]:
    """What `gristmill` itself said at the end."""
    said = [line for line in lines if line.startswith("gristmill: ")]
    return [said[-1].removeprefix("gristmill: ")] if said else []


def _bytes(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except OSError:
        return None
