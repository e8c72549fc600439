"""What a step or a job run does, done for real: a process, its end, and what it leaves as logs."""

import contextlib
import os
import shlex
import shutil
import signal
import subprocess
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from gristmill.errors import GristmillError
from simulator import driver, spark, yarn
from simulator.machine import Machine, MissingFile
from simulator.releases import Release

_POLL = 0.05
_TERMINATED = 128 + signal.SIGTERM
_RUNNER = "command-runner.jar"
# Of a driver, unless spark.yarn.maxAppAttempts says otherwise (YARN's default).
_ATTEMPTS = "2"


Prepared = tuple[list[str], dict[str, str], Path]
"""A command line, its environment, the folder in which it runs."""


@dataclass(frozen=True)
class Command:
    """What to run: `arguments` as `jar` takes them; `application` is what it is called there.

    On YARN, which all clusters have and EMR Serverless has not, that is its id without the word.
    """

    arguments: Sequence[str]
    release: Release
    application: str
    jar: str = _RUNNER
    is_on_yarn: bool = True

    @property
    def variables(self) -> str:
        """What the settings begin with that are environment variables of the driver."""
        return "spark.yarn.appMasterEnv." if self.is_on_yarn else "spark.emr-serverless.driverEnv."


class Run(threading.Thread):
    """A command that runs in a thread, below a folder of its own.

    `code` is its exit code once it has ended, and None until then.
    """

    def __init__(self, machine: Machine, folder: Path, command: Command) -> None:
        super().__init__(name=folder.name, daemon=True)
        self.code: int | None = None
        self.is_cancelled = False
        self.folder = folder
        """Where its logs are: `controller`, `syslog`, `stdout`, `stderr`."""
        self.application = command.application
        self._is_apart = False
        """Whether YARN runs the driver: it goes on without the process that submitted it."""
        self.drivers: list[Path] = []
        """For each attempt at a driver, the folder of its `stdout` and `stderr`."""
        self._machine = machine
        machine.runs.append(self)
        self._command = command
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()

    def run(self) -> None:
        """Do it (called by `start`)."""
        code = 1
        try:
            for name in ("controller", "syslog", "stdout", "stderr"):
                (self.folder / name).touch()
            words = shlex.join([self._command.jar, *self._command.arguments])
            self._note(f"INFO startExec 'hadoop jar {words}'")
            code = self._work()
        except MissingFile as error:
            self._say(f'Exception in thread "main" java.io.FileNotFoundException: {error}')
        except GristmillError as error:
            self._say(f"this simulator cannot run Spark: {error}")
        finally:
            shutil.rmtree(self.folder / "work", ignore_errors=True)
            self._note(f"INFO waitProcessCompletion ended with exit code {code}")
            with self._lock:
                self.code = code if self.code is None else self.code

    def cancel(self, *, force: bool = False) -> None:
        """Ask the process to end, or end it where `force`. It has ended when `code` is there.

        A driver that YARN runs goes on, as EMR's documentation says of asynchronous processes:
        https://docs.aws.amazon.com/emr/latest/ManagementGuide/emr-cancel-steps.html
        """
        with self._lock:
            if self.code is not None:
                return
            self.is_cancelled = True
            if self._is_apart:
                self.code = _TERMINATED
            else:
                self._signal(signal.SIGKILL if force else signal.SIGTERM)

    def end(self) -> None:
        """End all that runs, as the machines that it runs on do when they end."""
        with self._lock:
            self.is_cancelled = self.is_cancelled or self.code is None
            self._signal(signal.SIGKILL)

    def _signal(self, number: signal.Signals) -> None:
        if self._process and self._process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, number)

    def _work(self) -> int:
        if self._command.jar != _RUNNER:
            raise MissingFile(f"{self._command.jar}: only {_RUNNER} is simulated")
        if not self._command.arguments:
            self._say("command-runner.jar: no command")
            return 1
        first, *rest = self._command.arguments
        if Path(first).name == "spark-submit":
            return self._submit(rest)
        folder = self._machine.work(f"{self.folder.name}/work")
        environ = self._machine.environ(self._command.release, folder)
        return self._spawn((list(self._command.arguments), environ, folder), self.folder)

    def _submit(self, arguments: list[str]) -> int:
        try:
            submission = spark.parse(arguments)
        except spark.UsageError as error:
            self._say(f"{error}\nRun with --help for usage help or --verbose for debug output")
            return 1
        if submission.is_cluster and self._command.is_on_yarn:
            submission.arguments = yarn.launched(submission.arguments)
        first = self._prepare(submission, 1)
        if not submission.is_cluster:
            with self._slot():
                return self._spawn(first, self.folder)
        application = f"application_{self._command.application}"
        attempts = 1
        if self._command.is_on_yarn:
            attempts = int(submission.settings.get("spark.yarn.maxAppAttempts", _ATTEMPTS))
        tags = submission.settings.get("spark.yarn.tags", "")
        self._report(application, "ACCEPTED")
        with self._slot():
            self._report(application, "RUNNING")
            for attempt in range(1, attempts + 1):
                output = self.folder / f"driver-{attempt:02}"
                output.mkdir()
                self.drivers.append(output)
                prepared = first if attempt == 1 else self._prepare(submission, attempt)
                self._is_apart = self._command.is_on_yarn
                code = self._spawn(prepared, output, application, tags)
                if code == 0 or self.is_cancelled:
                    break
                if self._command.is_on_yarn:
                    _tell_end(output / "stderr", code)
        self._report(application, "KILLED" if self.is_cancelled else "FINISHED")
        if code:
            how = "killed" if self.is_cancelled else "failed"
            self._say(
                'Exception in thread "main" org.apache.spark.SparkException: Application '
                f"{application} finished with {how} status\n"
                "\tat org.apache.spark.deploy.yarn.Client.run(Client.scala)"
            )
        return min(code, 1)

    def _prepare(self, submission: spark.Submission, attempt: int) -> Prepared:
        folder = self._machine.work(f"{self.folder.name}/work/{attempt}")
        return driver.command(
            submission, self._machine, self._command.release, folder, self._command.variables
        )

    def _spawn(
        self, prepared: Prepared, output: Path, application: str = "", tags: str = ""
    ) -> int:
        argv, environ, folder = prepared
        with (output / "stdout").open("ab") as out, (output / "stderr").open("ab") as err:
            try:
                with self._lock:
                    if self.is_cancelled:
                        return _TERMINATED
                    self._process = subprocess.Popen(
                        argv,
                        cwd=folder,
                        env=environ,
                        stdin=subprocess.DEVNULL,
                        stdout=out,
                        stderr=err,
                        # A group of its own, to be ended as one.
                        start_new_session=True,
                    )
            except OSError as error:
                err.write(f'Cannot run program "{argv[0]}": {error.strerror}\n'.encode())
                return 1
            if application:
                self._machine.yarn.add(application, tags, self._process.pid)
            code = self._process.wait()
            if application:
                self._machine.yarn.remove(application)
            # What it started and left behind ends with it.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
        return 128 - code if code < 0 else code

    @contextlib.contextmanager
    def _slot(self) -> Iterator[None]:
        while not self._machine.slots.acquire(timeout=_POLL):
            if self.is_cancelled:
                yield
                return
        try:
            yield
        finally:
            self._machine.slots.release()

    def _report(self, application: str, state: str) -> None:
        self._say(f"{_now()} INFO Client: Application report for {application} (state: {state})")

    def _say(self, text: str) -> None:
        with (self.folder / "stderr").open("a") as log:
            log.write(f"{text}\n")

    def _note(self, text: str) -> None:
        with (self.folder / "controller").open("a") as log:
            log.write(f"{datetime.now(UTC).isoformat(timespec='milliseconds')} {text}\n")


def _tell_end(log: Path, code: int) -> None:
    reason = f"User application exited with status {code}"
    with log.open("a") as stream:
        stream.write(
            f"{_now()} ERROR ApplicationMaster: {reason}\n"
            f"{_now()} INFO ApplicationMaster: Final app status: FAILED, exitCode: {code}, "
            f"(reason: {reason})\n"
        )


def _now() -> str:
    return datetime.now(UTC).strftime("%y/%m/%d %H:%M:%S")
