"""How clusters go on, a moment at a time: their states, and their steps' by their rules."""

from pathlib import Path

from simulator.emr.state import ALIVE, Cluster, Step
from simulator.logs import Logs
from simulator.machine import Machine
from simulator.runs import Command, Run
from simulator.timing import Timing


class Lifecycle:
    """Moves clusters on. What it does to one cluster is for one thread at a time."""

    def __init__(self, machine: Machine, logs: Logs, timing: Timing) -> None:
        self._machine = machine
        self._logs = logs
        self._timing = timing

    def advance(self, cluster: Cluster, now: float) -> None:
        """Do what is due for a cluster by `now`, an epoch."""
        age = now - cluster.changed
        if cluster.state == "STARTING" and age >= self._timing.starting:
            cluster.enter("BOOTSTRAPPING", now)
        elif cluster.state == "BOOTSTRAPPING" and age >= self._timing.bootstrapping:
            cluster.ready = now
            cluster.enter("WAITING", now, "Cluster ready to run steps.")
        elif cluster.state == "TERMINATING" and age >= self._timing.terminating:
            self._end(cluster, now)
        self._finish_steps(cluster, now)
        if cluster.state in {"RUNNING", "WAITING"}:
            self._start_steps(cluster, now)
            self._settle(cluster, now)

    def terminate(self, cluster: Cluster, now: float, code: str, message: str) -> None:
        """Begin to shut a cluster down, for a reason that is one of EMR's codes."""
        cluster.enter("TERMINATING", now, message, code)
        for step in cluster.steps:
            if step.run:
                step.run.end()
        for step in cluster.unfinished:
            if step.run:
                self._ends(cluster, step, now, "INTERRUPTED")
            else:
                self._ends(cluster, step, now, "CANCELLED")

    def kill(self, cluster: Cluster, now: float, code: str, message: str) -> None:
        """Have a cluster be gone at once."""
        self.terminate(cluster, now, code, message)
        self._end(cluster, now)

    def _end(self, cluster: Cluster, now: float) -> None:
        is_well = cluster.reason[0] in {"USER_REQUEST", "ALL_STEPS_COMPLETED"}
        cluster.enter("TERMINATED" if is_well else "TERMINATED_WITH_ERRORS", now)
        cluster.ended = now

    def _settle(self, cluster: Cluster, now: float) -> None:
        """Whether there is work, and what becomes of a cluster without."""
        if cluster.unfinished:
            if cluster.state == "WAITING":
                cluster.enter("RUNNING", now, "Running step")
            return
        if not cluster.keeps_alive:
            failed = any(step.state == "FAILED" for step in cluster.steps)
            words = "Steps completed with errors" if failed else "Steps completed"
            self.terminate(cluster, now, "ALL_STEPS_COMPLETED", words)
        elif cluster.state == "RUNNING":
            cluster.enter("WAITING", now, "Cluster ready after last step completed.")
        elif self._is_idle(cluster, now):
            # EMR's own words for it are not documented.
            self.terminate(cluster, now, "USER_REQUEST", "Terminated by auto-termination policy")

    def _is_idle(self, cluster: Cluster, now: float) -> bool:
        timeout = cluster.idle_timeout
        # A cluster that is protected from termination goes on, whatever its policy.
        if timeout is None or cluster.is_protected:
            return False
        return now - cluster.changed >= timeout * self._timing.second

    def _start_steps(self, cluster: Cluster, now: float) -> None:
        running = sum(step.run is not None for step in cluster.unfinished)
        for step in cluster.unfinished:
            if running >= cluster.concurrency:
                return
            if step.run is None and now - step.created >= self._timing.pending:
                running += 1
                self._start(cluster, step, now)

    def _start(self, cluster: Cluster, step: Step, now: float) -> None:
        cluster.applications += 1
        command = Command(
            arguments=step.config.get("Args", []),
            jar=step.config["Jar"],
            release=cluster.release,
            application=f"{int(cluster.created * 1000)}_{cluster.applications:04}",
        )
        step.run = Run(self._machine, self._machine.work(step.id), command)
        step.state, step.started = "RUNNING", now
        step.run.start()

    def _finish_steps(self, cluster: Cluster, now: float) -> None:
        for step in cluster.unfinished:
            if step.state == "CANCEL_PENDING" and now - step.changed >= self._timing.cancelling:
                if step.run is None:
                    self._ends(cluster, step, now, "CANCELLED")
                elif step.force or not step.run.is_cancelled:
                    step.run.cancel(force=step.force)
            if step.is_finished or step.run is None or step.run.code is None:
                continue
            if step.run.is_cancelled:
                self._ends(cluster, step, now, "CANCELLED")
            elif step.run.code == 0:
                self._ends(cluster, step, now, "COMPLETED")
            else:
                self._fails(cluster, step, now)

    def _fails(self, cluster: Cluster, step: Step, now: float) -> None:
        step.failure = {"Reason": "Unknown Error."}
        if cluster.log_home:
            step.failure["LogFile"] = f"{cluster.log_home}/steps/{step.id}/stderr.gz"
        self._ends(cluster, step, now, "FAILED")
        if cluster.state not in ALIVE or step.action == "CONTINUE":
            return
        # Where it is protected from termination, EMR waits as with CANCEL_AND_WAIT.
        if step.action == "CANCEL_AND_WAIT" or cluster.is_protected:
            for later in cluster.unfinished:
                self._ends(cluster, later, now, "CANCELLED")
        else:
            self.terminate(cluster, now, "STEP_FAILURE", "Shut down as step failed")

    def _ends(self, cluster: Cluster, step: Step, now: float, state: str) -> None:
        step.state = state
        step.ended = now
        if step.run:
            self._logs.send(cluster.log_home, _log_files(step, step.run))


def _log_files(step: Step, run: Run) -> dict[str, Path]:
    """A step's logs by where EMR puts them, without the ending."""
    files = {
        f"steps/{step.id}/{name}": run.folder / name
        for name in ("controller", "stdout", "stderr", "syslog")
    }
    for attempt, folder in enumerate(run.drivers, start=1):
        container = f"container_{run.application}_{attempt:02}_000001"
        for name in ("stdout", "stderr"):
            place = f"containers/application_{run.application}/{container}/{name}"
            files[place] = folder / name
    return files
