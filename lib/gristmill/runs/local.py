"""spark-submit on this machine, in a process that outlives the one that started it."""

import contextlib
import os
import signal
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pyspark

from gristmill.errors import ExitCode, InputError
from gristmill.runs import Handle, LogFile, State, Status, Submission
from gristmill.spark.session import local_settings, settings_for, use_java

_TAIL = 1 << 20
# The exit code appears whole or not at all, whoever is there to wait for it.
_KEEPER = 'cd "$1"; shift; trap : TERM; "$@" >stdout 2>stderr; echo $? >code.new; mv code.new code'


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
        command = ["/bin/sh", "-c", _KEEPER, "sh", str(home), *self._command(submission)]
        # A process of no Popen: nothing waits for it or minds that it goes on.
        pid = os.posix_spawn(
            command[0],
            command,
            {**os.environ, "JAVA_HOME": str(use_java().home)},
            file_actions=[(os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0)],
            setsid=True,
        )
        (home / "pid").write_text(str(pid))
        return handle

    def _command(self, submission: Submission) -> list[str]:
        settings = local_settings() | settings_for(submission.argv, lambda _text: None)
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
        started, code = _modified(home / "pid"), home / "code"
        if not code.exists() and self._alive(home):
            return Status(State.RUNNING, "", "", started)
        is_cancelled = (home / "cancel").exists()
        if not code.exists():
            state = State.CANCELLED if is_cancelled else State.FAILED
            return Status(state, "", "its process was killed", started)
        number, ended = int(code.read_text()), _modified(code)
        detail = f"exit code {number}"
        if number == 0:
            return Status(State.SUCCEEDED, detail, "", started, ended)
        is_cancelled = is_cancelled or number == ExitCode.INTERRUPTED
        state = State.CANCELLED if is_cancelled else State.FAILED
        return Status(state, detail, detail, started, ended)

    def cancel(self, handle: Handle) -> None:
        """Interrupt a run, if it has not ended."""
        home = self._home(handle)
        if not (home / "code").exists() and self._alive(home):
            (home / "cancel").touch()
            with contextlib.suppress(ProcessLookupError):
                os.killpg(_pid(home), signal.SIGTERM)

    def logs_at(self, handle: Handle) -> str:
        """The folder of the run."""
        return str(self._home(handle))

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
        home = Path(handle.target) / handle.id
        if not home.is_dir():
            raise InputError(f"no run {handle.id} in {handle.target}")
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


def _modified(path: Path) -> datetime:
    return datetime.fromtimestamp(path.stat().st_mtime, UTC)
