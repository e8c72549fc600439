"""Who a worker is, and whether another of this machine still lives."""

import os
import secrets
import socket
from contextlib import suppress
from pathlib import Path

from gristmill.manager.ledger.workers import WorkerIdentity


def this_process() -> WorkerIdentity:
    """A new worker in this process."""
    host, process = socket.gethostname(), os.getpid()
    name = f"{host}-{process}-{secrets.token_hex(3)}"
    return WorkerIdentity(name, host, _boot(), process, _started(process) or "")


def is_dead(worker: WorkerIdentity) -> bool:
    """Whether a worker of this machine has surely gone: it was started again since, the process is
    not there, or another has its number."""
    if worker.boot != _boot():
        return True
    try:
        os.kill(worker.process, 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        pass
    now, then = _started(worker.process), worker.process_started
    return bool(now and then) and now != then


def _boot() -> str:
    """What the machine has since it was started; empty where it does not tell."""
    with suppress(OSError):
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    return ""


def _started(process: int) -> str | None:
    """When a process was started, in ticks since the machine was; None where that is not told."""
    with suppress(OSError, IndexError):
        # https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html: field 22, behind the name.
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[19]
    return None
