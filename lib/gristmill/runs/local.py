"""Commands on this machine, in processes that outlive the one that started them."""

import contextlib
import fcntl
import os
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pyspark

from gristmill.errors import ExitCode, GristmillError, InputError
from gristmill.failpoints import point
from gristmill.processes import is_alive
from gristmill.runs import Handle, LogFile, State, Status, Submission, keeper
from gristmill.spark.session import local_settings, settings_for, use_java

_TAIL = 1 << 20
_PATIENCE, _LOOK = 30.0, 0.01
# As AWS Batch and Kubernetes give it, from SIGTERM to SIGKILL.
GRACE = 30.0


@dataclass(frozen=True)
class Command:
    """What to run, in which folder, and what it finds in its environment."""

    argv: Sequence[str]
    folder: str
    environ: Mapping[str, str]


class LocalRunner:
    """Runs are folders below `folder`, each with its output, its process id and its exit code.

    `command` makes of a submission, and the folder of its run, what is to be run. A run is started
    once, whoever dies in between: the keeper of its process decides that under a lock.
    """

    name = "local"

    def __init__(
        self,
        folder: Path,
        command: Callable[[Submission, Path], Command],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.folder = folder
        self._command = command
        self._clock = clock
        self._spawned: set[int] = set()

    def submit(self, submission: Submission) -> Handle:
        """Start a run, or give the one that has the same run key. Raises `GristmillError`."""
        home = self.folder / submission.run
        handle = Handle(self.name, str(self.folder), submission.run)
        home.mkdir(parents=True, exist_ok=True)
        point("a local run has its folder")
        if (home / "pid").exists():
            return handle
        command = self._command(submission, home)
        words = [sys.executable, "-I", "-S", keeper.__file__, str(home), command.folder]
        # A process of no Popen: nothing waits for it or minds that it goes on.
        process = os.posix_spawn(
            words[0],
            [*words, *command.argv],
            dict(command.environ),
            file_actions=[
                (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0),
                (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0),
            ],
            setsid=True,
        )
        self._spawned.add(process)
        point("a local run has its process")
        until = time.monotonic() + _PATIENCE
        while not (home / "pid").exists():
            if time.monotonic() > until:
                raise GristmillError(f"run {submission.run} did not start: see {home}")
            time.sleep(_LOOK)
        return handle

    def poll(self, handles: Sequence[Handle]) -> Mapping[Handle, Status]:
        """How runs are. Raises `InputError` for one that is not there."""
        self._bury()
        return {handle: self._status(handle) for handle in handles}

    def _status(self, handle: Handle) -> Status:
        home = self._home(handle)
        if not (home / "pid").exists():
            return Status(State.PENDING)
        started, code = _modified(home / "pid"), home / "code"
        if not code.exists() and _is_kept(home):
            self._end_for_good(home)
            return Status(State.RUNNING, "", "", started)
        is_cancelled = (home / "cancel").exists()
        if not code.exists():
            # What its keeper left goes, so that nothing runs beside the next attempt.
            _signal(home, signal.SIGKILL)
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
        """Interrupt a run, if it has not ended; one that minds nothing is killed by a later
        `poll`."""
        home = self._home(handle)
        if (home / "pid").exists() and not (home / "code").exists() and _is_kept(home):
            if not (home / "cancel").exists():
                (home / "cancel").write_text(str(self._clock()))
            _signal(home, signal.SIGTERM)

    def _bury(self) -> None:
        """Let keepers go that this process has started and that have ended."""
        for process in tuple(self._spawned):
            with contextlib.suppress(ChildProcessError):
                if os.waitpid(process, os.WNOHANG)[0] == 0:
                    continue
            self._spawned.discard(process)

    def _end_for_good(self, home: Path) -> None:
        with contextlib.suppress(OSError, ValueError):
            if self._clock() - float((home / "cancel").read_text()) > GRACE:
                _signal(home, signal.SIGKILL)

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


def spark_submit(
    entry: Path, py_files: Path | None = None
) -> Callable[[Submission, Path], Command]:
    """Runs by spark-submit: `entry` is the script that takes a job's name and its flags, `py_files`
    a package for it."""

    def command(submission: Submission, home: Path) -> Command:
        settings = local_settings() | settings_for(submission.argv, lambda _text: None)
        settings |= submission.spark
        words = [str(Path(pyspark.__file__).parent / "bin" / "spark-submit")]
        for key, value in settings.items():
            words += ["--conf", f"{key}={value}"]
        if py_files:
            words += ["--py-files", str(py_files.resolve())]
        words += [str(entry.resolve()), submission.job, *submission.argv]
        return Command(words, str(home), {**os.environ, "JAVA_HOME": str(use_java().home)})

    return command


def _is_kept(home: Path) -> bool:
    """Whether the keeper of a run is there: it holds the lock for as long as it lives."""
    with (home / "lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return True
    return False


def _signal(home: Path, number: signal.Signals) -> None:
    """Tell all processes of a run; its keeper leads them."""
    process = int((home / "pid").read_text())
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if number is signal.SIGKILL and not _is_kept(home) and is_alive(process):
            return  # another process has its number by now
        os.killpg(process, number)


def _modified(path: Path) -> datetime:
    return datetime.fromtimestamp(path.stat().st_mtime, UTC)
