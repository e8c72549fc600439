"""spark-submit on this machine, in a process that outlives the one that started it."""

import contextlib
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pyspark

from gristmill.errors import InputError
from gristmill.runners import Handle, LogFile, State, Status, Submission
from gristmill.session import local_settings, s3_settings, use_java

_TAIL = 1 << 20
_INTERRUPTED = 130
# The exit code appears whole or not at all, whoever is there to wait for it.
_KEEPER = 'trap : TERM; "$@" >stdout 2>stderr; echo $? >code.new; mv code.new code'


class LocalRunner:
    """Runs are folders below `folder`, each with its output, its process id and its exit code.

    `entry` is the script that takes a job's name and its flags; `py_files` a package for it.
    """

    name = "local"

    def __init__(self, folder: Path, entry: Path, py_files: Path | None = None) -> None:
        self.folder = folder
        self._entry = entry
        self._py_files = py_files

    def submit(self, submission: Submission) -> Handle:
        """Start a run, or give the one that has the same run key."""
        home = self.folder / submission.run
        handle = Handle(self.name, str(self.folder), submission.run)
        try:
            home.mkdir(parents=True)
        except FileExistsError:
            return handle
        java = use_java()
        process = subprocess.Popen(
            ["/bin/sh", "-c", _KEEPER, "sh", *self._command(submission)],
            cwd=home,
            env={**os.environ, "JAVA_HOME": str(java.home)},
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
        (home / "pid").write_text(str(process.pid))
        return handle

    def _command(self, submission: Submission) -> list[str]:
        settings = local_settings() | s3_settings(submission.argv, lambda _text: None)
        settings |= submission.spark
        command = [str(Path(pyspark.__file__).parent / "bin" / "spark-submit")]
        for key, value in settings.items():
            command += ["--conf", f"{key}={value}"]
        if self._py_files:
            command += ["--py-files", str(self._py_files.resolve())]
        return [*command, str(self._entry.resolve()), submission.job, *submission.argv]

    def poll(self, handles: Sequence[Handle]) -> Mapping[Handle, Status]:
        """How runs are. Raises `InputError` for one that is not there."""
        return {handle: self._status(handle) for handle in handles}

    def _status(self, handle: Handle) -> Status:
        home = self._home(handle)
        started = _modified(home)
        code = home / "code"
        if not code.exists():
            if self._alive(home):
                return Status(State.RUNNING, started=_modified(home / "pid") or started)
            if not code.exists():
                return Status(State.FAILED, reason="its process was killed", started=started)
        number = int(code.read_text())
        state = {0: State.SUCCEEDED, _INTERRUPTED: State.CANCELLED}.get(number, State.FAILED)
        reason = "" if state is State.SUCCEEDED else f"exit code {number}"
        return Status(state, f"exit code {number}", reason, started, _modified(code))

    def cancel(self, handle: Handle) -> None:
        """Interrupt a run, if it has not ended."""
        home = self._home(handle)
        if not (home / "code").exists() and self._alive(home):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(_pid(home), signal.SIGTERM)

    def logs(self, handle: Handle) -> Sequence[LogFile]:
        """What the run printed."""
        home = self._home(handle)
        found = [home / name for name in ("stderr", "stdout")]
        return [LogFile(str(path), path.stat().st_size) for path in found if path.exists()]

    def read(self, log: LogFile) -> str:
        """A log's text; of a long one its end."""
        with Path(log.uri).open("rb") as file:
            file.seek(max(0, log.size - _TAIL))
            return file.read().decode(errors="replace")

    def _home(self, handle: Handle) -> Path:
        home = Path(handle.place) / handle.id
        if not home.is_dir():
            raise InputError(f"no run {handle.id} in {handle.place}")
        return home

    def _alive(self, home: Path) -> bool:
        pid = _pid(home)
        with contextlib.suppress(ChildProcessError):
            # Of a child, nothing else tells that it has ended.
            if os.waitpid(pid, os.WNOHANG)[0] == pid:
                return False
        try:
            # It leads a group of its own; another that was given its number later does not.
            return os.getpgid(pid) == pid
        except ProcessLookupError:
            return False


def _pid(home: Path) -> int:
    return int((home / "pid").read_text())


def _modified(path: Path) -> datetime | None:
    if not path.exists():
        return None
    return datetime.fromtimestamp(path.stat().st_mtime, UTC)
