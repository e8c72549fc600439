"""How applications and job runs go on, a moment at a time."""

from pathlib import Path
from typing import Any

from simulator.logs import Logs
from simulator.machine import Machine
from simulator.runs import Command, Run
from simulator.serverless.jobruns import arguments
from simulator.serverless.state import Application, JobRun
from simulator.timing import Timing

_MINUTE = 60
_DEFAULT_QUEUE_TIMEOUT = 360


class Lifecycle:
    """Moves applications on. What it does to one of them is for one thread at a time."""

    def __init__(self, machine: Machine, logs: Logs, timing: Timing) -> None:
        self._machine = machine
        self._logs = logs
        self._timing = timing

    def advance(self, application: Application, now: float) -> None:
        """Do what is due for an application and its job runs by `now`, an epoch."""
        unfinished = [run for run in application.runs.values() if not run.is_final]
        age = now - application.changed
        if application.state == "CREATING" and age >= self._timing.starting / 2:
            application.enter("CREATED", now)
        elif application.state in {"CREATED", "STOPPED"} and unfinished:
            application.enter("STARTING", now)
        elif application.state == "STARTING" and age >= self._timing.starting / 2:
            application.enter("STARTED", now)
        elif application.state == "STARTED" and not unfinished and self._is_idle(application, now):
            application.enter("STOPPING", now)
        elif application.state == "STOPPING" and age >= self._timing.terminating:
            application.enter("STOPPED", now)
        for run in unfinished:
            self._advance(application, run, now)

    def _is_idle(self, application: Application, now: float) -> bool:
        stops = application.request["autoStopConfiguration"]
        ended = [run.ended or now for run in application.runs.values()]
        since = max(application.changed, *ended, 0)
        idle = stops.get("idleTimeoutMinutes", 15) * _MINUTE * self._timing.second
        return bool(stops.get("enabled", True)) and now - since >= idle

    def _advance(self, application: Application, run: JobRun, now: float) -> None:
        age = now - run.changed
        if run.state == "SUBMITTED" and age >= self._timing.pending:
            run.enter("PENDING" if _has_room(application) else "QUEUED", now)
        elif run.state == "QUEUED":
            self._dequeue(application, run, now)
        elif run.state == "PENDING" and application.state == "STARTED":
            run.enter("SCHEDULED", now)
        elif run.state == "SCHEDULED" and age >= self._timing.pending:
            self._start(run, now)
        elif run.state == "RUNNING":
            self._check(application, run, now)
        elif run.state == "CANCELLING" and age >= self._timing.cancelling:
            self._cancel(application, run, now)

    def _dequeue(self, application: Application, run: JobRun, now: float) -> None:
        scheduler = application.request["schedulerConfiguration"]
        patience = scheduler.get("queueTimeoutMinutes", _DEFAULT_QUEUE_TIMEOUT) * _MINUTE
        if _has_room(application):
            run.enter("PENDING", now)
        elif now - run.changed >= patience * self._timing.second:
            run.enter("FAILED", now, "The job run was queued for longer than its queue timeout.")

    def _start(self, run: JobRun, now: float) -> None:
        command = Command(
            arguments=arguments(run.request),
            release=run.release,
            application=run.id,
            is_on_yarn=False,
        )
        folder = self._machine.work(f"{run.id}-{run.attempt}")
        run.run = Run(self._machine, folder, command)
        run.started = run.started or now
        run.enter("RUNNING", now)
        run.run.start()

    def _check(self, application: Application, run: JobRun, now: float) -> None:
        at_work = run.run
        timeout = run.request["executionTimeoutMinutes"] * _MINUTE * self._timing.second
        if at_work is None or at_work.code is None:
            if run.started and now - run.started >= timeout:
                run.enter("CANCELLING", now, "The job run exceeded its execution timeout.")
            return
        self._send_logs(application, run, at_work)
        if at_work.code == 0:
            run.enter("SUCCESS", now)
        elif run.attempt < run.request.get("retryPolicy", {}).get("maxAttempts", 1):
            run.attempt += 1
            run.run = None
            run.enter("PENDING", now)
        else:
            run.enter("FAILED", now, _failure(at_work))

    def _cancel(self, application: Application, run: JobRun, now: float) -> None:
        if run.run and run.run.code is None:
            if not run.run.is_cancelled:
                run.run.cancel()
            return
        if run.run:
            self._send_logs(application, run, run.run)
        run.enter("CANCELLED", now, run.details)

    def _send_logs(self, application: Application, run: JobRun, done: Run) -> None:
        files = {f"SPARK_DRIVER/{name}": path for name, path in _log_files(done).items()}
        home = _log_home(run.request.get("configurationOverrides", {}))
        home = home or _log_home(application.request)
        if home:
            place = f"{home.rstrip('/')}/applications/{application.id}/jobs/{run.id}"
            again = f"/attempts/{run.attempt}" if run.attempt > 1 else ""
            self._logs.send(place + again, files)


def _has_room(application: Application) -> bool:
    scheduler = application.request.get("schedulerConfiguration")
    if scheduler is None:
        return True
    at_work = sum(run.is_at_work for run in application.runs.values())
    return bool(at_work < scheduler.get("maxConcurrentRuns", 15))


def _log_home(given: dict[str, Any]) -> str | None:
    monitoring = given.get("monitoringConfiguration", {})
    home: str | None = monitoring.get("s3MonitoringConfiguration", {}).get("logUri")
    return home


def _log_files(done: Run) -> dict[str, Path]:
    # What kept the driver from starting is told where the driver's own words would be.
    folder = done.drivers[-1] if done.drivers else done.folder
    return {name: folder / name for name in ("stdout", "stderr")}


def _failure(done: Run) -> str:
    # Python's own words are in what the driver printed: Spark joins its two streams.
    logs = _log_files(done)
    lines = [
        line
        for name in ("stderr", "stdout")
        for line in logs[name].read_text(errors="replace").splitlines()
        if "Exception" in line or "Error" in line
    ]
    told = (
        "Job failed, please check complete logs in configured logging destination. "
        f"ExitCode: {done.code}. Last few exceptions: {lines[-1] if lines else ''}"
    )
    return told[:256]
